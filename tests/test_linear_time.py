"""Every regular expression takes linear time on hostile texts.

No test measures time. A linear pattern takes milliseconds on these texts, a quadratic one minutes, so the time limit of
a test tells them apart on any machine.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import autocakechat
import autocakechat.plugins
from autocakechat.plugins.sources.telegram.parsing.json_repair import repair
from autocakechat.plugins.trainers.cakechat.data.tokenization import normalise_text, tokenize_natural

LENGTH = 30_000
ANCHORED = {
    "autocakechat.cluster.options._ADDRESS",
    "autocakechat.corpus.masking.phone_numbers._ROUND_OR_DECIMAL",
    "autocakechat.corpus.masking.phone_numbers._UNIT_AFTER",
    "autocakechat.corpus.masking.phone_numbers._CURRENCY_BEFORE",
    "autocakechat.corpus.masking.emails._MAIL_PROVIDER",
    "autocakechat.registry.installer._SECRET_NAME",
    "autocakechat.cli.init_command.stage_choices._USER_ID",
    "autocakechat.plugins.sources.telegram.parsing.json_scanner._CONTAINER",
    "autocakechat.plugins.sources.telegram.parsing.json_scanner._ELEMENT",
    "autocakechat.plugins.sources.telegram.parsing.json_scanner._NEXT_BRACKET",
    "autocakechat.plugins.sources.telegram.parsing.json_scanner._STRING",
}
"""Patterns that are only matched at one position of a text, not searched for."""


def _modules() -> Iterator[ModuleType]:
    for package in (autocakechat, autocakechat.plugins):  # two folders of the repository
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(("autocakechat.testing", "autocakechat.__main__")):
                try:
                    yield importlib.import_module(module.name)
                except ModuleNotFoundError as error:
                    if error.name != "torch":  # layers for training import it; it is optional
                        raise


def _patterns() -> dict[str, re.Pattern[Any]]:
    """Returns the patterns that modules define, by their names."""
    found: dict[re.Pattern[Any], str] = {}
    for module in _modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found.setdefault(value, f"{module.__name__}.{name}")
    return {name: pattern for pattern, name in found.items()}


def _units(pattern: re.Pattern[Any]) -> list[str]:
    """Returns short texts of which hostile texts consist: the pattern's words and signs, alone and before others."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    signs = sorted({sign for sign in source if not sign.isalnum()} | set(' \n\t"1aA.'))[:40]
    words = re.findall(r'"?[A-Za-z_@]{3,}"?:?', source)[:8]
    return sorted({first + second for first in [*signs, *words] for second in ("", "1", " ")})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", sorted(_patterns()))
def test_pattern_takes_linear_time(name: str) -> None:
    pattern = _patterns()[name]
    for unit in _units(pattern):
        hostile = unit * (LENGTH // len(unit)) + "\0"
        subject = hostile if isinstance(pattern.pattern, str) else hostile.encode("utf-8", "surrogatepass")
        if name in ANCHORED:
            pattern.match(subject)
        else:
            pattern.sub("" if isinstance(pattern.pattern, str) else b"", subject)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", [" ", "\n", " \n", "\r", "a ", "\\", '"', '"document_id": ', '"document_id":a ,', "!", "'a", "\u200d"]
)
def test_texts_are_repaired_and_split_in_linear_time(unit: str) -> None:
    text = unit * (10 * LENGTH // len(unit))
    normalise_text(text)
    tokenize_natural(text)
    repair(text.encode())
    repair(b'{"document_id":' + text.encode())
