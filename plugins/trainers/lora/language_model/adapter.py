"""The adapter (LoRA): adding one to a base, and its weights under the names of PEFT."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autocakechat import UserError, write_whole
from autocakechat.plugins.trainers.lora.model.folder import Adapter

if TYPE_CHECKING:
    import torch

_MATRIX_A = re.compile(r"base_model\.model\.(.+)\.lora_A\.weight")


def add_adapter(
    base: Any, rank: int, alpha: float, dropout: float, seed: int, layers: Sequence[str] = ()
) -> tuple[Any, Adapter]:
    """Adds an adapter to a base.

    Args:
        base: A causal language model of transformers. It is changed.
        rank: The rank r.
        alpha: The scaling is alpha / r.
        dropout: The dropout rate of the adapter's inputs; see `VariationalDropout`.
        seed: The seed of its initial weights.
        layers: The names of the layers that it changes; empty for all linear layers but the last.

    Returns:
        The model with the adapter, and the shape of the adapter.

    Raises:
        UserError: PEFT does not know how to add an adapter to this architecture.
    """
    import peft
    import torch

    from autocakechat.plugins.trainers.lora.language_model.layers import VariationalDropout

    changed: str | list[str] = list(layers) or "all-linear"
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=changed, task_type="CAUSAL_LM")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT calls what newer versions of transformers rename
        torch.manual_seed(seed)
        try:
            model: Any = peft.get_peft_model(base, config)
        except ValueError as error:
            raise UserError(
                f"PEFT cannot add an adapter to a base of the type {base.config.model_type}: "
                f"{str(error).splitlines()[0][:200]}",
                "choose another base",
            ) from error
    for module in model.modules():
        if isinstance(module, peft.tuners.lora.LoraLayer):
            module.cast_input_dtype_enabled = False  # autocast does it, and only once
            if dropout:
                module.lora_dropout["default"] = VariationalDropout(dropout)
    return model, Adapter(rank, alpha)


def merged(base: Any, adapter: Adapter, file: Path) -> Any:
    """Adds a trained adapter to the weights of a base.

    The file says which layers it changes: another version of PEFT could choose others.

    Raises:
        UserError: The file is damaged or belongs to another base.
    """
    tensors = read_tensors(file)
    layers = [match[1] for match in map(_MATRIX_A.fullmatch, sorted(tensors)) if match]
    if not layers or not {name for name, _ in base.named_modules()}.issuperset(layers):
        raise _unfit(file)
    model, _ = add_adapter(base, adapter.rank, adapter.alpha, 0.0, 0, layers)
    set_adapter_weights(model, tensors, file)
    return model.merge_and_unload()


def adapter_weights(model: Any) -> dict[str, torch.nn.Parameter]:
    """Returns the weights of the adapter, under the names that PEFT gives them in files."""
    return {name.replace(".default.", "."): weight for name, weight in model.named_parameters() if ".lora_" in name}


def set_adapter_weights(model: Any, tensors: Mapping[str, torch.Tensor], file: Path) -> None:
    """Replaces the weights of the adapter.

    Args:
        model: The model with the adapter.
        tensors: The weights, by the names of PEFT.
        file: The file that they are from, for the error.

    Raises:
        UserError: Names or shapes are different.
    """
    import torch

    weights = adapter_weights(model)
    shapes = {name: weight.shape for name, weight in weights.items()}
    if shapes != {name: tensor.shape for name, tensor in tensors.items()}:
        raise _unfit(file)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(tensors[name])


def _unfit(file: Path) -> UserError:
    return UserError(f"{file}: does not fit this base", "copy the whole model folder again, or train again")


def write_tensors(file: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes tensors to a safetensors file, which is complete or not there."""
    from safetensors.torch import save

    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(file, save(on_cpu, dict(metadata or {})))


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Reads tensors from a safetensors file.

    Raises:
        UserError: The file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, torch.Tensor] = load_file(file)
        return tensors
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file}: damaged: {error}", "copy the folder again, or train again") from None
