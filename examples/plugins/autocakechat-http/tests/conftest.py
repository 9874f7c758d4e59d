"""A running server with a model that says `echo` and the last line, and a client."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from autocakechat.testing import AccProcess, Project

LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


@attrs.frozen
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.frozen
class Server:
    """A server that runs."""

    running: AccProcess
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Asks; `body` is sent as JSON unless it is bytes. `Content_Type` and the like name headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)


Serve = Callable[..., Any]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose model is trained."""
    project = Project.make(tmp_path_factory.mktemp("http") / "acc")
    project.outcome("model")
    return project


@contextmanager
def serving(project: Project, seconds: float = 0.0, **options: Any) -> Iterator[Server]:
    project.pipeline(reply={"seconds": seconds}, deployer={"use": "http", "port": 0, **options})
    with project.start("deploy") as running:
        running.wait_for(lambda: LISTENING.search(running.stderr))
        found = LISTENING.search(running.stderr)
        assert found
        yield Server(running, int(found[1]))


@pytest.fixture(scope="session")
def serve(project: Project) -> Serve:
    """Starts a server with other options: `with serve(origins=[...]) as server`."""
    return lambda **options: serving(project, **options)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    """A server that runs with the usual options."""
    with serving(project) as server:
        yield server
