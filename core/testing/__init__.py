r"""A pytest plugin for the tests of plugins: fixtures, and contract tests that every stage of a kind has to pass.

pytest loads this module wherever autocakechat is installed. A contract is a class of tests; a plugin subclasses it and
names its stage:

    from autocakechat.testing import SourceContract

    class TestPlain(SourceContract):
        name = "plain"

        def write_log(self, folder, messages):
            lines = [f"{sender}: {text}\n" for sender, text in messages]
            (folder / "log.txt").write_text("".join(lines), "utf-8")
            return {"path": "log.txt"}
"""

from typing import Any

from autocakechat.interface.deprecation import deprecated, warn_deprecated
from autocakechat.testing.annotator import AnnotatorContract
from autocakechat.testing.browser import checked_page, chromium
from autocakechat.testing.deployer import DeployerContract
from autocakechat.testing.extractor import ExtractorContract
from autocakechat.testing.fixtures import acc_plugins, acc_project, acc_run
from autocakechat.testing.process import AccProcess
from autocakechat.testing.project import Project
from autocakechat.testing.source import SourceContract
from autocakechat.testing.trainer import TrainerContract

__all__ = [
    "AccProcess",
    "AnnotatorContract",
    "DeployerContract",
    "ExtractorContract",
    "Project",
    "SourceContract",
    "TrainerContract",
    "acc_plugins",
    "acc_project",
    "acc_run",
    "checked_page",
    "chromium",
]


def __getattr__(name: str) -> Any:
    """Deprecated names work and warn."""
    if name == "Running":
        warn_deprecated(
            deprecated(
                "autocakechat.testing.Running", since="0.1", gone="0.3", instead="autocakechat.testing.AccProcess"
            )
        )
        return AccProcess
    raise AttributeError(f"module 'autocakechat.testing' has no attribute {name!r}")
