"""`acc init`: wrong answers are asked again, people and chats have names, and all is checked before it is written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autocakechat.cli.init_command.pipeline_text import Table, write_pipeline
from autocakechat.errors import ManyProblemsError
from autocakechat.registry.manager import PluginManager
from tests.core.conftest import Project
from tests.distributions import lay_out
from tests.sources.exports import ME, export_json, make_account, make_chat, make_message


@pytest.fixture
def account(project: Project) -> Project:
    """A project with the export of an account, with a group and two private chats, and without a pipeline.toml."""
    (project.folder / "pipeline.toml").unlink()
    names = {ME: "Robin Hood", 555: "Marian", 666: "Robin Small"}

    def chat(id: int, name: str, senders: Sequence[int], messages: int, **more: Any) -> dict[str, Any]:
        said = [
            make_message(n, senders[n % len(senders)], f"line {n}", **{"from": names[senders[n % len(senders)]]})
            for n in range(messages)
        ]
        return make_chat(said, id=id, name=name, **more)

    project.write(
        "tg_data/result.json",
        export_json(
            make_account(
                chat(9, "Merry Men", [ME, 555, 666], 60, type="private_group"),
                chat(555, "Marian", [555, ME], 20),
                chat(666, "Robin Small", [666, ME], 10),
            )
        ),
    )
    return project


def pipeline_of(project: Project, name: str = "pipeline.toml") -> dict[str, Any]:
    return tomllib.loads((project.folder / name).read_text())


@pytest.mark.parametrize(
    ("answer", "id"),
    [
        ("2", "user555"),
        ("marian", "user555"),
        ("Robin Hood", "user1"),
        ("hood", "user1"),
        ("666", "user666"),
        ("user666", "user666"),
        ("me", "user1"),
    ],
)
def test_a_person_is_given_by_number_name_id_or_me(account: Project, answer: str, id: str) -> None:
    done = account.acc("init", "--trainer", "toy", stdin=f"tg_data\n{answer}\nconsole\n\n")
    assert done.returncode == 0, done.stderr
    assert pipeline_of(account)["extractor"]["server"] == id


def test_wrong_answers_are_explained_and_asked_again(account: Project) -> None:
    answers = ["nowhere", "log.txt", "'tg_data'", "Robin", "Much", "marian", "ic", "telegram", "!", "everyone 5"]
    answers += ["user555 @anna me", "nobody", "user555", "Merry Men, robin small"]
    done = account.acc("init", "--trainer", "toy", stdin="\n".join([*answers, ""]))
    assert done.returncode == 0, done.stderr
    for problem in (
        "nowhere: no such file or folder",
        "log.txt: not JSON",
        "'Robin' fits user1 (Robin Hood) and user666 (Robin Small); give one of these ids",
        "no participant has the id or name 'Much'",
        "no deployer 'ic'",
        "'!' is not a user id, chat id or username",
        "'everyone' is not the only entry",
        "no chat or person has the id or name 'nobody'",
        "user555 is the person to learn and cannot be left out",
    ):
        assert problem in done.stderr
    pipeline = pipeline_of(account)
    assert pipeline["source"] == [{"use": "telegram", "path": "tg_data", "exclude": ["chat9", "user666"]}]
    assert pipeline["extractor"]["server"] == "user555"
    assert pipeline["deployer"]["allow"] == [555, "@anna", 1]
    assert "lists the ids of the people in the chat log" in done.stderr


def test_a_number_outside_the_list_is_not_a_part_of_a_name(account: Project) -> None:
    export = (account.folder / "tg_data" / "result.json").read_text()
    account.write("tg_data/result.json", export.replace("Robin Small", "Robin 99"))
    done = account.acc("init", "tg_data", "--trainer", "toy", stdin="99\n666\nconsole\n99\n9\n")
    assert done.returncode == 0, done.stderr
    assert "no participant has the id or name '99'; " in done.stderr
    assert "no chat or person has the id or name '99'; " in done.stderr
    assert pipeline_of(account)["source"][0]["exclude"] == ["chat9"]


def test_the_choices_are_shown_at_the_end(account: Project) -> None:
    done = account.acc("init", "tg_data", "--trainer", "toy", "--deployer", "console", stdin="hood\nsmall, 2\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-4:] == [
        "person to learn: user1 (Robin Hood, 35 messages)",
        "exclude: user666 (Robin Small) and user555 (Marian)",
        "pipeline.toml: written; next:",
        "  acc run pipeline.toml",
    ]


def test_input_that_ends_after_a_wrong_answer_is_an_error(account: Project) -> None:
    done = account.acc("init", "tg_data", stdin="nobody\n")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("acc: --person is missing; give the option")
    assert not (account.folder / "pipeline.toml").exists()


def test_without_the_last_answer_nothing_is_left_out(account: Project) -> None:
    done = account.acc("init", "tg_data", "--trainer", "toy", "--deployer", "console", stdin="me\n")
    assert done.returncode == 0, done.stderr
    assert pipeline_of(account)["source"] == [{"use": "telegram", "path": "tg_data"}]
    assert '# exclude = ["NAME", "ID"]' in (account.folder / "pipeline.toml").read_text()


@pytest.mark.parametrize("paths", [["tg_data", "robin.toml"], ["robin.toml", "tg_data"], ["robin.toml"]])
def test_arguments_are_the_export_and_the_pipeline(account: Project, paths: list[str]) -> None:
    options = ["--person", "me", "--trainer", "toy", "--deployer", "console"]
    options += [] if "tg_data" in paths else ["--export", "tg_data/result.json"]
    done = account.acc("init", *paths, *options)
    assert done.returncode == 0, done.stderr
    assert pipeline_of(account, "robin.toml")["source"][0]["path"].startswith("tg_data")


def test_chats_are_selected_by_option_and_the_pipeline_runs(account: Project) -> None:
    options = ["--person", "hood", "--trainer", "toy", "--deployer", "console"]
    done = account.acc(
        "init", "tg_data", *options, "--include", "merry", "--include", "555", "--exclude", "Robin Small"
    )
    assert done.returncode == 0, done.stderr
    source = {"use": "telegram", "path": "tg_data", "include": ["chat9", "user555"], "exclude": ["user666"]}
    assert pipeline_of(account)["source"] == [source]
    assert "# Merry Men, Marian" in (account.folder / "pipeline.toml").read_text()
    run = account.acc("run", "--until", "corpus")
    assert run.returncode == 0, run.stderr
    assert "Robin Small (excluded chat)" in run.stderr
    assert ": excluded person" in run.stderr


def test_several_logs_and_ids_of_one_person(account: Project) -> None:
    lines = [
        {
            "chat": "hall",
            "sender": ("robin", "john")[n % 2],
            "name": ("Robin", "John")[n % 2],
            "time": n,
            "text": f"l {n}",
        }
        for n in range(20)
    ]
    account.write("more.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    options = ("--person", "Robin Hood", "--person", "robin", "--exclude", "Merry Men", "--trainer", "toy")
    done = account.acc("init", "tg_data", "more.jsonl", *options, "--deployer", "console")
    assert done.returncode == 0, done.stderr
    assert pipeline_of(account)["source"] == [
        {"use": "telegram", "path": "tg_data", "exclude": ["chat9"]},
        {"use": "jsonl", "path": "more.jsonl"},
    ]
    assert pipeline_of(account)["extractor"]["server"] == ["user1", "robin"]
    assert "person to learn: user1 (Robin Hood, 35 messages) and robin (Robin, 10 messages)" in done.stderr
    run = account.acc("run", "--until", "corpus", "--json")
    assert run.returncode == 0, run.stderr
    written = json.loads(run.stdout)["corpus"]["report"]["pairs"]
    assert written > 10
    done = account.acc(
        "init",
        "tg_data",
        "more.jsonl",
        "b.toml",
        *options[:4],
        "--include",
        "hall",
        *options[6:],
        "--deployer",
        "console",
    )
    assert pipeline_of(account, "b.toml")["source"] == [{"use": "jsonl", "path": "more.jsonl", "include": ["hall"]}]


ALL = ("--person", "me", "--trainer", "toy", "--deployer", "console")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("a.toml", "b.toml"), "more than one pipeline: a.toml, b.toml"),
        (("robin",), "robin: no such file or folder; give an export, or the name of a new .toml file"),
        (("tg_data", *ALL, "--exclude", "me too"), "--exclude: no chat or person has the id or name 'me too'"),
        (("tg_data", *ALL, "--exclude", "hood"), "user1 is the person to learn and cannot be left out"),
        (("tg_data", *ALL, "--include", "Robin Hood"), "--include: no chat has the id or name 'Robin Hood'"),
        (
            ("log.txt", "--source", "toy", *ALL[2:], "--exclude", "ann"),
            "--exclude: the source 'toy' has no such option",
        ),
        (("tg_data", *ALL, "--start", "scratch"), "--start: the trainer 'toy' has no option 'start'"),
        (
            ("--start", "pretraind"),
            "--start: 'pretraind' is not one of scratch, pretrained, conversations; did you mean 'pretrained'?",
        ),
        (("tg_data", *ALL, "--allow", "5"), "--allow: the deployer 'console' has no such option"),
        (("tg_data", "--allow", "5", "--allow", "no!"), "--allow: 'no!' is not a user id, chat id or username"),
        (("log.txt", "--source", "toy", "--person", "me"), "--person: 'me': the chat log does not record its owner"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(
    account: Project, arguments: tuple[str, ...], problem: str
) -> None:
    before = sorted(account.folder.iterdir())
    done = account.acc("init", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert problem in line
    assert sorted(account.folder.iterdir()) == before


DEMANDING = """
import attrs
from autocakechat import DeployerType, hookimpl, option


@attrs.frozen(kw_only=True)
class Options:
    question: str = option(help="the question")


@hookimpl
def acc_deployers():
    yield DeployerType(name="demanding", summary="needs an option", config=Options, deploy=print)
"""


def test_a_deployer_that_needs_more_options_is_refused_when_it_is_chosen(account: Project) -> None:
    lay_out(account.folder.parent / "site", "acc-demanding", "demanding", DEMANDING)
    done = account.acc("init", "tg_data", "--trainer", "toy", stdin="me\ndemanding\nconsole\n\n")
    assert done.returncode == 0, done.stderr
    assert "the deployer 'demanding' needs options that `acc init` does not ask for: question" in done.stderr
    assert pipeline_of(account)["deployer"] == {"use": "console"}


def test_a_pipeline_with_a_problem_is_not_written(tmp_path: Path) -> None:
    table = Table("[deployer]", "Where the bot runs.", "console", {"volume": 11})
    with pytest.raises(ManyProblemsError, match=r"deployer\.volume: no such option"):
        write_pipeline(tmp_path / "pipeline.toml", [table], PluginManager.load(third_party=False))
    assert not list(tmp_path.iterdir())
