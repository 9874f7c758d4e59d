"""A running server whose model replies with `echo` and the last line, and a client."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from autocakechat.testing import AccProcess, Project

ODD_MODEL = Path(__file__).with_name("odd_model.py")
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


@attrs.frozen
class Response:
    """A response of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@attrs.frozen
class Server:
    """A running server and a client for it."""

    process: AccProcess
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Sends a request. `body` is sent as JSON unless it is bytes. Keywords such as `Content_Type` are headers."""
        all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            all_headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, all_headers)
            response = connection.getresponse()
            return Response(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Response:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Response:
        return self.request("POST", path, body, **headers)


Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a trained model."""
    project = Project.make(tmp_path_factory.mktemp("http") / "acc")
    project.outcome("model")
    return project


@contextmanager
def running_server(project: Project, seconds: float = 0.0, **options: Any) -> Iterator[Server]:
    project.pipeline(reply={"seconds": seconds}, deployer={"use": "http", "port": 0, **options})
    with project.start("--no-log-time", "deploy") as process:
        yield wait_for_server(process)


def wait_for_server(process: AccProcess) -> Server:
    process.wait_for(lambda: LISTENING.search(process.stderr))
    match = LISTENING.search(process.stderr)
    assert match
    return Server(process, int(match[1]))


@pytest.fixture(scope="session")
def serve(project: Project) -> Serve:
    """Starts a server with other options: `with serve(origins=[...]) as server`."""
    return lambda **options: running_server(project, **options)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    """A running server with default options."""
    with running_server(project) as server:
        yield server


@contextmanager
def running_odd_model(project: Project, **options: Any) -> Iterator[Server]:
    program = subprocess.Popen(
        [sys.executable, ODD_MODEL, json.dumps({"port": 0} | options)],
        env=project.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with AccProcess(program) as process:
        yield wait_for_server(process)


@pytest.fixture(scope="session")
def serve_odd_model(project: Project) -> Serve:
    """Starts a server with the model of `odd_model.py`: `with serve_odd_model(port=8080) as server`."""
    return lambda **options: running_odd_model(project, **options)


@pytest.fixture(scope="module")
def odd_server(project: Project) -> Iterator[Server]:
    """A running server with the model of `odd_model.py`."""
    with running_odd_model(project) as server:
        yield server
