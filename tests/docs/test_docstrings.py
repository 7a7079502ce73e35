"""Docstrings are whole sentences, and what they point to is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "sml_agents"


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def is_there(name: str) -> bool:
    """Whether a module of the package has that path, and the next name, if there is one, in its text."""
    parts = name.split(".")[1:]
    for length in range(len(parts), -1, -1):
        place = PACKAGE.joinpath(*parts[:length])
        for module in (place.with_suffix(".py"), place / "__init__.py"):
            if module.is_file():
                text = module.read_text(encoding="utf-8")
                return all(re.search(rf"\b{part}\b", text) for part in parts[length : length + 1])
    return False


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_docstring_is_whole_and_points_to_what_is_there(path: Path) -> None:
    for text in docstrings(path):
        assert not re.search(r'"\s*\n\s*"', text), "two literals were joined in the middle of a docstring"
        for name in re.findall(r"`(sml_agents(?:\.\w+)+)`", text):
            assert is_there(name), name
