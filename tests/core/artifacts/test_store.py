"""Artifacts: whole or not at all, one builder at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from autocakechat.artifacts.store import MANIFEST, ArtifactStore, Hashes, key_of
from autocakechat.errors import UserError


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / ".acc")


def build(store: ArtifactStore, key: str, content: str = "text") -> None:
    with store.locked(), store.building("corpus", key) as folder:
        (folder / "train.jsonl").write_text(content)
        (folder / MANIFEST["corpus"]).write_text('{"ingredients": {"a": 1, "b": 2}}')


def test_a_built_artifact_is_found_by_its_key(store: ArtifactStore) -> None:
    build(store, "k1")
    found = store.find("corpus", "k1")
    assert found
    assert (found.path / "train.jsonl").read_text() == "text"
    assert store.find("corpus", "k2") is None
    assert store.find("model", "k1") is None


def test_a_build_that_fails_leaves_nothing_that_looks_whole(store: ArtifactStore) -> None:
    build(store, "k1", "old")
    with pytest.raises(RuntimeError), store.locked(), store.building("corpus", "k1") as folder:
        (folder / MANIFEST["corpus"]).write_text("{}")
        raise RuntimeError
    found = store.find("corpus", "k1")
    assert found
    assert (found.path / "train.jsonl").read_text() == "old"


def test_a_process_killed_while_building_leaves_nothing_that_looks_whole(store: ArtifactStore) -> None:
    script = f"""
    import os, signal
    from pathlib import Path
    from autocakechat.artifacts.store import MANIFEST, Store
    store = Store(Path({str(store.folder)!r}))
    with store.locked(), store.building("corpus", "k1") as folder:
        (folder / MANIFEST["corpus"]).write_text("{{}}")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", dedent(script)], check=False).returncode == -9
    assert store.find("corpus", "k1") is None
    build(store, "k1")  # neither its lock nor its leavings are in the way
    assert store.find("corpus", "k1")


def test_a_second_builder_is_told_who_is_building(store: ArtifactStore) -> None:
    taken = pytest.raises(UserError, match=f"process {os.getpid()} is building")
    with store.locked(), taken, ArtifactStore(store.folder).locked():
        pass
    with store.locked():
        pass


def test_the_newest_artifact_is_the_one_asked_for_last(store: ArtifactStore) -> None:
    build(store, "k1")
    build(store, "k2")
    first = store.find("corpus", "k1")
    assert first
    os.utime(first.path, ns=(0, 0))
    assert store.newest("corpus").key == "k2"  # type: ignore[union-attr]
    store.touch(first)
    assert store.newest("corpus").key == "k1"  # type: ignore[union-attr]


def test_what_changed_is_named(store: ArtifactStore) -> None:
    assert store.why_not("corpus", {"a": 1}) == "there is no corpus yet"
    build(store, "k1")
    assert store.why_not("corpus", {"a": 1, "b": 3, "c": 4}) == "changed: b, c"


def test_cleaning_keeps_the_newest_of_each_kind(store: ArtifactStore) -> None:
    build(store, "k1")
    os.utime(store.folder / "corpus" / "k1", ns=(0, 0))
    build(store, "k2")
    store.state("model-k9")
    removed = store.clean()
    assert {path.name for path in removed} == {"k1", "model-k9"}
    assert store.find("corpus", "k2")


def test_the_folder_is_the_users_alone_and_ignored_by_git(store: ArtifactStore) -> None:
    with store.locked():
        pass
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_keys_do_not_depend_on_the_order_of_ingredients() -> None:
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text("one")
    hashes = Hashes(tmp_path / "hashes.json")
    first = hashes.of(file)
    hashes.save()
    again = Hashes(tmp_path / "hashes.json")
    assert again.of(file) == first
    file.write_text("two!")
    assert again.of(file) != first


def test_damaged_memory_of_hashes_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "hashes.json").write_text("{ broken")
    file = tmp_path / "result.json"
    file.write_text("one")
    assert len(Hashes(tmp_path / "hashes.json").of(file)) == 32
