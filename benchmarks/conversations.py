"""The data of the network's benchmarks: the conversations of `chitchat-dataset`, as samples."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from autocakechat import Corpus, Utterance
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples, make_samples
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary

STYLE = STYLES["cakechat"]
CONTEXT_LINES, LINE_TOKENS, REPLY_TOKENS = 3, 30, 30
VALIDATION_CONVERSATIONS, VALIDATION_SAMPLES = 200, 500

Dialog = Sequence[Utterance]


class Data(NamedTuple):
    """Samples of real conversations.

    Attributes:
        batcher: Makes mini-batches; has the vocabulary.
        samples: Training samples.
        validation: Validation samples.
    """

    batcher: Batcher
    samples: Samples
    validation: Samples


def conversations(chosen: Callable[[str], bool] | None = None, separator: str = " ") -> list[list[Utterance]]:
    """Reads the conversations of two people, in order of their ids; consecutive messages of one sender are joined.

    Args:
        chosen: Takes an id and returns whether to read the conversation; by default, all are read.
        separator: The text between joined messages.
    """
    # The package's own reader does not close the file.
    dataset = json.loads((files("chitchat_dataset") / "dataset.json").read_text("utf-8"))
    dialogs = []
    for name, conversation in sorted(dataset.items()):
        if chosen and not chosen(name):
            continue
        messages = [message for turn in conversation["messages"] for message in turn]
        if len({message["sender"] for message in messages}) == 2:
            turns = itertools.groupby(messages, key=lambda message: message["sender"])
            dialogs.append([Utterance(separator.join(message["text"] for message in turn)) for _, turn in turns])
    return dialogs


def write_corpus(folder: Path, train: Iterable[Dialog], validation: Iterable[Dialog]) -> Corpus:
    """Writes a corpus.

    Args:
        folder: The folder, which must not exist.
        train: The dialogs of the training part. Those with an odd number of lines lose their last line.
        validation: The dialogs of the held-out part.
    """
    folder.mkdir()
    (folder / "report.json").write_text("{}")
    for part, dialogs in (("train", train), ("validation", validation)):
        with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as file:
            for dialog in dialogs:
                lines = [{"text": line.text, "condition": line.emotion} for line in dialog[: len(dialog) // 2 * 2]]
                file.write(f"{json.dumps(lines)}\n")
    return Corpus(folder)


def read(max_tokens: int, limit: int | None = None) -> Data:
    """Makes a sample of each line but the first of a conversation, with up to three lines of context.

    Args:
        max_tokens: Maximum size of the vocabulary.
        limit: Maximum number of conversations; None for all.

    Returns:
        Training samples from the first 90 % of the conversations, 500 validation samples from the next 200.
    """
    dialogs = conversations()[:limit]
    split = len(dialogs) * 9 // 10
    train_dialogs, validation_dialogs = dialogs[:split], dialogs[split : split + VALIDATION_CONVERSATIONS]
    counts = Counter(token for dialog in train_dialogs for line in dialog for token in STYLE.tokenize(line.text))
    vocabulary, conditions = Vocabulary.from_counts(counts, max_tokens, 1), Conditions.from_labels(())
    samples, validation = (
        make_samples(part, STYLE.tokenize, vocabulary, conditions, CONTEXT_LINES, targets="all")
        for part in (train_dialogs, validation_dialogs)
    )
    first = slice(VALIDATION_SAMPLES)
    validation = Samples(
        validation.lines,
        *(column[first] for column in (validation.context, validation.reply, validation.condition, validation.dialog)),
    )
    return Data(Batcher(vocabulary, LINE_TOKENS, REPLY_TOKENS, "masked"), samples, validation)
