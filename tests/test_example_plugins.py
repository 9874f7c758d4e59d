"""The example plugins, installed as packages: listed, tested by their own tests, and run in pipelines."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.conftest import ROOT

PLUGINS = sorted(path.name for path in (ROOT / "examples/plugins").iterdir() if (path / "pyproject.toml").is_file())


# Deselects slow tests; `make soak` runs all.
QUICK_TESTS = {"autocakechat-whatsapp": "not a_long_log", "autocakechat-http": "not TestContract"}


@attrs.frozen
class Installed:
    """The plugins, installed in a separate folder that is on the import path.

    Attributes:
        sources: Copies of the plugins' folders without their packages, so that the tests use the installed packages.
        site: The folder they are installed in.
    """

    sources: Path
    site: Path

    def run(self, *command: str | Path, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(self.site)},
            input=stdin,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process

    def acc(self, *arguments: str | Path, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.run("autocakechat", *arguments, cwd=cwd, stdin=stdin)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("examples")
    installed = Installed(folder / "sources", folder / "site")
    junk = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".*")
    copies = [
        shutil.copytree(ROOT / "examples/plugins" / name, installed.sources / name, ignore=junk) for name in PLUGINS
    ]
    pip = ("pip", "--disable-pip-version-check", "--quiet")
    options = ("--no-deps", "--target", installed.site)
    installed.run(*pip, "install", *options, *copies, cwd=folder)
    for copy in copies:
        shutil.rmtree(copy / copy.name.replace("-", "_"))
    return installed


@pytest.fixture(scope="module")
def listed(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The entries of `acc plugins list`, by distribution."""
    process = installed.acc("plugins", "list", "--json", cwd=tmp_path_factory.mktemp("empty"))
    return {plugin["distribution"]: plugin for plugin in json.loads(process.stdout)}


@pytest.mark.parametrize("name", PLUGINS)
def test_the_plugin_is_listed(name: str, listed: dict[str, dict[str, Any]]) -> None:
    plugin = listed[name]
    assert plugin["status"] == "active", plugin["problems"]
    assert plugin["version"] == "1.0"
    assert not plugin["bundled"]
    assert plugin["provides"]
    assert not any(stage["missing"] for stage in plugin["provides"])


@pytest.fixture(scope="module")
def own_tests(installed: Installed) -> Callable[[str], str]:
    """Runs the quick tests of a plugin once, and returns the output."""
    return cache(lambda name: run_own_tests(name, installed, QUICK_TESTS.get(name, "")))


@pytest.mark.parametrize("name", PLUGINS)
def test_the_plugin_passes_its_own_tests(name: str, own_tests: Callable[[str], str]) -> None:
    assert " passed" in own_tests(name)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(QUICK_TESTS))
def test_the_plugin_passes_all_of_its_own_tests(name: str, installed: Installed) -> None:
    run_own_tests(name, installed, "")


def test_the_page_of_http_works_in_a_browser(own_tests: Callable[[str], str]) -> None:
    """Skipped with the reason where there is no browser."""
    if skipped := re.search(r"SKIPPED.*(the page was not tested: .*)", own_tests("autocakechat-http")):
        pytest.skip(skipped[1])


def run_own_tests(name: str, installed: Installed, selection: str) -> str:
    command = ("pytest", "-q", "-rs", "-p", "no:cacheprovider", "-k", selection)
    return installed.run(*command, cwd=installed.sources / name).stdout


def test_a_bot_from_a_whatsapp_export(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    with zipfile.ZipFile(tmp_path / "exports/WhatsApp Chat - Ann.zip", "w") as archive:
        header = "[{day:02}.01.24, 18:00:{second:02}] {name}: "
        lines = [
            header.format(day=day, second=0, name="Ann")
            + f"frage {day} zu thema{day}?\n"
            + header.format(day=day, second=30, name="Bob Müller")
            + ("\u200eBild weggelassen\n" if day == 9 else f"antwort {day}\nin zwei zeilen\n")
            for day in range(1, 32)
        ]
        archive.writestr("_chat.txt", "".join(lines))
    (tmp_path / "pipeline.toml").write_text(
        '[[source]]\nuse = "whatsapp"\npath = "exports"\n[extractor]\nuse = "turns"\nserver = "Bob Müller"\n'
        '[trainer]\nuse = "retrieval"\n[deployer]\nuse = "console"\n'
    )
    process = installed.acc("run", cwd=tmp_path, stdin="und thema7?\n")
    assert process.stdout == "antwort 7\\nin zwei zeilen\n"
    inspected = installed.acc("inspect", "exports", cwd=tmp_path)
    assert "Bob Müller" in inspected.stdout


def test_a_person_on_several_messengers_gives_one_corpus(installed: Installed, tmp_path: Path) -> None:
    pairs = [(f"frage {n} zu thema{n}?", f"antwort {n}") for n in range(20)]
    author = {"ann": {"id": "1", "name": "ann"}, "bob": {"id": "2", "name": "bob"}}
    discord = [
        {"id": str(2 * n + i), "type": "Default", "content": said, "author": author[("ann", "bob")[i]],
         "timestamp": f"2024-01-{n + 1:02}T10:0{i}:00+00:00"}
        for n, pair in enumerate(pairs) for i, said in enumerate(pair)
    ]  # fmt: skip
    channel = {"guild": {"id": "0"}, "channel": {"id": "7", "type": "DirectTextChat"}, "messages": discord}
    (tmp_path / "discord.json").write_text(json.dumps(channel))
    thread = [
        {"sender_name": ("Ann", "Bob M\u00c3\u00bcller")[i], "timestamp_ms": 1_600_000_000_000 + n * 10**7 + i,
         "content": f"{said} auf fb"}
        for n, pair in enumerate(pairs) for i, said in enumerate(pair)
    ]  # fmt: skip
    (tmp_path / "fb/inbox/ann_1").mkdir(parents=True)
    people = [{"name": "Ann"}, {"name": "Bob M\u00c3\u00bcller"}]
    content = {"participants": people, "messages": thread[::-1], "title": "Ann", "thread_path": "inbox/ann_1"}
    (tmp_path / "fb/inbox/ann_1/message_1.json").write_text(json.dumps(content))
    inspected = json.loads(installed.acc("inspect", "--json", "discord.json", "fb", cwd=tmp_path).stdout)
    assert {person["id"] for person in inspected["people"]} == {"1", "2", "Ann", "Bob Müller"}
    options = ("--person", "2", "--person", "Bob Müller", "--trainer", "retrieval", "--deployer", "console")
    installed.acc("init", "discord.json", "fb", *options, cwd=tmp_path)
    result = json.loads(installed.acc("run", "--until", "corpus", "--json", cwd=tmp_path).stdout)
    assert result["corpus"]["report"]["pairs"] == 40


def test_http_serves_a_bot_until_it_is_terminated(installed: Installed, tmp_path: Path) -> None:
    lines = [
        f"{10 + n // 60:02}:{n % 60:02} - {('Ann', 'Bob')[n % 2]}: {('frage', 'antwort')[n % 2]} {n // 2}\n"
        for n in range(60)
    ]
    (tmp_path / "chat.txt").write_text("".join(f"24/12/2024, {line}" for line in lines))
    (tmp_path / "pipeline.toml").write_text(
        '[[source]]\nuse = "whatsapp"\npath = "chat.txt"\n[extractor]\nuse = "turns"\nserver = "Bob"\n'
        '[trainer]\nuse = "retrieval"\n[deployer]\nuse = "http"\nport = 0\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "autocakechat", "run"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed.site)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    log = ""
    while "listening on" not in log:
        line = process.stderr.readline()
        assert line, log
        log += line
    port = int(re.findall(r"127\.0\.0\.1:(\d+)", log)[0])
    body = json.dumps({"model": "bot", "messages": [{"role": "user", "content": "frage 7"}]})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    completion = json.loads(connection.getresponse().read())
    connection.close()
    process.terminate()
    rest = process.communicate(timeout=30)[1]
    assert completion["choices"][0]["message"]["content"] == "antwort 7"
    assert "Traceback" not in log + rest
