"""The plugin in the README passes its contract tests, and the examples in docs/plugins/testing.md run unchanged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.distributions import lay_out

CLASS_EXCERPT = "def table("  # the example of a fixture, which is not a complete class


def python_blocks(name: str) -> list[str]:
    return [str(block) for block in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)]


def test_the_examples_run(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    plugin = next(block for block in python_blocks("README.md") if block.startswith("# autocakechat_plain.py"))
    lay_out(site, "acc-plain", "plain", plugin)
    examples = [block for block in python_blocks("docs/plugins/testing.md") if CLASS_EXCERPT not in block]
    assert len(examples) == 4
    tests = "\n\n".join(["import pytest\nfrom autocakechat.testing import DeployerContract", *examples])
    (tmp_path / "test_it.py").write_text(tests, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
