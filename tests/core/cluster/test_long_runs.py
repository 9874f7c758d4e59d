"""Lost nodes, which Ray notices late, the Ray client, a full disk at the storage, and a trainer that learns."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autocakechat.cluster.executor import RayExecutor
from autocakechat.cluster.options import ClusterOptions
from autocakechat.testing import Project
from tests.core.cluster.conftest import LocalCluster
from tests.core.cluster.trainings import SECONDS, Training, checkpoints, corpus_files, metrics_of

CHUNKS, CHUNK_BYTES = 6, 5_000_000


def write_chunks(number: int) -> Generator[bytes, None, int]:
    """A job whose output is too large to be sent with its result."""
    for chunk in range(CHUNKS):
        yield bytes([number, chunk]) * (CHUNK_BYTES // 2)
    return os.getppid()


@pytest.mark.soak
def test_output_of_a_lost_node_is_made_again(cluster: LocalCluster) -> None:
    node = cluster.add_node(num_cpus=1)
    executor = RayExecutor(ClusterOptions(address=cluster.address))
    found: list[list[bytes]] = []
    for output in executor.run_in_order(write_chunks, range(3)):
        if node and output.result in {raylet.process.pid for raylet in node.all_processes["raylet"]}:
            cluster.nodes.remove_node(node, allow_graceful=False)
            node = None
        found.append([chunk[:2] for chunk in output.chunks()])
    assert node is None, "no job ran on the node"
    assert found == [[bytes([number, chunk]) for chunk in range(CHUNKS)] for number in range(3)]


@pytest.mark.soak
def test_a_lost_node_leaves_the_others_with_the_training(training: Training, cluster: LocalCluster) -> None:
    node = cluster.add_node(num_cpus=1)
    with training.project.start(*training.command(steps=30, pause=0.2)) as acc:
        acc.wait_for(lambda: checkpoints(training.project.folder), SECONDS)
        cluster.nodes.remove_node(node, allow_graceful=False)
        acc.process.wait(SECONDS)
    assert acc.process.returncode == 0, acc.stderr
    assert "training on 3 workers" in acc.stderr
    metrics = json.loads(acc.stdout)["model"]["metrics"]
    assert metrics["workers"] == 2
    assert metrics["first_step"] > 0
    assert metrics["sum"] == training.here(steps=30)


@contextmanager
def client_server(cluster: LocalCluster) -> Iterator[str]:
    """Starts the server for clients that are not part of the cluster, and yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ray.util.client.server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--address", cluster.address, "--mode", "proxy"]
    environment = os.environ | {"PYTHONPATH": str(cluster.site)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert server.poll() is None
        yield f"ray://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


@pytest.mark.soak
def test_a_client_outside_of_the_cluster(project: Project, cluster: LocalCluster, tmp_path: Path) -> None:
    here = corpus_files(project)
    with client_server(cluster) as address:
        assert corpus_files(project, "--force", "corpus", "--cluster", address) == here
        storage = f"cluster.storage=file://{tmp_path}/storage"
        command = ("--until", "model", "--json", "--cluster", address, "--set", storage)
        assert metrics_of(project.run(*command))["workers"] == 2


@pytest.mark.soak
def test_a_full_disk_at_the_storage_is_one_line(training: Training, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        filler = disk / "filler"
        with training.project.start(*training.command(steps=200, pause=0.2, storage=disk)) as acc:
            acc.wait_for(lambda: checkpoints(disk), SECONDS)
            with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(bytes(512))
            assert acc.process.wait(SECONDS) == 1
        lines = [line for line in acc.stderr.splitlines() if line.startswith("acc: ")]
        assert len(lines) == 2, acc.stderr
        assert "disk full: No space left on device; free some space on this disk" in lines[0]
        assert lines[1].startswith("acc: to resume: ")
        filler.unlink()
        assert training.metrics(steps=200, storage=disk)["first_step"] > 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.soak
def test_two_workers_learn_what_one_process_learns(project: Project, cluster: LocalCluster) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'autocakechat[cakechat]'")
    options = {"size": "tiny", "epochs": 2, "ranking": False, "precision": "float32", "rehearsals": 0}
    project.pipeline(
        source={"use": "telegram", "path": "chats"},
        extractor={"use": "turns", "server": "user2"},
        trainer={"use": "cakechat", **options},
    )
    command = ("--until", "model", "--json", "--force", "model")
    here = metrics_of(project.run(*command))
    there = metrics_of(project.run(*command, "--cluster", cluster.address))
    assert there["samples"] == here["samples"] > 0
    assert there["perplexity"] == pytest.approx(here["perplexity"], rel=1e-3)
