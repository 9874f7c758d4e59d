"""From dialogs to windows of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from autocakechat import Origin, ReplyIndex, RunContext, Utterance
from autocakechat.plugins.trainers.lora.prompts.chat_format import PLAIN_FORMAT, ChatFormat, derive_format, with_end
from autocakechat.plugins.trainers.lora.prompts.examples import Examples
from autocakechat.plugins.trainers.lora.prompts.prompt import render
from autocakechat.plugins.trainers.lora.prompts.system_line import SystemLine
from autocakechat.plugins.trainers.lora.training.batches import make_batches, width_of
from autocakechat.plugins.trainers.lora.training.conversations import Conversation, training_conversations
from autocakechat.plugins.trainers.lora.training.windows import Window, WindowMaker
from tests.trainers.lora.conftest import write_corpus
from tests.trainers.lora.tiny_base import SPECIAL

if TYPE_CHECKING:
    from tokenizers import Tokenizer


NOWHERE = Origin()


@pytest.fixture
def tokenizer(tiny_base: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(tiny_base / "tokenizer.json"))


@pytest.fixture
def chat_format() -> ChatFormat:
    found = derive_format(
        lambda messages: "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages), "", SPECIAL
    )
    assert found
    return found


@pytest.fixture
def maker(tokenizer: Tokenizer, chat_format: ChatFormat) -> WindowMaker:
    return WindowMaker(tokenizer, chat_format, SystemLine(), 128, Examples(None, 0, count_words, 0))


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def dialog(*texts: str, labels: Sequence[str] = (), origin: Origin = NOWHERE, skipped: int = 0) -> Conversation:
    chosen = labels or ["neutral"] * len(texts)
    return Conversation([Utterance(*turn) for turn in zip(texts, chosen, strict=True)], origin, skipped)


def learnt(tokenizer: Tokenizer, window: Window) -> str:
    return str(tokenizer.decode([window.ids[place] for place in window.targets], skip_special_tokens=False))


def test_replies_and_their_ends_are_learnt_and_nothing_else(maker: WindowMaker, tokenizer: Tokenizer) -> None:
    (window,) = maker.windows([dialog("hello", "hi 👋", "how are you?", "fine\nand you?")])
    assert learnt(tokenizer, window) == "hi 👋<|im_end|>fine\nand you?<|im_end|>"
    assert window.characters == len("hi 👋") + len("fine\nand you?")
    assert window.replies == 2


def test_a_reply_is_learnt_from_its_first_token_as_a_bot_generates_it(tokenizer: Tokenizer) -> None:
    """Also where the tokenizer joins the blank before a reply with its first word."""
    text_before_replies = (" Reply: ", "\nReply:\n", "[/INST]")
    for to_reply in text_before_replies:
        plain = attrs.evolve(PLAIN_FORMAT, to_reply=to_reply)
        chat_format = with_end(plain, "<|im_end|>", SPECIAL)
        maker = WindowMaker(tokenizer, chat_format, SystemLine(), 128, Examples(None, 0, count_words, 0))
        (window,) = maker.windows([dialog("do you like tea?", "yes, tea and more")])
        assert learnt(tokenizer, window) == "yes, tea and more<|im_end|>"
        prompt = tokenizer.encode(render(chat_format, "", ["do you like tea?"]).text).ids
        reply = tokenizer.encode("yes, tea and more<|im_end|>").ids
        assert list(window.ids) == prompt + reply


def test_each_reply_of_a_long_dialog_is_learnt_once_with_earlier_turns(
    maker: WindowMaker, tokenizer: Tokenizer
) -> None:
    texts = [f"{'message' if place % 2 == 0 else 'reply'} {place}" for place in range(40)]
    windows = list(maker.windows([dialog(*texts)]))
    assert len(windows) > 3
    assert all(len(window.ids) <= 128 for window in windows)
    assert "".join(learnt(tokenizer, window) for window in windows) == "".join(
        f"{text}<|im_end|>" for text in texts[1::2]
    )
    first = tokenizer.decode(windows[1].ids[: windows[1].targets[0]])
    assert first.count("reply") == 1, "the turns before are repeated"


def test_long_turns_are_cut(maker: WindowMaker, tokenizer: Tokenizer) -> None:
    (window,) = maker.windows([dialog("zq" * 300, "short")])
    assert learnt(tokenizer, window) == "short<|im_end|>"
    (window,) = maker.windows([dialog("hello", "zq" * 300)])
    assert len(window.ids) == 128
    assert learnt(tokenizer, window).startswith("zqzq")
    assert "<|im_end|>" not in learnt(tokenizer, window)


def test_a_reply_is_learnt_with_its_label(maker: WindowMaker, tokenizer: Tokenizer) -> None:
    labels = ["neutral", "joy", "neutral", "neutral"]
    windows = list(maker.windows([dialog("hello", "hi!!", "and?", "well.", labels=labels)]))
    found = {learnt(tokenizer, window): tokenizer.decode(window.ids) for window in windows}
    assert "label: joy" in found["hi!!<|im_end|>"]
    assert "label" not in found["well.<|im_end|>"]


def test_a_reply_is_learnt_with_the_person_it_is_to(tokenizer: Tokenizer, chat_format: ChatFormat) -> None:
    line = SystemLine(names_kind=True, people=("ann", "ben"))
    maker = WindowMaker(tokenizer, chat_format, line, 128, Examples(None, 0, count_words, 0))
    origin = Origin("c", "group", ("ben", "zoe", "ben"))
    found = {
        learnt(tokenizer, window): tokenizer.decode(window.ids)
        for window in maker.windows([dialog("hello", "hi!!", "and?", "well.", "so?", "so.", origin=origin)])
    }
    assert found.keys() == {"hi!!<|im_end|>so.<|im_end|>", "well.<|im_end|>"}
    assert "chat: group\nto: person 2\n" in found["hi!!<|im_end|>so.<|im_end|>"]
    assert "chat: group\nuser" in found["well.<|im_end|>"]


def test_skipped_replies_are_context(maker: WindowMaker, tokenizer: Tokenizer) -> None:
    (window,) = maker.windows([dialog("hello", "hi!!", "and?", "well.", "so?", "so.", skipped=2)])
    assert learnt(tokenizer, window) == "so.<|im_end|>"
    assert "well." in tokenizer.decode(window.ids)
    assert "hello" not in tokenizer.decode(window.ids)


def test_a_window_begins_with_the_exchanges_most_like_its_last_message_and_none_of_its_own_dialog(
    tokenizer: Tokenizer, chat_format: ChatFormat, tmp_path: Path, run: RunContext
) -> None:
    lines = [
        ["do you like tea?", "yes, green tea", "and cake?", "only with cherries"],
        ["what is your name?", "robin"],
        ["do you like tea at night?", "never"],
    ]
    corpus = write_corpus(tmp_path / "corpus", lines)
    (tmp_path / "index").mkdir()
    index = ReplyIndex.build(corpus, tmp_path / "index", run.progress)
    maker = WindowMaker(tokenizer, chat_format, SystemLine("Be Robin."), 256, Examples(index, 1, count_words, 64))
    windows = list(maker.windows(training_conversations(corpus, None)))
    texts = [tokenizer.decode(window.ids, skip_special_tokens=False) for window in windows]
    assert texts[2].startswith(
        "<|im_start|>system\nBe Robin.\nmessage: do you like tea?\nreply: yes, green tea<|im_end|>"
    )
    assert "cherries" not in texts[0].split("<|im_end|>")[0]
    assert [learnt(tokenizer, window) for window in windows][2] == "never<|im_end|>"
    (held_out,) = maker.windows([dialog("and cake?", "no")])
    assert "reply: only with cherries" in tokenizer.decode(held_out.ids)


def test_examples_that_do_not_fit_are_left_out(tmp_path: Path, run: RunContext) -> None:
    corpus = write_corpus(tmp_path / "corpus", [["tea " * 50, "yes"], ["tea or cake?", "cake"], ["tea?", "always"]])
    (tmp_path / "index").mkdir()
    index = ReplyIndex.build(corpus, tmp_path / "index", run.progress)
    examples = Examples(index, 3, count_words, 20)
    assert examples.lines(["more tea?"]).count("message: tea") == 2
    assert "tea tea" not in examples.lines(["more tea?"])
    assert examples.reserved == 20
    assert Examples(None, 3, count_words, 20).reserved == 0


def test_batches_have_windows_of_one_width_and_each_window_once() -> None:
    lengths = [5 * number % 120 + 1 for number in range(200)]
    batches = make_batches(lengths, 512, seed=1, epoch=0)
    assert sorted(number for batch in batches for number in batch) == list(range(200))
    for batch in batches:
        (width,) = {width_of(lengths[number]) for number in batch}
        assert width * len(batch) <= 512
    assert batches == make_batches(lengths, 512, seed=1, epoch=0)
    assert batches != make_batches(lengths, 512, seed=1, epoch=1)


def test_a_window_longer_than_a_step_is_a_batch() -> None:
    assert make_batches([600, 600], 512, seed=1, epoch=0) in ([[0], [1]], [[1], [0]])
