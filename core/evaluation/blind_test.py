"""The blind test: can a friend tell the person's replies from the bot's?

A blind test is a list of moments from held-out dialogs, each with the person's true reply and the bot's in random
order. `blind_result.py` has the answers of a friend and the scores.
"""

from __future__ import annotations

import base64
import hashlib
import random
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise

import attrs
import msgspec

from autocakechat.errors import UserError
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample, draw_held_out_examples
from autocakechat.evaluation.model_outputs import request
from autocakechat.interface.corpus import Corpus
from autocakechat.text import repair_surrogates

MAX_MOMENTS = 200
ID_BYTES = 5

_RESERVE = 10  # examples to draw for each moment, because some are left out
_MAX_CHARACTERS = 600


@attrs.frozen
class Moment:
    """A context with two replies, one of them the person's.

    Attributes:
        context: The turns before the reply, oldest first; the last one is a client's.
        replies: The two replies.
        person: The index of the person's reply.
    """

    context: tuple[str, ...]
    replies: tuple[str, str]
    person: int


@attrs.frozen
class BlindTest:
    """A blind test.

    Attributes:
        id: It differs for different models, corpora, seeds, moments and replies, so that results are not mixed.
        moments: The moments, in random order.
        equal: The number of moments that were left out because the bot gave the person's reply.
    """

    id: str
    moments: tuple[Moment, ...]
    equal: int


def make_blind_test(
    responder: BatchedResponder,
    corpus: Corpus,
    size: int,
    seed: int,
    keys: Sequence[str],
    mask: Callable[[str], str],
) -> BlindTest:
    """Draws moments and lets the bot reply.

    Args:
        responder: The bot.
        corpus: The part "validation" is the held-out set.
        size: The number of moments; there are fewer if the held-out set is small. No context contains the answer of
            another moment.
        seed: The seed of the moments and of their order.
        keys: The keys of the model and of the corpus, for the id of the test.
        mask: Masks a text as the corpus does.

    Raises:
        UserError: There are no held-out replies, or the bot gives the person's reply to all of them.
        PluginError: The bot failed.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    examples, _ = draw_held_out_examples(corpus, _RESERVE * size, 0, rng)
    examples = [attrs.evolve(example, context=example.context[-responder.context_lines :]) for example in examples]
    rng.shuffle(examples)
    examples = _without_answers_of_others(examples)
    moments: list[Moment] = []
    equal = 0
    while examples and len(moments) < size:
        missing = size - len(moments)
        asked, examples = examples[:missing], examples[missing:]
        requests = [request(example, responder.labels, responder.context_lines) for example in asked]
        for example, reply in zip(asked, responder.replies(requests), strict=True):
            person, bot = presented(mask(example.reply)), presented(mask(reply))
            if person == bot:
                equal += 1
                continue
            place = rng.randrange(2)
            context = tuple(presented(mask(turn)) for turn in example.context)
            moments.append(Moment(context, (bot, person) if place else (person, bot), place))
    if not moments:
        raise UserError(
            f"{corpus.path}: the bot gives the person's reply in each of {equal} held-out contexts",
            "read more chats, so that more dialogs are held out",
        )
    return BlindTest(_test_id(keys, seed, moments), tuple(moments), equal)


def presented(text: str) -> str:
    """Returns a text as the test shows it: the person's and the bot's alike, so that only the words tell them apart.

    White space is trimmed and collapsed, empty lines are removed, characters are in composed form, and long texts are
    cut.
    """
    composed = unicodedata.normalize("NFC", repair_surrogates(text))
    whole = "\n".join(line for line in (" ".join(line.split()) for line in composed.splitlines()) if line)
    return whole if len(whole) <= _MAX_CHARACTERS else f"{whole[: _MAX_CHARACTERS - 1].rstrip()}…"


def _without_answers_of_others(examples: Sequence[EvaluationExample]) -> list[EvaluationExample]:
    """Leaves out examples so that no context contains another one's message with the reply that is asked for."""
    kept: list[EvaluationExample] = []
    asked: set[tuple[str, ...]] = set()
    shown: set[tuple[str, ...]] = set()
    for example in examples:
        question = (*example.context[-1:], example.reply)
        exchanges = set(pairwise(example.context))
        if question not in asked | shown and not exchanges & asked:
            kept.append(example)
            asked.add(question)
            shown |= exchanges
    return kept


def _test_id(keys: Sequence[str], seed: int, moments: Sequence[Moment]) -> str:
    """Returns eight letters and digits, the hash of everything that distinguishes a test."""
    content = msgspec.json.encode([list(keys), seed, [attrs.astuple(moment) for moment in moments]])
    return base64.b32encode(hashlib.sha256(content).digest()[:ID_BYTES]).decode().lower()
