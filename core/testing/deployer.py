"""The contract tests for deployers."""

from __future__ import annotations

import signal
from typing import Any, ClassVar

import pytest

from autocakechat.testing.contract import StageContract
from autocakechat.testing.fake_stages import LOADED, echo
from autocakechat.testing.process import AccProcess
from autocakechat.testing.project import Project

# The accepted exit statuses: a normal end, or 128 + the signal's number.
_EXIT_STATUSES = {signal.SIGINT: (0, 130), signal.SIGTERM: (0, 143)}


class DeployerContract(StageContract):
    r"""The tests that every deployer has to pass.

    `acc deploy` starts the deployer with a model that replies `echo` and the last message.

    Attributes:
        seconds: The time the deployer may take to stop.

    Example:
        ```python
        class TestConsole(DeployerContract):
            name = "console"

            def talk(self, running, text):
                before = running.stdout
                running.write(f"{text}\n")
                running.wait_for(lambda: running.stdout != before)
                return running.stdout.removeprefix(before).strip()
        ```

    If it needs a server or a secret, override the fixture `table`:

        ```python
            @pytest.fixture
            def table(self, acc_project, server):
                acc_project.environment["TOKEN"] = server.token
                return {"token": {"env": "TOKEN"}, "base_url": server.url}
        ```
    """

    kind: ClassVar[str] = "deployer"
    seconds: ClassVar[float] = 15

    def talk(self, running: AccProcess, text: str) -> str | None:
        """Sends a message to the running bot and returns its reply. Override it.

        Args:
            running: The running deployer; its model is loaded.
            text: The message.

        Returns:
            The reply; None to skip the tests that need one.
        """
        return None

    @pytest.fixture
    def project(self, acc_project: Project, table: dict[str, Any]) -> Project:
        """A project with a trained model and this deployer."""
        acc_project.pipeline(deployer={"use": self.name, **table})
        acc_project.outcome("model")
        return acc_project

    def test_options_and_secrets_are_complete(self, project: Project) -> None:
        """`acc config check` finds no problem."""
        done = project.acc("config", "check")
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("number", sorted(_EXIT_STATUSES), ids=lambda number: number.name)
    def test_it_stops_on_a_signal(self, project: Project, number: signal.Signals) -> None:
        """Ctrl-C and SIGTERM stop it in time and without a traceback."""
        with project.start("deploy") as running:
            running.wait_for(lambda: LOADED in running.stderr)
            status = running.stop(number, self.seconds)
        assert status in _EXIT_STATUSES[number], f"exit status {status} after {number.name}:\n{running.stderr}"
        assert "Traceback" not in running.stderr, running.stderr

    def test_it_stops_after_a_conversation(self, project: Project) -> None:
        """It also stops after it has sent a reply."""
        with project.start("deploy") as running:
            running.wait_for(lambda: LOADED in running.stderr)
            if self.talk(running, "hello") is None:
                pytest.skip("`talk` is not overridden")
            assert running.stop(signal.SIGTERM, self.seconds) in _EXIT_STATUSES[signal.SIGTERM], running.stderr
        assert "Traceback" not in running.stderr, running.stderr

    def test_replies_of_the_model_are_delivered(self, project: Project) -> None:
        """Each reply of the model arrives unchanged."""
        with project.start("deploy") as running:
            running.wait_for(lambda: LOADED in running.stderr)
            for text in ("hello", "how are you? 👋", "Всё хорошо"):
                reply = self.talk(running, text)
                if reply is None:
                    pytest.skip("`talk` is not overridden")
                assert reply == echo(text), f"the model replied {echo(text)!r}, but {reply!r} arrived"

    def test_it_can_be_started_again(self, project: Project) -> None:
        """A stopped deployer leaves nothing that prevents the next start."""
        for _ in range(2):
            with project.start("deploy") as running:
                running.wait_for(lambda: LOADED in running.stderr)
                assert running.stop(signal.SIGTERM, self.seconds) in _EXIT_STATUSES[signal.SIGTERM], running.stderr
