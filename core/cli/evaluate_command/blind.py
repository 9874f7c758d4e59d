"""`acc evaluate --blind` and `--blind-result`: the blind test and its results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from autocakechat.cli.evaluate_command.bots import masker_of
from autocakechat.errors import UserError
from autocakechat.standard_output import stdout_to_stderr
from autocakechat.text import escape_control_characters, escape_lines, pluralize

if TYPE_CHECKING:
    from autocakechat.cli.app import App
    from autocakechat.evaluation.blind_result import BlindScore
    from autocakechat.evaluation.blind_test import BlindTest, Moment
    from autocakechat.interface.model import TrainedModel

_Function = TypeVar("_Function", bound=Callable[..., Any])

_TERMINAL = Path("-")
_MOMENTS = 20
_UNKNOWN = "the person"
_REAL_LINES = "lines of real chats: show them only to people who may read them"


def blind_options(function: _Function) -> _Function:
    """Adds `--blind [FILE]` and `--blind-result` to a command, as the arguments `blind` and `blind_result`."""
    blind = click.option(
        "--blind",
        type=click.Path(path_type=Path),
        is_flag=False,
        flag_value=str(_TERMINAL),
        metavar="[FILE.html]",
        help="Ask which of two replies is the person's: on a page for friends, or in the terminal without a file. "
        f"--samples sets the number of moments, by default {_MOMENTS}.",
    )
    result = click.option(
        "--blind-result", is_flag=True, help="Add up the results of friends: the arguments are their texts (acc1:...)."
    )
    return blind(result(function))


def check_blind_options(file: Path, others: Mapping[str, object]) -> None:
    """Checks the value of `--blind` and the options beside it.

    Args:
        file: The value of `--blind`.
        others: The values of options that do not go with it.

    Raises:
        UserError: It is not a file for a page, or another option is set.
    """
    for option, value in others.items():
        if value:
            raise UserError(f"{option} does not go with --blind", "run the command once with each")
    if file == _TERMINAL:
        return
    if file.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--blind {file}: not an .html file", f"run: acc evaluate {file} --blind page.html")
    if not file.parent.is_dir():
        raise UserError(f"{file.parent}: no such folder", "create the folder, or give another path")


def run_blind_test(
    app: App, model: TrainedModel, corpus: Path, known: bool, file: Path, samples: int | None, seed: int
) -> None:
    """Makes a blind test, and writes it as a page or asks the questions in the terminal.

    Args:
        app: The state of `acc`.
        model: The bot.
        corpus: The corpus.
        known: Whether the corpus is the one that the model was trained on, so that its held-out part is new to it.
        file: The value of `--blind`.
        samples: The number of moments.
        seed: The seed.
    """
    test = _make_test(app, model, corpus, samples or _MOMENTS, seed)
    person = escape_control_characters(model.person or _UNKNOWN)
    if not known:
        app.log.warning("the model may have been trained on these replies; it may be too hard to tell them apart")
    if test.equal:
        app.log.info("left out %s in which the bot gave the person's reply", pluralize(test.equal, "moment"))
    if file == _TERMINAL:
        _ask_all(test, person)
        return
    from autocakechat.display.blind_page import blind_page
    from autocakechat.display.markup import write_page

    write_page(file, blind_page(test, person))
    app.log.info("wrote %s: test %s, %s", file, test.id, pluralize(len(test.moments), "moment"))
    app.log.warning("%s contains %s, and delete it afterwards", file, _REAL_LINES)


def print_results(texts: Sequence[str]) -> None:
    """Adds up the results of several friends and prints them, each test for itself."""
    from autocakechat.evaluation.blind_result import fooled_friends, read_results, score

    if not texts:
        raise UserError("--blind-result: no results", "run: acc evaluate --blind-result acc1:... acc1:...")
    results = read_results(texts)
    for number, test in enumerate(dict.fromkeys(result.test for result in results)):
        own = [result for result in results if result.test == test]
        click.echo(("\n" if number else "") + f"test {test}, {pluralize(len(own), 'friend')}")
        for friend, result in enumerate(own, 1):
            click.echo(_score_line(f"friend {friend}", score([result])))
        if len(own) > 1:
            click.echo(_score_line("together", score(own)))
        click.echo(_conclusion(score(own)))
        fooled = [f"{moment} ({count} of {asked})" for moment, (count, asked) in fooled_friends(own).items()]
        click.echo(f"moments in which the bot fooled friends: {', '.join(fooled) or 'none'}")


@stdout_to_stderr()
def _make_test(app: App, model: TrainedModel, corpus: Path, size: int, seed: int) -> BlindTest:
    from autocakechat.artifacts.store import read_manifest
    from autocakechat.display.progress import progress_for
    from autocakechat.evaluation.batched_responder import BatchedResponder
    from autocakechat.evaluation.blind_test import MAX_MOMENTS, make_blind_test
    from autocakechat.interface.corpus import Corpus

    if size > MAX_MOMENTS:
        raise UserError(f"--samples {size}: too many for a blind test", f"give at most {MAX_MOMENTS}")
    corpus_manifest = read_manifest(corpus, "corpus") or {}
    model_manifest = read_manifest(model.path, "model") or {}
    return make_blind_test(
        BatchedResponder(model.load(), progress_for(app.log)),
        Corpus(corpus),
        size,
        seed,
        keys=[str(manifest.get("key")) for manifest in (model_manifest, corpus_manifest)],
        mask=masker_of(corpus),
    )


def _ask_all(test: BlindTest, person: str) -> None:
    """Asks the questions until the last one, `q`, or the end of standard input, and prints the result."""
    from autocakechat.evaluation.blind_result import BlindResult, score

    click.echo(f"{len(test.moments)} moments with {_REAL_LINES}.\n")
    correct: list[bool] = []
    for number, moment in enumerate(test.moments, 1):
        click.echo(f"{number} of {len(test.moments)}")
        _show(_context(moment, person))
        _show([("1", moment.replies[0]), ("2", moment.replies[1])])
        choice = _choice(f"Which reply is by {person}?")
        if choice is None:
            break
        correct.append(choice == moment.person)
        click.echo()
    if not correct:
        raise UserError("the test ended before the first answer", "type 1 or 2 for the reply that is the person's")
    total = score([result := BlindResult(test.id, tuple(correct))])
    click.echo(f"You were right in {total.correct} of {total.answers}: {_share(total)}.\n{_conclusion(total)}")
    for number, (right, moment) in enumerate(zip(correct, test.moments, strict=False), 1):
        if not right:
            click.echo(f"\nThe bot fooled you in moment {number}:")
            _show([*_context(moment, person), (person, moment.replies[moment.person])])
            _show([("bot", moment.replies[1 - moment.person])])
    click.echo(f"\nresult: {result.text}")


def _choice(question: str) -> int | None:
    """Asks for a choice: returns 0 or 1, or None at the end."""
    try:
        answer: str = click.prompt(question, type=click.Choice(["1", "2", "q"]), prompt_suffix=" ", err=True)
    except click.Abort:
        click.echo(err=True)
        return None
    return None if answer == "q" else int(answer) - 1


def _context(moment: Moment, person: str) -> list[tuple[str, str]]:
    authors = ["client", person]
    return [(authors[(len(moment.context) - index + 1) % 2], turn) for index, turn in enumerate(moment.context)]


def _show(messages: Iterable[tuple[str, str]]) -> None:
    for author, text in messages:
        first, *others = (escape_lines(text) or "(no text)").split("\n")
        click.echo("\n".join([f"{author:>10} < {first}", *(f"{'':>10}   {line}" for line in others)]))


def _score_line(name: str, total: BlindScore) -> str:
    right = f"{total.correct} of {total.answers} right"
    return f"  {name:<10} {right:>16}   {_share(total)}"


def _share(total: BlindScore) -> str:
    # Halves are rounded up, as on the page.
    share, low, high = (math.floor(100 * value + 0.5) for value in (total.share, total.low, total.high))
    return f"{share} % (95 % confidence interval: {low} to {high} %)"


def _conclusion(total: BlindScore) -> str:
    if total.low > 0.5:
        return "More than the 50 % of guessing: the bot can be told from the person."
    if total.high < 0.5:
        return "Less than the 50 % of guessing: the bot is taken for the person."
    return "Not clearly different from guessing, which gives 50 %."
