"""Builds or reuses the corpus: source, extractor, annotator and corpus writer, as generators over each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import attrs
import msgspec

from autocakechat.artifacts.store import MANIFEST_NAMES, Ingredients, artifact_key
from autocakechat.corpus.report import Report
from autocakechat.corpus.report_builder import ReportBuilder
from autocakechat.corpus.writer import CorpusWriter
from autocakechat.display.report_text import render
from autocakechat.files import write_whole
from autocakechat.interface.corpus import Corpus
from autocakechat.interface.options import values_affecting_key
from autocakechat.pipeline.artifact_builder import (
    BuiltArtifact,
    find_built,
    find_reusable,
    input_ingredients,
    stage_ingredients,
)
from autocakechat.pipeline.corpus_reader import CorpusReader
from autocakechat.pipeline.environment import Environment
from autocakechat.pipeline.preflight import SourceInputs

CORPUS_FORM = 2


@attrs.frozen
class CorpusBuilder:
    """Builds the corpus of a pipeline.

    Attributes:
        environment: What the run shares.
        inputs: The inputs of each source.
    """

    environment: Environment
    inputs: Sequence[SourceInputs]

    def ingredients(self) -> Ingredients:
        """Returns everything that the corpus depends on."""
        pipeline = self.environment.pipeline
        ingredients: Ingredients = {"form": CORPUS_FORM, "seed": pipeline.seed}
        for inputs in self.inputs:
            ingredients |= stage_ingredients(inputs.source)
            ingredients |= input_ingredients(self.environment, inputs.source, inputs.entries)
        ingredients |= stage_ingredients(pipeline.require("extractor"))
        ingredients |= stage_ingredients(pipeline.annotator)
        for name, value in values_affecting_key(pipeline.corpus).items():
            ingredients[f"corpus.{name}"] = value
        return ingredients

    def build(self, force: bool, samples: int) -> BuiltArtifact:
        """Builds the corpus, or reuses the one with the same key.

        Args:
            force: Whether to build it in any case.
            samples: How many sample pairs to log with the report.

        Raises:
            UserError: The chat logs contain nothing to train on.
            PluginError: A stage failed, or did not account for every message.
        """
        ingredients = self.ingredients()
        key = artifact_key(ingredients)
        log = self.environment.log
        if not force and (reusable := find_reusable(self.environment, "corpus", key)):
            if samples:
                log.info("%s", render(Report.from_json((reusable.path / "report.json").read_bytes()), samples))
            return BuiltArtifact(reusable, True, Corpus(reusable.path).report)
        log.info("corpus: building (%s)", self.environment.store.explain_rebuild("corpus", ingredients))
        report = self._store(key, ingredients)
        log.info("%s", render(report, samples))
        built = find_built(self.environment, "corpus", key)
        return BuiltArtifact(built, False, Corpus(built.path).report)

    def _store(self, key: str, ingredients: Ingredients) -> Report:
        """Writes the corpus and its manifest into the artifact store."""
        environment, pipeline = self.environment, self.environment.pipeline
        with environment.store.locked(), environment.store.building("corpus", key) as folder:
            stages = (*pipeline.sources, pipeline.require("extractor"), pipeline.annotator)
            with environment.stage_events(*stages) as announce_result:
                report = self._write(folder)
                announce_result(report)
            manifest = {"form": CORPUS_FORM, "key": key, "ingredients": ingredients}
            write_whole(folder / MANIFEST_NAMES["corpus"], msgspec.json.encode(manifest))
            environment.hashes.save()
        return report

    def _write(self, folder: Path) -> Report:
        """Runs the stages, and writes their dialogs into an empty folder."""
        pipeline = self.environment.pipeline
        extractor = self.environment.bind(pipeline.require("extractor"))
        annotator = self.environment.bind(pipeline.annotator)
        report = ReportBuilder(extractor.owner)
        dialogs = CorpusReader(self.environment, extractor, report).dialogs(self.inputs)
        annotate = partial(annotator.stage.annotate, annotator.options, dialogs, annotator.run)
        with CorpusWriter(folder, pipeline.corpus, pipeline.seed) as writer:
            for dialog in annotator.attribute_errors(annotate):
                writer.write(dialog, report.ledger(dialog.chat))
            return writer.finish(report)
