"""The figures in a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.compare import Counts
from sml_agents.evaluation.figures import last_turn
from sml_agents.evaluation.table import print_summary
from sml_agents.evaluation.wording import UNKNOWN, change, figure, judgement, percent, span
from tests.evaluation.crafted import task, trace
from tests.evaluation.pages import awkward, study, summarised

MINUS = "\u2212"


def printed(dialogues: dict[str, dict[str, list[object]]], width: int = 80) -> str:
    stream = io.StringIO()
    print_summary(summarised(dialogues), Console(file=stream, width=width))  # type: ignore[arg-type]
    return stream.getvalue()


def test_two_students_fit_eighty_columns_one_line_a_metric() -> None:
    text = printed(study(60))  # type: ignore[arg-type]
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    for label in ("Success@1", "Success@4", "Asks when needed", "Needless questions", "Coverage", "Leak rate"):
        row = [line for line in lines if line.strip().startswith(label)]
        assert len(row) == 1, label
    asked = next(line for line in lines if "Asks when needed" in line)
    assert re.search(r"0 % 0\u2013\d+ +\d\d % \d\d\u2013\d\d +\+\d\d \+\d\d to \+\d\d ▲", asked)


def test_more_students_stand_three_beside_one_another_and_below_each_minus_the_first() -> None:
    two = study(30)  # type: ignore[arg-type]
    first, second = two.values()
    text = printed({"one": first, "two": second, "three": first, "four": second})  # type: ignore[dict-item]
    assert max(map(len, text.splitlines())) <= 80
    assert len(re.findall(r"Asks when needed +\d", text)) == 2, "two tables"
    below = text[text.index("compared with one") :]
    assert re.search(r"two +\+\d\d", below) and re.search(r"three +0", below) and re.search(r"four +\+\d\d", below)


def test_unknown_is_a_dash() -> None:
    text = printed({"only": {"spec": [trace("t", task(f"t{k}")) for k in range(3)]}})  # type: ignore[dict-item]
    row = next(line for line in text.splitlines() if "Success@1" in line)
    assert UNKNOWN in row and "%" not in row
    assert "3 could not be scored" in text


def test_the_last_turn_is_that_of_those_who_have_one() -> None:
    def has(turns: int) -> Counts:
        return Counts(n=1, metrics={"success_at": {str(k): Metric() for k in range(1, turns + 1)}})

    assert last_turn([has(4), has(0), has(3)]) == "3", "a student of whom nothing is known takes it from nobody"
    assert last_turn([has(0)]) == last_turn([]) == ""


def test_failures_and_names_are_plain_text() -> None:
    text = printed({"[red]odd[/red]": {"[bold]spec": awkward(), "other": []}})  # type: ignore[dict-item]
    assert "[red]odd[/red]: 2 of 10 failed" in text
    assert "[bold]spec" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, UNKNOWN),
        (0.0, "0\u202f%"),
        (1.0, "100\u202f%"),
        (0.004, "0.4\u202f%"),
        (0.5, "50\u202f%"),
        (1e-9, "0\u202f%"),
    ],
)
def test_percent(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_differences_have_signs_and_a_judgement() -> None:
    gain = Metric(value=0.69, low=0.61, high=0.76, n=9)
    assert change("asks_when_needed", gain) == "+69 points"
    assert span("asks_when_needed", gain, signed=True) == "+61 to +76"
    assert judgement("asks_when_needed", gain) == "better"
    assert judgement("needless_questions", gain) == "worse"
    assert judgement("question_rate", gain) == ""
    unclear = Metric(value=-0.02, low=-0.1, high=0.05, n=9)
    assert change("success_at", unclear) == f"{MINUS}2 points"
    assert judgement("success_at", unclear) == "unclear"
    assert judgement("success_at", Metric()) == ""
    assert figure("asking_gap", unclear) == f"{MINUS}2 points"
    assert change("questions_per_dialogue", Metric(value=-0.25, low=-0.5, high=0.0)) == f"{MINUS}0.25"
