"""From chat templates to chat formats, and from dialogs to text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jinja2
import pytest

from autocakechat.plugins.trainers.lora.prompts.chat_format import (
    PLAIN_FORMAT,
    ChatFormat,
    Message,
    derive_format,
    with_end,
)
from autocakechat.plugins.trainers.lora.prompts.prompt import PromptBuilder, render
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine

CHATML = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system\nYou are an AI<|im_end|>\n"
    "{% endif %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)
LLAMA = "<|begin|>{% for m in messages %}<|head|>{{ m.role }}<|/head|>\n\n{{ m.content | trim }}<|eot|>{% endfor %}"
GEMMA = (
    "<bos>{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}"
    "<turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n{{ m.content }}</turn>\n{% endfor %}"
)
BRACKETS = (
    "<s>{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% elif m.role == 'assistant' %}"
    " {{ m.content }}</s>{% else %}{{ raise_exception('no system role') }}{% endif %}{% endfor %}"
)


def derive(template: str, end_of_text: str, special: Sequence[str]) -> ChatFormat | None:
    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    compiled = environment.from_string(template)

    def renderer(messages: Sequence[Message]) -> str:
        return compiled.render(messages=messages, raise_exception=refuse)

    return derive_format(renderer, end_of_text, special)


def chat_format() -> ChatFormat:
    found = derive(CHATML, "<|im_end|>", ["<|im_start|>", "<|im_end|>"])
    assert found
    return found


def builder(limit: int) -> PromptBuilder:
    return PromptBuilder(chat_format(), limit, count_characters, count_characters)


def count_characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


@pytest.mark.parametrize(
    ("template", "end", "special"),
    [
        (CHATML, "<|im_end|>", ["<|im_start|>", "<|im_end|>"]),
        (LLAMA, "<|eot|>", ["<|begin|>", "<|head|>", "<|/head|>", "<|eot|>"]),
        (GEMMA, "</turn>", ["<bos>", "<turn>", "</turn>"]),
        (BRACKETS, "</s>", ["<s>", "</s>"]),
    ],
    ids=["ChatML", "Llama", "Gemma", "brackets"],
)
def test_a_rendered_dialog_is_what_the_template_makes(template: str, end: str, special: Sequence[str]) -> None:
    found = derive(template, "<unused>", special)
    assert found
    assert found.end == end
    turns = ["hello", "hi there", "how are you?", "fine"]
    roles = ["user", "assistant"] * 2
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    expected = environment.from_string(template).render(
        messages=[{"role": role, "content": text} for role, text in zip(roles, turns, strict=True)]
    )
    text = render(found, "", turns).text
    # What follows the last end token, and a system text that the template adds on its own, are left out.
    without = expected.replace("You are an AI", "")
    assert without.startswith(text)
    assert without[len(text) :].strip() == ""


def test_the_system_line_is_where_the_template_puts_it() -> None:
    assert render(chat_format(), "Be Robin.", ["hello"]).text == (
        "<|im_start|>system\nBe Robin.<|im_end|>\n<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_a_system_role_the_system_line_begins_the_first_message() -> None:
    found = derive(GEMMA, "</turn>", ["<bos>", "<turn>", "</turn>"])
    assert found
    assert render(found, "Be Robin.", ["hello"]).text == "<bos><turn>user\nBe Robin.\n\nhello</turn>\n<turn>model\n"


def test_a_template_that_drops_turns_gives_no_format() -> None:
    assert derive("{{ messages[0].content }}", "</s>", ["</s>"]) is None


def test_a_base_without_a_template_gets_a_plain_format() -> None:
    plain = with_end(PLAIN_FORMAT, "</s>", ["</s>"])
    rendered = render(plain, "Be Robin.", ["hello", "hi", "bye"])
    assert rendered.text == "Be Robin.\n\nMessage:\nhello\nReply:\nhi</s>\nMessage:\nbye\nReply:\n"
    assert [rendered.text[start:end] for start, end in rendered.replies] == ["hi</s>"]


@pytest.mark.parametrize("text", ["<|im_end|>", "a<|im_start|>b", "<|im_<|im_end|>end|>"])
def test_nobody_can_write_special_tokens(text: str) -> None:
    rendered = render(chat_format(), text, [text, text, "x"]).text
    plain = render(chat_format(), "system", ["x", "x", "x"]).text
    for token in ("<|im_start|>", "<|im_end|>"):
        assert rendered.count(token) == plain.count(token)


def test_replies_are_marked_with_their_end() -> None:
    rendered = render(chat_format(), "", ["a", "first", "b", "second"])
    assert [rendered.text[start:end] for start, end in rendered.replies] == ["first<|im_end|>", "second<|im_end|>"]


def test_a_prompt_keeps_the_newest_turns_and_begins_with_a_client() -> None:
    context = ["one", "two", "three", "four", "five"]
    pair = len(chat_format().to_reply) + len(chat_format().to_message)
    text = builder(len(render(chat_format(), "", context).text) - pair)("", context)
    assert [word for word in context if word in text] == ["three", "four", "five"]
    assert builder(len(text) - 1)("", context).count("user") == 1


@pytest.mark.parametrize("system", ["", "Be Robin.", "Be Robin. " * 30])
def test_a_prompt_has_at_most_the_tokens_of_its_limit(system: str) -> None:
    context = [f"line {number} {'x' * number}" for number in range(41)]
    for limit in (500, 700, 1500):
        assert len(builder(limit)(system, context)) <= limit
    assert len(builder(1500)(system, context)) > 700
    assert len(builder(500)(system, ["x" * 900])) > 400


def test_prompts_of_a_long_conversation_begin_alike() -> None:
    conversation = [f"line {number:03}" for number in range(201)]
    prompts = [builder(2000)("", conversation[max(0, end - 20) : end]) for end in range(101, 202, 2)]
    beginnings = [prompt[:40] for prompt in prompts]
    assert len(set(beginnings)) <= len(prompts) / 2
    assert all(prompt.count("line") >= 10 for prompt in prompts)


def test_a_single_long_turn_is_cut_at_the_front() -> None:
    expected = render(chat_format(), "", ["x" * 13 + "the end"]).text
    assert builder(len(expected))("", ["x" * 1000 + "the end"]) == expected


def test_a_long_turn_is_cut_by_its_tokens() -> None:
    """The characters at its end have many tokens each."""

    def count(texts: Sequence[str]) -> list[int]:
        return [len(text) + 9 * text.count("👋") for text in texts]

    prompt = PromptBuilder(chat_format(), 200, count, count_characters)("", ["x" * 1000 + "👋" * 100])
    assert 5 <= prompt.count("👋") <= 20


@pytest.mark.parametrize(
    ("line", "arguments", "expected"),
    [
        (SystemLine(), ("neutral", "group", "ann"), ""),
        (SystemLine("Robin"), ("neutral",), "Robin"),
        (SystemLine(), ("joy",), "label: joy"),
        (SystemLine("A"), ("joy",), "A\nlabel: joy"),
        (SystemLine(names_kind=True), ("neutral", "group", "ann"), "chat: group"),
        (SystemLine(names_kind=True), ("neutral",), ""),
        (SystemLine(people=("ben", "ann")), ("joy", "personal", "ann"), "label: joy\nto: person 2"),
        (SystemLine("A", people=("ben",)), ("neutral", "", "ann", "examples"), "A\nexamples"),
    ],
)
def test_the_system_line_names_the_label_and_who_is_talking(line: SystemLine, arguments: Any, expected: str) -> None:
    assert line.text(*arguments) == expected


def test_without_a_context_the_prompt_has_an_empty_message() -> None:
    assert builder(200)("", []) == render(chat_format(), "", [""]).text
