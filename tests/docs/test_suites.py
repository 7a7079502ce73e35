"""Nothing that comes with the package was trained on what it is measured on: the files by hash, and their texts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.datasets import DATA

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| (\S+\.jsonl?)\b[^|\n]*\|.*\| `([0-9a-f]{16})…` \|$", re.MULTILINE)
SAID = ("question", "request_missing", "request_complete", "messages", "query", "task", "prompt", "ori_question")
SHARED = {"what is the current time in sydney australia"}
"""Complete in one file, and served by no tool in the other."""


def hashes(page: str) -> dict[str, str]:
    return dict(ROW.findall((DOCS / page).read_text(encoding="utf-8")))


def found(name: str) -> Path | None:
    folders = (DATA, DATA / "tools", DATA / "tools" / "sgd")
    return next((path for folder in folders if (path := folder / name).is_file()), None)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield re.sub(r"\W+", " ", value.casefold()).strip()
    elif isinstance(value, dict):
        yield from (text for part in value.values() for text in texts(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in texts(part))


def said_in(path: Path) -> set[str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {text for row in rows for name in SAID for text in texts(row.get(name)) if len(text) > 25}


def test_no_file_is_both_trained_on_and_measured_on() -> None:
    trained, measured = hashes("asker.md"), hashes("suites.md")
    assert len(trained) >= 15 and len(measured) >= 16
    assert not set(trained.values()) & set(measured.values())
    assert not set(trained) & set(measured)


def test_the_files_at_hand_are_those_of_the_pages() -> None:
    known = {**hashes("asker.md"), **hashes("suites.md")}
    here = {name: path for name in known if (path := found(name)) is not None}
    if not here:
        pytest.skip("no data set is at hand: set SML_AGENTS_DATA to a folder that has them")
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in here.items()}
    assert digests == {name: known[name] for name in here}


def test_no_request_is_both_trained_on_and_measured_on() -> None:
    rows_in_lines = (name for name in hashes("asker.md") if name.endswith("l"))
    trained = [path for name in rows_in_lines if (path := found(name)) is not None]
    measured = [path for name in hashes("suites.md") if (path := found(name)) is not None]
    if not trained or not measured:
        pytest.skip("no data set is at hand: set SML_AGENTS_DATA to a folder that has them")
    known = set().union(*map(said_in, trained))
    assert len(known) > 400
    assert {name.name: said for name in measured if (said := said_in(name) & known)} == {
        "bfcl_irrelevance.jsonl": SHARED
    }
