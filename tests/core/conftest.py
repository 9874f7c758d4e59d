"""A project like a user's: a pipeline.toml, a chat log, and a third-party plugin."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import attrs
import pytest

from autocakechat import testing
from tests.core.in_process import run_in_process
from tests.distributions import lay_out

# A source that reads lines of "SENDER: TEXT", and a trainer that learns the most frequent reply. The trainer can pause
# between steps and writes a checkpoint after each, so that it can be interrupted like a real one.
TOYS = """
import json
import time
from collections import Counter
from pathlib import Path

import attrs
from autocakechat import (
    Chat, Input, Message, Reply, SourceType, StageError, TrainerType, UserError, Secret, hookimpl, option
)


@attrs.frozen(kw_only=True)
class SourceOptions:
    path: Path = option(help="the file", affects_key=False)
    password: Secret | None = option(default=None, help="a secret")


def inputs(options):
    if not options.path.is_file():
        raise UserError(f"{options.path}: no such file", "create it")
    return [Input(options.path.name, (options.path,))]


def read(options, entry, run):
    if options.password:
        run.log.warning("the password is %s", options.password.reveal())

    def messages():
        for number, line in enumerate(entry.paths[0].read_text().splitlines()):
            sender, _, text = line.partition(": ")
            if text == "boom":
                raise ValueError("a bug")
            yield Message(id=number, sender=sender, sender_name=None, text=text, sent=60 * number)

    yield Chat(id="chat1", title="toys", kind="private", messages=messages())


@attrs.frozen(kw_only=True)
class TrainerOptions:
    steps: int = option(default=1, help="how many steps", check=attrs.validators.ge(1))
    pause: float = option(default=0.0, help="seconds between steps", affects_key=False)
    fails: bool = option(default=False, help="whether to fail", affects_key=False)
    raises: str = option(default="", help="the exception of a crash after the first step", affects_key=False)
    manners: Path | None = option(default=None, help="a file with manners", affects_key=False)


@attrs.frozen(kw_only=True)
class ReplyOptions:
    loud: bool = option(default=False, help="whether to shout")


def train(options, corpus, into, run):
    answers = Counter(dialog[-1].text for dialog in corpus.dialogs("train"))
    checkpoint = run.state / "steps"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    run.log.info("starting at step %d", first)
    with run.progress("training", total=options.steps, unit="steps") as progress:
        for step in range(first, options.steps):
            time.sleep(options.pause)
            if options.fails:
                raise StageError("the toy broke", "fix it")
            checkpoint.write_text(str(step + 1))
            if options.raises:
                raise eval(options.raises)
            progress.advance(1)
    (into / "answer.json").write_text(json.dumps(answers.most_common(1)[0][0]))
    return {"first_step": first, "answers": len(answers)}


def continue_training(options, previous, corpus, into, run):
    metrics = train(options, corpus, into, run)
    (into / "previous.json").write_text((previous / "answer.json").read_text())
    return metrics | {"continued": True}


def manners(options):
    if options.manners is None:
        return []
    if not options.manners.is_file():
        raise UserError(f"{options.manners}: no such file", "create it")
    return [Input("manners", (options.manners,))]


class OneReplyResponder:
    labels = ("neutral",)
    context_lines = 3

    def __init__(self, answer):
        self.answer = answer

    def respond(self, requests):
        return [Reply(self.answer) for _ in requests]


def load(path, reply, run):
    answer = json.loads((path / "answer.json").read_text())
    return OneReplyResponder(answer.upper() if reply.loud else answer)


@hookimpl
def acc_sources():
    yield SourceType(name="toy", summary="lines", config=SourceOptions, inputs=inputs, read=read)


@hookimpl
def acc_trainers():
    yield TrainerType(
        name="toy",
        summary="always gives the same reply",
        config=TrainerOptions,
        reply=ReplyOptions,
        train=train,
        load=load,
        inputs=manners,
        continue_training=continue_training,
    )
"""

PIPELINE = """\
[[source]]
use = "toy"
path = "log.txt"

[extractor]
use = "turns"
server = "bob"

[trainer]
use = "toy"

[deployer]
use = "console"
"""

LOG = "".join(f"ann: question {number}\nbob: answer {number % 7}\n" for number in range(50))


@attrs.frozen
class Project(testing.Project):
    """A project whose commands run in the process of the tests, unless a test is about the process."""

    def acc(self, *arguments: str | Path, stdin: str = "", timeout: float = 0) -> subprocess.CompletedProcess[str]:
        """Runs `acc` in this process, without a time limit."""
        return run_in_process([str(argument) for argument in arguments], self.folder, self.environment, stdin)

    def acc_process(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs `acc` in a separate process."""
        return super().acc(*arguments, stdin=stdin, timeout=60)

    def change(self, old: str, new: str) -> None:
        """Replaces text in pipeline.toml."""
        pipeline = (self.folder / "pipeline.toml").read_text()
        assert old in pipeline
        self.write("pipeline.toml", pipeline.replace(old, new))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the stages of `TOYS`, a log of two participants and a pipeline.toml."""
    plugins = tmp_path / "site"
    plugins.mkdir()
    lay_out(plugins, "acc-toys", "toys", TOYS)
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, os.environ | {"PYTHONPATH": str(plugins), "COLUMNS": "200"})
    project.write("pipeline.toml", PIPELINE)
    project.write("log.txt", LOG)
    return project
