"""What the network's benchmarks learn from: the conversations of `chitchat-dataset`, as samples."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from importlib.resources import files
from typing import NamedTuple

from autocakechat import Utterance
from autocakechat.plugins.trainers.cakechat.data.batches import Batcher
from autocakechat.plugins.trainers.cakechat.data.samples import Samples, make_samples
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES
from autocakechat.plugins.trainers.cakechat.data.vocabulary import Conditions, Vocabulary

STYLE = STYLES["cakechat"]
CONTEXT_LINES, LINE_TOKENS, REPLY_TOKENS = 3, 30, 30
VALIDATION_CONVERSATIONS, VALIDATION_SAMPLES = 200, 500


class Data(NamedTuple):
    """Samples of real conversations.

    Attributes:
        batcher: Cuts batches, and knows the vocabulary.
        samples: To learn from.
        validation: To measure with.
    """

    batcher: Batcher
    samples: Samples
    validation: Samples


def conversations() -> list[list[Utterance]]:
    """Reads the conversations of two people in order of their ids; what one says at a stretch is one line."""
    # The package's own reader leaves the file open.
    dataset = json.loads((files("chitchat_dataset") / "dataset.json").read_text("utf-8"))
    found = []
    for _, conversation in sorted(dataset.items()):
        messages = [message for turn in conversation["messages"] for message in turn]
        if len({message["sender"] for message in messages}) == 2:
            turns = itertools.groupby(messages, key=lambda message: message["sender"])
            found.append([Utterance(" ".join(message["text"] for message in turn)) for _, turn in turns])
    return found


def read(tokens: int) -> Data:
    """Makes a sample of each line but the first of a conversation, with up to three lines before it.

    Args:
        tokens: Most tokens of the vocabulary.

    Returns:
        The first 90 % of the conversations to learn from, and 500 samples of the next 200 to measure with.
    """
    found = conversations()
    learnt = len(found) * 9 // 10
    words = Counter(word for dialog in found[:learnt] for line in dialog for word in STYLE.tokenize(line.text))
    vocabulary, conditions = Vocabulary.from_counts(words, tokens, 1), Conditions.from_labels(())
    samples, validation = (
        make_samples(part, STYLE.tokenize, vocabulary, conditions, CONTEXT_LINES, targets="all")
        for part in (found[:learnt], found[learnt : learnt + VALIDATION_CONVERSATIONS])
    )
    first = slice(VALIDATION_SAMPLES)
    validation = Samples(
        validation.lines, validation.context[first], validation.reply[first], validation.condition[first]
    )
    return Data(Batcher(vocabulary, LINE_TOKENS, REPLY_TOKENS, "masked"), samples, validation)
