"""The fixtures of `autocakechat.testing`, as plugin authors use them."""

from __future__ import annotations

import signal

import pytest

from autocakechat import RunContext
from autocakechat.registry.manager import PluginManager
from autocakechat.testing import Project


def test_a_new_project_runs(acc_project: Project) -> None:
    done = acc_project.run(stdin="hello\n")
    assert (done.returncode, done.stdout) == (0, "echo hello\n"), done.stderr
    assert acc_project.outcome("model")["model"]["reused"]
    assert len(acc_project.dialogs()) == acc_project.outcome("corpus")["corpus"]["report"]["dialogs"]


def test_tables_replace_the_default_ones(acc_project: Project) -> None:
    acc_project.write("a b.txt", "ann: one\nbob: two\n")
    path = acc_project.pipeline(
        seed=7,
        source=[{"use": "test-log", "path": "log.txt"}, {"use": "test-log", "path": "a b.txt"}],
        corpus={"mask": [], "validation": 0.5},
        deployer=None,
    )
    assert path.read_text().startswith("seed = 7\n")
    assert "[deployer]" not in path.read_text()
    assert acc_project.outcome("corpus")["corpus"]["report"]["messages"]["read"] == 82


def test_a_started_process_reads_input_and_is_ended(acc_project: Project) -> None:
    acc_project.outcome("model")
    with acc_project.start("deploy") as running:
        running.write("hello\n")
        running.wait_for(lambda: running.stdout == "echo hello\n")
        assert running.stop(signal.SIGTERM) == 143
    with acc_project.start("deploy") as running:
        process = running.process
    assert process.returncode == -signal.SIGKILL


def test_wait_for_fails_if_the_program_ends(acc_project: Project) -> None:
    with (
        acc_project.start("deploy", "nothing.toml") as running,
        pytest.raises(AssertionError, match=r"the program ended with 2:\n\S+ acc: nothing\.toml"),
    ):
        running.wait_for(lambda: False)


def test_a_plugin_manager_and_a_run_context_are_available(acc_plugins: PluginManager, acc_run: RunContext) -> None:
    assert acc_plugins.find("source", "test-log")
    assert acc_plugins.find("extractor", "turns")
    assert list(acc_run.state.iterdir()) == []
    assert acc_run.seed == 42
