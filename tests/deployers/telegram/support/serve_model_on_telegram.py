"""A program that deploys a trained model on Telegram and writes a transcript of its requests and replies.

Arguments: URL of the Bot API, state folder, model folder, transcript file.
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


class TranscribingResponder:
    """Wraps a responder; each burst and its reply become a line of the transcript."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self.labels = responder.labels
        self.context_lines = responder.context_lines

    def respond(self, requests: Sequence[Request]) -> list[Reply]:
        replies = self._responder.respond(requests)
        with transcript.open("a", encoding="utf-8") as file:
            for request, reply in zip(requests, replies, strict=True):
                print(json.dumps({"burst": request.context[-1], "reply": reply.text}), file=file)
        return replies


logging.basicConfig(level=logging.INFO, format="%(message)s")
run = RunContext(log=logging.getLogger("bot"), progress=silent_progress, seed=1, state=state)
manager = PluginManager.load(third_party=False)
model = open_model(folder, manager, lambda trainer: reply_options(trainer, []), run)
transcribed = TrainedModel(model.path, model.trainer, model.metrics, load=lambda: TranscribingResponder(model.load()))
deploy(Options(token=Secret(env="TOKEN"), allow="everyone", base_url=url), transcribed, run)
