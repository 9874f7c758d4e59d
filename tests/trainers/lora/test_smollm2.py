"""The default base, with real weights: a minute of training makes it better at the person's replies."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from autocakechat import Corpus, Request, RunContext, UserError
from autocakechat.plugins.trainers.lora import TRAINER
from autocakechat.plugins.trainers.lora.bases.find import find_base
from autocakechat.plugins.trainers.lora.options import Options, ReplyOptions
from tests.trainers.lora.conftest import write_corpus


@pytest.fixture
def real_corpus(tmp_path: Path) -> Corpus:
    """Conversations of the Chit-Chat dataset."""
    module = pytest.importorskip("chitchat_dataset")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it does not close its file
        dataset = module.Dataset()
    dialogs = []
    for conversation in list(dataset.values())[:60]:
        turns = ["\n".join(message["text"] for message in turn) for turn in conversation["messages"]]
        dialogs.append(turns[: len(turns) // 2 * 2])
    dialogs = [dialog for dialog in dialogs if dialog]
    return write_corpus(tmp_path / "corpus", dialogs[:-10], dialogs[-10:])


@pytest.mark.soak
def test_smollm2_learns_and_replies(real_corpus: Corpus, learn: Callable[..., Path], run: RunContext) -> None:
    try:
        find_base("smollm2", None, (), run)
    except UserError as error:
        pytest.skip(f"the base cannot be had: {error}")
    folder = learn(Options(epochs=0.5, rehearsals=1, warm_up=5), real_corpus)
    bits = [found["bits_per_character"] for found in json.loads((folder / "training.json").read_bytes())["evaluations"]]
    assert min(bits) < 0.95 * bits[0]
    responder = TRAINER.load(folder, ReplyOptions(seed=1), run)
    for reply in responder.respond([Request(["Hello!"]), Request(["Do you have any pets?"])]):
        assert reply.text.strip()
        assert reply.text.isprintable() or "\n" in reply.text
