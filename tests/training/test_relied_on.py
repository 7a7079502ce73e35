"""Names that TRL does not promise: each is there in the release that is installed, and its loss would be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sml_agents.errors import TrainingError
from sml_agents.training.trainers import relied_on

NAMES = [(place, name) for place, names in relied_on.RELIED_ON.items() for name in names]


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_it_is_there(place: str, name: str) -> None:
    assert f"{place}.{name}" not in relied_on.missing()


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_its_loss_is_seen(place: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(relied_on.RELIED_ON, place, (f"{name}_that_was_renamed",))
    assert relied_on.missing() == [f"{place}.{name}_that_was_renamed"]
    relied_on.check.cache_clear()
    with pytest.raises(TrainingError, match=rf"trl [\d.]+ has no {re.escape(place)}\.{name}_that_was_renamed"):
        relied_on.check()
    relied_on.check.cache_clear()


def test_nothing_outside_the_package_reaches_into_trl(repository: Path) -> None:
    """`trl` is imported in the package of trainers alone; elsewhere stand names of its public configs, as text."""
    for path in (repository / "sml_agents").rglob("*.py"):
        if path.parent.name != "trainers":
            assert not re.search(r"^\s*(from|import) trl\b", path.read_text(encoding="utf-8"), re.MULTILINE), path
