from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from autocakechat import Chat, Dialog, Message, UserError, Utterance
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report import MessageCounts, Report, WordCounts
from autocakechat.corpus.report_builder import ReportBuilder, expectation
from autocakechat.corpus.writer import CorpusWriter
from autocakechat.display.report_text import render
from autocakechat.statistics.dialog_statistics import Bin


def make_chat(number: int, title: str, pairs: int, skip: str | None = None) -> Chat:
    messages = (
        Message(n, f"user{n % 2}", f"Name {n % 2}", f"text {n} of {number}", 1_700_000_000 + 30 * n)
        for n in range(2 * pairs)
    )
    return Chat(f"chat{number}", title, "private", messages, skip)


def extract(chat: Chat, builder: ReportBuilder) -> Iterator[Dialog]:
    """Makes a dialog of every two messages, except that every tenth pair is dropped."""
    builder.add_chat(chat)
    messages: list[Message] = []
    for message in chat.messages:
        messages.append(message)
        if chat.skip or message.position % 20 > 17:
            chat.drop(message, chat.skip or "every tenth")
        elif message.position % 2:
            utterances = tuple(Utterance(turn.text, "neutral", (turn.position,)) for turn in messages[-2:])
            yield Dialog(chat.id, messages[-2].sent, utterances)


def build_corpus(chats: list[Chat], folder: Path) -> Report:
    builder = ReportBuilder()
    with CorpusWriter(folder, CorpusOptions(), seed=0) as writer:
        for chat in chats:
            for dialog in extract(chat, builder):
                writer.write(dialog, builder.ledger(chat.id))
        return writer.finish(builder)


def test_report_counts_per_chat_and_in_total(tmp_path: Path) -> None:
    chats = [make_chat(0, "one", 10), make_chat(1, "two", 30), make_chat(2, "news", 5, skip="channel")]
    for chat in chats[:2]:
        chat.note("dialogs cut")
    report = build_corpus(chats, tmp_path)
    assert report.notes == {"dialogs cut": 2}
    assert "dialogs cut: 2" in render(report)
    assert report.messages == MessageCounts(90, 72, {"channel": 10, "every tenth": 8})
    assert [chat.messages for chat in report.chats] == [
        MessageCounts(20, 18, {"every tenth": 2}),
        MessageCounts(60, 54, {"every tenth": 6}),
        MessageCounts(10, 0, {"channel": 10}),
    ]
    assert [(chat.dialogs, chat.pairs, chat.skipped) for chat in report.chats] == [
        (9, 9, None),
        (27, 27, None),
        (0, 0, "channel"),
    ]
    assert (report.dialogs, report.pairs, report.turns) == (36, 36, 72)
    assert report.words == WordCounts(questions=4 * 36, answers=4 * 36)
    assert report.answer_words == [Bin(4, 7, 36)]
    assert report.dialog_pairs == [Bin(1, 1, 36)]
    assert sum(gap.count for gap in report.silences) == 90 - 3
    assert (report.train.dialogs, report.validation.dialogs) == (34, 2)
    assert [(participant.id, participant.messages) for participant in report.people] == [("user0", 45), ("user1", 45)]
    assert (tmp_path / "report.json").read_bytes() == report.to_json()


def test_rendered_report_escapes_control_characters(tmp_path: Path) -> None:
    report = build_corpus([make_chat(0, "\x1b[31m\u202eevil", 10), make_chat(1, "two", 30)], tmp_path)
    shown = render(report, samples=3)
    assert "read 80 messages in 2 chats" in shown
    assert "kept 72 (90 %) in 36 dialogs with 36 pairs" in shown
    assert "dropped 8 (10 %): every tenth" in shown
    assert "words per reply: 4-7 (100 %)" in shown
    assert "pairs per dialog: 1 (100 %)" in shown
    assert "gaps between messages: 10 to 60 seconds (100 %)" in shown
    assert "\\x1b[31m\\u202eevil" in shown
    assert shown.count("\n  < ") == 3
    assert not set(shown) & {"\x1b", "\u202e"}


def test_rendered_report_shows_at_most_twelve_chats(tmp_path: Path) -> None:
    report = build_corpus([make_chat(number, f"title {number}", 1 + number) for number in range(40)], tmp_path)
    shown = render(report)
    assert "title 39" in shown
    assert "title 0\n" not in shown
    assert "and 28 chats more" in shown
    assert len(report.chats) == 40


def test_spaces_and_line_breaks_separate_words(tmp_path: Path) -> None:
    builder = ReportBuilder()
    chat = Chat("c", None, "private", [])
    builder.add_chat(chat)
    list(chat.messages)
    with CorpusWriter(tmp_path, CorpusOptions(), seed=0) as writer:
        writer.write(Dialog("c", 0, (Utterance("how are\nyou"), Utterance("fine"))), chat.ledger)
        writer.write(Dialog("c", 0, (Utterance("ok"), Utterance("a b\nc d"))), chat.ledger)
        report = writer.finish(builder)
    assert report.words == WordCounts(questions=4, answers=5)
    assert report.answer_words == [Bin(1, 1, 1), Bin(4, 7, 1)]


def test_two_chats_with_the_same_id_have_separate_counts(tmp_path: Path) -> None:
    report = build_corpus([make_chat(0, "old", 10), make_chat(0, "new", 20)], tmp_path)
    assert [chat.messages.read for chat in report.chats] == [20, 40]
    assert [chat.pairs for chat in report.chats] == [9, 9]


def test_merged_builders_of_worker_processes_make_the_same_report(tmp_path: Path) -> None:
    expected = build_corpus([make_chat(0, "one", 10), make_chat(1, "two", 30)], tmp_path)
    merged = ReportBuilder()
    folder = tmp_path / "parts"
    folder.mkdir()
    with CorpusWriter(folder, CorpusOptions(), seed=0) as writer:
        for chat in (make_chat(0, "one", 10), make_chat(1, "two", 30)):
            builder = ReportBuilder()
            dialogs = list(extract(chat, builder))
            merged.merge(pickle.loads(pickle.dumps(builder)))
            for dialog in dialogs:
                writer.write(dialog, merged.ledger(chat.id))
        assert writer.finish(merged) == expected


def test_damaged_report_is_an_error() -> None:
    with pytest.raises(UserError, match="damaged"):
        Report.from_json(b'{"form": 1}')


@pytest.mark.parametrize(
    ("pairs", "word"), [(1, "too few"), (500, "few; enough past replies"), (5_000, "some"), (10**6, "plenty")]
)
def test_expectation_depends_on_the_number_of_pairs(pairs: int, word: str) -> None:
    assert f": {word}" in expectation(pairs)
