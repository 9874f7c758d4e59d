"""Written TOML, when read, gives the same values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autocakechat.config.toml_writer import toml_table, toml_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ATOMS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS | st.dates()
VALUES = st.recursive(ATOMS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10)


@given(st.dictionaries(TEXTS, VALUES))
def test_a_table_round_trips(values: dict[str, Any]) -> None:
    assert tomllib.loads(toml_table("[a]", values)) == {"a": values}


def test_paths_become_strings_and_tuples_lists() -> None:
    assert toml_value([Path("a/b"), ("x", 1)]) == '["a/b", ["x", 1]]'
