"""Plain technical English: patterns that made messages, docstrings and docs hard to read do not come back."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PATTERNS = {
    r"\bnumbers? that (?:is|are|stands?|stand) (?:none|for)\b": "name it: NaN or infinity, embedding dimension",
    r"\b(?:that|which|who) (?:is|are) (?:no(?! longer)|(?-i:none))\b": "say what it is not: 'not a plugin'",
    r"(?<!there )(?<!there’s )\bis no (?!longer|more)": "'is not a …'",
    r"\b(?:what|whatever) (?:became|becomes|become) of\b": "say what happens: kept, dropped, sent",
    r"\b(?:nobody|somebody|whoever)\b": "name the participant, the user or the value",
    r"\bof (?:its|their|one's|his) own\b": "'separate', 'its own …'",
    r"\bis there already\b|\bis already there\b": "'already exists'",
    r"\bdoes not do as\b": "'invalid'",
    r"\b(?:tells? of|told of|hears? of|is told|are told|was told|were told)\b": "reports, logs, passes",
    r"\b(?:stands|stood|lies|lay) (?:in|beside|behind|between|there|here)\b": "'is'",
    r"\bgo(?:es|ing)? on (?:from|where|with)\b": "'resume', 'continue'",
    r"\bhow much (?:of )?\w+ .{0,20}hears\b": "name the gate",
    r"\bso (?:many|much) (?:of them )?(?:as|at most)\b": "'at most N'",
    r"\bmended?\b": "'fix'",
    r"\blearn(?:t|s|ed)? by heart\b": "'overfit', 'memorise'",
    r"\bwhat was (?:said|told|heard)\b": "name it: message, line, reply",
    r"\bthe way of the\b|\bhow (?:the|a) \w+ travels\b": "'data flow'",
    r"^ ?(?:<{7}|>{7}) ": "resolve the merge conflict",
    r"\banswers? (?:by|of|from) (?:the|a) (?:bot|person|model|server)\b": "'reply'",
}
FOLDERS = ("core", "plugins", "examples", "benchmarks", "docker", "docs")
PAGES = ("README.md", "CHANGELOG.md", "Makefile", "pipeline.toml")


def texts_of_python(file: Path) -> Iterator[tuple[int, str]]:
    """Yields every comment and string of a Python file, with its line."""
    source = file.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def texts(file: Path) -> Iterator[tuple[int, str]]:
    if file.suffix == ".py":
        yield from texts_of_python(file)
    else:
        yield from enumerate(file.read_text("utf-8").splitlines(), 1)


def files() -> list[Path]:
    suffixes = {".py", ".md", ".txt", ".mk", ".yaml", ".toml", ".html", ".js"}
    below = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    written = [path for path in below if path.suffix in suffixes and not {"tg_data", "build", ".acc"} & set(path.parts)]
    return sorted([*written, *(ROOT / page for page in PAGES)])


def findings(text: str) -> Iterator[str]:
    flat = re.sub(r"\s+", " ", text)
    for pattern, advice in PATTERNS.items():
        for match in re.finditer(pattern, flat, re.IGNORECASE):
            start = max(0, match.start() - 30)
            yield f"{flat[start : match.end() + 30]!r}: {advice}"


def test_the_worst_patterns_stay_out() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: {finding}"
        for file in files()
        for line, text in texts(file)
        for finding in findings(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "sentence",
    [
        "'x' does not do as a name",
        "numbers that stand for a token",
        "weights hold numbers that are none",
        "b is no plugin",
        "tells of every message",
        "a folder of its own",
        "the folder is there already",
        "whoever writes",
        "what became of every message",
        "<<<<<<< HEAD",
    ],
)
def test_a_bad_sentence_is_found(sentence: str) -> None:
    assert list(findings(sentence))


@pytest.mark.parametrize(
    "sentence",
    [
        "invalid plugin name 'x'",
        "there is no model",
        "the bot is no longer running",
        "embedding dimension",
        "resumes from the last checkpoint",
    ],
)
def test_a_good_sentence_passes(sentence: str) -> None:
    assert list(findings(sentence)) == []


def test_no_page_has_conflict_markers() -> None:
    marked = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if line.startswith(("<<<<<<< ", ">>>>>>> "))
    ]
    assert marked == []
