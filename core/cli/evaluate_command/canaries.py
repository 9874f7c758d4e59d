"""`acc evaluate --canaries`: trains on a copy of the corpus with planted strings, and asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from autocakechat.cli.evaluate_command.bots import masker_of
from autocakechat.errors import UserError
from autocakechat.standard_output import stdout_to_stderr
from autocakechat.text import pluralize

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.evaluation.results import Evaluation

_Function = TypeVar("_Function", bound=Callable[..., Any])

_CANARIES = 9
_MOST = 1000


def canaries_option(function: _Function) -> _Function:
    """Adds `--canaries [N]` to a command, as the argument `canaries`; None without it."""
    return click.option(
        "--canaries",
        is_flag=False,
        flag_value=str(_CANARIES),
        metavar="[N]",
        callback=lambda _context, _parameter, value: _number(value),
        help="Train each bot once more, on a copy of the corpus with N made-up personal strings "
        f"(by default {_CANARIES}), and count how many it repeats when asked for them. Takes as long as the training.",
    )(function)


def check_canaries(paths: Iterable[Path]) -> None:
    """Checks that all bots can be trained.

    Raises:
        UserError: One is a model folder.
    """
    for path in paths:
        if path.is_dir():
            raise UserError(
                f"{path}: --canaries trains the bot once more, and a model folder does not say how",
                "give its pipeline.toml",
            )


@stdout_to_stderr()
def run_canaries(
    app: App, paths: Mapping[str, Path], overrides: tuple[str, ...], corpus: Path, evaluation: Evaluation, number: int
) -> Evaluation:
    """Trains each bot on a copy of the corpus with canaries, and asks for them. No artifact changes.

    Args:
        app: The state of `acc`.
        paths: The pipeline.toml of each bot.
        overrides: `KEY=VALUE` of `--set`.
        corpus: The corpus.
        evaluation: The evaluation of the bots.
        number: The number of canaries.

    Returns:
        The evaluation with the results.

    Raises:
        AccError: A training failed.
    """
    from autocakechat.display.progress import progress_for
    from autocakechat.evaluation.batched_responder import BatchedResponder
    from autocakechat.evaluation.canaries import CanaryTest, make_canaries
    from autocakechat.interface.corpus import Corpus

    mask = masker_of(corpus)
    canaries = make_canaries(number, evaluation.seed, lambda text: mask(text) != text)
    test = CanaryTest(Corpus(corpus), canaries, evaluation.seed)
    for name, path in paths.items():
        app.log.info(
            "canaries: training %s on a temporary copy of the corpus with %s, which takes as long as its training did",
            path,
            pluralize(number, "planted string"),
        )
        with app.runner(path, overrides).trained_apart(test.plant, evaluation.seed) as model:
            responder = BatchedResponder(model.load(), progress_for(app.log))
            evaluation = evaluation.with_results(name, test.ask(responder))
    return evaluation


def _number(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdecimal():
        raise UserError(f"--canaries {value}: not a number of strings", f"run: acc evaluate {value} --canaries")
    if not 1 <= int(value) <= _MOST:
        raise UserError(f"--canaries {value}: out of range", f"give a number from 1 to {_MOST}")
    return int(value)
