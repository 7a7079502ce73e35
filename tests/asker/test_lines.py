"""Where the asker draws its lines beside a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from sml_agents.asker.load import load_asker
from sml_agents.asker.threshold import AskerRecord, Side, beside, let_through

SAID, LOST = None, "enum"
WHOLE: list[Side] = [[(0.1, SAID, False)]] * 80 + [[(0.77, SAID, False)]] * 10 + [[(0.3, LOST, False)]] * 10
"""Complete calls: the rule asks about the last ten."""
LACKING: list[Side] = [[(0.9, SAID, True)]] * 10 + [[(0.78, SAID, True)]] * 10 + [[(0.6, LOST, True)]] * 80
"""Incomplete ones: the rule lets twenty through."""


def needless(lines: tuple[float, dict[str, float]], whole: list[Side] = WHOLE) -> int:
    return sum(not let_through(side, *lines) for side in whole)


def test_a_guess_weighs_as_much_as_two_needless_questions() -> None:
    grounded, told = beside([(LACKING, WHOLE)], reading=True)
    assert grounded == 0.75 and told == {"enum": 0.5}
    assert needless((grounded, told)) == 10, "ten guesses that are held back, for ten questions"
    dear: list[Side] = WHOLE[:60] + [[(0.77, SAID, False)]] * 40
    assert beside([(LACKING, dear)])[0] == 0.9


def test_nothing_counts_as_told_by_its_word_alone_unless_that_is_wanted() -> None:
    assert beside([(LACKING, WHOLE)])[1] == {}
    assert load_asker("asker:").record.told == {}


def test_where_the_asker_is_no_good_at_it_nothing_counts_as_told() -> None:
    blind: list[Side] = [[(0.05, LOST, True)]] * 80
    _, told = beside([(LACKING[:20] + blind, WHOLE)], reading=True)
    assert told == {}


def test_of_few_missing_values_of_a_kind_nothing_is_concluded() -> None:
    few: list[Side] = [[(0.9, SAID, True)]] * 20 + [[(0.9, LOST, True)]] * 5
    assert beside([(few, WHOLE)], reading=True)[1] == {}


def test_what_only_the_rule_may_find_never_counts_as_told() -> None:
    assert not let_through([(0.0, "", True)], 0.9, {"": 0.0, "enum": 0.5})
    assert not let_through([(0.0, "date", True)], 0.9, {"enum": 0.5})
    assert let_through([(0.0, "enum", True)], 0.9, {"enum": 0.5})
    assert not let_through([(0.1, SAID, False), (0.5, "enum", True)], 0.9, {"enum": 0.5})


def test_each_source_weighs_the_same() -> None:
    many: list[Side] = [[(0.78, SAID, True)]] * 90 + LACKING
    other: list[Side] = [[(0.99, SAID, True)]] * 10
    dear: list[Side] = WHOLE[:10] + [[(0.77, SAID, False)]] * 90
    assert beside([(many, dear)])[0] == 0.75
    assert beside([(many, dear), *[(other, dear)] * 2])[0] == 0.9


def test_a_record_of_before_has_no_lines_by_kind(tmp_path: Path) -> None:
    (tmp_path / "asker.json").write_text(
        '{"version": 1, "threshold": 0.5, "drafted": 0.5, "grounded": 0.9, "unknown": 0.7, "told": 0.05}'
    )
    record = AskerRecord.read(tmp_path)
    assert record.told == {} and record.grounded == 0.9


@pytest.mark.parametrize("told", [{"enum": 0.3}, {}, {"number": 0.5, "text": 0.4}])
def test_lines_are_written_and_read(tmp_path: Path, told: dict[str, float]) -> None:
    AskerRecord(threshold=0.5, drafted=0.5, told=told).write(tmp_path)
    assert AskerRecord.read(tmp_path).told == told
