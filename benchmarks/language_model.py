"""Times the training and the replies of the trainer `lora`.

    python benchmarks/language_model.py [--seconds 300] [--engine llama.cpp] [--base-path FILE.gguf]

The corpus is that of the demo. Training ends after about `--seconds`. Replies are measured in a new process: until the
model is ready, first replies, replies in the course of a conversation, in 16 conversations at once, and the memory with
that of llama.cpp's process.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from machine import machine, resident_bytes
from ranking import build_corpus

from autocakechat import Reply, Request, RunContext

_CHATS = 16
_REPLIES = 4
_FIRST_TOKENS_PER_SECOND = 200


def main() -> None:
    """Trains, measures replies in a new process, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="about how long to train")
    parser.add_argument("--conversations", type=int, default=400)
    parser.add_argument("--base-path", type=Path, help="another base than smollm2")
    parser.add_argument("--engine", choices=["llama.cpp", "torch"], default="llama.cpp")
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--step", choices=["train", "reply"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step == "train":
        print(json.dumps(train(options)))
    elif options.step == "reply":
        print(json.dumps(reply(options)))
    else:
        with tempfile.TemporaryDirectory() as name:
            measure(Path(name), options.conversations)


def measure(folder: Path, conversations: int) -> None:
    """Runs each step in a new process, and prints what they measured."""
    print(machine())
    build_corpus(folder, conversations)
    for step in ("train", "reply"):
        command = [sys.executable, __file__, *sys.argv[1:], "--step", step, "--folder", str(folder)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        for title, value in json.loads(done.stdout.splitlines()[-1]).items():
            print(f"{title:<50}{value:>10.3g}")


def train(options: argparse.Namespace) -> dict[str, float]:
    """Trains a model in the folder `model`."""
    from autocakechat import Corpus
    from autocakechat.plugins.trainers.lora import TRAINER
    from autocakechat.plugins.trainers.lora.options import Options

    (corpus,) = (options.folder / ".acc/corpus").iterdir()
    into = options.folder / "model"
    into.mkdir()
    # An epoch of the demo has 390,000 tokens; the number of steps follows from the time.
    epochs = options.seconds * _FIRST_TOKENS_PER_SECOND / 390_000
    metrics = TRAINER.train(
        Options(base_path=options.base_path, epochs=min(2.0, epochs), rehearsals=0), Corpus(corpus), into, _run(options)
    )
    return {
        "tokens a second": metrics["tokens_per_second"],
        "seconds of training": metrics["seconds"],
        "peak memory of training, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "bits a character before": metrics["base_bits_per_character"],
        "bits a character after": metrics["bits_per_character"],
    }


def reply(options: argparse.Namespace) -> dict[str, float]:
    """Replies to messages of the held-out dialogs."""
    started = time.perf_counter()
    from autocakechat import Corpus
    from autocakechat.plugins.trainers.lora import TRAINER
    from autocakechat.plugins.trainers.lora.options import ReplyOptions

    responder = TRAINER.load(options.folder / "model", ReplyOptions(engine=options.engine, seed=1), _run(options))
    ready = time.perf_counter() - started
    (corpus,) = (options.folder / ".acc/corpus").iterdir()
    texts = ([turn.text for turn in dialog] for dialog in Corpus(corpus).dialogs("validation"))
    dialogs = [lines for lines in texts if len(lines) > 2 * _REPLIES]
    responder.respond([Request(dialogs[-1][:1])])
    first = [_seconds(responder.respond, [Request(lines[:1])]) for lines in dialogs[: options.messages]]
    # Conversations as a bot has them, one reply after the other.
    talks = [[Request(lines[: 2 * reply + 1]) for reply in range(_REPLIES)] for lines in dialogs]
    later = [_seconds(responder.respond, [request]) for talk in talks[: options.messages] for request in talk]
    rounds = [_seconds(responder.respond, requests) for requests in zip(*talks[:_CHATS], strict=True)]
    return {
        "seconds until ready": ready,
        "seconds for the first reply, median": statistics.median(first),
        "seconds for a reply in a conversation, median": statistics.median(later),
        f"replies a second, {_CHATS} conversations at once": _CHATS * len(rounds) / sum(rounds),
        "memory of the bot and its engine, MB": sum(map(resident_bytes, ("self", *_children()))) / 1e6,
    }


def _seconds(respond: Callable[[Sequence[Request]], list[Reply]], requests: Sequence[Request]) -> float:
    started = time.perf_counter()
    respond(requests)
    return time.perf_counter() - started


def _run(options: argparse.Namespace) -> RunContext:
    import logging

    from autocakechat.display.progress import silent_progress

    return RunContext(logging.getLogger("autocakechat"), silent_progress, 42, options.folder)


def _children() -> list[str]:
    """Returns the ids of the processes that this one has started."""
    tasks = Path("/proc/self/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


if __name__ == "__main__":
    main()
