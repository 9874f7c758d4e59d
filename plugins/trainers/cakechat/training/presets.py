"""The named sizes of networks."""

from __future__ import annotations

import attrs

from autocakechat.plugins.trainers.cakechat.options import Options


@attrs.frozen(kw_only=True)
class Size:
    """What a name stands for; each field is an option of the same name."""

    hidden: int
    embedding: int
    condition_embedding: int
    vocabulary: int
    batch_size: int
    epochs: int
    learning_rate: float


SIZES = {
    "tiny": Size(
        hidden=128,
        embedding=64,
        condition_embedding=8,
        vocabulary=5_000,
        batch_size=64,
        epochs=3,
        learning_rate=0.01,
    ),
    "small": Size(
        hidden=256,
        embedding=128,
        condition_embedding=16,
        vocabulary=10_000,
        batch_size=128,
        epochs=5,
        learning_rate=0.005,
    ),
    "medium": Size(
        hidden=512,
        embedding=128,
        condition_embedding=64,
        vocabulary=30_000,
        batch_size=192,
        epochs=5,
        learning_rate=0.002,
    ),
    "cakechat": Size(
        hidden=768,
        embedding=128,
        condition_embedding=128,
        vocabulary=50_000,
        batch_size=196,
        epochs=5,
        learning_rate=0.001,
    ),
}
"""The learning rates are Adam's. That of "tiny" was tried, the others follow from it: the larger, the slower."""

ADADELTA_LEARNING_RATE = 6.0

GENTLE = 0.3
"""Share of Adam's learning rate for a network that can talk already: full steps spoil more than they teach."""

_LARGEST_CORPUS = {"tiny": 20_000, "small": 200_000, "medium": 2_000_000}


def size_of(options: Options, samples: int, hidden: int | None = None) -> Size:
    """Returns the size asked for, single options before the name.

    Args:
        options: The options.
        samples: Number of samples, from which `auto` chooses.
        hidden: Units of each GRU of the start model, from which `auto` chooses if there is one.
    """
    name: str = options.size
    if name == "auto" and hidden is not None:
        name = next((name for name, size in SIZES.items() if hidden <= size.hidden), "cakechat")
    elif name == "auto":
        name = next((name for name, largest in _LARGEST_CORPUS.items() if samples <= largest), "cakechat")
    size = SIZES[name]
    if hidden is not None:
        size = attrs.evolve(size, learning_rate=GENTLE * size.learning_rate)
    if options.optimizer == "adadelta":
        size = attrs.evolve(size, learning_rate=ADADELTA_LEARNING_RATE)
    given = {field.name: getattr(options, field.name) for field in attrs.fields(Size)}
    return attrs.evolve(size, **{field: value for field, value in given.items() if value is not None})
