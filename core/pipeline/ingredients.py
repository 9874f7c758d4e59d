"""The ingredients of artifacts: everything that an artifact key is computed from."""

from __future__ import annotations

from collections.abc import Iterable

from autocakechat.artifacts.file_hashes import FileHashes
from autocakechat.artifacts.store import Ingredients
from autocakechat.config.pipeline import Pipeline, StageConfig
from autocakechat.interface.options import values_affecting_key
from autocakechat.interface.stage_types import Input, StageType

CORPUS_FORM = 2
"""The version of the corpus format."""

CORPUS = "corpus"
"""The ingredient of a model that is the key of its corpus."""

CONTINUED_FROM = "continue"
"""The ingredient of a model that is the key of the model whose training it continues."""


def corpus_settings(pipeline: Pipeline) -> Ingredients:
    """Returns what a corpus depends on besides the content of the chat log. Tables that are missing are left out."""
    ingredients: Ingredients = {"form": CORPUS_FORM, "seed": pipeline.seed}
    for config in (*pipeline.sources, pipeline.extractor, pipeline.annotator):
        ingredients |= stage_settings(config) if config else {}
    for name, value in values_affecting_key(pipeline.corpus).items():
        ingredients[f"corpus.{name}"] = value
    return ingredients


def model_settings(pipeline: Pipeline) -> Ingredients:
    """Returns what a model depends on besides its corpus and the files that the trainer reads."""
    return {"seed": pipeline.seed} | (stage_settings(pipeline.trainer) if pipeline.trainer else {})


def stage_settings(config: StageConfig[StageType]) -> Ingredients:
    """Returns the ingredients that a stage adds: its name, its version and its options."""
    ingredients: Ingredients = {
        f"{config.table}.use": config.stage.name,
        f"{config.table}.version": config.stage.version,
    }
    for name, value in values_affecting_key(config.options).items():
        ingredients[f"{config.table}.{name}"] = value
    return ingredients


def input_hashes(config: StageConfig[StageType], inputs: Iterable[Input], hashes: FileHashes) -> Ingredients:
    """Returns the ingredients that the inputs of a stage add: the hashes of their files."""
    return {f"{config.table}: {entry.name}": [hashes.hash(path) for path in entry.paths] for entry in inputs}


def is_input(name: str) -> bool:
    """Returns whether an ingredient is the hash of an input, as `input_hashes` names it."""
    return ": " in name
