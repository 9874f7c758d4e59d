"""Bases from the hub of Hugging Face, downloaded only if the user writes `hf:`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.lora.bases.local import MODEL_FILES, base_files, local_record
from autocakechat.plugins.trainers.lora.bases.record import FoundBase

_TIMEOUT_SECONDS = 20.0


def download_from_hub(name: str, largest: float | None, run: RunContext) -> FoundBase:
    """Downloads a base into the cache of huggingface-hub; says its licence and size before.

    If the hub cannot be reached, a base that was downloaded before is used.

    Args:
        name: `hf:owner/name@revision`.
        largest: The most bytes that the files may have, by the memory of this machine; None for any number.
        run: The log. huggingface-hub shows the progress itself.

    Raises:
        UserError: The hub cannot be reached, there is no such base, its licence has to be accepted first, or it does
            not fit into memory.
    """
    from huggingface_hub import errors

    repository, _, revision = name.removeprefix("hf:").partition("@")
    page = f"https://huggingface.co/{repository}"
    try:
        return _download(name, repository, revision, largest, run)
    except errors.GatedRepoError:
        raise UserError(
            f"{name}: its licence must be accepted first", f"accept it on {page} and set HF_TOKEN to your token"
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
        raise UserError(f"{name}: there is no such base or revision", f"look at {page}") from None
    except UserError:
        raise
    except Exception as error:
        if not _is_network_error(error):
            raise
    folder = _cached(repository, revision)
    if folder is None:
        raise UserError(
            f"{name}: the hub cannot be reached",
            "check the network, or set trainer.base_path to a base on this machine",
        )
    run.log.warning("%s: the hub cannot be reached: using the copy in the cache, commit %s", name, folder.name)
    found = FoundBase(local_record(folder, "hub", name), folder)
    _require_fitting(name, found.size, largest)
    return found


def _download(name: str, repository: str, revision: str, largest: float | None, run: RunContext) -> FoundBase:
    import huggingface_hub

    info = huggingface_hub.HfApi().model_info(
        repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS
    )
    sizes = {entry.rfilename: entry.size or 0 for entry in info.siblings or []}
    names = base_files(sizes)
    size = sum(sizes[file] for file in names)
    licence = str(getattr(info.card_data, "license", None) or "")
    run.log.info(
        "downloading the base %s: %.1f GB, licence %s, commit %s", name, size / 1e9, licence or "unknown", info.sha
    )
    _require_fitting(name, size, largest)
    # With the name of the revision instead of its commit, the cache records what the name stands for.
    folder = Path(huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=names))
    return FoundBase(local_record(folder, "hub", name, licence), folder)


def _require_fitting(name: str, size: int, largest: float | None) -> None:
    """Checks that the weights of a base fit into memory."""
    if largest is not None and size > largest:
        raise UserError(
            f"{name}: its weights take {size / 1e9:.1f} GB, but only {largest / 1e9:.1f} GB fit into memory here",
            'choose a smaller base, or precision = "4bit" on a GPU',
        )


def _cached(repository: str, revision: str) -> Path | None:
    """Returns the folder of a base in the cache; None if its download was not finished."""
    import huggingface_hub
    from huggingface_hub import errors

    try:
        # Newer versions of huggingface-hub check that the files are complete: those that were not downloaded are named.
        found = huggingface_hub.snapshot_download(
            repository,
            revision=revision,
            local_files_only=True,
            allow_patterns=list(MODEL_FILES),
            ignore_patterns=["*/*", "consolidated*.safetensors"],
        )
        folder = Path(found)
        index = folder / "model.safetensors.index.json"
        weights = set(json.loads(index.read_bytes())["weight_map"].values()) if index.is_file() else {"*.safetensors"}
    except (errors.LocalEntryNotFoundError, OSError, ValueError, KeyError, AttributeError):
        return None
    needed = {"config.json", "tokenizer*", *weights}
    return folder if all(any(folder.glob(pattern)) for pattern in needed) else None


def _is_network_error(error: Any) -> bool:
    """Returns whether a download failed for a reason outside of this program."""
    from huggingface_hub import errors

    modules = {cls.__module__.partition(".")[0] for cls in type(error).__mro__}
    clients = {"httpx", "httpx2", "requests"}  # of different versions of huggingface-hub
    return isinstance(error, (OSError, errors.HfHubHTTPError)) or bool(modules & clients)
