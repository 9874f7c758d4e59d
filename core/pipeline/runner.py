"""Runs a pipeline: checks all that will run, builds or reuses the corpus and the model, and starts the deployer."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import attrs
import msgspec

from autocakechat.artifacts.model_folder import open_model, write_manifest
from autocakechat.artifacts.store import (
    MANIFEST,
    Artifact,
    ArtifactStore,
    Hashes,
    Ingredients,
    Kind,
    key_of,
    newest_corpus,
)
from autocakechat.config.pipeline_file import Pipeline, StageConfig
from autocakechat.corpus.report import Report
from autocakechat.display.logging_setup import Redactor
from autocakechat.display.progress import progress_for
from autocakechat.display.report_text import render
from autocakechat.errors import AccError, UserError
from autocakechat.files import replace_folder, write_whole
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.model import TrainedModel
from autocakechat.interface.options import values_affecting_key
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.pipeline.corpus_builder import CorpusStage
from autocakechat.pipeline.preflight import PreflightChecks, SourceInputs
from autocakechat.registry.manager import PluginManager, plugin_error

Until = Literal["corpus", "model"]
CORPUS_FORM = 2


@attrs.frozen
class BuiltArtifact:
    """An artifact a run ended with.

    Attributes:
        artifact: The artifact.
        reused: Whether it was there before.
        measured: The corpus report, or the model's metrics.
    """

    artifact: Artifact
    reused: bool
    measured: dict[str, Any]


class Runner:
    """Runs one pipeline.

    Args:
        pipeline: What to run.
        manager: The plugins.
        log: Where to say things.
        redact: Learns every secret that is used, before it is used.
    """

    def __init__(self, pipeline: Pipeline, manager: PluginManager, log: logging.Logger, redact: Redactor) -> None:
        self._pipeline = pipeline
        self._manager = manager
        self._log = log
        self._redact = redact
        self._store = ArtifactStore.beside(pipeline.path)
        self._hashes = Hashes(self._store.folder / "hashes.json")

    def check(self, until: Until | None) -> Sequence[SourceInputs]:
        """Checks everything that will run: tables, requirements, files and secrets.

        Args:
            until: The artifact to stop at; None to go on to the deployer.

        Returns:
            For each source, what there is to read.

        Raises:
            ManyProblemsError: With one line for each thing to mend.
        """
        tables = ["source", "extractor", "annotator"]
        tables += [] if until == "corpus" else ["trainer"] if until == "model" else ["trainer", "deployer"]
        return PreflightChecks(self._pipeline, self._redact).stages(tables)

    def run(self, until: Until | None, force: Until | None, samples: int = 0) -> dict[str, BuiltArtifact]:
        """Builds or reuses the corpus, and the model unless only the corpus is asked for.

        Args:
            until: The artifact to stop at.
            force: The artifact to build even if it is there.
            samples: How many sample pairs to show with the report.

        Returns:
            What was asked for, by kind.
        """
        inputs = self.check(until)
        stage = CorpusStage(self._pipeline, inputs, self._manager, self._context)
        built = {"corpus": self._corpus(stage, force == "corpus", samples)}
        if until != "corpus":
            built["model"] = self._model(built["corpus"].artifact, force == "model")
        return built

    def newest_corpus(self) -> Artifact:
        """Returns the corpus that was made or asked for last.

        Raises:
            UserError: There is none yet.
        """
        return newest_corpus(self._pipeline.path)

    def train(self, corpus: Artifact, force: bool = False) -> BuiltArtifact:
        """Builds or reuses the model of a corpus, which is taken as it is.

        Args:
            corpus: The corpus.
            force: Whether to build the model even if it is there.
        """
        PreflightChecks(self._pipeline, self._redact).stages(["trainer"])
        return self._model(corpus, force)

    def dry_run(self, until: Until | None, force: Until | None) -> list[str]:
        """Checks everything and says what a run would do."""
        ingredients = self._corpus_ingredients(self.check(until))
        lines = [self._prediction("corpus", ingredients, force == "corpus")]
        if until != "corpus":
            lines.append(self._prediction("model", self._model_ingredients(key_of(ingredients)), force == "model"))
        if until is None:
            lines.append(f"deployer: {self._pipeline.require('deployer').stage.name} would start")
        return lines

    def deploy(self, folder: Path | None = None, state: Path | None = None) -> None:
        """Lets people talk to a model, until the deployer is stopped.

        Args:
            folder: The model's folder; by default the newest model of the pipeline.
            state: The folder for what the deployer keeps; by default one beside the pipeline.

        Raises:
            UserError: The folder for the state cannot be used.
        """
        PreflightChecks(self._pipeline, self._redact).stages(["deployer"])
        deployer = self._pipeline.require("deployer")
        model = self.model(folder, state and state / "reply")
        if state:
            _make_state(state, model.path)
        self.deploy_with(deployer, model, state)

    def deploy_with(self, deployer: StageConfig, model: TrainedModel, state: Path | None = None) -> None:
        """Lets people talk to a model through a given deployer."""
        with self._events(deployer) as done:
            deployer.stage.deploy(deployer.options, model, self._context(deployer, state))
            done(None)

    def model(self, folder: Path | None = None, state: Path | None = None, seed: int | None = None) -> TrainedModel:
        """Opens a model folder, by default the newest model of the pipeline.

        Args:
            folder: The folder.
            state: The folder for what the trainer keeps while it answers; by default one beside the pipeline.
            seed: For the same answers every time, unless `[reply]` has a seed.

        Raises:
            UserError: There is none, or it is damaged.
        """
        if folder is None:
            newest = self._store.newest("model")
            if newest is None:
                raise UserError(
                    f"{self._pipeline.path}: no model was trained yet", f"type: acc run {self._pipeline.path}"
                )
            folder = newest.path
        reply = partial(self._reply_options, folder)
        return open_model(folder, self._manager, reply, self._plain_context("reply", state), seed)

    def export_model(self, built: BuiltArtifact, target: Path) -> None:
        """Copies a model to a folder of the user's.

        Raises:
            UserError: Something else stands there.
        """
        if target.exists() and not (target / MANIFEST["model"]).is_file() and any(target.iterdir()):
            raise UserError(f"{target}: is there and is no model", "give another --export-model folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = target.with_name(f".{target.name}.copying")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(built.artifact.path, copy)
        replace_folder(copy, target, spare=target.with_name(f".{target.name}.replaced"))
        self._log.info("model: copied to %s", target)

    def _reply_options(self, folder: Path, trainer: TrainerType) -> Any:
        """The options of `[reply]` belong to the trainer of the pipeline; a model of another one has its defaults."""
        chosen = self._pipeline.trainer
        if chosen is None:
            return trainer.reply()
        if chosen.stage is not trainer:
            names = f"'{trainer.name}', and {self._pipeline.path} has '{chosen.stage.name}'"
            raise UserError(
                f"{folder}: was made by the trainer {names}",
                f'set use = "{trainer.name}" in [trainer], or give another model',
            )
        return self._pipeline.reply

    def _corpus(self, stage: CorpusStage, force: bool, samples: int) -> BuiltArtifact:
        ingredients = self._corpus_ingredients(stage.inputs)
        key = key_of(ingredients)
        found = None if force else self._reusable("corpus", key)
        if found:
            if samples:
                self._log.info("%s", render(Report.from_json((found.path / "report.json").read_bytes()), samples))
            return BuiltArtifact(found, True, Corpus(found.path).report)
        self._log.info("corpus: building (%s)", self._store.why_not("corpus", ingredients))
        with self._store.locked(), self._store.building("corpus", key) as folder:
            with self._events(
                *self._pipeline.sources, self._pipeline.require("extractor"), self._pipeline.annotator
            ) as done:
                report = stage.build(folder)
                done(report)
            manifest = {"form": CORPUS_FORM, "key": key, "ingredients": ingredients}
            write_whole(folder / MANIFEST["corpus"], msgspec.json.encode(manifest))
            self._hashes.save()
        self._log.info("%s", render(report, samples))
        return BuiltArtifact(self._made("corpus", key), False, Corpus(self._made("corpus", key).path).report)

    def _model(self, corpus: Artifact, force: bool) -> BuiltArtifact:
        ingredients = self._model_ingredients(corpus.key)
        key = key_of(ingredients)
        found = None if force else self._reusable("model", key)
        if found:
            return BuiltArtifact(found, True, found.manifest["metrics"])
        trainer = self._pipeline.require("trainer")
        self._log.info("model: training (%s)", self._store.why_not("model", ingredients))
        context = attrs.evolve(self._context(trainer), state=self._store.state(f"model-{key}"))
        with self._store.locked(), self._store.building("model", key) as folder:
            with self._events(trainer) as done:
                metrics = trainer.stage.train(trainer.options, Corpus(corpus.path), folder, context)
                done(metrics)
            write_manifest(folder, trainer, metrics, key, ingredients)
            self._hashes.save()
        self._store.forget_state(f"model-{key}")
        self._log.info("model: %s", ", ".join(f"{name} {_figure(value)}" for name, value in metrics.items()))
        return BuiltArtifact(self._made("model", key), False, dict(metrics))

    def _reusable(self, kind: Kind, key: str) -> Artifact | None:
        found = self._store.find(kind, key)
        if found:
            self._log.info("%s: reused, nothing that makes it has changed", kind)
            self._store.touch(found)
        return found

    def _made(self, kind: Kind, key: str) -> Artifact:
        artifact = self._store.find(kind, key)
        assert artifact is not None
        return artifact

    def _prediction(self, kind: Kind, ingredients: Ingredients, force: bool) -> str:
        if not force and self._store.find(kind, key_of(ingredients)):
            return f"{kind}: would be reused"
        return f"{kind}: would be built ({self._store.why_not(kind, ingredients)})"

    def _corpus_ingredients(self, inputs: Sequence[SourceInputs]) -> Ingredients:
        ingredients: Ingredients = {"form": CORPUS_FORM, "seed": self._pipeline.seed}
        for source, entries in inputs:
            ingredients |= _described(source)
            for entry in entries:
                ingredients[f"{source.where}: {entry.name}"] = [self._hashes.of(path) for path in entry.paths]
        ingredients |= _described(self._pipeline.require("extractor")) | _described(self._pipeline.annotator)
        return ingredients | {
            f"corpus.{name}": value for name, value in values_affecting_key(self._pipeline.corpus).items()
        }

    def _model_ingredients(self, corpus: str) -> Ingredients:
        trainer = self._pipeline.require("trainer")
        ingredients = {"corpus": corpus, "seed": self._pipeline.seed} | _described(trainer)
        for entry in trainer.stage.inputs(trainer.options) if trainer.stage.inputs else ():
            ingredients[f"{trainer.where}: {entry.name}"] = [self._hashes.of(path) for path in entry.paths]
        return ingredients

    def _context(self, choice: StageConfig, state: Path | None = None) -> RunContext:
        return self._plain_context(f"{choice.stage.kind}-{choice.stage.name}", state)

    def _plain_context(self, name: str, state: Path | None = None) -> RunContext:
        log = self._log.getChild(name)
        return RunContext(log, progress_for(log), self._pipeline.seed, state or self._store.state(name))

    @contextmanager
    def _events(self, *choices: StageConfig) -> Iterator[Any]:
        """Announces that stages begin, end or fail, and names the plugin of an unforeseen error."""
        for choice in choices:
            self._manager.announce("acc_before_stage", self._log, stage=choice.stage)

        def done(result: Any) -> None:
            for choice in choices:
                self._manager.announce("acc_after_stage", self._log, stage=choice.stage, result=result)

        try:
            yield done
        except BaseException as error:
            for choice in choices:
                self._manager.announce("acc_stage_failed", self._log, stage=choice.stage, error=error)
            if isinstance(error, Exception) and not isinstance(error, AccError | MemoryError):
                self._log.debug("in stage %s", choices[-1].where, exc_info=True)
                raise plugin_error(self._manager.owner(choices[-1].stage), error) from error
            raise


def _make_state(folder: Path, model: Path) -> None:
    """Makes the folder that a deployer keeps its state in: for its owner only, never in a model."""
    hint = "give another --state folder"
    if folder.resolve().is_relative_to(model.resolve()):
        raise UserError(f"{folder}: lies in the model's folder", hint)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "reply").mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{error.filename or folder}: {error.strerror}", hint) from None


def _described(choice: StageConfig) -> Ingredients:
    """The ingredients that a stage adds: what it is, its version and its options."""
    described: Ingredients = {f"{choice.where}.use": choice.stage.name, f"{choice.where}.version": choice.stage.version}
    return described | {f"{choice.where}.{name}": value for name, value in values_affecting_key(choice.options).items()}


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
