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

from autocakechat.testing.annotator import AnnotatorContract
from autocakechat.testing.deployer import DeployerContract
from autocakechat.testing.extractor import ExtractorContract
from autocakechat.testing.fixtures import acc_plugins, acc_project, acc_run
from autocakechat.testing.project import Project, Running
from autocakechat.testing.source import SourceContract
from autocakechat.testing.trainer import TrainerContract

__all__ = [
    "AnnotatorContract",
    "DeployerContract",
    "ExtractorContract",
    "Project",
    "Running",
    "SourceContract",
    "TrainerContract",
    "acc_plugins",
    "acc_project",
    "acc_run",
]
