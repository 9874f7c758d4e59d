"""Standard output has the results of commands only, whatever plugins print and in whatever way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.conftest import Project
from tests.distributions import lay_out

# Prints wherever its code runs: in Python, to the first stream, past Python's streams, through C's stdio, and in child
# processes.
NOISY = """
import ctypes, os, subprocess, sys
import click
from autocakechat import (
    Chat, CommandType, Input, Message, Reply, Score, SourceType, TrainerType, hookimpl
)
from acc_toys_toys_site import SourceOptions, TrainerOptions, ReplyOptions


def noise(where):
    print("noise: print", where)
    os.write(1, f"noise: descriptor {where}\\n".encode())
    sys.__stdout__.write(f"noise: stream {where}\\n")
    ctypes.CDLL(None).puts(f"noise: stdio {where}".encode())
    subprocess.run([sys.executable, "-c", f"print('noise: child {where}')"], check=True)


noise("import")


def inputs(options):
    noise("inputs")
    return [Input(str(number), (options.path,)) for number in range(2)]


def read(options, entry, run):
    noise("read")
    messages = (
        Message(id=n, sender="ann" if n % 2 else "bob", sender_name=None, text=f"text {entry.name} {n}", sent=60 * n)
        for n in range(100)
    )
    yield Chat(id=entry.name, title=None, kind="private", messages=messages)


def train(options, corpus, into, run):
    noise("train")
    (into / "model").write_text("x")
    return {}


class Responder:
    labels = ("neutral",)
    context_lines = 3

    def respond(self, requests):
        print("noise: print respond")
        return [Reply("hi")] * len(requests)

    def score(self, requests, replies):
        noise("score")
        return [[Score(-1.0, 1) for _ in texts] for texts in replies]


def load(path, reply, run):
    noise("load")
    return Responder()


@click.command("shout")
def shout():
    print("HELLO")


def load_command():
    noise("command")
    return shout


@hookimpl
def acc_sources():
    noise("hook")
    yield SourceType(name="noisy", summary="-", config=SourceOptions, inputs=inputs, read=read,
                     recognises=lambda path: bool(noise("recognises")) or True)


@hookimpl
def acc_trainers():
    yield TrainerType(name="noisy", summary="-", config=TrainerOptions, reply=ReplyOptions, train=train, load=load)


@hookimpl
def acc_commands():
    yield CommandType(name="shout", summary="-", load=load_command)


@hookimpl
def acc_before_stage(stage):
    noise(f"before {stage.name}")


@hookimpl
def acc_after_stage(stage, result):
    noise(f"after {stage.name}")
"""

WAYS = ("print", "descriptor", "stream", "stdio", "child")


@pytest.fixture
def noisy(project: Project) -> Project:
    """A project whose source and trainer print; its input is so large that worker processes read it."""
    project.environment.pop("PYTHONUNBUFFERED", None)  # it would hide output that stays in a buffer
    lay_out(Path(project.environment["PYTHONPATH"]), "acc-noisy", "noisy", NOISY)
    project.change('use = "toy"\npath', 'use = "noisy"\npath')
    project.change('use = "toy"\n\n[deployer]', 'use = "noisy"\n\n[deployer]')
    with (project.folder / "log.txt").open("r+b") as file:
        file.truncate(20_000_000)
    return project


def test_what_plugins_print_is_not_on_standard_output(noisy: Project) -> None:
    expected = {
        ("run", "--until", "model", "--json"): ["inputs", "read", "before turns", "train", "after noisy"],
        ("evaluate", "--json", "--samples", "3"): ["load", "score"],
        ("inspect", "log.txt", "--json"): ["recognises", "inputs", "read"],
        ("plugins", "list", "--json"): ["import", "hook"],
        ("plugins", "show", "noisy", "--json"): ["import", "hook"],
        ("corpus", "report", "--json"): [],
        ("config", "schema"): ["import", "hook"],
    }
    for arguments, places in expected.items():
        done = noisy.acc_process(*arguments)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
        for noise in (f"noise: {way} {place}\n" for way in WAYS for place in places):
            assert noise in done.stderr, arguments


def test_a_conversation_and_a_command_own_standard_output(noisy: Project) -> None:
    assert noisy.acc_process("run", "--until", "model").stdout == ""
    chat = noisy.acc_process("chat", stdin="hello\nhello\n")
    assert chat.stdout == "hi\nhi\n", chat.stderr
    assert "noise: print respond" in chat.stderr
    assert "noise: stdio before console" in chat.stderr
    assert noisy.acc_process("shout").stdout == "HELLO\n"


def test_what_plugins_print_in_this_process_is_not_on_standard_output(noisy: Project) -> None:
    listed = noisy.acc("plugins", "list", "--json")
    assert json.loads(listed.stdout)
    assert "noise: print import" in listed.stderr
