"""The workers that train one network together: one process, or several that sum their gradients.

Each worker has all weights, computes the gradients of its part of each mini-batch, and updates its weights with the sum
of all gradients. So all workers always have the same weights, and N workers train the network that one would train.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from autocakechat import StageError
from autocakechat.plugins.trainers.cakechat.training_network.backend import tf
from autocakechat.plugins.trainers.cakechat.training_network.products import Tensor

Array = np.ndarray[Any, Any]


class WorkerGroup:
    """The group of a worker that trains alone, and the interface of all groups.

    All workers of a group call the same methods in the same order.

    Attributes:
        rank: Number of this worker, from 0.
        size: Number of workers.
    """

    rank = 0
    size = 1

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes checkpoints and the model."""
        return self.rank == 0

    def part(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Returns this worker's part of a mini-batch.

        A mini-batch of fewer samples than workers is computed by each of them: the mean of their gradients is the same.

        Args:
            chosen: (n,) positions of the mini-batch's samples.
        """
        return chosen if len(chosen) < self.size else np.array_split(chosen, self.size)[self.rank]

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function of tensors that may call `sum` and `gather`."""
        return function(*arguments)

    def sum(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Returns the sum over all workers of each tensor."""
        return tensors

    def gather(self, tensor: Tensor) -> Tensor:
        """Returns the rows of all workers, in the order of the workers."""
        return tensor

    def total(self, values: Sequence[float]) -> list[float]:
        """Returns the sum over all workers of each value."""
        return list(values)

    def share(self, array: Array) -> Array:
        """Returns the chief's array. The arrays of all workers have the same shape and type."""
        return array

    def share_text(self, text: str) -> str:
        """Returns the chief's text."""
        return text

    def share_variables(self, variables: Iterable[Any]) -> None:
        """Assigns the chief's values to TensorFlow variables."""

    def wait_for_all(self) -> None:
        """Returns when all workers have called this method."""

    def errors(self) -> AbstractContextManager[None]:
        """Reports in its block that another worker has ended.

        Raises:
            StageError: Another worker has ended or cannot be reached.
        """
        return nullcontext()


class CollectiveGroup(WorkerGroup):
    """A group of several processes that exchange tensors by TensorFlow's collective operations.

    Args:
        rank: Number of this worker.
        size: Number of workers.
        strategy: The `MultiWorkerMirroredStrategy`, with one device per worker.
    """

    def __init__(self, rank: int, size: int, strategy: Any) -> None:
        self.rank = rank
        self.size = size
        self._strategy = strategy
        self._compiled_sum = tf.function(
            lambda vector: self.run(lambda part: self.sum([part])[0], vector), autograph=False
        )

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function of tensors that may call `sum` and `gather`."""
        return self._strategy.run(function, arguments)

    def sum(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Returns the sum over all workers of each tensor."""
        replica = tf.distribute.get_replica_context()
        placed = [tf.identity(tensor) for tensor in tensors]  # arguments of a traced function have no device
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, placed)  # type: ignore[no-any-return]

    def gather(self, tensor: Tensor) -> Tensor:
        """Returns the rows of all workers, in the order of the workers."""
        # GPUs exchange no integers of 32 bits. float64 holds them exactly.
        exchanged = tf.cast(tensor, tf.float64) if tensor.dtype == tf.int32 else tf.identity(tensor)
        return tf.cast(tf.distribute.get_replica_context().all_gather(exchanged, axis=0), tensor.dtype)

    def total(self, values: Sequence[float]) -> list[float]:
        """Returns the sum over all workers of each value."""
        totals: list[float] = self._compiled_sum(tf.constant(values, tf.float64)).numpy().tolist()
        return totals

    def share(self, array: Array) -> Array:
        """Returns the chief's array. The arrays of all workers have the same shape and type."""
        # A sum with zeros is exact, also that of integers up to 2^53 in float64.
        precise = array.astype(np.float32 if array.dtype == np.float32 else np.float64)
        flat = tf.constant((precise if self.is_chief else np.zeros_like(precise)).reshape(-1))
        shared: Array = self._compiled_sum(flat).numpy()
        return shared.reshape(array.shape).astype(array.dtype)

    def share_text(self, text: str) -> str:
        """Returns the chief's text."""
        encoded = np.frombuffer(text.encode(), np.uint8)
        (length,) = self.share(np.array([len(encoded)]))
        return self.share(np.resize(encoded, length)).tobytes().decode()

    def share_variables(self, variables: Iterable[Any]) -> None:
        """Assigns the chief's values to TensorFlow variables."""
        for variable in variables:
            variable.assign(self.share(np.asarray(variable.numpy())))

    def wait_for_all(self) -> None:
        """Returns when all workers have called this method."""
        self.total([0.0])

    def errors(self) -> AbstractContextManager[None]:
        """Reports in its block that another worker has ended; see `lost_workers_as_error`."""
        return lost_workers_as_error()


@contextmanager
def lost_workers_as_error() -> Iterator[None]:
    """Reports in its block that another worker has ended. The training can be resumed from the last checkpoint.

    Raises:
        StageError: Another worker has ended or cannot be reached.
    """
    errors = tf.errors
    try:
        yield
    except (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.DeadlineExceededError) as error:
        raise StageError(
            "another worker of the training has ended or cannot be reached", "see its log, and start all workers again"
        ) from error
