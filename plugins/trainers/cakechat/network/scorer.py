"""Scoring: log p of given replies with teacher forcing."""

from __future__ import annotations

import numpy as np

from autocakechat.plugins.trainers.cakechat.data.arrays import Floats, Ints
from autocakechat.plugins.trainers.cakechat.data.packed_sequences import Batch, Replies, sequence_index
from autocakechat.plugins.trainers.cakechat.network.hred import Network
from autocakechat.plugins.trainers.cakechat.network.selection import log_sum_exp, row_chunks


class Scorer:
    """Computes log p(reply | context) = Σ_n log p(y_n | y_<n, context).

    Args:
        network: The network.
        pad: Id of the pad token, which does not count as a target.
        frequent: p is the probability of a token among the first `frequent` ids and itself. Ids are ordered by
            frequency, so it is a little too high, and takes a fraction of the time. None for all ids.
    """

    def __init__(self, network: Network, pad: int, frequent: int | None = None) -> None:
        self._network = network
        self._pad = pad
        self._frequent = None if frequent is None or frequent >= network.settings.tokens else frequent

    def score(self, batch: Batch) -> tuple[Floats, Ints]:
        """Scores the replies of a batch.

        Args:
            batch: Contexts and replies.

        Returns:
            (samples,) log p of each reply, summed over its targets without pads, and (samples,) the number of these
            targets.
        """
        return self.score_replies(self._network.encode_contexts(batch.context), batch.replies)

    def score_replies(self, thoughts: Floats, replies: Replies) -> tuple[Floats, Ints]:
        """Scores replies like `score`, given the thought vectors of the samples, (samples, thought size)."""
        real = replies.targets != self._pad
        # The sample of each target: (targets,).
        sample = replies.sorted_indices[sequence_index(replies.inputs.batch_sizes)[real]]
        outputs = self._network.decode(thoughts, replies)[real]  # (targets, output size)
        log_p = self._log_probabilities(outputs, replies.targets[real])
        samples = len(replies.sorted_indices)
        summed = np.bincount(sample, weights=log_p, minlength=samples)
        return summed.astype(np.float32), np.bincount(sample, minlength=samples).astype(np.int32)

    def _log_probabilities(self, outputs: Floats, targets: Ints) -> Floats:
        """Returns log p of the targets: (targets,)."""
        log_p = np.empty(len(targets), np.float32)
        tokens = self._frequent or self._network.settings.tokens
        for rows in row_chunks(len(targets), tokens):
            logits, ids = self._network.logits(outputs[rows], self._frequent), targets[rows]  # (n, tokens)
            if self._frequent is None:
                log_p[rows] = logits[np.arange(len(logits)), ids] - log_sum_exp(logits)
            else:
                of_targets = self._network.logits_of(outputs[rows], ids)  # (n,)
                total = log_sum_exp(logits)
                total = np.where(ids < self._frequent, total, np.logaddexp(total, of_targets))
                log_p[rows] = of_targets - total
        return log_p
