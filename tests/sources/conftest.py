"""Loads the demo script, which writes real conversations as Telegram exports."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "examples" / "demo" / "chitchat_export.py"


@pytest.fixture(scope="session")
def chitchat_export() -> ModuleType:
    """The demo script that writes conversations of chitchat-dataset as exports."""
    spec = importlib.util.spec_from_file_location("chitchat_export", SCRIPT)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script
