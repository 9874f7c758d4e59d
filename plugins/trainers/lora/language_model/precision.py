"""Devices and number formats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from autocakechat import UserError, multiplies_bfloat16

if TYPE_CHECKING:
    import torch

Precision = Literal["float32", "bfloat16", "4bit"]


def choose_device() -> torch.device:
    """Returns the GPU if there is one, else the CPU. Of several processes on a machine, each takes another GPU."""
    import torch

    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def choose_precision(wanted: Literal["auto", "float32", "bfloat16", "4bit"]) -> Precision:
    """Returns the number format of a training.

    Args:
        wanted: The option `precision`.

    Raises:
        UserError: 4 bits are wanted, and there is no CUDA GPU or no bitsandbytes.
    """
    import torch

    if wanted == "4bit":
        _require_4bit()
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if multiplies_bfloat16() else "float32"


def _require_4bit() -> None:
    from importlib.util import find_spec

    import torch

    hint = 'set trainer.precision = "auto", or choose a smaller base'
    if not torch.cuda.is_available():
        raise UserError('trainer.precision = "4bit" needs a CUDA GPU, and PyTorch finds none', hint)
    if find_spec("bitsandbytes") is None:
        raise UserError('trainer.precision = "4bit" needs bitsandbytes', "run: pip install bitsandbytes")
