"""The models that `acc evaluate` opens, and the corpus that it evaluates on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from os.path import abspath
from pathlib import Path
from typing import TYPE_CHECKING

from autocakechat.errors import UserError

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.interface.model import TrainedModel


def names_of(paths: Sequence[Path]) -> dict[str, Path]:
    """Returns the paths by the names of their models: file or folder names, or the paths if these are not unique."""
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UserError(f"{twice} is given twice", "give each pipeline.toml or model folder once")
    short = [path.stem if path.suffix == ".toml" else Path(abspath(path)).name for path in paths]
    return dict(zip(short if len(set(short)) == len(short) else map(str, paths), paths, strict=True))


def open_bot(
    app: App, path: Path, accept_any: bool, overrides: tuple[str, ...], seed: int, stack: ExitStack
) -> TrainedModel:
    """Opens the model of a pipeline.toml or of a model folder.

    Args:
        app: The state of `acc`.
        path: The pipeline.toml, or the folder.
        accept_any: Whether to take the closest model if the pipeline has none with its settings.
        overrides: `KEY=VALUE` of `--set`.
        seed: Makes the replies reproducible.
        stack: Keeps the temporary state of a model folder.
    """
    if not path.is_dir():
        runner = app.runner(path, overrides)
        return runner.open_model(runner.artifact("model", accept_any).path, seed=seed)
    from autocakechat.cli.chat import model_of_folder

    model, _ = stack.enter_context(model_of_folder(app, path, overrides, seed))
    return model


def corpus_of(app: App, model: TrainedModel, path: Path | None) -> tuple[Path, str | None]:
    """Returns the corpus to evaluate on, and its key if it is known."""
    from autocakechat.artifacts.model_folder import corpus_key

    key = corpus_key(model.path)
    return _corpus_at(app, path, key) if path else (_corpus_near(model.path, key), key)


def _corpus_near(model: Path, key: str | None) -> Path:
    from autocakechat.artifacts.store import ArtifactStore

    hint = "give a corpus: --corpus DIR, or --corpus pipeline.toml"
    if key is None:
        raise UserError(f"{model}: the model does not name its corpus", hint)
    for folder in [*model.resolve().parents, Path.cwd()]:
        artifact = ArtifactStore(folder / ".acc").find("corpus", key)
        if artifact is not None:
            return artifact.path
    raise UserError(f"{model}: the corpus it was trained on was not found near it", hint)


def _corpus_at(app: App, path: Path, key: str | None) -> tuple[Path, str | None]:
    from autocakechat.artifacts.store import ArtifactStore, read_manifest

    if not path.exists():
        raise UserError(f"{path}: no such file or folder", "give the folder of a corpus, or a pipeline.toml")
    if path.is_dir():
        if not (path / "validation.jsonl").is_file():
            raise UserError(f"{path}: not a corpus (validation.jsonl is missing)", "give a corpus folder of `acc run`")
        manifest = read_manifest(path, "corpus") or {}
        return path, manifest.get("key")
    artifact = (ArtifactStore.beside(path).find("corpus", key) if key else None) or app.runner(path).artifact("corpus")
    return artifact.path, artifact.key


def masker_of(corpus: Path) -> Callable[[str], str]:
    """Returns a function that masks texts as a corpus does."""
    from autocakechat.artifacts.store import read_manifest
    from autocakechat.corpus.masking.masker import KINDS, Masker
    from autocakechat.corpus.masking.phone_numbers import DEFAULT_REGIONS

    options = (read_manifest(corpus, "corpus") or {}).get("ingredients", {})
    masker = Masker(options.get("corpus.mask", KINDS), options.get("corpus.phone_regions", DEFAULT_REGIONS))
    return lambda text: masker.mask(text, Counter())
