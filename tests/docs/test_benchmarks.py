"""The page of the benchmarks names every script, with a command that the script takes."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_script_has_its_command(repository: Path) -> None:
    page = (repository / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    _, _, listed = page.partition("## Every script")
    table, _, others = listed.partition("The others are parts")
    named = dict(re.findall(r"^\| `python benchmarks/(\w+\.py)([^`]*)`", table, re.MULTILINE))
    every = {path.name: path.read_text(encoding="utf-8") for path in (repository / "benchmarks").glob("*.py")}
    assert set(named) == {name for name in every if f"`{name}`" not in others}
    for name, rest in named.items():
        assert f"python benchmarks/{name}" in every[name], name
        for option in re.findall(r"--[\w-]+", rest):
            assert f'"{option}"' in every[name], (name, option)
