"""`acc evaluate --blind` and `--blind-result`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from autocakechat.evaluation.blind_result import BlindResult
from tests.core.conftest import Project

# Every message of ann has an e-mail address, which the model of `test-echo` repeats.
LOG = "".join(f"ann: question {number}, ann{number}@example.com\nbob: answer {number}\n" for number in range(90))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a corpus and a model that echoes. Tests do not change them."""
    made = Project.make(tmp_path_factory.mktemp("blind") / "acc")
    made.write("log.txt", LOG)
    made.pipeline(extractor={"use": "turns", "server": "bob", "dialog_turns": 6}, corpus={"validation": 0.5})
    made.outcome("model")
    return made


def content_of(page: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(re.findall(r'id="test">(.*?)</script>', page.read_text("utf-8"))[0])
    return content


def test_a_page_for_friends(trained: Project) -> None:
    done = trained.acc("evaluate", "--blind", "page.html", "--samples", "12")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    content = content_of(trained.folder / "page.html")
    assert len(content["moments"]) == 12
    assert content["person"] == "bob"
    assert f"wrote page.html: test {content['id']}, 12 moments" in done.stderr
    assert "warning: page.html contains lines of real chats" in done.stderr
    for moment in content["moments"]:
        assert sorted(reply.split()[0] for reply in moment["replies"]) == ["answer", "echo"]


def test_the_texts_and_the_replies_are_masked_as_in_the_corpus(trained: Project) -> None:
    trained.acc("evaluate", "--blind", "masked.html")
    page = (trained.folder / "masked.html").read_text("utf-8")
    assert "[email]" in page
    assert "@example.com" not in page


def test_the_masking_of_the_corpus_applies_to_the_replies(trained: Project, tmp_path: Path) -> None:
    other = Project.make(tmp_path / "acc")
    other.write("log.txt", LOG)
    corpus = {"validation": 0.5, "mask": ["phone"]}
    other.pipeline(extractor={"use": "turns", "server": "bob", "dialog_turns": 6}, corpus=corpus)
    other.outcome("model")
    other.acc("evaluate", "--blind", "page.html")
    assert re.search(r'"echo question \d+, ann\d+@example.com"', (other.folder / "page.html").read_text("utf-8"))


def test_the_same_command_makes_the_same_page(trained: Project) -> None:
    for name, seed in (("first.html", "42"), ("again.html", "42"), ("other.html", "43")):
        trained.acc("evaluate", "--blind", name, "--seed", seed)
    first, again, other = ((trained.folder / f"{name}.html").read_text("utf-8") for name in ("first", "again", "other"))
    assert first == again != other


def test_the_test_in_the_terminal(trained: Project) -> None:
    trained.acc("evaluate", "--blind", "page.html")
    moments = content_of(trained.folder / "page.html")["moments"]
    places = [next(index for index, reply in enumerate(moment["replies"]) if "answer" in reply) for moment in moments]
    answers = [1 - places[0], *places[1:]]
    typed = "\n".join(["what?", *(str(answer + 1) for answer in answers)])
    done = trained.acc("evaluate", "--blind", stdin=f"{typed}\n")
    assert done.returncode == 0, done.stderr
    assert "20 moments with lines of real chats" in done.stdout
    assert "\n20 of 20\n" in done.stdout
    assert f"    client < {moments[0]['context'][-1]}\n         1 < {moments[0]['replies'][0]}\n" in done.stdout
    assert "Which reply is by bob?" in done.stderr
    assert "'what?' is not one of '1', '2', 'q'" in done.stderr
    assert "You were right in 19 of 20: 95 % (95 % confidence interval: 76 to 99 %)." in done.stdout
    assert "More than the 50 % of guessing" in done.stdout
    assert done.stdout.count("The bot fooled you in moment") == 1
    result = done.stdout.splitlines()[-1]
    summed = trained.acc("evaluate", "--blind-result", result)
    assert summed.returncode == 0, summed.stderr
    assert "friend 1     19 of 20 right   95 %" in summed.stdout
    assert "fooled friends: 1 (1 of 1)" in summed.stdout


@pytest.mark.parametrize("typed", ["1\n2\nq\n", "1\n2\n"])
def test_the_test_in_the_terminal_can_be_ended_early(trained: Project, typed: str) -> None:
    done = trained.acc("evaluate", "pipeline.toml", "--blind", stdin=typed)
    assert done.returncode == 0, done.stderr
    assert "of 2:" in done.stdout
    assert "result: acc1:" in done.stdout


def test_the_test_in_the_terminal_without_an_answer(trained: Project) -> None:
    done = trained.acc("evaluate", "--blind")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("acc: the test ended before the first answer")


def test_results_of_several_friends_and_tests() -> None:
    def text(test: str, answers: str) -> str:
        return BlindResult(test, tuple(answer == "+" for answer in answers)).text

    project = Project(Path.cwd(), {})
    first, second, other = text("aaaaaaaa", "+++-"), text("aaaaaaaa", "-++-"), text("bbbbbbbb", "-" * 20)
    done = project.acc("evaluate", "--blind-result", first, other, f"my result is {second}", first)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "test aaaaaaaa, 2 friends",
        "  friend 1       3 of 4 right   75 % (95 % confidence interval: 30 to 95 %)",
        "  friend 2       2 of 4 right   50 % (95 % confidence interval: 15 to 85 %)",
        "  together       5 of 8 right   63 % (95 % confidence interval: 26 to 89 %)",
        "Not clearly different from guessing, which gives 50 %.",
        "moments in which the bot fooled friends: 4 (2 of 2), 1 (1 of 2)",
        "",
        "test bbbbbbbb, 1 friend",
        "  friend 1      0 of 20 right   0 % (95 % confidence interval: 0 to 16 %)",
        "Less than the 50 % of guessing: the bot is taken for the person.",
        f"moments in which the bot fooled friends: {', '.join(f'{moment} (1 of 1)' for moment in range(1, 21))}",
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--blind", "pipeline.toml"],
            "--blind pipeline.toml: not an .html file; run: acc evaluate pipeline.toml --bli",
        ),
        (["--blind", "missing/page.html"], "missing: no such folder"),
        (["--blind", "page.html", "--html", "other.html"], "--html does not go with --blind"),
        (["--blind", "page.html", "--json"], "--json does not go with --blind"),
        (["pipeline.toml", "model", "--blind", "page.html"], "a second bot does not go with --blind"),
        (["--blind", "page.html", "--samples", "201"], "--samples 201: too many for a blind test; give at most 200"),
        (["--blind-result"], "--blind-result: no results; run: acc evaluate --blind-result acc1:"),
        (["--blind-result", "acc1:k3j2m4qz"], "acc1:k3j2m4qz: damaged result of a blind test; ask for the whole text"),
        (["--blind-result", "pipeline.toml"], "not a result of a blind test: 'pipeline.toml'"),
    ],
)
def test_bad_input_is_one_line(trained: Project, arguments: list[str], line: str) -> None:
    before = (trained.folder / "pipeline.toml").read_text()
    done = trained.acc("evaluate", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"acc: {line}")
    assert (trained.folder / "pipeline.toml").read_text() == before
