"""Makes installed distributions without pip: a module and a .dist-info folder."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent


def lay_out(folder: Path, distribution: str, plugin: str, code: str) -> None:
    """Makes a distribution with one plugin. It counts as installed if `folder` is on the import path."""
    module = f"{distribution}_{plugin}_{folder.name}".replace("-", "_")
    (folder / f"{module}.py").write_text(dedent(code))
    info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    with (info / "entry_points.txt").open("a") as entry_points:
        entry_points.write(f"[autocakechat]\n{plugin} = {module}\n")
