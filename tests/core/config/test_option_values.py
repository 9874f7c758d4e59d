"""Options from TOML values: strict types, and all problems at once."""

from __future__ import annotations

import math
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from autocakechat import Secret, option
from autocakechat.config.option_values import OptionParser
from autocakechat.interface.options import values_affecting_key


@attrs.frozen(kw_only=True)
class Inner:
    depth: int = option(default=1, help="how deep")


@attrs.frozen(kw_only=True)
class Options:
    count: int = option(default=1, help="how many", check=attrs.validators.ge(1))
    share: float = option(default=0.5, help="how much")
    mode: Literal["fast", "slow"] = option(default="fast", help="how")
    who: str | list[str] = option(default="", help="who")
    allow: list[int | str] | Literal["everyone"] = option(default="everyone", help="who may")
    token: Secret | None = option(default=None, help="the token")
    path: Path = option(default=Path("here"), help="where", affects_key=False)
    since: date | None = option(default=None, help="from when")
    flag: bool = option(default=False, help="whether")
    inner: Inner = option(factory=Inner, help="more")


def parse(table: dict[str, Any], cls: type = Options) -> tuple[Any, list[str]]:
    parser = OptionParser(lambda _: Path("/base"))
    options = parser.parse(table, cls, ("table",))
    return options, [f"{problem.key[-1]}: {problem.message}" for problem in parser.problems]


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("count", 3, 3),
        ("share", 1, 1.0),
        ("who", "a", "a"),
        ("who", ["a", "b"], ["a", "b"]),
        ("allow", [1, "b"], [1, "b"]),
        ("allow", "everyone", "everyone"),
        ("token", {"env": "TOKEN"}, Secret(env="TOKEN")),
        ("token", {"file": "token"}, Secret(file=Path("/base/token"))),
        ("path", "there", Path("/base/there")),
        ("since", date(2024, 1, 2), date(2024, 1, 2)),
        ("inner", {"depth": 2}, Inner(depth=2)),
    ],
)
def test_a_value_of_the_right_type_is_accepted(name: str, value: Any, parsed: Any) -> None:
    options, problems = parse({name: value})
    assert problems == []
    assert getattr(options, name) == parsed


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("count", "5", 'must be an integer, not "5"'),
        ("count", True, "must be an integer, not true"),
        ("count", 0, "must be >= 1: 0"),
        ("share", "0.5", 'must be a number, not "0.5"'),
        ("share", math.inf, "must be a number, not inf"),
        ("share", -math.inf, "must be a number, not -inf"),
        ("share", math.nan, "must be a number, not nan"),
        ("flag", 1, "must be true or false, not 1"),
        ("mode", "quick", 'must be one of "fast", "slow", not "quick"'),
        ("who", [1], "must be a string or a list, each item a string, not [1]"),
        ("allow", "all", 'must be a list, each item an integer or a string or "everyone", not "all"'),
        ("token", "123:abc", 'must be { env = "NAME" } or { file = "PATH" }'),
        ("token", {"env": "A", "file": "b"}, None),
        ("since", datetime(2024, 1, 2), None),
        ("since", "2024-01-02", 'must be a date, not "2024-01-02"'),
        ("path", 1, "must be a path, not 1"),
        ("coutn", 1, "no such option; did you mean 'count'?"),
        ("inner", {"dept": 1}, None),
    ],
)
def test_a_value_of_another_type_is_a_problem(name: str, value: Any, problem: str | None) -> None:
    options, problems = parse({name: value})
    assert options is None
    assert len(problems) == 1
    if problem:
        assert problems == [f"{name}: {problem}"]


def test_all_problems_of_a_table_are_reported() -> None:
    _, problems = parse({"count": 0, "share": -1, "colour": 1, "mode": 3, "flag": "yes"})
    assert [problem.split(":")[0] for problem in problems] == ["colour", "count", "mode", "flag"]


def test_an_option_without_default_is_required() -> None:
    @attrs.frozen(kw_only=True)
    class RequiredOptions:
        server: str = option(help="the person to learn")

    assert parse({}, RequiredOptions) == (None, ["server: is required: the person to learn"])


def test_a_secret_in_the_place_of_a_variable_is_not_shown() -> None:
    for value in ("123456:FakeFakeFake", {"env": "123456:FakeFakeFake"}, {"env": "fake-fake"}):
        parsed, problems = parse({"token": value})
        assert parsed is None
        assert len(problems) == 1
        assert "NAME" in problems[0]
        assert "ake" not in problems[0]


def test_values_for_the_artifact_key_exclude_secrets_and_options_without_effect() -> None:
    values = values_affecting_key(Options(token=Secret(env="TOKEN"), since=date(2024, 1, 2)))
    assert values["since"] == "2024-01-02"
    assert values["inner"] == {"depth": 1}
    assert "token" not in values
    assert "path" not in values
