"""Weights of features, fitted by logistic regression: which of several candidates is the true reply?

The model is a conditional logit (McFadden 1974): the probability of a candidate is the softmax of its score among all
candidates of the same context.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from autocakechat.files import write_whole
from autocakechat.interface.model_file import read_json

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_CLIP = 3.0
_PENALTY = 1.0
_STEPS = 25
_CONVERGED = 1e-8


_Bounded = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]  # sums of products of such numbers are finite


class FeatureWeight(msgspec.Struct, frozen=True):
    """The weight of one feature.

    Attributes:
        feature: The name of the feature.
        weight: What one standard deviation of the feature adds to the score.
        mean: The mean of the feature.
        deviation: Its standard deviation.
    """

    feature: str
    weight: _Bounded
    mean: _Bounded = 0.0
    deviation: Annotated[float, msgspec.Meta(gt=0, le=1e9)] = 1.0

    def contribution(self, value: float) -> float:
        """Returns what a value of the feature adds to the score.

        Values far from the mean count as three deviations. Otherwise a copy of the message would be the best reply.
        """
        return self.weight * max(-_CLIP, min(_CLIP, (value - self.mean) / self.deviation))


class RankerWeights(msgspec.Struct, frozen=True):
    """The weights of a ranker. Stored as JSON with the model.

    Attributes:
        moments: The number of true replies that the weights were fitted on; 0 for weights that were not fitted.
        weights: The weights.
        overlap_penalty: What the cosine of a reply and the last lines takes off its score when a reply is chosen; see
            `overlap`.
    """

    moments: Annotated[int, msgspec.Meta(ge=0)]
    weights: list[FeatureWeight]
    overlap_penalty: _Bounded = 0.0

    @classmethod
    def read(cls, file: Path) -> RankerWeights:
        """Reads weights that `write` wrote.

        Raises:
            UserError: The file is missing or damaged.
        """
        return read_json(file, cls)

    def write(self, file: Path) -> None:
        """Writes the weights as a table in JSON."""
        write_whole(file, msgspec.json.format(msgspec.json.encode(self), indent=1))

    def contributions(self, columns: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
        """Returns what each feature adds to the score of each candidate.

        Args:
            columns: The features: a value per candidate, by name. A feature without a weight does not count.
        """
        known = [weight for weight in self.weights if weight.feature in columns]
        candidates = len(next(iter(columns.values()), ()))
        return [
            {weight.feature: weight.contribution(columns[weight.feature][place]) for weight in known}
            for place in range(candidates)
        ]

    @classmethod
    def fit(cls, moments: Sequence[Mapping[str, Sequence[float]]]) -> RankerWeights:
        """Fits the weights.

        Args:
            moments: For each true reply, the features of the candidates by name. The first candidate is the true one.
                All moments have the same number of candidates. A feature that a moment lacks counts as its mean there.
        """
        import numpy as np

        names = list(dict.fromkeys(name for moment in moments for name in moment))
        unknown = [math.nan] * len(next(iter(moments[0].values())))
        table = np.array([[moment.get(name, unknown) for name in names] for moment in moments]).transpose(0, 2, 1)
        mean, deviation = np.nanmean(table, (0, 1)), np.nanstd(table, (0, 1))
        deviation[deviation == 0] = 1.0
        weights = _conditional_logit(np.nan_to_num(np.clip((table - mean) / deviation, -_CLIP, _CLIP)))
        figures = zip(names, weights.tolist(), mean.tolist(), deviation.tolist(), strict=True)
        return cls(len(moments), [FeatureWeight(*figure) for figure in figures])


DEFAULT_WEIGHTS = RankerWeights(
    0,
    [
        FeatureWeight("shares words with the message", 0.26, 1.553, 2.035),
        FeatureWeight("shares words with the last lines", 0.47, 0.029, 0.048),
        FeatureWeight("shares words with older lines", 0.14, 0.030, 0.030),
        FeatureWeight("rarest word shared with the last lines", 0.23, 2.096, 1.722),
        FeatureWeight("rarest word shared with the conversation", 0.60, 3.109, 1.813),
        FeatureWeight("is like past replies to similar messages", 0.70, 0.086, 0.053),
        FeatureWeight("shares words with the bot's lines", 0.33, 0.030, 0.034),
        FeatureWeight("length", -1.04, 2.543, 0.844),
        FeatureWeight("rare words", 0.66, 3.768, 1.039),
    ],
)
"""Weights for a person with too few replies to fit any: those of 33,000 replies of the Chit-Chat dataset."""


def _conditional_logit(table: Array) -> Array:
    """Maximises the likelihood of the first candidates by Newton's method, with a penalty on the squared weights.

    Args:
        table: Shape (moments, candidates, features).
    """
    import numpy as np

    weights = np.zeros(table.shape[2])
    for _ in range(_STEPS):
        logits = table @ weights
        logits -= logits.max(1, keepdims=True)
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        means = np.einsum("mc,mcf->mf", shares, table)
        gradient = (table[:, 0] - means).sum(0) - _PENALTY * weights
        centred = table - means[:, None]
        curvature = np.einsum("mc,mcf,mcg->fg", shares, centred, centred) + _PENALTY * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if np.abs(step).max() < _CONVERGED:
            break
    return weights
