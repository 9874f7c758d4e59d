"""Training in several processes, one for each GPU, that share each gradient step.

`torchrun`, `accelerate launch` and Ray's TorchTrainer start the processes and tell each its number by environment
variables. Every process reads the same corpus and takes its part of each batch; after each step all have the same
weights. The process with the rank 0 writes the model folder and the checkpoints.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs
import msgspec

from autocakechat import StageError, write_whole

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

_HINT = "look at the output of the other processes; start all of them again"


@attrs.frozen
class ProcessGroup:
    """The processes of a training. A training in one process is a group of size 1.

    Attributes:
        rank: The number of this process.
        size: The number of processes.
        device: Where tensors are for the exchange between processes.
    """

    rank: int
    size: int
    device: torch.device

    def part(self, items: Sequence[T]) -> Sequence[T]:
        """Returns the items of this process; all processes together have each item once."""
        return items[self.rank :: self.size]

    def sum_gradients(self, weights: Sequence[torch.nn.Parameter]) -> None:
        """Adds the gradients of all processes. A process whose part of the batch is empty has none."""
        import torch

        if self.size == 1:
            return
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        with _lost_processes():
            torch.distributed.all_reduce(flat)
        pieces = flat.split([weight.numel() for weight in weights])
        for weight, piece in zip(weights, pieces, strict=True):
            weight.grad = piece.view_as(weight)

    def sum_numbers(self, *numbers: float) -> list[float]:
        """Adds each of several numbers over all processes."""
        import torch

        if self.size == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        with _lost_processes():
            torch.distributed.all_reduce(total)
        return [float(number) for number in total]

    def copy_files(self, folder: Path) -> None:
        """Copies the files of the process with the rank 0 to the folders of the others, maybe on other machines.

        Args:
            folder: The folder of this process; empty if its rank is not 0.
        """
        if self.size == 1:
            return
        names = sorted(file.name for file in folder.iterdir() if file.is_file())
        for name in msgspec.json.decode(self._copy(msgspec.json.encode(names)), type=list[str]):
            content = self._copy((folder / name).read_bytes() if self.rank == 0 else b"")
            if self.rank:
                write_whole(folder / name, content)

    def _copy(self, own: bytes) -> bytes:
        """Returns the bytes of the process with the rank 0."""
        import numpy as np
        import torch

        (length,) = self.sum_numbers(0 if self.rank else len(own))
        data = torch.zeros(int(length), dtype=torch.uint8, device=self.device)
        if self.rank == 0:
            data.copy_(torch.from_numpy(np.frombuffer(own, np.uint8).copy()))
        with _lost_processes():
            torch.distributed.broadcast(data, src=0)
        content: bytes = data.cpu().numpy().tobytes()
        return content


@contextmanager
def join_process_group(device: torch.device) -> Iterator[ProcessGroup]:
    """Joins the processes that train together.

    The launcher sets the environment variables `WORLD_SIZE`, `RANK`, `MASTER_ADDR` and `MASTER_PORT`. Without the
    first, this process trains alone.

    Args:
        device: The device that this process computes on.
    """
    import torch

    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ProcessGroup(0, 1, device)
        return
    joined = not torch.distributed.is_initialized()  # Ray's TorchTrainer has joined already
    if joined:
        with _lost_processes():
            torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(torch.distributed.get_rank(), size, device)
    finally:
        if joined:
            torch.distributed.destroy_process_group()


@contextmanager
def _lost_processes() -> Iterator[None]:
    """Turns the error for a process that ended into one line."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise StageError(f"the processes of the training cannot reach each other: {reason}", _HINT) from error
