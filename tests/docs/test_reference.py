"""Every public name has its place in the reference, and stands there once."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from tests.test_contract import PACKAGES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_every_public_name_has_its_page() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in REFERENCE.glob("*.md"))
    listed = re.findall(r"^::: (\S+)", text, re.MULTILINE)
    assert len(set(listed)) == len(listed)
    named = {name.rpartition(".")[2] for name in listed}
    public = {name for package in PACKAGES for name in import_module(package).__all__}
    assert public - set(import_module("sml_agents.errors").__all__) <= named
    assert "sml_agents.errors" in listed
