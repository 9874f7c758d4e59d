"""The artifact store: an artifact is complete or does not exist, and one process at a time builds."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from autocakechat.artifacts.store import MANIFEST_NAMES, ArtifactStore, artifact_key
from autocakechat.errors import UserError


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / ".acc")


def build(store: ArtifactStore, key: str, content: str = "text") -> None:
    with store.locked(), store.building("corpus", key) as folder:
        (folder / "train.jsonl").write_text(content)
        (folder / MANIFEST_NAMES["corpus"]).write_text('{"ingredients": {"a": 1, "b": 2}}')


def test_a_built_artifact_is_found_by_its_key(store: ArtifactStore) -> None:
    build(store, "k1")
    found = store.find("corpus", "k1")
    assert found
    assert (found.path / "train.jsonl").read_text() == "text"
    assert store.find("corpus", "k2") is None
    assert store.find("model", "k1") is None


def test_a_failed_build_leaves_the_old_artifact(store: ArtifactStore) -> None:
    build(store, "k1", "old")
    with pytest.raises(RuntimeError), store.locked(), store.building("corpus", "k1") as folder:
        (folder / MANIFEST_NAMES["corpus"]).write_text("{}")
        raise RuntimeError
    found = store.find("corpus", "k1")
    assert found
    assert (found.path / "train.jsonl").read_text() == "old"


def test_an_interrupted_removal_leaves_no_artifact(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    build(store, "k1")
    folder = store.folder / "corpus" / "k1"

    def interrupt(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "rmtree", interrupt)
        store.remove(store.folder)
    assert (folder / "train.jsonl").exists()
    assert store.find("corpus", "k1") is None
    store.remove(folder)
    assert not folder.exists()
    with pytest.raises(UserError, match="k1: No such file or directory; remove it by hand"):
        store.remove(folder)


def test_a_killed_build_leaves_no_artifact(store: ArtifactStore) -> None:
    script = f"""
    import os, signal
    from pathlib import Path
    from autocakechat.artifacts.store import MANIFEST_NAMES, ArtifactStore
    store = ArtifactStore(Path({str(store.folder)!r}))
    with store.locked(), store.building("corpus", "k1") as folder:
        (folder / MANIFEST_NAMES["corpus"]).write_text("{{}}")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", dedent(script)], check=False).returncode == -9
    assert store.find("corpus", "k1") is None
    build(store, "k1")  # neither its lock nor its unfinished folder blocks the next build
    assert store.find("corpus", "k1")


def test_a_second_build_at_the_same_time_is_refused(store: ArtifactStore) -> None:
    refused = pytest.raises(UserError, match=f"process {os.getpid()} is already building")
    with store.locked(), refused, ArtifactStore(store.folder).locked():
        pass
    with store.locked():
        pass


def test_the_newest_artifact_is_the_one_built_or_reused_last(store: ArtifactStore) -> None:
    build(store, "k1")
    build(store, "k2")
    first = store.find("corpus", "k1")
    assert first
    os.utime(first.path, ns=(0, 0))
    assert store.newest("corpus").key == "k2"  # type: ignore[union-attr]
    store.touch(first)
    assert store.newest("corpus").key == "k1"  # type: ignore[union-attr]


def test_a_folder_that_others_could_read_becomes_private(store: ArtifactStore) -> None:
    store.folder.mkdir(mode=0o755, parents=True)
    store.folder.chmod(0o755)
    with store.locked():
        pass
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_the_folder_is_private_and_ignored_by_git(store: ArtifactStore) -> None:
    with store.locked():
        pass
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_keys_do_not_depend_on_the_order_of_ingredients() -> None:
    assert artifact_key({"a": 1, "b": [2]}) == artifact_key({"b": [2], "a": 1})
    assert artifact_key({"a": 1}) != artifact_key({"a": 2})
