"""The server as its clients meet it: what it answers, what it refuses, and how it stops."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from autocakechat.testing import AccProcess, DeployerContract, Project

CAKECHAT = "/cakechat_api/v1/actions/get_response"
COMPLETIONS = "/v1/chat/completions"

Serve = Callable[..., AbstractContextManager[Any]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
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
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return str(answer["response"])


def user(text: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


# CakeChat's API.


def test_cakechats_api_answers_the_last_line(server: Any) -> None:
    answer = server.post(CAKECHAT, {"context": ["hi", "hello", "wie geht's? 😀"]})
    assert (answer.status, answer.json) == (200, {"response": "echo wie geht's? 😀"})


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
def test_cakechats_api_says_what_it_cannot_understand(body: Any, server: Any) -> None:
    answer = server.post(CAKECHAT, body)
    assert answer.status == 400
    assert answer.json["message"]


# The OpenAI-compatible API.


def test_every_mood_is_a_model(server: Any) -> None:
    listed = server.ask("GET", "/v1/models").json
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["bot", "bot:joy", "bot:anger"]
    assert server.ask("GET", "/v1/models/bot:joy").json["id"] == "bot:joy"
    answer = server.post(COMPLETIONS, {"model": "bot:joy", "messages": user("hi")})
    assert answer.json["choices"][0]["message"] == {"role": "assistant", "content": "joy: echo hi"}


def test_a_completion_has_all_that_clients_expect(server: Any) -> None:
    completion = server.post(COMPLETIONS, {"model": "bot", "messages": user("hi you"), "temperature": 1}).json
    assert completion["object"] == "chat.completion"
    assert completion["id"].startswith("chatcmpl-")
    assert abs(completion["created"] - time.time()) < 60
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_a_stream_is_the_same_answer_word_by_word(server: Any) -> None:
    body = {
        "model": "bot",
        "messages": user("two\nlines  wide"),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    answer = server.post(COMPLETIONS, body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, done, rest = answer.body.decode().split("\n\n")
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


def test_messages_in_a_row_are_one_line_and_system_messages_are_not_read(server: Any) -> None:
    messages = [
        {"role": "system", "content": "be nice"},
        *user("hi"),
        {"role": "assistant", "content": "hello"},
        *user("one"),
        *user([{"type": "text", "text": "two"}, {"type": "image_url", "image_url": {"url": "x"}}]),
    ]
    answer = server.post(COMPLETIONS, {"model": "bot", "messages": messages})
    assert answer.json["choices"][0]["message"]["content"] == "echo one\ntwo"


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
def test_the_openai_api_says_what_it_cannot_understand(body: Any, status: int, server: Any) -> None:
    answer = server.post(COMPLETIONS, body)
    assert answer.status == status
    assert answer.json["error"]["message"]
    assert answer.json["error"]["type"] == "invalid_request_error"


# What is refused.


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost@evil.example", "a/b"]
)
def test_a_foreign_host_is_refused_wherever_it_asks(host: str, server: Any) -> None:
    for path in ("/", "/v1/models", "/nowhere"):
        assert server.ask("GET", path, Host=host).status == 421
    assert server.post(CAKECHAT, {"context": ["hi"]}, Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "192.168.1.5"])
def test_localhost_and_plain_addresses_are_let_in(host: str, server: Any) -> None:
    assert server.ask("GET", "/v1/models", Host=host.format(port=server.port)).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_only_json_is_read(kind: str, server: Any) -> None:
    answer = server.post(CAKECHAT, json.dumps({"context": ["hi"]}).encode(), Content_Type=kind)
    assert answer.status == 415
    assert server.post(CAKECHAT, b'{"context": ["hi"]}', Content_Type="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"context": ["hi"]', b"[" * 100_000])
def test_broken_json_is_refused(body: bytes, server: Any) -> None:
    assert server.post(CAKECHAT, body, Content_Type="application/json").status == 400


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example"]
)
def test_pages_elsewhere_may_not_ask(origin: str, server: Any) -> None:
    answer = server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
    preflight = server.ask("OPTIONS", CAKECHAT, Origin=origin, Access_Control_Request_Method="POST")
    assert preflight.status == 403


def test_the_page_itself_may_ask(server: Any) -> None:
    assert server.post(CAKECHAT, {"context": ["hi"]}, Origin=server.url).status == 200


def test_pages_that_are_listed_may_ask(serve: Serve) -> None:
    with serve(origins=["https://chat.example.org"], hosts=["bot.example.org"]) as server:
        origin = "https://chat.example.org"
        answer = server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin, Host="bot.example.org")
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
        preflight = server.ask("OPTIONS", COMPLETIONS, Origin=origin, Access_Control_Request_Method="POST")
        assert preflight.status == 204
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        assert server.post(CAKECHAT, {"context": ["hi"]}, Origin="https://evil.example").status == 403


def test_a_key_is_asked_for_where_one_is_set(serve: Serve, project: Project) -> None:
    project.environment["BOT_KEY"] = "fake-key-of-this-test"
    with serve(api_key={"env": "BOT_KEY"}) as server:
        for shown in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "fake-key-of-this-test"}):
            for path, body in ((CAKECHAT, {"context": ["hi"]}), (COMPLETIONS, {"messages": user("hi")})):
                assert server.post(path, body, **shown).status == 401
            assert server.ask("GET", "/v1/models", **shown).status == 401
        key = {"Authorization": "Bearer fake-key-of-this-test"}
        assert server.post(CAKECHAT, {"context": ["hi"]}, **key).json == {"response": "echo hi"}
        assert server.ask("GET", "/").status == 200
        assert "fake-key-of-this-test" not in server.running.stderr


def test_without_a_key_nobody_else_can_reach_it(project: Project) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "bot.example.org"):
        project.pipeline(reply={"seconds": 0.0}, deployer={"use": "http", "host": host})
        done = project.acc("deploy")
        assert done.returncode == 2
        assert "there is no api_key" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_gets_one_line(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        project.pipeline(reply={"seconds": 0.0}, deployer={"use": "http", "port": port})
        done = project.acc("deploy")
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_large_bodies_are_refused_whether_they_say_so_or_not(serve: Serve) -> None:
    with serve(body_limit=2000) as server:
        large = json.dumps({"context": ["x" * 3000]}).encode()
        assert server.post(CAKECHAT, large, Content_Type="application/json").status == 413
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        portions = (large[start : start + 500] for start in range(0, len(large), 500))
        headers = {"Content-Type": "application/json"}
        connection.request("POST", CAKECHAT, portions, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200


def test_of_long_lines_the_end_is_kept(serve: Serve) -> None:
    with serve(line_limit=5) as server:
        assert server.post(CAKECHAT, {"context": ["good morning"]}).json == {"response": "echo rning"}
        answer = server.post(COMPLETIONS, {"messages": user("good morning")})
        assert answer.json["choices"][0]["message"]["content"] == "echo rning"


def test_what_is_not_there_is_not_there(server: Any) -> None:
    assert server.ask("GET", "/nowhere").status == 404
    assert server.ask("GET", CAKECHAT).status == 405
    assert server.ask("GET", "/../../etc/passwd").status == 404


# Many at once, and the end.


def test_who_asks_at_the_same_time_is_answered_together(serve: Serve) -> None:
    with serve(seconds=0.5, batch=16) as server, ThreadPoolExecutor(12) as pool:
        start = time.monotonic()
        answers = list(pool.map(lambda number: server.post(CAKECHAT, {"context": [str(number)]}).json, range(12)))
        took = time.monotonic() - start
    assert answers == [{"response": f"echo {number}"} for number in range(12)]
    assert took < 3.0, "twelve answers of half a second each, one after the other, are six seconds"


def test_while_the_model_answers_the_server_does_too(serve: Serve) -> None:
    with serve(seconds=1.5) as server, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.3)
        start = time.monotonic()
        assert server.ask("GET", "/v1/models").status == 200
        assert time.monotonic() - start < 1.0
        assert answer.result().status == 200


def test_who_comes_when_too_many_wait_is_told_to_come_again(serve: Serve) -> None:
    with serve(seconds=0.5, batch=1, queue=2) as server, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.post(CAKECHAT, {"context": ["hi"]}), range(8)))
        assert {answer.status for answer in answers} == {200, 503}
        busy = next(answer for answer in answers if answer.status == 503)
        assert busy.headers["retry-after"]
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200


def test_who_hangs_up_disturbs_nobody(serve: Serve) -> None:
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
        assert "Traceback" not in server.running.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_being_answered_gets_the_answer_before_it_stops(number: signal.Signals, serve: Serve) -> None:
    with serve(seconds=1.0) as server, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.4)
        assert server.running.stop(number, 15) in (0, 130, 143)
        assert answer.result().json == {"response": "echo hi"}
        assert "Traceback" not in server.running.stderr


def test_browsers_are_told_to_be_strict(server: Any) -> None:
    for answer in (server.ask("GET", "/"), server.ask("GET", "/nowhere"), server.post(CAKECHAT, {})):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_the_page_fetches_nothing_from_elsewhere(server: Any) -> None:
    for path in ("/", "/page.js", "/page.css"):
        answer = server.ask("GET", path)
        assert answer.status == 200
        assert b"//" not in re.sub(rb"(?m)^\s*// .*$", b"", answer.body)


def test_the_page_can_be_left_out(serve: Serve) -> None:
    with serve(page=False) as server:
        assert server.ask("GET", "/").status == 404
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200
