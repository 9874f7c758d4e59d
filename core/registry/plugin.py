"""A plugin of this environment: where it comes from, its status, and what it provides."""

from __future__ import annotations

from typing import Literal

import attrs

from autocakechat.interface.stage_types import CommandType, StageType
from autocakechat.text import escape_control_characters

BUNDLED = "autocakechat"

Provided = StageType | CommandType


@attrs.define
class Plugin:
    """A plugin that is installed, whether it works or not.

    Attributes:
        name: The name of its entry point.
        module: The module that the entry point names.
        distribution: The distribution that contains it.
        version: The version of the distribution.
        status: `active`; `failed`, with the reasons in `problems`; or `disabled`, and then it is not imported.
        problems: Why it failed, one line each.
        provides: Its stages and commands. Those of a failed plugin are not used.
        warnings: The deprecated names that it uses, for its author.
        tracebacks: Tracebacks of errors in its code, for `--verbose`.
    """

    name: str
    module: str
    distribution: str
    version: str
    status: Literal["active", "failed", "disabled"] = "active"
    problems: list[str] = attrs.field(factory=list)
    provides: list[Provided] = attrs.field(factory=list)
    warnings: list[str] = attrs.field(factory=list)
    tracebacks: list[str] = attrs.field(factory=list)

    @property
    def bundled(self) -> bool:
        """Whether it is part of autocakechat."""
        return self.distribution == BUNDLED

    @property
    def package(self) -> str:
        """The package with its code: the top-level one, or that of a bundled plugin."""
        return self.module if self.bundled else self.module.partition(".")[0]

    def __str__(self) -> str:
        return self.name if self.bundled else f"{self.name} ({self.distribution} {self.version})"

    def fail(self, problem: str) -> None:
        """Marks the plugin as failed, so that it is not used."""
        self.status = "failed"
        self.problems.append(problem)


def describe_error(error: BaseException) -> str:
    """Returns the type and the text of an error, safe to show."""
    details = error.msg if isinstance(error, SyntaxError) else str(error)  # without the line, which is shown anyway
    text = f"{type(error).__name__}: {details}" if details else type(error).__name__
    if isinstance(error, SystemExit):
        text += " (sys.exit or quit; raise UserError or StageError instead)"
    return escape_control_characters(text)
