"""The server from its clients' point of view: its APIs, its access rules, batching, and how it stops."""

from __future__ import annotations

import http.client
import json
import logging
import re
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from autocakechat_http import Options, deploy

from autocakechat import RunContext, TrainedModel, UserError
from autocakechat.testing import AccProcess, DeployerContract, Project

CAKECHAT = "/cakechat_api/v1/actions/get_response"
COMPLETIONS = "/v1/chat/completions"

Serve = Callable[..., AbstractContextManager[Any]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class TestContract(DeployerContract):
    name = "http"
    refused = ({"port": 70_000}, {"origins": ["*"]}, {"origins": ["https://a.example/path"]}, {"name": "a b"})

    @pytest.fixture
    def table(self) -> dict[str, Any]:
        self.port = free_port()
        return {"port": self.port}

    def talk(self, running: AccProcess, text: str) -> str | None:
        running.wait_for(lambda: "listening on" in running.stderr)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps({"context": [text]})
        connection.request("POST", CAKECHAT, body, {"Content-Type": "application/json"})
        response = json.loads(connection.getresponse().read())
        connection.close()
        return str(response["response"])


def user(text: Any) -> list[dict[str, Any]]:
    """Returns the messages of a request with one message of the user."""
    return [{"role": "user", "content": text}]


# CakeChat's API.


def test_cakechats_api_replies_to_the_last_line(server: Any) -> None:
    response = server.post(CAKECHAT, {"context": ["hi", "hello", "wie geht's? 😀"]})
    assert (response.status, response.json) == (200, {"response": "echo wie geht's? 😀"})


def test_cakechats_api_takes_an_emotion(server: Any) -> None:
    assert server.post(CAKECHAT, {"context": ["hi"], "emotion": "joy"}).json == {"response": "joy: echo hi"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"context": []},
        {"context": "hi"},
        {"context": [1]},
        {"context": ["hi", " "]},
        {"context": None},
        {"context": ["hi"], "emotion": "hunger"},
        {"context": ["hi"], "emotion": 5},
        ["hi"],
        "hi",
    ],
)
def test_cakechats_api_rejects_invalid_requests(body: Any, server: Any) -> None:
    response = server.post(CAKECHAT, body)
    assert response.status == 400
    assert response.json["message"]


# The OpenAI-compatible API.


def test_every_label_is_a_model(server: Any) -> None:
    models = server.get("/v1/models").json
    assert models["object"] == "list"
    assert [model["id"] for model in models["data"]] == ["bot", "bot:joy", "bot:anger"]
    assert server.get("/v1/models/bot:joy").json["id"] == "bot:joy"
    response = server.post(COMPLETIONS, {"model": "bot:joy", "messages": user("hi")})
    assert response.json["choices"][0]["message"] == {"role": "assistant", "content": "joy: echo hi"}


def test_a_completion_has_the_fields_that_clients_expect(server: Any) -> None:
    completion = server.post(COMPLETIONS, {"model": "bot", "messages": user("hi you"), "temperature": 1}).json
    assert completion["object"] == "chat.completion"
    assert completion["id"].startswith("chatcmpl-")
    assert abs(completion["created"] - time.time()) < 60
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_a_stream_is_the_same_reply_word_by_word(server: Any) -> None:
    body = {
        "model": "bot",
        "messages": user("two\nlines  wide"),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    response = server.post(COMPLETIONS, body)
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done, rest = response.body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    *chunks, usage = [json.loads(event.removeprefix("data: ")) for event in events]
    assert usage["usage"]["completion_tokens"] == 4
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == "echo two\nlines  wide"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len(chunks) == 6


def test_consecutive_messages_are_one_turn_and_system_messages_are_ignored(server: Any) -> None:
    messages = [
        {"role": "system", "content": "be nice"},
        *user("hi"),
        {"role": "assistant", "content": "hello"},
        *user("one"),
        *user([{"type": "text", "text": "two"}, {"type": "image_url", "image_url": {"url": "x"}}]),
    ]
    response = server.post(COMPLETIONS, {"model": "bot", "messages": messages})
    assert response.json["choices"][0]["message"]["content"] == "echo one\ntwo"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "gpt", "messages": user("hi")}, 404),
        ({"model": 5, "messages": user("hi")}, 404),
        ({"model": "bot"}, 400),
        ({"model": "bot", "messages": []}, 400),
        ({"model": "bot", "messages": ["hi"]}, 400),
        ({"model": "bot", "messages": [{"role": "king", "content": "hi"}]}, 400),
        ({"model": "bot", "messages": user("")}, 400),
        ({"model": "bot", "messages": user(None)}, 400),
        ({"model": "bot", "messages": [*user("hi"), {"role": "assistant", "content": "ho"}]}, 400),
        ({"model": "bot", "messages": user("hi"), "n": 3}, 400),
    ],
)
def test_the_openai_api_rejects_invalid_requests(body: Any, status: int, server: Any) -> None:
    response = server.post(COMPLETIONS, body)
    assert response.status == status
    assert response.json["error"]["message"]
    assert response.json["error"]["type"] == "invalid_request_error"


# Access rules.


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost@evil.example", "a/b"]
)
def test_an_unknown_host_is_rejected_on_every_path(host: str, server: Any) -> None:
    for path in ("/", "/v1/models", "/nowhere"):
        assert server.get(path, Host=host).status == 421
    assert server.post(CAKECHAT, {"context": ["hi"]}, Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "192.168.1.5"])
def test_localhost_and_ip_addresses_are_allowed_hosts(host: str, server: Any) -> None:
    assert server.get("/v1/models", Host=host.format(port=server.port)).status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_only_json_bodies_are_accepted(content_type: str, server: Any) -> None:
    response = server.post(CAKECHAT, json.dumps({"context": ["hi"]}).encode(), Content_Type=content_type)
    assert response.status == 415
    assert server.post(CAKECHAT, b'{"context": ["hi"]}', Content_Type="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"context": ["hi"]', b"[" * 100_000])
def test_invalid_json_is_rejected(body: bytes, server: Any) -> None:
    assert server.post(CAKECHAT, body, Content_Type="application/json").status == 400


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example"]
)
def test_other_origins_are_rejected(origin: str, server: Any) -> None:
    response = server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin)
    assert response.status == 403
    assert "access-control-allow-origin" not in response.headers
    preflight = server.request("OPTIONS", CAKECHAT, Origin=origin, Access_Control_Request_Method="POST")
    assert preflight.status == 403


def test_the_servers_own_origin_is_allowed(server: Any) -> None:
    assert server.post(CAKECHAT, {"context": ["hi"]}, Origin=server.url).status == 200


def test_listed_origins_are_allowed(serve: Serve) -> None:
    with serve(origins=["https://chat.example.org"], hosts=["bot.example.org"]) as server:
        origin = "https://chat.example.org"
        response = server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin, Host="bot.example.org")
        assert (response.status, response.headers["access-control-allow-origin"]) == (200, origin)
        preflight = server.request("OPTIONS", COMPLETIONS, Origin=origin, Access_Control_Request_Method="POST")
        assert preflight.status == 204
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        assert server.post(CAKECHAT, {"context": ["hi"]}, Origin="https://evil.example").status == 403


def test_the_apis_require_the_key(serve: Serve, project: Project) -> None:
    project.environment["BOT_KEY"] = "fake-key-of-this-test"
    with serve(api_key={"env": "BOT_KEY"}) as server:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "fake-key-of-this-test"}):
            for path, body in ((CAKECHAT, {"context": ["hi"]}), (COMPLETIONS, {"messages": user("hi")})):
                assert server.post(path, body, **headers).status == 401
            assert server.get("/v1/models", **headers).status == 401
        key = {"Authorization": "Bearer fake-key-of-this-test"}
        assert server.post(CAKECHAT, {"context": ["hi"]}, **key).json == {"response": "echo hi"}
        assert server.get("/").status == 200
        assert "fake-key-of-this-test" not in server.process.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bot.example.org"])
def test_other_machines_cannot_use_the_server_without_a_key(host: str, tmp_path: Path) -> None:
    model = TrainedModel(tmp_path, trainer="test", metrics={}, load=lambda: pytest.fail("the model was loaded"))
    run = RunContext(log=logging.getLogger("test"), progress=None, seed=1, state=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="there is no api_key") as caught:
        deploy(Options(host=host), model, run)
    assert caught.value.exit_status == 2


def test_a_port_in_use_is_an_error(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_server:
        port = other_server.getsockname()[1]
        project.pipeline(reply={"seconds": 0.0}, deployer={"use": "http", "port": port})
        finished = project.acc("deploy")
    assert finished.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_large_bodies_are_rejected_with_and_without_a_content_length(serve: Serve) -> None:
    with serve(body_limit=2000) as server:
        large = json.dumps({"context": ["x" * 3000]}).encode()
        assert server.post(CAKECHAT, large, Content_Type="application/json").status == 413
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        chunks = (large[start : start + 500] for start in range(0, len(large), 500))
        headers = {"Content-Type": "application/json"}
        connection.request("POST", CAKECHAT, chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200


def test_the_model_gets_the_end_of_a_long_line(serve: Serve) -> None:
    with serve(line_limit=5) as server:
        assert server.post(CAKECHAT, {"context": ["good morning"]}).json == {"response": "echo rning"}
        response = server.post(COMPLETIONS, {"messages": user("good morning")})
        assert response.json["choices"][0]["message"]["content"] == "echo rning"


def test_unknown_paths_and_methods_are_rejected(server: Any) -> None:
    assert server.get("/nowhere").status == 404
    assert server.get(CAKECHAT).status == 405
    assert server.get("/../../etc/passwd").status == 404


# Batching and stopping.


def test_simultaneous_requests_share_a_batch(serve: Serve) -> None:
    with serve(seconds=0.5, batch=16) as server, ThreadPoolExecutor(12) as pool:
        start = time.monotonic()
        responses = list(pool.map(lambda number: server.post(CAKECHAT, {"context": [str(number)]}).json, range(12)))
        elapsed = time.monotonic() - start
    assert responses == [{"response": f"echo {number}"} for number in range(12)]
    assert elapsed < 3.0, "one by one, twelve replies of half a second take six seconds"


def test_the_server_responds_while_the_model_runs(serve: Serve) -> None:
    with serve(seconds=1.5) as server, ThreadPoolExecutor(1) as pool:
        response = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.3)
        start = time.monotonic()
        assert server.get("/v1/models").status == 200
        assert time.monotonic() - start < 1.0
        assert response.result().status == 200


def test_a_full_queue_is_status_503_with_retry_after(serve: Serve) -> None:
    with serve(seconds=0.5, batch=1, queue=2) as server, ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: server.post(CAKECHAT, {"context": ["hi"]}), range(8)))
        assert {response.status for response in responses} == {200, 503}
        busy = next(response for response in responses if response.status == 503)
        assert busy.headers["retry-after"]
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200


def test_a_client_that_disconnects_does_not_affect_others(serve: Serve) -> None:
    with serve(seconds=0.3) as server:
        for cut in (20, 60, 10_000):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                body = json.dumps({"context": ["hi"]})
                text = (
                    f"POST {CAKECHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}"
                )
                connection.sendall(text[: min(cut, len(text))].encode())
        assert server.post(CAKECHAT, {"context": ["still there?"]}).json == {"response": "echo still there?"}
        assert "Traceback" not in server.process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_requests_in_progress_are_finished_before_it_stops(number: signal.Signals, serve: Serve) -> None:
    with serve(seconds=1.0) as server, ThreadPoolExecutor(1) as pool:
        response = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.4)
        assert server.process.stop(number, 15) in (0, 130, 143)
        assert response.result().json == {"response": "echo hi"}
        assert "Traceback" not in server.process.stderr


def test_every_response_has_the_security_headers(server: Any) -> None:
    for response in (server.get("/"), server.get("/nowhere"), server.post(CAKECHAT, {})):
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "server" not in response.headers


def test_the_page_loads_nothing_from_other_servers(server: Any) -> None:
    for path in ("/", "/page.js", "/page.css"):
        response = server.get(path)
        assert response.status == 200
        assert b"//" not in re.sub(rb"(?m)^\s*// .*$", b"", response.body)


def test_the_page_can_be_disabled(serve: Serve) -> None:
    with serve(page=False) as server:
        assert server.get("/").status == 404
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200
