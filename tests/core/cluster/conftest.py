"""A Ray cluster of separate processes on this machine, and projects that use it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from autocakechat.testing import Project
from tests.conftest import ROOT
from tests.core.cluster.trainings import Training
from tests.distributions import lay_out

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

EXPORTS = 8


@attrs.frozen
class LocalCluster:
    """A Ray cluster whose nodes are processes of this machine.

    Attributes:
        address: The address for `--cluster`.
        site: A folder on the import path of all nodes.
        nodes: Adds and removes nodes.
    """

    address: str
    site: Path
    nodes: Cluster

    def add_node(self, **resources: float) -> Any:
        """Starts a node."""
        return self.nodes.add_node(include_dashboard=False, **resources)

    def workers(self) -> list[int]:
        """Returns the ids of the processes that train; each has a scratch folder named after it."""
        nodes = self.nodes.list_all_nodes()
        raylets = {raylet.process.pid for node in nodes for raylet in node.all_processes["raylet"]}
        scratch = Path(tempfile.gettempdir()).glob("acc-cluster-*")
        processes = [int(folder.name.split("-")[2]) for folder in scratch]
        return [process for process in processes if parent_of(process) in raylets]


def parent_of(process: int) -> int | None:
    """Returns the id of the process that started another one; None if that has ended."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[1])


def start_cluster(site: Path) -> Iterator[LocalCluster]:
    """Starts a cluster of one node with one CPU; it ends when the iterator is closed."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'autocakechat[ray]'")
    site.mkdir()
    lay_out(site, "acc-summing", "summing", (Path(__file__).parent / "summing_trainer.py").read_text())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("RAY_worker_niceness", "0")  # by default, the tests beside these would take all CPUs
        from ray.cluster_utils import Cluster

        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            yield LocalCluster(nodes.address, site, nodes)
        finally:
            nodes.shutdown()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster of two nodes with one CPU each."""
    for started in start_cluster(tmp_path_factory.mktemp("cluster") / "site"):
        started.add_node(num_cpus=1)
        yield started


@pytest.fixture
def project(tmp_path: Path, cluster: LocalCluster) -> Project:
    """A project with eight exports and the trainer `summing`."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, os.environ | {"PYTHONPATH": os.pathsep.join([str(cluster.site), str(ROOT)])})
    for chat in range(EXPORTS):
        project.write(f"chats/{chat}/result.json", json.dumps(export_of(chat), indent=1))
    project.pipeline(
        source={"use": "telegram", "path": "chats"},
        extractor={"use": "turns", "server": "user2"},
        trainer={"use": "summing"},
    )
    return project


@pytest.fixture
def training(project: Project, cluster: LocalCluster, tmp_path: Path) -> Training:
    """Trainings of the project in the cluster."""
    processes = tmp_path / "processes"
    processes.mkdir()
    return Training(project, cluster.address, processes)


def export_of(chat: int) -> dict[str, Any]:
    """Makes a Telegram export of one chat, in which two people take turns."""
    messages = [
        {
            "id": number,
            "type": "message",
            "date_unixtime": str(1_700_000_000 + 60 * number),
            "from": f"person {1 + number % 2}",
            "from_id": f"user{1 + number % 2}",
            "text": f"message {number} of chat {chat}, call +49 171 1234{number:03}",
        }
        for number in range(60)
    ]
    return {"name": f"chat {chat}", "type": "personal_chat", "id": chat, "messages": messages}
