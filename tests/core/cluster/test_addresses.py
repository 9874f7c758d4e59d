"""Problems with a cluster that are found before anything is read, each in one line."""

from __future__ import annotations

import socket

import pytest

from autocakechat.testing import Project


def free_port() -> int:
    """Returns a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_cluster_that_cannot_be_reached(acc_project: Project, scheme: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'autocakechat[ray]'")
    address = f"{scheme}127.0.0.1:{free_port()}"
    failed = acc_project.run("--until", "corpus", "--cluster", address)
    assert failed.returncode == 2
    problem = f"cannot connect to {address}: Connection refused; start Ray there: ray start --head"
    assert failed.stderr == f"acc: pipeline.toml: cluster: {problem}\n"


def test_without_ray_a_cluster_is_an_error(acc_project: Project) -> None:
    failed = acc_project.without_modules(["ray"]).run("--until", "corpus", "--cluster", "auto")
    assert failed.returncode == 2
    assert failed.stderr == "acc: pipeline.toml: cluster: needs ray; run: pip install 'autocakechat[ray]'\n"


def test_without_a_cluster_ray_is_not_imported(acc_project: Project) -> None:
    acc_project = acc_project.without_modules(["ray", "fsspec"])
    assert acc_project.run("--until", "model").returncode == 0


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("address=head", 'must be "auto", "local", "ray://HOST:PORT" or "HOST:PORT", not \'head\''),
        ("workers=0", "must be >= 1"),
        ("gpus_per_worker=-1", "must be >= 0"),
        ("storage=shared", "must be an absolute path or an address such as s3://bucket/folder, not 'shared'"),
        ("adress=auto", "no such option; did you mean 'address'?"),
    ],
)
def test_a_wrong_option_is_an_error(acc_project: Project, option: str, problem: str) -> None:
    failed = acc_project.run("--until", "corpus", "--set", f"cluster.{option}")
    assert failed.returncode == 2
    assert problem in failed.stderr


def test_a_trainer_for_one_machine_says_so(acc_project: Project) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'autocakechat[ray]'")
    trained = acc_project.run("--until", "model", "--set", "cluster.workers=2")
    assert trained.returncode == 0
    assert "the trainer 'test-echo' cannot use several machines; it trains on this one" in trained.stderr


def test_a_cluster_does_not_change_the_key(acc_project: Project) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'autocakechat[ray]'")
    key = acc_project.outcome("model")["model"]["key"]
    acc_project.pipeline(cluster={"address": "auto", "workers": 3, "storage": "/mnt/shared"})
    assert acc_project.outcome("model")["model"] | {"metrics": {}} == {
        "path": str((acc_project.folder / ".acc/model" / key).resolve()),
        "key": key,
        "reused": True,
        "metrics": {},
    }
