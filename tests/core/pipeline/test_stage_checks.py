"""Checks of messages and dialogs: right ones pass, and of a wrong one the problem is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from autocakechat import Chat, Message, MessageBatch, RunContext, SourceType
from autocakechat.errors import PluginError
from autocakechat.pipeline.reading.extraction import BoundStage, read_chats
from autocakechat.pipeline.stage_checks import problem_of_batch, problem_of_message
from tests.core.pipeline.test_prefetch import Options, make_message, no_inputs

MESSAGES = [make_message(number) for number in range(40)]
WRONG = [b"x", 1.5, [], {}, object(), 1 + 2j]


@given(st.integers(0, len(MESSAGES)), st.integers(1, len(MESSAGES)))
def test_right_messages_pass(start: int, size: int) -> None:
    messages = MESSAGES[start : start + size]
    if messages:
        assert problem_of_batch(MessageBatch.of(messages)) is None


@given(
    st.integers(0, len(MESSAGES) - 1),
    st.sampled_from([name for name in Message.__struct_fields__ if name != "position"]),
    st.sampled_from(WRONG),
)
def test_one_wrong_value_is_found(index: int, field: str, value: Any) -> None:
    messages = list(MESSAGES)
    messages[index] = structs.replace(messages[index], **{field: value})
    problem = problem_of_batch(MessageBatch.of(messages))
    assert problem
    assert problem.number == index + 1
    assert problem.text.startswith(f"a message whose {field} is ")
    assert problem_of_message(messages[index]) == problem.text.removeprefix("a message whose ")


def test_none_is_found_where_it_is_not_allowed() -> None:
    for field in set(Message.__struct_fields__) - {"position"}:
        batch = MessageBatch.of([make_message(1), structs.replace(make_message(2), **{field: None})])
        is_allowed = field in ("sender_name", "reply_to", "outgoing", "label")
        assert (problem_of_batch(batch) is None) == is_allowed, field


def read_batches(run: RunContext, *batches: Any) -> list[Message]:
    """Reads a chat of a source that yields these batches."""

    def read(*_: object) -> Any:
        yield Chat.of_batches("chat", None, "test", (batch for batch in batches))

    stage = SourceType(name="test", summary="", config=Options, inputs=no_inputs, read=read)
    (chat,) = read_chats(BoundStage(stage, Options(), run, "test-plugin"), no_inputs)  # type: ignore[arg-type]
    return list(chat.messages)


def test_the_number_of_a_wrong_message_counts_all_batches(run: RunContext) -> None:
    right = MessageBatch.of(MESSAGES)
    wrong = MessageBatch.of([MESSAGES[0], structs.replace(MESSAGES[1], text=None)])
    with pytest.raises(
        PluginError, match=r"text is None, expected str \(chat 'chat', message 42\); tests/core/pipeline/test_st"
    ):
        read_batches(run, right, wrong)


def test_a_batch_with_columns_of_different_lengths_is_refused(run: RunContext) -> None:
    batch = MessageBatch.of(MESSAGES)
    batch.texts = batch.texts[:-1]
    with pytest.raises(PluginError, match=r"a batch with columns of different lengths: .*'texts': 39"):
        read_batches(run, batch)


def test_an_item_that_is_no_batch_is_refused(run: RunContext) -> None:
    with pytest.raises(PluginError, match="the source yields list, expected MessageBatch"):
        read_batches(run, [1])


def test_columns_may_be_any_sequences(run: RunContext) -> None:
    batch = MessageBatch.of(MESSAGES)
    batch.ids = range(len(MESSAGES))
    assert len(read_batches(run, batch)) == len(MESSAGES)
