"""Parses the tables of a pipeline.toml into a `Pipeline` and collects every problem on the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autocakechat.cluster.options import ClusterOptions
from autocakechat.config.option_values import OptionParser
from autocakechat.config.pipeline import Pipeline, StageConfig
from autocakechat.config.toml_reader import KeyPath
from autocakechat.corpus.options import CorpusOptions
from autocakechat.errors import UserError
from autocakechat.interface.stage_types import SourceType, StageType, TrainerType
from autocakechat.registry.manager import PluginManager
from autocakechat.text import suggest

DEFAULT_STAGES = {"annotator": "neutral"}
CONTINUE = "continue"
"""The key of `[trainer]` that is not an option of a stage: whether to continue from the model of an earlier corpus."""

_DEFAULT_SEED = 42
_TABLES = ("source", "extractor", "annotator", "corpus", "trainer", "reply", "deployer", "cluster", "plugins")
_TOP_LEVEL_NAMES = (*_TABLES, "seed")


class PipelineParser:
    """Parses one pipeline.toml. Problems go to `options.problems`; after a problem the pipeline must not be used.

    Args:
        data: The decoded TOML.
        manager: The plugins that provide the stages.
        options: Parses the option tables and collects the problems.
    """

    def __init__(self, data: Mapping[str, Any], manager: PluginManager, options: OptionParser) -> None:
        self._data = data
        self._manager = manager
        self._options = options

    def parse(self, path: Path) -> Pipeline:
        """Parses all tables.

        Args:
            path: The file, for the pipeline.

        Returns:
            The pipeline; only usable if there are no problems.
        """
        for name, value in self._data.items():
            if name not in _TOP_LEVEL_NAMES:
                what = "table" if isinstance(value, dict | list) else "option"
                self._options.report((name,), f"no such {what}{suggest(name, _TOP_LEVEL_NAMES)}")
        trainer = self._stage_config("trainer")
        return Pipeline(
            path=path,
            seed=self._seed(),
            sources=self._sources(),
            extractor=self._stage_config("extractor"),
            annotator=self._stage_config("annotator"),  # type: ignore[arg-type]  # None only with a problem
            corpus=self._options_table("corpus", CorpusOptions),
            trainer=trainer,
            continue_training=self._continue_training(trainer),
            reply=self._options_table("reply", trainer.stage.reply) if trainer else None,
            deployer=self._stage_config("deployer"),
            cluster=self._options_table("cluster", ClusterOptions) if "cluster" in self._data else None,
        )

    def _seed(self) -> int:
        seed = self._data.get("seed", _DEFAULT_SEED)
        if type(seed) is not int or seed < 0:
            self._options.report(("seed",), "must be an integer, 0 or more")
            return 0
        return seed

    def _continue_training(self, trainer: StageConfig[TrainerType] | None) -> bool:
        key = ("trainer", CONTINUE)
        value = self._data["trainer"].get(CONTINUE, False) if trainer else False
        if type(value) is not bool:
            self._options.report(key, "must be true or false")
        elif value and trainer and trainer.stage.continue_training is None:
            self._options.report(key, f"the trainer '{trainer.stage.name}' cannot continue from a model; remove it")
        return value is True

    def _sources(self) -> list[StageConfig[SourceType]]:
        tables = self._data.get("source", [])
        if not isinstance(tables, list):
            self._options.report(("source",), "write [[source]], in double brackets: there can be several")
            return []
        configs = [self._parse_stage(table, "source", ("source", index)) for index, table in enumerate(tables)]
        return [config for config in configs if config is not None]

    def _stage_config(self, kind: str) -> StageConfig[Any] | None:
        if kind in self._data:
            return self._parse_stage(self._data[kind], kind, (kind,))
        if kind in DEFAULT_STAGES:
            return self._parse_stage({"use": DEFAULT_STAGES[kind]}, kind, (kind,))
        return None

    def _parse_stage(self, table: Any, kind: str, key: KeyPath) -> StageConfig[Any] | None:
        stage = self._find_stage(table, kind, key)
        if stage is None:
            return None
        # These keys belong to the framework, the others are options of the stage.
        framework_keys = ("use", CONTINUE) if kind == "trainer" else ("use",)
        values = {name: value for name, value in table.items() if name not in framework_keys}
        options = self._options.parse(values, stage.config, key)
        return StageConfig(stage, options, dotted_key(key, count_sources(self._data)))

    def _find_stage(self, table: Any, kind: str, key: KeyPath) -> StageType | None:
        if not isinstance(table, dict):
            self._options.report(key, f"must be a table: {'[[source]]' if kind == 'source' else f'[{kind}]'}")
            return None
        name = table.get("use", DEFAULT_STAGES.get(kind))
        if not isinstance(name, str):
            names = ", ".join(sorted(self._manager.stages(kind))) or "none is installed"
            requirement = "must be a string" if "use" in table else "is required"
            self._options.report((*key, "use"), f"{requirement}: the {kind} to use ({names})")
            return None
        try:
            stage: StageType = self._manager.find(kind, name)
        except UserError as error:
            self._options.report((*key, "use"), str(error))
            return None
        return stage

    def _options_table(self, name: str, cls: type) -> Any:
        table = self._data.get(name, {})
        if not isinstance(table, dict):
            self._options.report((name,), f"must be a table: [{name}]")
            return None
        return self._options.parse(table, cls, (name,))


def count_sources(data: Mapping[str, Any]) -> int:
    """Returns how many `[[source]]` tables the decoded TOML has; 0 if `source` is something else."""
    sources = data.get("source")
    return len(sources) if isinstance(sources, list) else 0


def dotted_key(key: KeyPath, sources: int = 0) -> str:
    """Formats a key as a user writes it: `source.path`, or `source[2].path` if there are several sources.

    Args:
        key: The key.
        sources: How many sources the file has.
    """
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]" if sources > 1 else ""
        else:
            text += f".{part}" if text else part
    return text
