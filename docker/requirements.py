"""Prints the requirements of some extras, so that an image can install them before the code is copied into it.

python docker/requirements.py cakechat-cpu telegram
"""

from __future__ import annotations

import re
import sys
from configparser import ConfigParser
from pathlib import Path

setup = ConfigParser()
setup.read(Path(__file__).resolve().parents[1] / "setup.cfg")
extras = setup["options.extras_require"]
wanted = [setup["options"]["install_requires"], *(extras[name] for name in sys.argv[1:])]
for line in "\n".join(wanted).splitlines():
    if line and not re.match(r"autocakechat\b", line):
        print(line)
