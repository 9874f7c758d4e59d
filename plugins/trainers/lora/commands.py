"""The command group `acc lora`, with the commands `export` and `base`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autocakechat import RunContext, UserError

if TYPE_CHECKING:
    from autocakechat.plugins.trainers.lora.model.folder import Adapter, ModelFolder
    from autocakechat.plugins.trainers.lora.options import Options

_WINDOW = 512
_BASE_FORM = "hf:owner/name@revision, with a branch, a tag or a commit as the revision"
_BASES = "smollm2, hf:owner/name@revision, a .gguf file, or a folder in the format of transformers"


@click.group("lora")
def lora() -> None:
    """Export a language model, or use one without training."""


@lora.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--merged", type=click.Path(path_type=Path), help="A new folder for transformers, vLLM or Ollama.")
@click.option("--gguf", type=click.Path(path_type=Path, dir_okay=False), help="A new file for llama.cpp.")
def export_model(model: Path, merged: Path | None, gguf: Path | None) -> None:
    """Export the model folder MODEL as one model, without a separate adapter."""
    from autocakechat.plugins.trainers.lora.model.folder import read_model_folder

    if not merged and not gguf:
        raise UserError("nothing to export", "add --merged DIR or --gguf FILE")
    folder = read_model_folder(model, _run())
    adapter = folder.adapter
    if adapter is None:
        raise UserError(f"{model}: is a base without an adapter", "give a model that was trained")
    if merged:
        _write_new(merged, lambda into: _export_merged(folder, adapter, into))
    if gguf:
        _write_new(gguf, lambda into: _export_gguf(folder, adapter, into))


@lora.command("base")
@click.argument("base", default="smollm2")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The model folder to create.")
def make_judge(base: str, out: Path) -> None:
    """Make a model folder of BASE without training: a judge for `acc evaluate --judge`.

    BASE is smollm2, hf:owner/name@revision, a .gguf file, or a folder in the format of transformers.
    """
    _write_new(out, lambda into: _write_base(base, into))
    click.echo(f"run: acc evaluate MODEL --judge {out}", err=True)


def _export_merged(folder: ModelFolder, adapter: Adapter, into: Path) -> None:
    from autocakechat.plugins.trainers.lora.bases.record import FoundBase
    from autocakechat.plugins.trainers.lora.language_model.merging import write_merged_folder

    _require("torch", "transformers", "peft")
    into.mkdir()
    write_merged_folder(FoundBase(folder.base, folder.base_folder), adapter, folder.adapter_file, into)


def _export_gguf(folder: ModelFolder, adapter: Adapter, into: Path) -> None:
    from autocakechat.plugins.trainers.lora.gguf_files.merged import write_merged_gguf

    _require("gguf", "safetensors")
    if not folder.base.gguf:
        raise UserError(
            f"{folder.path}: its base is not a .gguf file",
            "use --merged, and convert the folder with convert_hf_to_gguf.py of llama.cpp",
        )
    write_merged_gguf(folder.base_folder / folder.base.gguf, adapter, folder.adapter_file, into)


def _write_base(name: str, into: Path) -> None:
    """Writes a model folder of a base alone."""
    from autocakechat import finalize_model_folder
    from autocakechat.plugins.trainers.lora.bases.find import find_base
    from autocakechat.plugins.trainers.lora.engine.choice import has_pytorch
    from autocakechat.plugins.trainers.lora.gguf_files.chat_template import gguf_chat_format
    from autocakechat.plugins.trainers.lora.model.folder import TOKENIZER, Settings, write_model_folder
    from autocakechat.plugins.trainers.lora.trainer_type import TRAINER

    options = _base_options(name)
    found = find_base(options.base, options.base_path, (), _run())
    into.mkdir(parents=True)
    if has_pytorch():
        from autocakechat.plugins.trainers.lora.language_model.loading import load_tokenizer

        tokenizer, chat_format = load_tokenizer(found)
        (into / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    else:
        chat_format = gguf_chat_format(found.folder / str(found.record.gguf))
    write_model_folder(into, found, None, Settings(chat_format, "", ("neutral",), _WINDOW))
    finalize_model_folder(into, TRAINER, options, {"weights": 0})


def _base_options(name: str) -> Options:
    """Returns the options for a base, and checks before a download that it can be used.

    Raises:
        UserError: There is no such base, or a library that it needs is not installed.
    """
    from autocakechat.plugins.trainers.lora.bases.catalog import NAMED_BASES
    from autocakechat.plugins.trainers.lora.bases.local import local_files
    from autocakechat.plugins.trainers.lora.engine.choice import has_pytorch
    from autocakechat.plugins.trainers.lora.options import Options

    path = None if name in NAMED_BASES or name.startswith("hf:") else Path(name)
    try:
        options = Options(base_path=path) if path else Options(base=name)
        if path:
            local_files(path)
    except ValueError:
        raise UserError(f"{name}: not a base on Hugging Face", f"write {_BASE_FORM}") from None
    except UserError as error:
        raise UserError(error.message, f"give {_BASES}") from None
    if name.startswith("hf:") or (path and path.is_dir()):
        _require("torch", "transformers", "peft")
    elif not has_pytorch():
        _require("gguf")
    return options


def _write_new(target: Path, write: Callable[[Path], None]) -> None:
    """Writes a file or folder that appears only when it is complete.

    Raises:
        UserError: It already exists, or cannot be written.
    """
    if target.exists():
        raise UserError(f"{target}: already exists", "give another name")
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(unfinished)
        write(unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise UserError(f"{error.filename or target}: {error.strerror}", "give another name") from None
    finally:
        _remove(unfinished)
    click.echo(f"{target}: created", err=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def _require(*modules: str) -> None:
    """Checks that libraries are installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UserError(f"this needs {', '.join(missing)}", "run: pip install 'autocakechat[lora]'")


def _run() -> RunContext:
    """Returns the context for finding a base: messages appear on standard error."""
    log = logging.getLogger("autocakechat.lora")
    return RunContext(log=log, progress=_announce, seed=0, state=Path())


class _NoSteps:
    """A progress display that shows only its title."""

    def advance(self, steps: float = 1, **figures: float | str) -> None:
        """Does nothing."""


@contextmanager
def _announce(title: str, total: float | None = None, unit: str = "") -> Iterator[_NoSteps]:
    """Prints the title of a piece of work."""
    click.echo(f"{title} ...", err=True)
    yield _NoSteps()
