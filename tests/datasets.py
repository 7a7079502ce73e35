"""Data sets of others, which are not part of the project: read from the folder that SML_AGENTS_DATA names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("SML_AGENTS_DATA") or "SML_AGENTS_DATA is not set")


def data_set(name: str) -> Path:
    """A file in that folder; the test is skipped where it is not there."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"there is no {name}: set SML_AGENTS_DATA to a folder that has it")
    return path
