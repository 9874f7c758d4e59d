from __future__ import annotations

import os
import resource
import tracemalloc
from collections import Counter
from pathlib import Path

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocakechat import Chat, Corpus, Dialog, Message, Origin, StageError, UserError, Utterance, pseudonym
from autocakechat.corpus.occurrence_table import OccurrenceCounter
from autocakechat.corpus.options import CorpusOptions
from autocakechat.corpus.report import Report
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.corpus.writer import DUPLICATE, OVERUSED_REPLY, CorpusWriter
from autocakechat.errors import PluginError


def write(folder: Path, dialogs: list[Dialog], **options: object) -> tuple[Report, Chat]:
    """Writes dialogs of one chat; their utterances are its messages, in order."""
    texts = [utterance.text for dialog in dialogs for utterance in dialog.utterances]
    messages = [Message(number, f"user{number % 2}", None, text, number) for number, text in enumerate(texts)]
    chat = Chat("user0", "Ann", "personal_chat", messages)
    builder = ReportBuilder()
    builder.add_chat(chat)
    positions = (message.position for message in chat.messages)
    with CorpusWriter(folder, CorpusOptions(**options), seed=1) as writer:
        for dialog in dialogs:
            utterances = [msgspec.structs.replace(turn, messages=(next(positions),)) for turn in dialog.utterances]
            writer.write(msgspec.structs.replace(dialog, utterances=tuple(utterances)), builder.ledger("user0"))
        for _ in positions:
            pass
        return writer.finish(builder), chat


def dialog(*texts: str, started: int = 0) -> Dialog:
    return Dialog("user0", started, tuple(Utterance(text) for text in texts))


def texts(folder: Path, part: str = "train") -> list[tuple[str, ...]]:
    return [tuple(utterance.text for utterance in dialog) for dialog in Corpus(folder).dialogs(part)]


def test_writes_the_format_of_cakechat(tmp_path: Path) -> None:
    write(tmp_path, [Dialog("user0", 0, (Utterance("how are you?"), Utterance("fine", "joy")))])
    assert (tmp_path / "train.jsonl").read_bytes() == (
        b'[{"origin":{"chat":"%b","kind":"personal","people":["%b"]},"text":"how are you?","condition":"neutral"},'
        b'{"text":"fine","condition":"joy"}]\n' % ((pseudonym("user0").encode(),) * 2)
    )
    assert (tmp_path / "validation.jsonl").read_bytes() == b""
    assert sorted(os.listdir(tmp_path)) == ["report.json", "train.jsonl", "validation.jsonl"]


def test_the_origin_of_a_dialog_has_no_ids(tmp_path: Path) -> None:
    messages = [Message(number, sender, None, "hi", 0) for number, sender in enumerate(["anna", "me", "ben", "me"])]
    chat = Chat("team", "Team", "private_supergroup", messages)
    assert len(list(chat.messages)) == 4
    turns = tuple(Utterance(text, messages=(number,)) for number, text in enumerate(["who?", "me", "and?", "no"]))
    builder = ReportBuilder()
    builder.add_chat(chat)
    with CorpusWriter(tmp_path, CorpusOptions(), seed=1) as writer:
        writer.write(Dialog("team", 0, turns), chat.ledger)
        writer.write(Dialog("team", 1, (Utterance("an utterance"), Utterance("without a message"))), chat.ledger)
        writer.finish(builder)
    (first,), (second,) = (list(Corpus(tmp_path).origins(part)) for part in ("train", "validation"))
    assert first == Origin(pseudonym("team"), "group", (pseudonym("anna"), pseudonym("ben")))
    assert [first.person(pair) for pair in range(3)] == [pseudonym("anna"), pseudonym("ben"), ""]
    assert second.person(0) == ""
    assert b"anna" not in (tmp_path / "train.jsonl").read_bytes()


def test_a_corpus_of_an_earlier_version_has_empty_origins(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('[{"text": "hi", "condition": "joy"}, {"text": "yo", "condition": "joy"}]\n')
    assert list(Corpus(tmp_path).origins("train")) == [Origin()]


def test_duplicate_dialogs_are_written_once(tmp_path: Path) -> None:
    report, chat = write(tmp_path, [dialog("a", "b"), dialog("a", "c"), dialog("a", "b")])
    assert texts(tmp_path) + texts(tmp_path, "validation") == [("a", "b"), ("a", "c")]
    assert report.duplicates == 1
    assert chat.ledger.tally().dropped == {DUPLICATE: 2}


def test_dialogs_are_compared_after_masking(tmp_path: Path) -> None:
    report, _ = write(tmp_path, [dialog("your number?", "+491711234567"), dialog("your number?", "+491711234568")])
    assert texts(tmp_path) == [("your number?", "[phone]")]
    assert report.masked == {"phone": 2}


def test_dialog_is_cut_around_an_overused_reply(tmp_path: Path) -> None:
    report, chat = write(
        tmp_path, [dialog("a", "ok"), dialog("b", "no", "c", "ok", "d", "yes", started=9)], same_answer=1
    )
    assert texts(tmp_path) + texts(tmp_path, "validation") == [("a", "ok"), ("b", "no"), ("d", "yes")]
    assert report.surplus_answers == 1
    assert chat.ledger.tally().dropped == {OVERUSED_REPLY: 2}


def test_dialog_of_overused_replies_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, [dialog("a", "ok"), dialog("b", "ok")], same_answer=1)
    assert texts(tmp_path) + texts(tmp_path, "validation") == [("a", "ok")]


def test_surrogate_pairs_are_joined_and_unpaired_surrogates_replaced(tmp_path: Path) -> None:
    report, _ = write(tmp_path, [dialog("a\ud83d", "\ud83d\ude00")])
    assert texts(tmp_path) == [("a\ufffd", "\U0001f600")]
    assert report.samples[0].question == "a\ufffd"


def test_dialog_that_ends_with_the_client_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 utterances"):
        write(tmp_path, [dialog("a")])


def test_error_without_pairs_counts_messages_and_lists_participants(tmp_path: Path) -> None:
    builder = ReportBuilder()
    chat = Chat("user0", "Ann", "personal_chat", [Message(1, "user7", "A\u202enn", "hi", 0)])
    builder.add_chat(chat)
    for message in chat.messages:
        chat.drop(message, "not about the server")
    with CorpusWriter(tmp_path, CorpusOptions(), 0) as writer, pytest.raises(UserError) as caught:
        writer.finish(builder)
    assert "no pairs found in 1 message (1: not about the server); participants: " in str(caught.value)
    assert "user7 (A\\u202enn, 1 message)" in str(caught.value)


def test_unaccounted_messages_are_an_error_of_the_plugin(tmp_path: Path) -> None:
    builder = ReportBuilder("my-extractor")
    chat = Chat("user0", "Ann", "personal_chat", [Message(1, "user7", "Ann", "hi", 0)])
    builder.add_chat(chat)
    list(chat.messages)
    with (
        CorpusWriter(tmp_path, CorpusOptions(), 0) as writer,
        pytest.raises(PluginError, match="my-extractor: left 1 of 1 message of chat user0 unaccounted for"),
    ):
        writer.finish(builder)


def test_dialog_of_an_unknown_chat_is_an_error_of_the_plugin() -> None:
    with pytest.raises(PluginError, match="was not read"):
        ReportBuilder("my-extractor").ledger("nowhere")


dialogs_with_few_distinct_texts = st.lists(
    st.builds(
        lambda texts, started: dialog(*[text for pair in texts for text in pair], started=started),
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", "z"])), min_size=1, max_size=4),
        st.integers(0, 3 * 86_400),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(dialogs_with_few_distinct_texts, st.integers(1, 6), st.floats(0.01, 0.99))
def test_no_duplicates_no_overused_replies_and_all_messages_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, dialogs: list[Dialog], limit: int, share: float
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    report, chat = write(folder, dialogs, same_answer=limit, validation=share)
    train, validation = texts(folder), texts(folder, "validation")
    written = train + validation
    assert len(set(written)) == len(written) == report.dialogs
    replies = Counter(reply for texts in written for reply in texts[1::2])
    assert max(replies.values()) <= limit
    assert set(replies) == {reply.text for dialog in dialogs for reply in dialog.utterances[1::2]}
    tally = chat.ledger.tally()
    assert tally.read == tally.kept + sum(tally.dropped.values())
    assert tally.kept == sum(map(len, written)) == report.turns
    assert (report.train.dialogs, report.validation.dialogs) == (len(train), len(validation))
    assert report.validation.pairs == sum(len(texts) // 2 for texts in validation)
    assert Report.from_json((folder / "report.json").read_bytes()) == report


@settings(deadline=None)
@given(st.lists(st.integers(-(10**6), 10**10) | st.integers(0, 50), min_size=2, max_size=60), st.floats(0.01, 0.99))
def test_validation_is_the_newest_share_of_the_dialogs(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], share: float
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    dialogs = [dialog(f"q{number}", f"a{number}", started=started) for number, started in enumerate(times)]
    report, _ = write(folder, dialogs, validation=share)
    size = max(1, min(round(len(times) * share), len(times) - 1))
    by_time = sorted(range(len(times)), key=lambda number: (times[number], number))
    newest = set(by_time[-size:])
    assert texts(folder, "validation") == [(f"q{number}", f"a{number}") for number in sorted(newest)]
    assert texts(folder) == [(f"q{number}", f"a{number}") for number in range(len(times)) if number not in newest]
    assert report.train.dialogs >= 1


def test_split_of_many_blocks(tmp_path: Path) -> None:
    times = [number * 7919 % 20_011 * 60 for number in range(20_000)]
    dialogs = [dialog(f"q{number}", f"a{number}", started=started) for number, started in enumerate(times)]
    report, _ = write(tmp_path, dialogs, validation=0.1)
    split = sorted(times)[-2000]
    assert texts(tmp_path, "validation") == [(f"q{n}", f"a{n}") for n, time in enumerate(times) if time >= split]
    assert report.train.dialogs == 18_000
    assert len(report.samples) == 20
    assert len(set(report.samples)) == 20


def test_output_is_deterministic(tmp_path: Path) -> None:
    dialogs = [dialog(f"q{number % 700}", f"a{number % 90}", started=number) for number in range(3000)]
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write(folder, dialogs)
    for name in ("train.jsonl", "validation.jsonl", "report.json"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1), st.booleans()), max_size=300))
def test_occurrence_counter_counts_like_a_counter(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[int, bool]]
) -> None:
    occurrences = OccurrenceCounter(tmp_path_factory.getbasetemp(), limit=3)
    expected: Counter[int] = Counter()
    try:
        for key, undo in operations:
            key = key or 1
            if undo and expected[key]:
                occurrences.undo_add(key)
                expected[key] -= 1
            else:
                assert occurrences.add(key) == (expected[key] < 3)
                expected[key] = min(3, expected[key] + 1)
    finally:
        occurrences.close()


def test_occurrence_counter_grows(tmp_path: Path) -> None:
    occurrences = OccurrenceCounter(tmp_path, limit=1)
    hashes = [hash(f"text {number}") for number in range(100_000)]
    try:
        assert all(map(occurrences.add, hashes))
        occurrences.release_pages()
        assert not any(map(occurrences.add, hashes))
    finally:
        occurrences.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("validation", 0.0), ("validation", 1.0), ("same_answer", 0), ("same_answer", 40_000), ("phone_regions", ("XX",))],
)
def test_invalid_options_are_errors(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"must be|unknown country"):
        attrs.evolve(CorpusOptions(), **{name: value})


@pytest.mark.parametrize(("kilobytes", "lines"), [(100, 2), (300, 40), (1000, 2), (900, 20)])
def test_full_disk_is_a_user_error(tmp_path: Path, kilobytes: int, lines: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    texts = [[f"line {turn} of dialog {number} " * 5 for turn in range(lines)] for number in range(20_000 // lines)]
    dialogs = [dialog(*lines) for lines in texts]
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, before[1]))
    try:
        with pytest.raises(StageError, match="disk full: File too large; free some space on this disk"):
            write(tmp_path, dialogs)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    """Compares the peak memory of Python objects for a corpus and one five times as large."""

    def peak_memory(folder: Path, dialogs: int) -> int:
        folder.mkdir()
        chat = Chat("user0", None, "private", [])
        builder = ReportBuilder()
        builder.add_chat(chat)
        list(chat.messages)
        tracemalloc.start()
        with CorpusWriter(folder, CorpusOptions(), seed=0) as writer:
            for number in range(dialogs):
                lines = [f"line {turn} of dialog {number} " * 5 for turn in range(40)]
                writer.write(dialog(*lines, started=number * 60), chat.ledger)
            writer.finish(builder)
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak_bytes

    small = peak_memory(tmp_path / "small", dialogs=800)
    large = peak_memory(tmp_path / "large", dialogs=4000)
    assert (tmp_path / "large" / "train.jsonl").stat().st_size > 20_000_000
    assert large < small * 1.3
    assert large < 12_000_000
