"""A trained adapter is added to the layers that its file names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autocakechat import UserError
from autocakechat.interface.model_file import read_json
from autocakechat.plugins.trainers.lora.bases.local import find_local
from autocakechat.plugins.trainers.lora.language_model.adapter import (
    adapter_weights,
    add_adapter,
    merged,
    write_tensors,
)
from autocakechat.plugins.trainers.lora.language_model.loading import load_base
from autocakechat.plugins.trainers.lora.model.folder import Adapter


@pytest.fixture
def base(tiny_base: Path) -> Any:
    import torch

    return load_base(find_local(tiny_base), "float32", torch.device("cpu"))


def test_an_adapter_of_some_layers_changes_these_only(tiny_base: Path, base: Any, tmp_path: Path) -> None:
    import torch

    model, adapter = add_adapter(base, 2, 4.0, 0.0, 1)
    weights = {name: torch.ones_like(weight) for name, weight in adapter_weights(model).items() if ".q_proj." in name}
    write_tensors(tmp_path / "adapter.safetensors", weights)
    before, after = (load_base(find_local(tiny_base), "float32", torch.device("cpu")) for _ in range(2))
    changed = merged(after, adapter, tmp_path / "adapter.safetensors").state_dict()
    assert changed.keys() == before.state_dict().keys()
    for name, weight in before.state_dict().items():
        expected = weight + 4.0 if ".q_proj." in name else weight  # alpha / r times the sum over the rank
        torch.testing.assert_close(changed[name], expected)


def test_an_adapter_of_another_base_is_refused(base: Any, tmp_path: Path) -> None:
    import torch

    file = tmp_path / "adapter.safetensors"
    for name in ("base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight", "weight"):
        write_tensors(file, {name: torch.zeros(2, 64)})
        with pytest.raises(UserError, match="does not fit this base"):
            merged(base, Adapter(2, 4.0), file)


def test_the_description_of_an_adapter_may_name_modules(tmp_path: Path) -> None:
    (tmp_path / "adapter.json").write_text('{"rank": 4, "alpha": 8.0, "modules": ["q_proj"]}')
    assert read_json(tmp_path / "adapter.json", Adapter) == Adapter(4, 8.0)
