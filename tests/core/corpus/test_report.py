from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from autocakechat import Chat, Dialog, Message, UserError, Utterance
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report import MessageCounts, Report, ReportBuilder, WordCounts, what_to_expect
from autocakechat.corpus.writer import CorpusWriter
from autocakechat.display.report_text import render
from autocakechat.statistics.dialog_statistics import Bin


def chat(number: int, title: str, pairs: int, skip: str | None = None) -> Chat:
    messages = (
        Message(n, f"user{n % 2}", f"Name {n % 2}", f"text {n} of {number}", 1_700_000_000 + 30 * n)
        for n in range(2 * pairs)
    )
    return Chat(f"chat{number}", title, "private", messages, skip)


def extract(chat: Chat, builder: ReportBuilder) -> Iterator[Dialog]:
    """Makes a dialog of every two messages, except that every tenth pair is dropped."""
    builder.add_chat(chat)
    held: list[Message] = []
    for message in chat.messages:
        held.append(message)
        if chat.skip or message.position % 20 > 17:
            chat.drop(message, chat.skip or "every tenth")
        elif message.position % 2:
            utterances = tuple(Utterance(one.text, "neutral", (one.position,)) for one in held[-2:])
            yield Dialog(chat.id, held[-2].sent, utterances)


def learn(chats: list[Chat], folder: Path) -> Report:
    builder = ReportBuilder()
    with CorpusWriter(folder, CorpusOptions(), seed=0) as writer:
        for each in chats:
            for dialog in extract(each, builder):
                writer.write(dialog, builder.ledger(each.id))
        return writer.finish(builder)


def test_counts_per_chat_and_in_all(tmp_path: Path) -> None:
    chats = [chat(0, "one", 10), chat(1, "two", 30), chat(2, "news", 5, skip="channel")]
    for each in chats[:2]:
        each.note("dialogs cut")
    report = learn(chats, tmp_path)
    assert report.notes == {"dialogs cut": 2}
    assert "dialogs cut: 2" in render(report)
    assert report.messages == MessageCounts(90, 72, {"channel": 10, "every tenth": 8})
    assert [each.messages for each in report.chats] == [
        MessageCounts(20, 18, {"every tenth": 2}),
        MessageCounts(60, 54, {"every tenth": 6}),
        MessageCounts(10, 0, {"channel": 10}),
    ]
    assert [(each.dialogs, each.pairs, each.skipped) for each in report.chats] == [
        (9, 9, None),
        (27, 27, None),
        (0, 0, "channel"),
    ]
    assert (report.dialogs, report.pairs, report.turns) == (36, 36, 72)
    assert report.words == WordCounts(questions=4 * 36, answers=4 * 36)
    assert report.answer_words == [Bin(4, 7, 36)]
    assert report.dialog_pairs == [Bin(1, 1, 36)]
    assert sum(span.count for span in report.silences) == 90 - 3
    assert (report.train.dialogs, report.validation.dialogs) == (34, 2)
    assert [(person.id, person.messages) for person in report.people] == [("user0", 45), ("user1", 45)]
    assert (tmp_path / "report.json").read_bytes() == report.to_json()


def test_the_readable_report_is_safe_to_show(tmp_path: Path) -> None:
    report = learn([chat(0, "\x1b[31m\u202eevil", 10), chat(1, "two", 30)], tmp_path)
    shown = render(report, samples=3)
    assert "read 80 messages in 2 chats" in shown
    assert "kept 72 (90 %) in 36 dialogs with 36 pairs" in shown
    assert "dropped 8 (10 %): every tenth" in shown
    assert "\\x1b[31m\\u202eevil" in shown
    assert shown.count("\n  < ") == 3
    assert not set(shown) & {"\x1b", "\u202e"}


def test_many_chats_are_cut_short(tmp_path: Path) -> None:
    report = learn([chat(number, f"title {number}", 1 + number) for number in range(40)], tmp_path)
    shown = render(report)
    assert "title 39" in shown
    assert "title 0\n" not in shown
    assert "and 28 chats more" in shown
    assert len(report.chats) == 40


def test_words_are_divided_by_blanks_and_line_breaks(tmp_path: Path) -> None:
    builder = ReportBuilder()
    one = Chat("c", None, "private", [])
    builder.add_chat(one)
    list(one.messages)
    with CorpusWriter(tmp_path, CorpusOptions(), seed=0) as writer:
        writer.write(Dialog("c", 0, (Utterance("how are\nyou"), Utterance("fine"))), one.ledger)
        writer.write(Dialog("c", 0, (Utterance("ok"), Utterance("a b\nc d"))), one.ledger)
        report = writer.finish(builder)
    assert report.words == WordCounts(questions=4, answers=5)
    assert report.answer_words == [Bin(1, 1, 1), Bin(4, 7, 1)]


def test_two_chats_of_one_id_are_accounted_for_apart(tmp_path: Path) -> None:
    report = learn([chat(0, "old", 10), chat(0, "new", 20)], tmp_path)
    assert [each.messages.read for each in report.chats] == [20, 40]
    assert [each.pairs for each in report.chats] == [9, 9]


def test_accounts_kept_in_several_processes_add_up(tmp_path: Path) -> None:
    whole = learn([chat(0, "one", 10), chat(1, "two", 30)], tmp_path)
    sum_of_parts = ReportBuilder()
    folder = tmp_path / "parts"
    folder.mkdir()
    with CorpusWriter(folder, CorpusOptions(), seed=0) as writer:
        for each in (chat(0, "one", 10), chat(1, "two", 30)):
            part = ReportBuilder()
            dialogs = list(extract(each, part))
            sum_of_parts.merge(pickle.loads(pickle.dumps(part)))
            for dialog in dialogs:
                writer.write(dialog, sum_of_parts.ledger(each.id))
        assert writer.finish(sum_of_parts) == whole


def test_a_damaged_report_is_told() -> None:
    with pytest.raises(UserError, match="damaged"):
        Report.from_json(b'{"form": 1}')


@pytest.mark.parametrize(("pairs", "word"), [(1, "too few"), (500, "few"), (5_000, "some"), (10**6, "plenty")])
def test_what_to_expect_depends_on_the_amount(pairs: int, word: str) -> None:
    assert f": {word}" in what_to_expect(pairs)
