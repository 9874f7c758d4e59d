"""Loads a model folder for replying, in the mode that the options and the folder ask for."""

from __future__ import annotations

from pathlib import Path

import attrs

from autocakechat import Responder, UserError
from autocakechat.plugins.trainers.cakechat.inference.context_encoder import ContextEncoder
from autocakechat.plugins.trainers.cakechat.inference.responder import CakeChatResponder
from autocakechat.plugins.trainers.cakechat.inference.threads import choose_threads
from autocakechat.plugins.trainers.cakechat.network.model_files import has_reverse, load_model
from autocakechat.plugins.trainers.cakechat.options import ReplyOptions
from autocakechat.plugins.trainers.cakechat.ranking.past_replies import PastReplies
from autocakechat.plugins.trainers.cakechat.ranking.ranked_responder import RankedResponder


def load(path: Path, options: ReplyOptions) -> Responder:
    """Loads a model folder.

    Args:
        path: A folder that the trainer wrote.
        options: The options of `[reply]`. Without a mode, replies are ranked if the folder contains past replies.

    Raises:
        UserError: The folder is damaged, or lacks the reverse model or the past replies that the mode needs.
    """
    threads = choose_threads(options.threads)
    if options.mode is None:
        options = attrs.evolve(options, mode="ranked" if PastReplies.exist(path) else "sampling")
    if options.mode != "ranked":
        return CakeChatResponder(load_model(path, options.reranks, threads), options)
    if not PastReplies.exist(path):
        raise UserError(
            f"{path}: the model has no past replies, which the mode ranked needs",
            'train with ranking = true in [trainer], or set mode = "sampling" in [reply]',
        )
    model = load_model(path, has_reverse(path), threads)
    encoder = ContextEncoder(model)
    generator = CakeChatResponder(attrs.evolve(model, reverse=None), options, encoder)
    return RankedResponder(generator, PastReplies.open(path, model, encoder), options)
