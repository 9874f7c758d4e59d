"""Measures what a start model brings: held-out perplexity and ranking with and without it.

    python benchmarks/start_models.py --replies 500 2500 10000

The start model is that of `start = "conversations"`, which is trained first if it is not cached, or the model folder of
`--start-path`. It is measured on the conversations that it has not learnt: the last 63 are held out, the others are
trained on, all lines but the first as replies. Each option of `--set` is one more training, such as
`--set new_words=1000`.

The vocabularies differ, so the perplexity counts an unknown word as one of the words outside of the vocabulary that
occur in the conversations, all with the same probability:

    p(w) = p(unknown) / (V - v)      V distinct tokens in the conversations, v of them in the vocabulary
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import random
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
from conversations import Dialog, conversations, write_corpus
from machine import machine
from ranking import precision

from autocakechat import Corpus, Request, RunContext, Utterance
from autocakechat.display.progress import silent_progress
from autocakechat.evaluation.batched_responder import BatchedResponder
from autocakechat.evaluation.held_out_examples import EvaluationExample, draw_held_out_examples
from autocakechat.evaluation.ranking import context_gains
from autocakechat.plugins.trainers.cakechat.data.tokenization import STYLES
from autocakechat.plugins.trainers.cakechat.network.model_files import load_metadata
from autocakechat.plugins.trainers.cakechat.options import Options, ReplyOptions
from autocakechat.plugins.trainers.cakechat.pretrained.conversations import dataset_file, is_kept_back
from autocakechat.plugins.trainers.cakechat.start_training import RECIPE, conversation_model, from_model
from autocakechat.plugins.trainers.cakechat.trainer_type import TRAINER, load, train

HELD_OUT_CONVERSATIONS = 63
STYLE = STYLES["natural"]
SEED = 42


@attrs.frozen
class Measured:
    """What a model reaches on the held-out conversations."""

    perplexity: float
    precision: float
    margin: float
    recall: float
    seconds: float


def dialogs_with(replies: int, dialogs: Iterable[Dialog]) -> Iterator[Dialog]:
    """Yields the first dialogs, with so many replies in all; dialogs that end with the first speaker lose that line."""
    for dialog in dialogs:
        kept = dialog[: min(len(dialog), replies + 1) // 2 * 2]
        if len(kept) < 2:
            break
        yield kept
        replies -= len(kept) - 1


def casual(text: str) -> str:
    """Returns a text in lower case without punctuation, except for line breaks."""
    return re.sub(r"[^\w\s]", "", text).lower() or "ok"


def measure(options: Options, corpus: Corpus, folder: Path, distinct: set[str], examples: int) -> Measured:
    """Trains a model and measures it."""
    folder.mkdir()
    run = RunContext(logging.getLogger("benchmark"), silent_progress, SEED, folder / "state")
    run.state.mkdir()
    (folder / "model").mkdir()
    metrics = train(options, corpus, folder / "model", run)
    responder = BatchedResponder(load(folder / "model", ReplyOptions(), run), silent_progress)
    drawn, _ = draw_held_out_examples(corpus, examples, 9, random.Random(SEED))
    requests = [Request(example.context[-responder.context_lines :]) for example in drawn]
    scores = responder.scores(requests, [example.candidates for example in drawn])
    gains = context_gains(
        responder,
        requests,
        [example.reply for example in drawn],
        [example.candidates for example in drawn],
        scores,
        SEED,
    )
    found = precision(gains, drawn)
    _, vocabulary, _ = load_metadata(folder / "model")
    others = len(distinct - set(vocabulary.tokens))

    def unknown(example: EvaluationExample) -> int:
        ids = vocabulary.encode(STYLE.tokenize(example.reply))[: options.reply_tokens]
        return ids.count(vocabulary.unknown)

    log_p = sum(
        scored[0].log_p - unknown(example) * math.log(others) for example, scored in zip(drawn, scores, strict=True)
    )
    return Measured(
        perplexity=math.exp(-log_p / sum(scored[0].tokens for scored in scores)),
        precision=found.map,
        margin=found.margin,
        recall=found.recall,
        seconds=metrics["seconds"],
    )


def parse_settings(settings: Iterable[str]) -> list[dict[str, Any]]:
    """Parses `name=value,name=value`; each value is JSON."""
    return [
        {name: json.loads(value) for name, _, value in (part.partition("=") for part in setting.split(","))}
        for setting in settings
    ]


def main() -> None:
    """Prints a line for each training."""
    parser = argparse.ArgumentParser(description="Measure what a start model brings.")
    parser.add_argument("--replies", type=int, nargs="+", default=[500, 2500, 10_000])
    parser.add_argument("--start-path", type=Path, help="a model folder")
    parser.add_argument("--examples", type=int, default=400, help="held-out replies (default: %(default)s)")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=JSON,...", help="options of one more training")
    parser.add_argument(
        "--casual", action="store_true", help="chats in lower case without punctuation, unlike those of the start model"
    )
    parser.add_argument("--without-scratch", action="store_true", help="do not train without the start model")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    dialogs = [dialog for dialog in conversations(is_kept_back, "\n") if len(dialog) > 1]
    if options.casual:
        dialogs = [[Utterance(casual(line.text)) for line in dialog] for dialog in dialogs]
    distinct = {token for dialog in dialogs for line in dialog for token in STYLE.tokenize(line.text)}
    scratch = Options(targets="all", rehearsals=0)
    print(f"{machine()}; {len(dialogs)} conversations, {len(distinct)} distinct tokens\n", flush=True)
    print(
        "| replies | initial weights | perplexity | MAP | recall@1 | seconds |\n|---|---|---|---|---|---|", flush=True
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = RunContext(logging.getLogger("autocakechat"), silent_progress, SEED, folder)
        path = options.start_path or conversation_model(TRAINER, dataset_file(), RECIPE, run)
        trainings = {} if options.without_scratch else {"random": scratch}
        trainings["start model"] = from_model(scratch, path)
        for setting, values in zip(options.set, parse_settings(options.set), strict=True):
            trainings[f"start model, {setting}"] = attrs.evolve(from_model(scratch, path), **values)
        for replies in options.replies:
            chosen = dialogs_with(replies, dialogs[:-HELD_OUT_CONVERSATIONS])
            corpus = write_corpus(folder / f"{replies}", chosen, dialogs[-HELD_OUT_CONVERSATIONS:])
            for number, (label, training) in enumerate(trainings.items()):
                found = measure(training, corpus, folder / f"{replies}-{number}", distinct, options.examples)
                print(
                    f"| {replies} | {label} | {found.perplexity:.1f} | {found.precision:.3f} ± {found.margin:.3f} "
                    f"| {found.recall:.2f} | {found.seconds:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
