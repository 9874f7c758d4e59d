"""What a model folder contains for ranking: the folder `past_replies`.

It has the index of the person's past replies, the weights of the ranker (`ranker.json`), and the mean thought vector
that the network's features need (`mean_thought.safetensors`).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import attrs

from autocakechat import Corpus, ReplyIndex, ReplyRanker, RunContext, open_embedder
from autocakechat.plugins.trainers.cakechat.inference.context_encoder import ContextEncoder
from autocakechat.plugins.trainers.cakechat.network.model_files import Model, check_numbers, check_shapes
from autocakechat.plugins.trainers.cakechat.network.weight_files import read_arrays, write_arrays
from autocakechat.plugins.trainers.cakechat.options import Options
from autocakechat.plugins.trainers.cakechat.ranking.network_features import NetworkFeatures, mean_thought

_FOLDER = "past_replies"
_RANKER = "ranker.json"
_MEAN_THOUGHT = "mean_thought.safetensors"
_THOUGHT = "mean_thought"


@attrs.frozen
class PastReplies:
    """The past replies of a model, and the ranker.

    Attributes:
        index: Finds past replies.
        ranker: Ranks candidates.
    """

    index: ReplyIndex
    ranker: ReplyRanker

    @classmethod
    def write(
        cls, model: Model, corpus: Corpus, dialogs: Collection[int], options: Options, folder: Path, run: RunContext
    ) -> PastReplies:
        """Indexes the past replies of a corpus, and fits the ranker.

        Args:
            model: The trained model.
            corpus: The corpus.
            dialogs: The positions of the dialogs that the network has not learnt. The ranker is fitted on them; if
                there are none, on all dialogs, without features of the network.
            options: The options of `[trainer]`.
            folder: The model folder.
            run: The progress display and the seed.

        Raises:
            UserError: The embedder is not installed.
        """
        into = folder / _FOLDER
        into.mkdir()
        embedder = None if options.embedder == "none" else open_embedder(options.embedder)
        index = ReplyIndex.build(corpus, into, run.progress, model.settings.context_lines, embedder)
        thought = mean_thought(model, index.exchanges)
        write_arrays(into / _MEAN_THOUGHT, {_THOUGHT: thought})
        if dialogs:
            features = NetworkFeatures(model, thought, ContextEncoder(model))
            ranker = ReplyRanker.fit(index, corpus, run.seed, run.progress, features, dialogs)
        else:
            ranker = ReplyRanker.fit(index, corpus, run.seed, run.progress)
        ranker.save(into / _RANKER)
        return cls(index, ranker)

    @staticmethod
    def exist(folder: Path) -> bool:
        """Returns whether a model folder contains past replies."""
        return (folder / _FOLDER).is_dir()

    @classmethod
    def open(cls, folder: Path, model: Model, encoder: ContextEncoder) -> PastReplies:
        """Opens the past replies of a model folder.

        Args:
            folder: The model folder.
            model: The model.
            encoder: Encodes contexts.

        Raises:
            UserError: A file is damaged, or the embedder is not installed.
        """
        past = folder / _FOLDER
        arrays, _ = read_arrays(past / _MEAN_THOUGHT)
        check_shapes({_THOUGHT: (model.settings.network.thought_size,)}, arrays, past / _MEAN_THOUGHT)
        check_numbers(arrays, past / _MEAN_THOUGHT)
        features = NetworkFeatures(model, arrays[_THOUGHT], encoder)
        index = ReplyIndex.open(past)
        return cls(index, ReplyRanker.open(index, past / _RANKER, features))
