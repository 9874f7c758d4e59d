"""What the tests of deployers share."""

from __future__ import annotations

import pytest

from .responders import Echo


@pytest.fixture
def echo() -> Echo:
    return Echo()
