"""A program that deploys a trained model on Telegram and writes down what it is asked and what it answers.

Arguments: the address of the Bot API, the folder for what is kept, the model's folder, the file to write to.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from autocakechat import Reply, Request, Responder, RunContext, Secret, TrainedModel
from autocakechat.artifacts.model_folder import open_model
from autocakechat.config.pipeline_file import reply_options
from autocakechat.display.progress import silent_progress
from autocakechat.plugins.deployers.telegram import Options, deploy
from autocakechat.registry.manager import PluginManager

url, state, folder, transcript = sys.argv[1], *map(Path, sys.argv[2:])


class Noting:
    """Answers as another responder does; each burst and its answer become a line of the transcript."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self.labels = responder.labels
        self.context_lines = responder.context_lines

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        replies = self._responder.respond(requests)
        with transcript.open("a", encoding="utf-8") as file:
            for request, reply in zip(requests, replies, strict=True):
                print(json.dumps({"burst": request.context[-1], "answer": reply.text}), file=file)
        return replies


logging.basicConfig(level=logging.INFO, format="%(message)s")
run = RunContext(log=logging.getLogger("bot"), progress=silent_progress, seed=1, state=state)
manager = PluginManager.load(third_party=False)
model = open_model(folder, manager, lambda trainer: reply_options(trainer, []), run)
noting = TrainedModel(model.path, model.trainer, model.metrics, load=lambda: Noting(model.load()))
deploy(Options(token=Secret(env="TOKEN"), allow="everyone", base_url=url), noting, run)
