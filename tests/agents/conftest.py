"""What the tools of the guarded agent did is forgotten between tests."""

from __future__ import annotations

import pytest

from tests.agents.guarded import RAN


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()
