"""Builds or reuses the corpus: source, extractor, annotator and corpus writer, as generators over each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
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
from autocakechat.pipeline.artifact_builder import BuiltArtifact, explain_rebuild, find_built, find_reusable
from autocakechat.pipeline.ingredients import CORPUS_FORM, corpus_settings, input_hashes
from autocakechat.pipeline.preflight import SourceInputs
from autocakechat.pipeline.reading.corpus_reader import CorpusReader
from autocakechat.pipeline.reading.extraction import annotate_dialogs
from autocakechat.pipeline.run_services import RunServices


@attrs.frozen
class CorpusBuilder:
    """Builds the corpus of a pipeline.

    Attributes:
        services: The services of the run.
        inputs: The inputs of each source.
    """

    services: RunServices
    inputs: Sequence[SourceInputs]

    def ingredients(self) -> Ingredients:
        """Returns everything that the corpus depends on."""
        ingredients = corpus_settings(self.services.pipeline)
        for source_inputs in self.inputs:
            ingredients |= input_hashes(source_inputs.source, source_inputs.inputs, self.services.hashes)
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
        log = self.services.log
        if not force and (reusable := find_reusable(self.services, "corpus", key)):
            if samples:
                log.info("%s", render(Report.from_json((reusable.path / "report.json").read_bytes()), samples))
            return BuiltArtifact(reusable, Corpus(reusable.path).report, reused=True)
        log.info("corpus: building (%s)", explain_rebuild(self.services, "corpus", ingredients))
        report = self._build(key, ingredients)
        log.info("%s", render(report, samples))
        built = find_built(self.services, "corpus", key)
        return BuiltArtifact(built, Corpus(built.path).report, reused=False)

    def _build(self, key: str, ingredients: Ingredients) -> Report:
        """Runs the stages, and adds the corpus and its manifest to the artifact store."""
        services, pipeline = self.services, self.services.pipeline
        with services.store.locked(), services.store.building("corpus", key) as folder:
            stages = (*pipeline.sources, pipeline.require("extractor"), pipeline.annotator)
            with services.stage_events(*stages) as announce_result:
                report = self._write(folder)
                announce_result(report)
            manifest = {
                "form": CORPUS_FORM,
                "key": key,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "person": report.person,
                "replies": report.pairs,
                "ingredients": ingredients,
            }
            write_whole(folder / MANIFEST_NAMES["corpus"], msgspec.json.encode(manifest))
            services.hashes.save()
        return report

    def _write(self, folder: Path) -> Report:
        """Runs the stages, and writes their dialogs into an empty folder."""
        pipeline = self.services.pipeline
        extractor = self.services.bind(pipeline.require("extractor"))
        annotator = self.services.bind(pipeline.annotator)
        report_builder = ReportBuilder(extractor.owner)
        reader = CorpusReader(self.services, extractor, report_builder)
        with CorpusWriter(folder, pipeline.corpus, pipeline.seed) as writer:
            for dialog in annotate_dialogs(annotator, reader.dialogs(self.inputs)):
                writer.write(dialog, report_builder.ledger(dialog.chat), reader.masked.popleft())
            return writer.finish(report_builder)
