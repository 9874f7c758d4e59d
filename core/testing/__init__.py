r"""For the tests of plugins: fixtures, and contracts that a stage of each kind has to keep.

pytest finds this module by itself wherever autocakechat is installed. A contract is a class of tests; a plugin's test
file makes a subclass of it that says which stage is meant:

    from autocakechat.testing import SourceContract

    class TestPlain(SourceContract):
        name = "plain"

        def write_log(self, folder, said):
            lines = [f"{sender}: {text}\n" for sender, text in said]
            (folder / "log.txt").write_text("".join(lines), "utf-8")
            return {"path": "log.txt"}
"""

from typing import Any

from autocakechat.interface.deprecation import deprecated, warn_deprecated
from autocakechat.testing.annotator import AnnotatorContract
from autocakechat.testing.deployer import DeployerContract
from autocakechat.testing.extractor import ExtractorContract
from autocakechat.testing.fixtures import acc_plugins, acc_project, acc_run
from autocakechat.testing.project import AccProcess, Project
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
]


def __getattr__(name: str) -> Any:
    """Former names work and warn."""
    if name == "Running":
        warn_deprecated(
            deprecated(
                "autocakechat.testing.Running", since="0.1", gone="0.3", instead="autocakechat.testing.AccProcess"
            )
        )
        return AccProcess
    raise AttributeError(f"module 'autocakechat.testing' has no attribute {name!r}")
