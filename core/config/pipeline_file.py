"""pipeline.toml -> Pipeline: which stages run, with which options. Strict, and every problem is told at once."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

from autocakechat.config.option_values import OptionParser
from autocakechat.config.toml_reader import KeyPath, TomlFile, read_toml
from autocakechat.corpus.options import CorpusOptions
from autocakechat.errors import ManyProblemsError, UserError
from autocakechat.interface.stage_types import StageType, TrainerType
from autocakechat.registry.manager import PluginManager
from autocakechat.text import suggest

_TABLES = ("source", "extractor", "annotator", "corpus", "trainer", "reply", "deployer", "plugins")
DEFAULT_STAGES = {"annotator": "neutral"}


@attrs.frozen
class StageConfig:
    """A stage with the options it runs with.

    Attributes:
        stage: The stage.
        options: An instance of `stage.config`.
        where: Its table in the file, such as `extractor`.
    """

    stage: Any
    options: Any
    where: str


@attrs.frozen(kw_only=True)
class Pipeline:
    """What a pipeline.toml asks for. A table that it does not have is None; `require` says so.

    Attributes:
        path: The file.
        seed: The seed of everything random.
        sources: Where the messages come from.
        extractor: What makes dialogs of them.
        annotator: What labels the dialogs.
        corpus: How the corpus is written.
        trainer: What learns.
        reply: The trainer's options for answering.
        deployer: What people talk to.
    """

    path: Path
    seed: int
    sources: Sequence[StageConfig]
    extractor: StageConfig | None
    annotator: StageConfig
    corpus: CorpusOptions
    trainer: StageConfig | None
    reply: Any
    deployer: StageConfig | None

    def require(self, table: str) -> StageConfig:
        """Returns the choice of a table that is needed for what is to run.

        Raises:
            UserError: The file does not have it.
        """
        choice = self.sources[0] if table == "source" and self.sources else getattr(self, table, None)
        if choice is None:
            header = "[[source]]" if table == "source" else f"[{table}]"
            raise UserError(f"{self.path}: {header} is missing", f"add the table, with use = the name of a {table}")
        assert isinstance(choice, StageConfig)
        return choice


class PipelineFile:
    """A pipeline.toml as read, before any plugin is known.

    Args:
        path: The file.
        overrides: `KEY=VALUE` from the command line, which win over what the file says.

    Raises:
        UserError: The file cannot be read, or an override is no `KEY=VALUE`.
    """

    def __init__(self, path: Path, overrides: Iterable[str] = ()) -> None:
        self._file: TomlFile = read_toml(path)
        self.path = path
        self._data: dict[str, Any] = copy.deepcopy(self._file.data)
        self._overridden: set[KeyPath] = set()
        for override in overrides:
            self._override(override)

    @property
    def disabled_plugins(self) -> list[str]:
        """Names of the plugins that the file switches off."""
        plugins = self._data.get("plugins")
        disabled = plugins.get("disabled", []) if isinstance(plugins, dict) else []
        return [name for name in disabled if isinstance(name, str)] if isinstance(disabled, list) else []

    def check(self, manager: PluginManager) -> Pipeline:
        """Checks every table that is present.

        Raises:
            ManyProblemsError: With one line for each thing to mend, in the order of the file.
        """
        checker = _Checker(self._data, manager, OptionParser(self._base))
        pipeline = checker.pipeline(self.path)
        if checker.structurer.problems:
            places = {problem: self._place(problem.key) for problem in checker.structurer.problems}
            problems = sorted(checker.structurer.problems, key=lambda problem: places[problem][0])
            raise ManyProblemsError([f"{places[problem][1]}: {problem.message}" for problem in problems])
        return pipeline

    def _override(self, override: str) -> None:
        name, equals, text = override.partition("=")
        if not equals or not all(name.split(".")):
            raise UserError(f"--set {override}: not KEY=VALUE", "for instance: --set trainer.size=tiny")
        *outer, last = name.split(".")
        table: Any = self._data
        key: KeyPath = ()
        for part in outer:
            table, key = table.setdefault(part, [{}] if part == "source" else {}), (*key, part)
            if isinstance(table, list) and table:
                table, key = table[0], (*key, 0)
            if not isinstance(table, dict):
                raise UserError(f"--set {override}: '{part}' is no table", "for instance: --set trainer.size=tiny")
        table[last] = _value(text)
        self._overridden.add((*key, last))

    def _base(self, key: KeyPath) -> Path:
        """Relative paths start where they were written: beside the file, or in the folder of the command line."""
        return Path.cwd() if key in self._overridden else self.path.resolve().parent

    def _place(self, key: KeyPath) -> tuple[int, str]:
        dotted = _dotted(key, len(self._data.get("source", ())))
        made_by_override = key not in self._file.lines and any(key == given[: len(key)] for given in self._overridden)
        if key in self._overridden or made_by_override:
            return 0, f"--set {dotted}"
        line = self._file.line(key)
        return line, f"{self.path}:{line}: {dotted}"


class _Checker:
    """Makes a pipeline of tables, noting every problem on the way."""

    def __init__(self, data: dict[str, Any], manager: PluginManager, structurer: OptionParser) -> None:
        self._data = data
        self._manager = manager
        self.structurer = structurer

    def pipeline(self, path: Path) -> Pipeline:
        for name in self._data:
            if name not in _TABLES and name != "seed":
                self.structurer.report((name,), f"no such option{suggest(name, (*_TABLES, 'seed'))}")
        trainer = self._choice("trainer")
        return Pipeline(
            path=path,
            seed=self._seed(),
            sources=self._sources(),
            extractor=self._choice("extractor"),
            annotator=self._choice("annotator"),  # type: ignore[arg-type]  # has a default
            corpus=self._plain_table("corpus", CorpusOptions),
            trainer=trainer,
            reply=self._reply(trainer),
            deployer=self._choice("deployer"),
        )

    def _seed(self) -> int:
        seed = self._data.get("seed", 42)
        if type(seed) is not int or seed < 0:
            self.structurer.report(("seed",), "must be an integer, 0 or more")
            return 0
        return seed

    def _sources(self) -> list[StageConfig]:
        tables = self._data.get("source", [])
        if not isinstance(tables, list):
            self.structurer.report(("source",), "write [[source]], in double brackets: there can be several")
            return []
        choices = (self._choose(table, "source", ("source", index)) for index, table in enumerate(tables))
        return [choice for choice in choices if choice]

    def _choice(self, name: str) -> StageConfig | None:
        default = {"use": DEFAULT_STAGES[name]} if name in DEFAULT_STAGES else None
        table = self._data.get(name, default)
        return None if table is None else self._choose(table, name, (name,))

    def _choose(self, table: Any, kind: str, where: KeyPath) -> StageConfig | None:
        stage = self._stage(table, kind, where)
        if stage is None:
            return None
        options = {name: value for name, value in table.items() if name != "use"}
        structured = self.structurer.structure(options, stage.config, where)
        return StageConfig(stage, structured, _dotted(where, len(self._data.get("source", ()))))

    def _stage(self, table: Any, kind: str, where: KeyPath) -> StageType | None:
        if not isinstance(table, dict):
            self.structurer.report(where, f"must be a table: [{kind}]")
            return None
        name = table.get("use", DEFAULT_STAGES.get(kind))
        if not isinstance(name, str):
            known = ", ".join(sorted(self._manager.stages(kind))) or "none is installed"
            self.structurer.report((*where, "use"), f"is required: the name of a {kind} ({known})")
            return None
        try:
            stage: StageType = self._manager.find(kind, name)
        except UserError as error:
            self.structurer.report((*where, "use"), str(error))
            return None
        return stage

    def _plain_table(self, name: str, cls: type) -> Any:
        table = self._data.get(name, {})
        if not isinstance(table, dict):
            self.structurer.report((name,), f"must be a table: [{name}]")
            return None
        return self.structurer.structure(table, cls, (name,))

    def _reply(self, trainer: StageConfig | None) -> Any:
        if trainer is None:
            return None
        assert isinstance(trainer.stage, TrainerType)
        return self._plain_table("reply", trainer.stage.reply)


def reply_options(trainer: TrainerType, overrides: Iterable[str]) -> Any:
    """Makes the reply options for a model that comes without a pipeline.

    Args:
        trainer: The trainer that made the model.
        overrides: `reply.KEY=VALUE` from the command line.

    Raises:
        UserError: An override does not fit.
    """
    table: dict[str, Any] = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name.startswith("reply."):
            raise UserError(f"--set {override}: a model folder only has reply.KEY=VALUE to set")
        table[name.removeprefix("reply.")] = _value(text)
    structurer = OptionParser(lambda _: Path.cwd())
    options = structurer.structure(table, trainer.reply, ("reply",))
    if structurer.problems:
        lines = [f"--set {_dotted(problem.key, 0)}: {problem.message}" for problem in structurer.problems]
        raise ManyProblemsError(lines)
    return options


def _value(text: str) -> Any:
    """Reads a value of the command line: as TOML if it is, else as the string it looks like."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _dotted(key: KeyPath, sources: int) -> str:
    """Writes a key as people do: `source.path`, or `source[2].path` where there are several."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]" if sources > 1 else ""
        else:
            text += f".{part}" if text else part
    return text
