"""Whole conversations as front ends send them: nothing in the past blocks the next reply."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMPLETIONS = "/v1/chat/completions"
PICTURE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
CALL = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def bot(content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content} | fields


def reply(server: Any, messages: list[Any], **fields: Any) -> Any:
    response = server.post(COMPLETIONS, {"messages": messages} | fields)
    assert response.status == 200, response.json
    return response.json["choices"][0]["message"]["content"]


PAST = {
    "nothing": ([], ""),
    "the call of a tool": ([user("hi"), bot(None, tool_calls=CALL), {"role": "tool", "content": "42"}], "hi\n"),
    "a call without content": ([user("hi"), {"role": "assistant", "tool_calls": CALL}], "hi\n"),
    "an empty reply": ([user("hi"), bot("")], "hi\n"),
    "a reply of no parts": ([user("hi"), bot([])], "hi\n"),
    "a picture": ([user(PICTURE), bot("nice")], "nice\n"),
    "a text with a picture": ([user([*PICTURE, {"type": "text", "text": "look"}]), bot("nice")], "look\nnice\n"),
    "a refusal": ([user("hi"), bot([{"type": "refusal", "refusal": "no"}])], "hi\n"),
    "no content": ([user(None), bot("hm"), {"role": "user"}, bot("hm?")], "hm\nhm?\n"),
    "a picture before the text": ([user(PICTURE)], ""),
    "a number": ([user(5), bot({"text": "odd"})], ""),
    "invalid messages": ([None, "hi", {"role": None, "content": "a"}, {"content": "b"}, {"role": ["user"]}], ""),
    "an unknown role": ([user("hi"), {"role": "model", "content": "ho"}], "hi\n"),
    "parts of other kinds": (
        [user(["a", {"text": "b"}, None]), bot([{"type": "output_text", "text": "c"}])],
        "a\nb\nc\n",
    ),
    "only blanks": ([user("hi"), bot(" \n")], "hi\n"),
}


@pytest.mark.parametrize(("messages", "context"), PAST.values(), ids=PAST)
def test_the_past_is_context_as_far_as_it_has_text(messages: list[Any], context: str, odd_server: Any) -> None:
    assert reply(odd_server, [*messages, user("how are you?")]) == f"{context}how are you?"


def test_a_reply_at_the_end_asks_for_another_one(odd_server: Any) -> None:
    assert reply(odd_server, [user("how are you?"), bot("I am")]) == "how are you?"
    assert (
        reply(odd_server, [user("hi"), bot("ho"), user("how are you?"), bot("I"), bot("am")]) == "hi\nho\nhow are you?"
    )


def test_a_reply_at_the_end_of_a_picture_asks_for_another_one_to_the_text_before(odd_server: Any) -> None:
    assert reply(odd_server, [user("hi"), bot("ho"), user(PICTURE), bot("nice")]) == "hi"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Write a title"}],
        [bot("hello, I am Bob")],
        [{"role": "tool"}],
        [user(PICTURE), bot("nice")],
    ],
)
def test_where_the_user_says_nothing_the_choice_is_empty(messages: list[Any], server: Any) -> None:
    completion = server.post(COMPLETIONS, {"messages": messages}).json
    (choice,) = completion["choices"]
    assert (choice["message"], choice["finish_reason"]) == ({"role": "assistant", "content": ""}, "stop")
    assert completion["usage"]["total_tokens"] == 0
    stream = server.post(COMPLETIONS, {"messages": messages, "stream": True}).body.decode()
    assert stream.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    "field", ["model", "n", "stream", "stream_options", "temperature", "max_tokens", "stop", "tools", "user", "seed"]
)
def test_null_means_that_a_field_is_not_set(field: str, server: Any) -> None:
    assert reply(server, [user("hi")], **{field: None}) == "echo hi"


def test_an_empty_model_name_is_the_default(server: Any) -> None:
    response = server.post(COMPLETIONS, {"model": "", "messages": [user("hi")]})
    assert response.json["model"] == "bot"


def test_long_histories_and_pictures_fit_into_a_body(server: Any) -> None:
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 3_000_000}}]
    history = [user(picture), bot("nice"), *(user("word " * 2000) for _ in range(300))]
    assert reply(server, [*history, bot("ok"), user("and now?")]) == "echo and now?"


def test_many_short_messages_are_one_turn(odd_server: Any) -> None:
    assert reply(odd_server, [*[user("a")] * 100_000, user("b")]) == "\na" * 2047 + "\nb"


def test_a_body_that_is_too_large_names_the_option(server: Any) -> None:
    response = server.post(COMPLETIONS, {"messages": [user("x" * 9_000_000)]})
    assert (response.status, "`body_limit`" in response.json["message"]) == (413, True)


def test_blanks_around_a_text_do_not_count(server: Any) -> None:
    assert reply(server, [user("hi" + " " * 5000)]) == "echo hi"
    body = {"context": ["hello", None, "hi" + " " * 5000]}
    assert server.post("/cakechat_api/v1/actions/get_response", body).json == {"response": "echo hi"}


def test_the_model_gets_the_end_of_a_long_text(server: Any) -> None:
    assert reply(server, [user("x" * 5_000_000 + " the end")]) == "echo " + ("x" * 4088 + " the end")


# What popular front ends send, recorded by hand: a conversation, requests for a title and for tags, a title without a
# model, a role play, and a message with a picture.
FRONT_END = [
    {
        "stream": True,
        "model": "bot",
        "messages": [{"role": "system", "content": "Be nice."}, user("Hi!"), bot(""), user("How are you?")],
        "params": {},
        "features": {"web_search": False},
        "stream_options": {"include_usage": True},
        "temperature": None,
        "stop": None,
    },
    {"model": "bot", "messages": [user("### Task:\nWrite a title for the chat.")], "stream": False, "metadata": None},
    {"model": "", "messages": [{"role": "system", "content": "Write three tags."}], "max_completion_tokens": 50},
    {
        "model": "",
        "user": "",
        "temperature": 0.2,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "max_tokens": 16,
        "messages": [{"role": "system", "content": "Write a title of five words."}],
    },
    {
        "messages": [
            {"role": "system", "content": "Write the next reply of Bob."},
            {"role": "system", "content": "[Start a new chat]"},
            {"role": "assistant", "content": "Hello!", "name": "Bob"},
            {"role": "user", "content": "Hi, how are you?", "name": "Ann"},
            {"role": "system", "content": "[Write only as Bob]"},
        ],
        "model": "bot",
        "max_tokens": 300,
        "stream": True,
        "stop": [],
        "logit_bias": {},
        "top_p": 1,
    },
    {
        "model": "bot",
        "messages": [user([{"type": "text", "text": "What is this?"}, *PICTURE]), bot("A cat"), user("And why?")],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "max_completion_tokens": 4096,
        "stream": True,
        "reasoning_effort": None,
        "user": "b2c5",
    },
]


@pytest.mark.parametrize("body", FRONT_END)
def test_the_requests_of_a_front_end_are_answered(body: dict[str, Any], server: Any) -> None:
    assert server.post(COMPLETIONS, body).status == 200


PYTHON_CLIENT = """
import sys
import openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="any", max_retries=0)
print([model.id for model in client.models.list()])
messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None}]
messages.append({"role": "user", "content": "you?"})
create = client.chat.completions.create
print(create(model="bot", messages=messages).choices[0].message.content)
stream = create(model="", messages=messages, stream=True, stream_options={"include_usage": True})
print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
title = create(model="bot", messages=[{"role": "system", "content": "title"}])
print(repr(title.choices[0].message.content))
"""


def test_the_openai_package_for_python_works(server: Any, tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="the package openai is not installed")
    program = subprocess.run(
        [sys.executable, "-c", PYTHON_CLIENT, f"{server.url}/v1"], capture_output=True, text=True, timeout=60
    )
    assert program.stdout.splitlines() == [
        "['bot', 'bot:joy', 'bot:anger']",
        "echo hi",
        "you?",
        "echo hi",
        "you?",
        "''",
    ], program.stderr


JAVASCRIPT_CLIENT = """
const OpenAI = require("openai");
const user = (content) => ({ role: "user", content });
const messages = [user("hi"), { role: "assistant", content: null }, user("you?")];
(async () => {
  const client = new OpenAI({ baseURL: process.argv[1], apiKey: "any", maxRetries: 0 });
  console.log((await client.models.list()).data.map((model) => model.id).join(" "));
  const create = (body) => client.chat.completions.create({ model: "bot", ...body });
  console.log((await create({ messages })).choices[0].message.content);
  let text = "";
  for await (const chunk of await create({ messages, stream: true, stream_options: { include_usage: true } }))
    text += chunk.choices[0]?.delta.content ?? "";
  console.log(text);
  await create({ messages: [user("")] }).catch((error) => console.log(error.status));
})();
"""


def test_the_openai_package_for_javascript_works(server: Any) -> None:
    node = shutil.which("node")
    if not node or subprocess.run([node, "-e", "require('openai')"], capture_output=True).returncode:
        pytest.skip("the package openai of npm is not installed where NODE_PATH points to")
    program = subprocess.run(
        [node, "-e", JAVASCRIPT_CLIENT, f"{server.url}/v1"], capture_output=True, text=True, timeout=60
    )
    assert program.stdout.splitlines() == ["bot bot:joy bot:anger", "echo hi", "you?", "echo hi", "you?", "400"], (
        program.stderr
    )
