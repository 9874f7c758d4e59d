"""Shows what learns faster: the same network from the same first weights, by several optimizers, side by side.

    python benchmarks/optimizers.py --conversations 300 --epochs 4

Learns conversations of the Chit-Chat dataset (`pip install chitchat-dataset`) and prints, for each optimizer, the
perplexity on conversations that were not learnt from after each epoch, and the seconds until then.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import attrs
import chitchat_dataset

from autocakechat import Corpus, RunContext
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.trainer_type import train

OPTIMIZERS = {
    "Adam, warm-up, cosine": Options(optimizer="adam"),
    "Adam, word2vec": Options(optimizer="adam", word2vec=True),
    "Adam, steady": Options(optimizer="adam", decay=False),
    "Adadelta 6.0": Options(optimizer="adadelta", clip_norm=None, clip_value=5.0),
}
"""The last one is the original's, with its clipping."""


def write_corpus(folder: Path, conversations: int) -> Corpus:
    """Writes conversations down as a corpus, the last tenth to measure with."""
    dialogs = []
    for _, conversation in sorted(chitchat_dataset.Dataset().items()):
        messages = list(itertools.chain(*conversation["messages"]))
        turns = [
            {"text": "\n".join(message["text"] for message in turn), "condition": "neutral"}
            for _, turn in itertools.groupby(messages, key=lambda message: message["sender"])
        ]
        if len({message["sender"] for message in messages}) == 2 and len(turns) > 1:
            dialogs.append(json.dumps(turns[: len(turns) // 2 * 2]))
        if len(dialogs) == conversations:
            break
    split = len(dialogs) * 9 // 10
    for part, lines in (("train", dialogs[:split]), ("validation", dialogs[split:])):
        (folder / f"{part}.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    (folder / "report.json").write_text("{}")
    return Corpus(folder)


def learnt(options: Options, corpus: Corpus, folder: Path) -> dict[str, Any]:
    """Trains, and returns the history of the network."""
    folder.mkdir()
    train(options, corpus, folder, RunContext(logging.getLogger("benchmark"), silent_progress, 42, folder))
    history: dict[str, Any] = json.loads((folder / "training.json").read_text("utf-8"))["forward"]
    return history


def main() -> None:
    """Reads the command line and compares."""
    parser = argparse.ArgumentParser(description="Compare optimizers.")
    parser.add_argument("--conversations", type=int, default=300, help="to learn from (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=4, help="passes over them (default: %(default)s)")
    parser.add_argument("--size", default="tiny", help="size of the network (default: %(default)s)")
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(f"{'perplexity (seconds) after':26}" + "".join(f"{f'epoch {n}':>16}" for n in range(1, given.epochs + 1)))
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as name:
        folder = Path(name)
        corpus = write_corpus(folder, given.conversations)
        for number, (label, options) in enumerate(OPTIMIZERS.items()):
            options = attrs.evolve(options, size=given.size, epochs=given.epochs, patience=given.epochs, rehearsals=0)
            history = learnt(options, corpus, folder / str(number))
            figures = zip(history["perplexities"], history["times"], strict=True)
            print(f"{label:26}" + "".join(f"{f'{p:.1f} ({s:.0f})':>16}" for p, s in figures), flush=True)


if __name__ == "__main__":
    main()
