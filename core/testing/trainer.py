"""The contract tests for trainers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.artifacts.model_folder import open_model
from autocakechat.interface.model import RankingResponder, Request, Responder, ScoringResponder
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.registry.manager import PluginManager
from autocakechat.testing.contract import StageContract, parse_options
from autocakechat.testing.pickles import contains_pickle
from autocakechat.testing.project import Project

_SUBJECTS = ("cats", "dogs", "tea", "coffee", "rain", "music", "books", "trains", "winter", "chess")
_ODD_TEXTS = (
    "",
    " ",
    "hello",
    "👋🏽",
    "Всё хорошо?",
    "unheard-of wördß " * 200,
    "two\nlines",
    "\x00\u202e",
    "?" * 5_000,
)


@attrs.frozen
class TrainingResult:
    """A model that `acc run` trained.

    Attributes:
        project: The project.
        folder: The model folder, moved out of the project.
        outcome: The entry of the model in the JSON output of `acc run --json`.
    """

    project: Project
    folder: Path
    outcome: Mapping[str, Any]


class TrainerContract(StageContract):
    """The tests that every trainer has to pass. Most of them share one model, trained on `answers` short replies.

    Attributes:
        reply: The table `[reply]` to generate replies with.
        answers: The number of replies in the chat log.
        diaries: Files of the model that contain times, so that they differ from training to training.
        seconds: The time a training may take.

    Example:
        ```python
        class TestRetrieval(TrainerContract):
            name = "retrieval"
        ```
    """

    kind: ClassVar[str] = "trainer"
    reply: ClassVar[Mapping[str, Any]] = {}
    answers: ClassVar[int] = 100
    diaries: ClassVar[Sequence[str]] = ()
    seconds: ClassVar[float] = 300

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
        """A model that `acc run` trained."""
        return cls._train(tmp_path_factory.mktemp("trained"))

    @pytest.fixture
    def responder(self, trained: TrainingResult, acc_plugins: PluginManager, acc_run: RunContext) -> Responder:
        """The model, loaded."""

        def options(trainer: TrainerType) -> Any:
            return parse_options(trainer.reply, self.reply, trained.folder)

        return open_model(trained.folder, acc_plugins, options, acc_run).load()

    def test_metrics_have_names_and_values(self, trained: TrainingResult) -> None:
        """The metrics are a table of names with numbers or texts."""
        metrics = trained.outcome["metrics"]
        assert metrics, "`train` returns no metrics; return at least the size of the training set"
        for name, value in metrics.items():
            assert isinstance(value, int | float | str | bool), f"metric '{name}' is {value!r}, expected number or text"

    def test_the_model_holds_no_pickle(self, trained: TrainingResult) -> None:
        """No file of the model can run code when it is loaded."""
        for name, content in _files(trained.folder):
            assert not contains_pickle(content), (
                f"{name} is or contains a pickle; write JSON, safetensors or npy arrays"
            )

    def test_the_model_is_files_only(self, trained: TrainingResult) -> None:
        """The folder contains neither links nor paths of this machine."""
        assert [path for path in trained.folder.iterdir() if path.name != "model.json"], "the model folder is empty"
        for path in trained.folder.rglob("*"):
            assert not path.is_symlink(), f"{path.name} is a symbolic link, which breaks on another machine"
        project_folder = str(trained.project.folder).encode()
        for name, content in _files(trained.folder):
            assert project_folder not in content, f"{name} contains a path of this machine"

    def test_load_requires_names_modules(self, stage: TrainerType) -> None:
        """`load_requires` is a sequence of names, and `load_install` is set if it is not empty."""
        names = stage.load_requires or ()
        assert not isinstance(names, str), '`load_requires` is a string; write a tuple: ("name",)'
        assert stage.load_install or not names, "set `load_install` to the command that installs `load_requires`"

    def test_the_estimate_is_possible(self, stage: TrainerType) -> None:
        """`estimate`, if there is one, takes any number of replies and any messages."""
        for replies, texts in ((0, ()), (100, ["hello"]), (1_000_000, list(_ODD_TEXTS))):
            if stage.estimate is not None:
                found = stage.estimate(replies, texts)
                assert found.seconds > 0, f"`estimate` returns {found.seconds} seconds for {replies} replies"
                assert 0 <= found.quality <= 1, f"`estimate` returns the quality {found.quality}, expected 0 to 1"
                assert found.remark.isprintable(), "the remark of `estimate` is not one line"

    def test_the_model_replies_in_a_new_process(self, trained: TrainingResult, stage: TrainerType) -> None:
        """The moved folder replies line by line in `acc chat`, without the modules that only training requires."""
        replying = stage.requires if stage.load_requires is None else stage.load_requires
        project = trained.project.without_modules(set(stage.requires) - set(replying))
        lines = ["hello", "do you like cats number 3?", "what about dogs?"]
        options = [f"--set=reply.{name}={json.dumps(value)}" for name, value in self.reply.items()]
        done = project.acc("chat", trained.folder, *options, stdin="".join(f"{line}\n" for line in lines))
        assert done.returncode == 0, done.stderr
        replies = done.stdout.splitlines()
        assert len(replies) == len(lines), f"{len(lines)} messages, but {len(replies)} replies: {replies}"
        assert all(replies), f"a reply is empty: {replies}"

    def test_every_request_gets_a_reply(self, responder: Responder) -> None:
        """Batches of any size, with any texts and context sizes, get one reply with text per request."""
        assert not responder.respond([]), "an empty batch gives replies"
        odd = [Request([text]) for text in _ODD_TEXTS]
        long = [Request([f"line {index}" for index in range(turns)]) for turns in (1, 2, 3, 50)]
        for requests in ([Request(["hello"])], odd, long, [Request(["hello"])] * 40):
            for reply in responder.respond(requests):  # `open_model` checks the number of replies and their types
                assert reply.text.strip(), "a reply has no text"

    def test_labels_and_context_size_are_valid(self, responder: Responder) -> None:
        """The model uses at least one turn of context, and replies with each of its labels."""
        labels = list(responder.labels)
        assert all(labels), f"the labels are {labels}, expected words"
        assert labels, "the model has no labels; use ('neutral',) if replies are not conditioned"
        for label in labels:
            (reply,) = responder.respond([Request(["hello"], label)])
            assert reply.text

    def test_evaluation_is_reproducible(self, trained: TrainingResult) -> None:
        """`acc evaluate` measures the model and gives the same figures twice."""
        done = [trained.project.acc("evaluate", "--json", "--samples", "20") for _ in range(2)]
        assert done[0].returncode == 0, done[0].stderr
        first, second = (_figures(json.loads(process.stdout)) for process in done)
        assert first == pytest.approx(second), "two evaluations differ; add a field `seed` to the reply options"

    def test_scores_do_not_depend_on_the_batch(self, responder: Responder) -> None:
        """A `ScoringResponder` gives a reply the same score alone and in a batch."""
        if not isinstance(responder, ScoringResponder):
            pytest.skip("the model has no `score`")
        assert list(responder.score([], [])) == []
        requests = [Request(["hello"]), Request(["do you like cats number 3?"]), Request(list(_ODD_TEXTS))]
        replies = [["yes, cats and 3 more", "no"], [], list(_ODD_TEXTS)]
        batches = responder.score(requests, replies)
        for request, texts, scores in zip(requests, replies, batches, strict=True):
            for text, score in zip(texts, scores, strict=True):
                assert score.log_p <= 0, f"log p of {text!r} is {score.log_p}, expected at most 0"
                ((alone,),) = responder.score([request], [[text]])
                assert alone.tokens == score.tokens
                assert alone.log_p == pytest.approx(score.log_p, rel=1e-4, abs=1e-4), (
                    f"the score of {text!r} alone differs from its score in a batch"
                )

    def test_ranks_do_not_depend_on_the_batch(self, responder: Responder) -> None:
        """A `RankingResponder` gives a candidate the same number alone and in a batch."""
        if not isinstance(responder, RankingResponder):
            pytest.skip("the model has no `rank`")
        assert list(responder.rank([], [])) == []
        requests = [Request(["hello"]), Request(["do you like cats number 3?"]), Request(list(_ODD_TEXTS))]
        candidates = [["yes, cats and 3 more", "no"], [], list(_ODD_TEXTS)]
        batches = responder.rank(requests, candidates)
        for request, texts, numbers in zip(requests, candidates, batches, strict=True):
            for text, number in zip(texts, numbers, strict=True):
                ((alone,),) = responder.rank([request], [[text]])
                assert alone == pytest.approx(number, rel=1e-4, abs=1e-4), (
                    f"the rank of {text!r} alone differs from its rank in a batch"
                )

    def test_training_again_gives_the_same_model(self, trained: TrainingResult, tmp_path: Path) -> None:
        """With the same seed on the same machine all files are equal, byte for byte."""
        again = self._train(tmp_path)
        first, second = (_checksums(result) for result in (trained, again))
        assert first.keys() == second.keys(), f"two trainings wrote {sorted(first)} and {sorted(second)}"
        differing = {name for name in first if first[name] != second[name]} - set(self.diaries)
        assert not differing, f"two trainings with the same seed differ in these files: {sorted(differing)}"

    def test_a_single_pair_is_handled(self, acc_project: Project) -> None:
        """A corpus of one pair is trained on, or refused with a UserError."""
        acc_project.write("log.txt", "ann: hello\nbob: hi\n")
        acc_project.pipeline(trainer={"use": self.name, **self.options}, reply=self.reply)
        done = acc_project.run("--until", "model", timeout=self.seconds)
        assert done.returncode in (0, 2), f"a corpus of one pair is not handled:\n{done.stderr}"
        assert "Traceback" not in done.stderr

    def test_an_unknown_reply_option_is_refused(self, stage: TrainerType, tmp_path: Path) -> None:
        """A misspelt option of `[reply]` is an error."""
        with pytest.raises(Exception, match="no-such-option"):
            parse_options(stage.reply, {**self.reply, "no-such-option": 1}, tmp_path)

    @classmethod
    def _train(cls, folder: Path) -> TrainingResult:
        project = Project.make(folder / "acc")
        project.write("log.txt", "".join(f"ann: {message}\nbob: {reply}\n" for message, reply in cls._pairs()))
        project.pipeline(trainer={"use": cls.name, **cls.options}, reply=cls.reply)
        done = project.run("--until", "model", "--export-model", "exported", "--json", timeout=cls.seconds)
        assert done.returncode == 0, f"the training failed:\n{done.stderr}"
        moved = folder / "moved"
        shutil.move(project.folder / "exported", moved)
        return TrainingResult(project, moved, json.loads(done.stdout)["model"])

    @classmethod
    def _pairs(cls) -> Iterator[tuple[str, str]]:
        for number in range(cls.answers):
            subject = _SUBJECTS[number % len(_SUBJECTS)]
            yield f"do you like {subject} number {number}?", f"yes, {subject} and {number % 17} more"


def _checksums(result: TrainingResult) -> dict[str, str]:
    """Returns the checksums in the manifest of a model, by file name."""
    checksums: dict[str, str] = json.loads((result.folder / "model.json").read_bytes())["files"]
    return checksums


def _figures(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Returns the model's figures in the JSON output of `acc evaluate`, by metric."""
    (model,) = evaluation["models"].values()
    return {
        f"{key}, {name}": measured[name]
        for key, measured in model["measures"].items()
        for name in ("value", "low", "high")
        if measured[name] is not None
    }


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()
