"""Libraries work after `docker/slim.py` has removed their development files."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docker.checkout import ROOT

SLIM = ROOT / "docker/slim.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="images contain Linux libraries")


def compiled(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec
    assert spec.origin
    return Path(spec.origin)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder laid out like an environment, with two libraries, headers and other files."""
    libraries = tmp_path / "lib/python3.11/site-packages"
    for name in ("tensorflow/include/x.h", "tensorflow/python/x.py", "clang/x.so", "a.a", "nvidia/lib/x.so", "b.so"):
        (libraries / name).parent.mkdir(parents=True, exist_ok=True)
        (libraries / name).write_text("not a library\n")
    shutil.copy(compiled("msgspec._core"), libraries)
    shutil.copytree(compiled("numpy").parent, libraries / "numpy")
    if (bundled := compiled("numpy").parent.with_name("numpy.libs")).is_dir():
        shutil.copytree(bundled, libraries / "numpy.libs")
    return tmp_path


def test_headers_and_static_libraries_are_removed(environment: Path) -> None:
    output = subprocess.run([sys.executable, SLIM, environment], capture_output=True, text=True, check=True).stdout
    assert " MB -> " in output
    libraries = environment / "lib/python3.11/site-packages"
    left = {str(path.relative_to(libraries)) for path in libraries.rglob("x.*")} | {
        path.name for path in libraries.glob("*.*")
    }
    assert {"tensorflow/python/x.py", "nvidia/lib/x.so", "b.so"} <= left
    assert not left & {"tensorflow/include/x.h", "clang/x.so", "a.a"}
    assert (libraries / "b.so").read_text() == "not a library\n"


def test_libraries_get_smaller_and_still_work(environment: Path) -> None:
    libraries = environment / "lib/python3.11/site-packages"
    # Bytes after the last loaded segment, as symbols are.
    library = libraries / compiled("msgspec._core").name
    before = library.stat().st_size
    with library.open("ab") as file:
        file.write(bytes(100_000))
    subprocess.run([sys.executable, SLIM, environment], capture_output=True, check=True)
    assert library.stat().st_size < before
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy, _core; "
        "assert numpy.__file__.startswith(sys.argv[1]); "
        "print(numpy.linalg.solve(numpy.eye(2) * 2, [2.0, 4.0]), _core.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(libraries)], capture_output=True, text=True)
    assert done.stdout == "[1. 2.] msgspec._core\n", done.stderr
