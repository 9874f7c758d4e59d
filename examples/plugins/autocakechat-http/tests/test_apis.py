"""The two APIs from their clients' point of view."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from autocakechat import pseudonym
from autocakechat.testing import AccProcess, DeployerContract

CAKECHAT = "/cakechat_api/v1/actions/get_response"
README = Path(__file__).parent.parent / "README.md"
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


PICTURE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]


def user(text: Any) -> list[dict[str, Any]]:
    """Returns the messages of a request with one message of the user."""
    return [{"role": "user", "content": text}]


# CakeChat's API.


def test_cakechats_api_replies_to_the_last_line(server: Any) -> None:
    response = server.post(CAKECHAT, {"context": ["hi", "hello", "wie geht's? 😀"]})
    assert (response.status, response.json) == (200, {"response": "echo wie geht's? 😀"})


def test_cakechats_api_takes_an_emotion(server: Any) -> None:
    assert server.post(CAKECHAT, {"context": ["hi"], "emotion": "joy"}).json == {"response": "joy: echo hi"}


@pytest.mark.parametrize("emotion", ["neutral", "Neutral", None])
def test_every_model_takes_no_emotion(emotion: str | None, server: Any, odd_server: Any) -> None:
    body = {"context": ["hi"], "emotion": emotion}
    assert server.post(CAKECHAT, body).json == {"response": "echo hi"}
    assert odd_server.post(CAKECHAT, body).json == {"response": "hi"}


def test_a_model_without_emotions_says_so(odd_server: Any) -> None:
    response = odd_server.post(CAKECHAT, {"context": ["hi"], "emotion": "joy"})
    assert response.status == 400
    assert "this model has no emotions" in response.json["message"]


def test_half_of_a_surrogate_pair_is_replaced(server: Any) -> None:
    body = b'{"context": ["hi \\ud83d"], "messages": [{"role": "user", "content": "hi \\ud83d"}]}'
    assert server.post(CAKECHAT, body, Content_Type="application/json").json == {"response": "echo hi \ufffd"}
    completion = server.post(COMPLETIONS, body, Content_Type="application/json").json
    assert completion["choices"][0]["message"]["content"] == "echo hi \ufffd"


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
        {"context": ["hi"], "user": 5},
        ["hi"],
        "hi",
    ],
)
def test_cakechats_api_rejects_invalid_requests(body: Any, server: Any) -> None:
    response = server.post(CAKECHAT, body)
    assert response.status == 400
    assert response.json["message"]


@pytest.mark.parametrize("body", [{"context": ["who am I?"]}, {"messages": [{"role": "user", "content": "who am I?"}]}])
def test_both_apis_take_the_person_who_writes(body: dict[str, Any], odd_server: Any) -> None:
    def ask(user: Any) -> Any:
        return odd_server.post(CAKECHAT if "context" in body else COMPLETIONS, body | {"user": user})

    assert f"personal {pseudonym('user1')}".encode() in ask("user1").body
    assert b'"personal "' in ask(None).body
    assert ask(1).status == 400


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
    (described, *_) = server.get("/v1/models").json["data"]
    assert {chunk["system_fingerprint"] for chunk in chunks} == {described["artifact"]}
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


def test_an_empty_reply_may_be_sent_back_with_the_conversation(odd_server: Any) -> None:
    silent = odd_server.post(COMPLETIONS, {"messages": user("say nothing")}).json["choices"][0]["message"]
    assert silent == {"role": "assistant", "content": ""}
    response = odd_server.post(COMPLETIONS, {"messages": [*user("hi"), silent, *user("hello?")]})
    assert response.json["choices"][0]["message"]["content"] == "hi\nhello?"


def test_the_requests_of_the_readme_work_with_every_model(server: Any, odd_server: Any) -> None:
    examples = re.findall(r"curl http://127\.0\.0\.1:8080(\S+) .*\n +-d '(.*)'", README.read_text("utf-8"))
    assert {path for path, _ in examples} == {CAKECHAT, COMPLETIONS}
    for running in (server, odd_server):
        for path, body in examples:
            assert running.post(path, body.encode(), Content_Type="application/json").status == 200


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
        ({"model": "bot", "messages": user(5)}, 400),
        ({"model": "bot", "messages": user(PICTURE)}, 400),
        ({"model": "bot", "messages": [*user("hi"), {"role": "assistant", "content": "ho"}, *user(None)]}, 400),
        ({"model": "bot", "messages": user("hi"), "n": 3}, 400),
        ({"model": "bot", "messages": user("hi"), "stream": "yes"}, 400),
    ],
)
def test_the_openai_api_rejects_invalid_requests(body: Any, status: int, server: Any) -> None:
    response = server.post(COMPLETIONS, body)
    assert response.status == status
    assert response.json["error"]["message"]
    assert response.json["error"]["type"] == "invalid_request_error"


def test_the_model_gets_the_end_of_a_long_line(serve: Serve) -> None:
    with serve(line_limit=5) as server:
        assert server.post(CAKECHAT, {"context": ["good morning"]}).json == {"response": "echo rning"}
        response = server.post(COMPLETIONS, {"messages": user("good morning")})
        assert response.json["choices"][0]["message"]["content"] == "echo rning"
