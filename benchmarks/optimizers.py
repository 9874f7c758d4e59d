"""Compares optimizers and initial embeddings: the same network, the same seed, validation perplexity after each epoch.

    python benchmarks/optimizers.py --conversations 300 --epochs 4

Trains on conversations of the Chit-Chat dataset (`pip install chitchat-dataset`). Prints the perplexity on held-out
conversations, and the seconds of training until then.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import attrs
import chitchat_dataset
from machine import machine

from autocakechat import Corpus, RunContext
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.trainer_type import train

CONFIGURATIONS = {
    "Adam, warm-up and cosine": Options(optimizer="adam"),
    "Adam, word2vec": Options(optimizer="adam", word2vec=True),
    "Adam, constant": Options(optimizer="adam", decay=False),
    "Adadelta 6.0": Options(optimizer="adadelta", clip_norm=None, clip_value=5.0),
}
"""The last one is that of the original CakeChat."""


def write_corpus(folder: Path, conversations: int) -> Corpus:
    """Writes conversations as a corpus; the last tenth is the validation part."""
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


def training_history(options: Options, corpus: Corpus, folder: Path, seed: int) -> dict[str, Any]:
    """Trains a model and returns the history of its network."""
    folder.mkdir()
    train(options, corpus, folder, RunContext(logging.getLogger("benchmark"), silent_progress, seed, folder))
    history: dict[str, Any] = json.loads((folder / "training.json").read_text("utf-8"))["forward"]
    return history


def main() -> None:
    """Trains with each configuration and prints a line for each."""
    parser = argparse.ArgumentParser(description="Compare optimizers and initial embeddings.")
    parser.add_argument("--conversations", type=int, default=300, help="size of the corpus (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each training (default: %(default)s)")
    parser.add_argument("--size", default="tiny", help="size of the network (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="seed of weights and shuffling (default: %(default)s)")
    arguments = parser.parse_args()
    print(machine())
    columns = "".join(f"{f'epoch {epoch}':>16}" for epoch in range(1, arguments.epochs + 1))
    print(f"{'perplexity (seconds) after':26}{columns}")
    with tempfile.TemporaryDirectory(prefix="acc-benchmark-") as name:
        folder = Path(name)
        corpus = write_corpus(folder, arguments.conversations)
        for number, (label, configuration) in enumerate(CONFIGURATIONS.items()):
            options = attrs.evolve(
                configuration, size=arguments.size, epochs=arguments.epochs, patience=arguments.epochs, rehearsals=0
            )
            history = training_history(options, corpus, folder / str(number), arguments.seed)
            epochs = zip(history["perplexities"], history["times"], strict=True)
            cells = "".join(f"{f'{perplexity:.1f} ({seconds:.0f})':>16}" for perplexity, seconds in epochs)
            print(f"{label:26}{cells}", flush=True)


if __name__ == "__main__":
    main()
