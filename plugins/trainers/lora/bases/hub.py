"""Bases from the hub of Hugging Face, downloaded only if the user writes `hf:`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autocakechat import RunContext, UserError
from autocakechat.plugins.trainers.lora.bases.local import MODEL_FILES, local_record
from autocakechat.plugins.trainers.lora.bases.record import FoundBase

_TIMEOUT_SECONDS = 20.0


def download_from_hub(name: str, largest: float | None, run: RunContext) -> FoundBase:
    """Downloads a base into the cache of huggingface-hub; says its licence and size before.

    Args:
        name: `hf:owner/name@revision`.
        largest: The most bytes that the files may have, by the memory of this machine; None for any number.
        run: The log. huggingface-hub shows the progress itself.

    Raises:
        UserError: The hub cannot be reached, there is no such base, its licence has to be accepted first, or it does
            not fit into memory.
    """
    import huggingface_hub
    from huggingface_hub import errors

    repository, _, revision = name.removeprefix("hf:").partition("@")
    page = f"https://huggingface.co/{repository}"
    try:
        info = huggingface_hub.HfApi().model_info(
            repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS
        )
        files = [entry for entry in info.siblings or [] if _is_model_file(entry.rfilename)]
        size = sum(entry.size or 0 for entry in files)
        licence = str(getattr(info.card_data, "license", None) or "")
        run.log.info(
            "downloading the base %s: %.1f GB, licence %s, commit %s", name, size / 1e9, licence or "unknown", info.sha
        )
        if largest is not None and size > largest:
            raise UserError(
                f"{name}: its weights take {size / 1e9:.1f} GB, but only {largest / 1e9:.1f} GB fit into memory here",
                'choose a smaller base, or precision = "4bit" on a GPU',
            )
        names = [entry.rfilename for entry in files]
        folder = huggingface_hub.snapshot_download(repository, revision=info.sha, allow_patterns=names)
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
        raise UserError(
            f"{name}: the hub cannot be reached",
            "check the network, or set trainer.base_path to a base on this machine",
        ) from None
    return FoundBase(local_record(Path(folder), "hub", name, licence), Path(folder))


def _is_model_file(name: str) -> bool:
    return any(Path(name).match(pattern) and "/" not in name for pattern in MODEL_FILES)


def _is_network_error(error: Any) -> bool:
    """Returns whether a download failed for a reason outside of this program."""
    from huggingface_hub import errors

    modules = {cls.__module__.partition(".")[0] for cls in type(error).__mro__}
    clients = {"httpx", "httpx2", "requests"}  # of different versions of huggingface-hub
    return isinstance(error, (OSError, errors.HfHubHTTPError)) or bool(modules & clients)
