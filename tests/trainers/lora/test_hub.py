"""Bases from a hub: a server on this machine answers like that of Hugging Face."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.lora.bases.find import find_base

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "hf:robin/tiny@main"


class HubHandler(BaseHTTPRequestHandler):
    """Serves the folder of a base as the repository robin/tiny."""

    folder: ClassVar[Path]
    error: ClassVar[tuple[int, str] | None] = None

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def log_message(self, format: str, *args: Any) -> None: ...

    def _answer(self, with_content: bool) -> None:
        status, code = self.error or (200, "")
        content = b"" if self.error else self._content()
        self.send_response(404 if content is None else status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(content or b"")))
        self.send_header("ETag", f'"{hashlib.sha256(content or b"").hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_content:
            self.wfile.write(content or b"")

    def _content(self) -> bytes | None:
        """Returns what is at the path of the request; None if there is nothing."""
        files = [{"rfilename": file.name, "size": file.stat().st_size} for file in sorted(self.folder.iterdir())]
        files += [{"rfilename": "pytorch_model.bin", "size": 10**12}, {"rfilename": "code.py", "size": 1}]
        if self.path.startswith("/api/models/robin/tiny/tree"):
            tree = [{"type": "file", "path": file["rfilename"], "oid": "1", "size": file["size"]} for file in files]
            return json.dumps(tree).encode()
        if self.path.startswith("/api/models/robin/tiny"):
            card = {"license": "apache-2.0"}
            return json.dumps({"id": "robin/tiny", "sha": COMMIT, "siblings": files, "cardData": card}).encode()
        file = self.folder / self.path.rpartition("/")[2]
        return file.read_bytes() if file.is_file() else None


@pytest.fixture
def hub(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[HubHandler]]:
    handler = type("Handler", (HubHandler,), {"folder": tiny_base})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_licence_and_size_are_said_and_weights_and_tokenizer_are_downloaded(
    hub: type[HubHandler], run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        found = find_base(NAME, None, (), run)
    assert "licence apache-2.0" in caplog.text
    assert COMMIT in caplog.text
    assert set(found.record.files) == {file.name for file in hub.folder.iterdir()}, "neither pickles nor code"
    for name, digest in found.record.files.items():
        assert hashlib.sha256((hub.folder / name).read_bytes()).hexdigest() == digest


def test_a_base_that_does_not_fit_into_memory_is_not_downloaded(
    hub: type[HubHandler], run: RunContext, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"only 0\.0 GB fit into memory here; choose a smaller base"):
        find_base(NAME, None, (), run, largest=1000)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ((403, "GatedRepo"), "its licence must be accepted first"),
        ((404, "RepoNotFound"), "no such base or revision"),
        ((404, "RevisionNotFound"), "no such base or revision"),
        ((400, "Odd"), "the hub cannot be reached"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    hub: type[HubHandler], run: RunContext, error: tuple[int, str], message: str
) -> None:
    hub.error = error
    with pytest.raises(UserError, match=message) as caught:
        find_base(NAME, None, (), run)
    assert "\n" not in str(caught.value)


def test_a_hub_that_cannot_be_reached_is_one_line(run: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest.importorskip("huggingface_hub").constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=f"{NAME}: the hub cannot be reached"):
        find_base(NAME, None, (), run)


def test_a_base_in_the_cache_is_used_if_the_hub_cannot_be_reached(
    hub: type[HubHandler], run: RunContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    downloaded = find_base(NAME, None, (), run)
    monkeypatch.setattr(pytest.importorskip("huggingface_hub").constants, "ENDPOINT", "http://127.0.0.1:9")
    with caplog.at_level("WARNING"):
        found = find_base(NAME, None, (), run)
    assert found.record.files == downloaded.record.files
    assert f"{NAME}: the hub cannot be reached: using the copy in the cache, commit {COMMIT}" in caplog.text
    with pytest.raises(UserError, match="fit into memory here"):
        find_base(NAME, None, (), run, largest=1000)
    (found.folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match="the hub cannot be reached; check the network"):
        find_base(NAME, None, (), run)


def test_weights_in_the_form_of_mistral_are_left_out_beside_others(
    hub: type[HubHandler], run: RunContext, tiny_base: Path, tmp_path: Path
) -> None:
    hub.folder = tmp_path / "mistral"
    shutil.copytree(tiny_base, hub.folder)
    (hub.folder / "consolidated.safetensors").write_bytes(b"the weights again")
    for found in (find_base(NAME, None, (), run), find_base("smollm2", hub.folder, (), run)):
        assert set(found.record.files) == {file.name for file in tiny_base.iterdir()}
    shutil.move(hub.folder / "model.safetensors", hub.folder / "consolidated-1.safetensors")
    assert "consolidated.safetensors" in find_base("smollm2", hub.folder, (), run).record.files
