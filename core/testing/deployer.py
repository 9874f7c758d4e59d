"""What a deployer has to keep."""

from __future__ import annotations

import signal
from typing import Any, ClassVar

import pytest

from autocakechat.testing.contract import StageContract
from autocakechat.testing.fake_stages import LOADED, echo
from autocakechat.testing.project import AccProcess, Project

_STOPPED = {signal.SIGINT: (0, 130), signal.SIGTERM: (0, 143)}


class DeployerContract(StageContract):
    r"""What a deployer has to keep. It is started by `acc deploy` with a model that says `echo` and the last line.

    Attributes:
        seconds: How long it may take to stop.

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

    Where it needs a server or a secret, override the fixture `table`:

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
        """Says something to the running bot and returns its answer; override it.

        Args:
            running: The program, up and ready.
            text: What to say.

        Returns:
            What was answered; None where a test cannot talk to it.
        """
        return None

    @pytest.fixture
    def project(self, acc_project: Project, table: dict[str, Any]) -> Project:
        """A project with a trained model and this deployer."""
        acc_project.pipeline(deployer={"use": self.name, **table})
        acc_project.outcome("model")
        return acc_project

    def test_its_options_and_secrets_are_there(self, project: Project) -> None:
        """`acc config check` finds nothing to mend."""
        done = project.acc("config", "check")
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("number", sorted(_STOPPED), ids=lambda number: number.name)
    def test_it_stops_when_told(self, project: Project, number: signal.Signals) -> None:
        """Ctrl-C and SIGTERM end it soon, without a traceback."""
        with project.start("deploy") as running:
            running.wait_for(lambda: LOADED in running.stderr)
            status = running.stop(number, self.seconds)
        assert status in _STOPPED[number], f"{number.name} ended it with {status}:\n{running.stderr}"
        assert "Traceback" not in running.stderr, running.stderr

    def test_it_stops_after_a_conversation(self, project: Project) -> None:
        """Having answered, it still stops when told."""
        with project.start("deploy") as running:
            running.wait_for(lambda: LOADED in running.stderr)
            if self.talk(running, "hello") is None:
                pytest.skip("`talk` is not overridden")
            assert running.stop(signal.SIGTERM, self.seconds) in _STOPPED[signal.SIGTERM], running.stderr
        assert "Traceback" not in running.stderr, running.stderr

    def test_people_get_the_models_answers(self, project: Project) -> None:
        """What the model says arrives, unchanged, one answer after the other."""
        with project.start("deploy") as running:
            running.wait_for(lambda: LOADED in running.stderr)
            for text in ("hello", "how are you? 👋", "Всё хорошо"):
                answer = self.talk(running, text)
                if answer is None:
                    pytest.skip("`talk` is not overridden")
                assert answer == echo(text), f"the model said {echo(text)!r}, and {answer!r} arrived"

    def test_it_can_be_started_again(self, project: Project) -> None:
        """Nothing of a stopped bot is in the way of the next."""
        for _ in range(2):
            with project.start("deploy") as running:
                running.wait_for(lambda: LOADED in running.stderr)
                assert running.stop(signal.SIGTERM, self.seconds) in _STOPPED[signal.SIGTERM], running.stderr
