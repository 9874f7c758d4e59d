"""Writes the package of a new plugin: a working stage with its tests, to start from."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from autocakechat.errors import UserError
from autocakechat.interface.stage_types import STAGE_TYPES

KINDS = tuple(stage_type.kind for stage_type in STAGE_TYPES)

# The files of the package, by template. Both names may contain placeholders.
_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "gitignore.txt": ".gitignore",
    "ci.yml.txt": ".github/workflows/tests.yml",
    "$kind.py.txt": "$module.py",
    "${kind}_test.py.txt": "tests/test_$module.py",
}
_EXAMPLES = {
    "source": '[[source]]\nuse = "$stage"\npath = "chat.txt"\n',
    "extractor": '[extractor]\nuse = "$stage"\nserver = "bob"\n',
    "annotator": '[annotator]\nuse = "$stage"\n',
    "trainer": '[trainer]\nuse = "$stage"\n',
    "deployer": '[deployer]\nuse = "$stage"\n',
}


def new_plugin(name: str, kind: str, parent: Path) -> Path:
    """Writes a package that provides one stage.

    Args:
        name: The name of the stage. The distribution is called `autocakechat-NAME`.
        kind: The kind of stage.
        parent: The folder that will contain the package's folder.

    Returns:
        The package's folder.

    Raises:
        UserError: The name is invalid, or the folder already exists or cannot be written.
    """
    name = name.removeprefix("autocakechat-")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UserError(f"invalid plugin name {name!r}", "use lower-case letters, digits and hyphens, such as my-stage")
    folder = parent / f"autocakechat-{name}"
    if folder.exists():
        raise UserError(f"{folder}: already exists", "give another name, or move this folder")
    values = _values(name, kind)
    templates = files("autocakechat.registry.template")
    try:
        for template_name, target_name in _FILES.items():
            template = templates.joinpath(_fill(template_name, values))
            target = folder / _fill(target_name, values)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_fill(template.read_text("utf-8"), values), "utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(f"{folder}: {error.strerror}", "give another --into folder") from None
    return folder


def _fill(text: str, values: dict[str, str]) -> str:
    """Replaces the placeholders in a text, such as `$kind`."""
    return Template(text).substitute(values)


def _values(name: str, kind: str) -> dict[str, str]:
    """Returns the values of the placeholders in the templates."""
    article = "an" if kind[0] in "aeiou" else "a"
    major, minor = version("autocakechat").split(".")[:2]
    return {
        "name": name,  # of the plugin's entry point
        "stage": name,  # the value of `use`
        "distribution": f"autocakechat-{name}",
        "module": f"autocakechat_{name.replace('-', '_')}",
        "kind": kind,
        "type": f"{kind.capitalize()}Type",
        "article": article,
        "article_capital": article.capitalize(),
        "example": _fill(_EXAMPLES[kind], {"stage": name}),
        # The plugin depends on autocakechat>=since,<before: deprecated names work for two minor versions, see
        # docs/plugins/versions.md.
        "since": f"{major}.{minor}",
        "before": f"{major}.{int(minor) + 2}",
    }
