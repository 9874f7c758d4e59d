"""What a trainer has to keep."""

from __future__ import annotations

import io
import json
import pickletools
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from autocakechat.artifacts.model_folder import open_model
from autocakechat.interface.model import Reply, Request, Responder, Score, ScoringResponder
from autocakechat.interface.run_context import RunContext
from autocakechat.interface.stage_types import TrainerType
from autocakechat.registry.manager import PluginManager
from autocakechat.testing.contract import StageContract, structured
from autocakechat.testing.project import Project

_SUBJECTS = ("cats", "dogs", "tea", "coffee", "rain", "music", "books", "trains", "winter", "chess")
_ODD = ("", " ", "hello", "👋🏽", "Всё хорошо?", "unheard-of wördß " * 200, "two\nlines", "\x00\u202e", "?" * 5_000)


@attrs.frozen
class Trained:
    """A model that was trained by `acc run`.

    Attributes:
        project: Where.
        folder: A copy of the model's folder, outside of the project.
        outcome: What `acc run --json` told of it.
    """

    project: Project
    folder: Path
    outcome: Mapping[str, Any]


class TrainerContract(StageContract):
    """What a trainer has to keep. It is trained on `answers` short answers; one training serves most of the tests.

    Attributes:
        reply: The table `[reply]` to answer with.
        answers: How many answers to train on.
        diaries: Files of the model that say how long something took, and differ from training to training.
        seconds: How long a training may take.

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
    def trained(cls, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        """A model that was trained by `acc run`."""
        return cls._train(tmp_path_factory.mktemp("trained"))

    @pytest.fixture
    def responder(self, trained: Trained, acc_plugins: PluginManager, acc_run: RunContext) -> Responder:
        """The model, loaded to answer."""
        return self._open(trained.folder, acc_plugins, acc_run)

    def test_metrics_have_names_and_can_be_written_down(self, trained: Trained) -> None:
        """What was measured is a table of names and numbers or texts."""
        metrics = trained.outcome["metrics"]
        assert metrics, "`train` returns what it measured, at least how much it learnt from"
        for name, value in metrics.items():
            assert isinstance(value, int | float | str | bool), f"metric '{name}' is {value!r}: no number, no text"

    def test_the_model_holds_no_pickle(self, trained: Trained) -> None:
        """Nothing in the folder can run when it is read."""
        for name, content in _contents(trained.folder):
            assert not is_pickle(content), f"{name} is or holds a pickle; write JSON, safetensors or npy arrays"

    def test_the_model_is_files_only(self, trained: Trained) -> None:
        """Nothing in the folder points outside of it, and it names no place of this machine."""
        assert [path for path in trained.folder.iterdir() if path.name != "model.json"], "the folder is empty"
        for path in trained.folder.rglob("*"):
            assert not path.is_symlink(), f"{path.name} is a link; copied to another machine it leads nowhere"
        place = str(trained.project.folder).encode()
        for name, content in _contents(trained.folder):
            assert place not in content, f"{name} names a path of this machine"

    def test_the_model_answers_in_a_fresh_process(self, trained: Trained) -> None:
        """A copy of the folder answers line by line in `acc chat`, away from where it was made."""
        lines = ["hello", "do you like cats number 3?", "what about dogs?"]
        options = [f"--set=reply.{name}={json.dumps(value)}" for name, value in self.reply.items()]
        done = trained.project.acc("chat", trained.folder, *options, stdin="".join(f"{line}\n" for line in lines))
        assert done.returncode == 0, done.stderr
        answers = done.stdout.splitlines()
        assert len(answers) == len(lines), f"{len(lines)} lines in, and out came {answers}"
        assert all(answers), f"an empty answer: {answers}"

    def test_every_request_gets_a_reply(self, responder: Responder) -> None:
        """None, one, many at once, whatever was said: as many replies come back, each with a text."""
        assert not responder.respond([]), "replies to no request"
        odd = [Request([text]) for text in _ODD]
        long = [Request([f"line {place}" for place in range(number)]) for number in (1, 2, 3, 50)]
        for requests in ([Request(["hello"])], odd, long, [Request(["hello"])] * 40):
            replies = responder.respond(requests)
            assert len(replies) == len(requests), f"{len(requests)} requests, {len(replies)} replies"
            for reply in replies:
                assert isinstance(reply, Reply), f"respond returns {type(reply).__name__}, which is no Reply"
                assert isinstance(reply.text, str), f"a reply says {reply.text!r}, which is no text"
                assert reply.text.strip(), "a reply without a word"

    def test_it_says_what_it_knows(self, responder: Responder) -> None:
        """It names the emotions that it answers with, and how many lines it reads; any of them can be asked for."""
        assert responder.context_lines >= 1, "an answer needs a line to answer"
        labels = list(responder.labels)
        assert labels, "it has no label; `neutral` is the usual one"
        assert all(isinstance(label, str) and label for label in labels), f"labels are words, not {labels}"
        for label in labels:
            (reply,) = responder.respond([Request(["hello"], label)])
            assert reply.text

    def test_it_can_be_measured(self, trained: Trained) -> None:
        """`acc evaluate` measures the model, and one seed gives the same figures."""
        done = [trained.project.acc("evaluate", "--json", "--samples", "20") for _ in range(2)]
        assert done[0].returncode == 0, done[0].stderr
        first, second = (_figures(json.loads(each.stdout)) for each in done)
        assert first == pytest.approx(second), "measured twice, it differs; give the reply options a field `seed`"

    def test_scores_belong_to_their_answers(self, responder: Responder) -> None:
        """One that tells how likely answers are tells the same of each answer alone as of many at once."""
        if not isinstance(responder, ScoringResponder):
            pytest.skip("it does not tell how likely answers are")
        assert list(responder.score([], [])) == []
        requests = [Request(["hello"]), Request(["do you like cats number 3?"]), Request(list(_ODD))]
        answers = [["yes, cats and 3 more", "no"], [], list(_ODD)]
        scores = responder.score(requests, answers)
        assert [len(told) for told in scores] == [len(told) for told in answers]
        for request, texts, told in zip(requests, answers, scores, strict=True):
            for text, score in zip(texts, told, strict=True):
                assert isinstance(score, Score), f"score returns {type(score).__name__}, which is no Score"
                assert score.log_p <= 0, f"log p of {text!r} is {score.log_p}"
                ((alone,),) = responder.score([request], [[text]])
                assert alone.tokens == score.tokens
                assert alone.log_p == pytest.approx(score.log_p, rel=1e-4, abs=1e-4), f"{text!r} alone scores otherwise"

    def test_training_again_gives_the_same_model(self, trained: Trained, tmp_path: Path) -> None:
        """With one seed on one machine the files are the same, byte for byte."""
        again = self._train(tmp_path)
        first, second = (json.loads((each.folder / "model.json").read_bytes())["files"] for each in (trained, again))
        assert first.keys() == second.keys(), f"trained twice: {sorted(first)}, then {sorted(second)}"
        differing = {name for name in first if first[name] != second[name]} - set(self.diaries)
        assert not differing, f"trained twice with one seed, and these files differ: {sorted(differing)}"

    def test_very_few_answers_are_survived(self, acc_project: Project) -> None:
        """One answer to learn from is learnt, or refused in a line that says so; nothing breaks."""
        acc_project.write("log.txt", "ann: hello\nbob: hi\n")
        acc_project.pipeline(trainer={"use": self.name, **self.options}, reply=self.reply)
        done = acc_project.run("--until", "model", timeout=self.seconds)
        assert done.returncode in (0, 2), f"one answer broke it:\n{done.stderr}"
        assert "Traceback" not in done.stderr

    def test_an_unknown_reply_option_is_refused(self, stage: TrainerType, tmp_path: Path) -> None:
        """A misspelt option of `[reply]` is no option."""
        with pytest.raises(Exception, match="no-such-option"):
            structured(stage.reply, {**self.reply, "no-such-option": 1}, tmp_path)

    @classmethod
    def _train(cls, folder: Path) -> Trained:
        project = Project.make(folder / "acc")
        project.write("log.txt", "".join(f"ann: {question}\nbob: {answer}\n" for question, answer in cls._talk()))
        project.pipeline(trainer={"use": cls.name, **cls.options}, reply=cls.reply)
        done = project.run("--until", "model", "--export-model", "exported", "--json", timeout=cls.seconds)
        assert done.returncode == 0, f"the training failed:\n{done.stderr}"
        moved = folder / "moved"
        shutil.move(project.folder / "exported", moved)
        return Trained(project, moved, json.loads(done.stdout)["model"])

    @classmethod
    def _talk(cls) -> Iterator[tuple[str, str]]:
        for place in range(cls.answers):
            subject = _SUBJECTS[place % len(_SUBJECTS)]
            yield f"do you like {subject} number {place}?", f"yes, {subject} and {place % 17} more"

    def _open(self, folder: Path, manager: PluginManager, run: RunContext) -> Responder:
        def options(trainer: TrainerType) -> Any:
            return structured(trainer.reply, self.reply, folder)

        return open_model(folder, manager, options, run).load()


def _figures(evaluation: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{name}, {column}": value
        for name, measured in evaluation["measures"].items()
        for column, value in measured.items()
        if value is not None
    }


def is_pickle(content: bytes) -> bool:
    """Tells whether bytes are a pickle, or an archive or an array that holds one."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(is_pickle(archive.read(name)) for name in archive.namelist())
    if content.startswith(b"\x93NUMPY"):
        return b"'|O'" in content[:1000]
    try:
        operations = list(pickletools.genops(content))
    except Exception:  # whatever it stumbles over: it is none
        return False
    # A short text can look like a pickle of nothing; one that could do something is longer.
    return len(operations) > 2 or content.startswith(b"\x80")


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()
