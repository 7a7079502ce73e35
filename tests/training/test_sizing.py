"""The calculator against arithmetic by hand, and the page against the calculator."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sml_agents.errors import InputError
from sml_agents.training.sizing import CARDS, Plan, main, size


def test_the_page_shows_what_the_calculator_says(repository: Path) -> None:
    page = (repository / "docs" / "sizing.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    python -m sml_agents\.training\.sizing(.*)\n\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert len(shown) == 3
    for options, table in shown:
        assert main(shlex.split(options)) == table.strip()


def test_by_hand() -> None:
    """A thousand million parameters on two cards."""
    plan = Plan(
        parameters=1e9,
        group=4,
        turns=2,
        tasks=100,
        batch=8,
        gpus=2,
        card="a100",
        prompt_tokens=100,
        student_tokens=50,
        teacher_tokens=10,
        teacher_generates=False,
        compute_share=0.5,
        memory_share=0.5,
    )
    sized = size(plan)
    assert sized.steps == 50, "two tasks a step"
    assert (sized.generated, sized.trained, sized.read) == (8 * 2 * 50, 800, 8 * (100 + 100 + 10))
    assert sized.resident_gb == 8.0, "16 bytes x 1e9 over two"
    assert sized.training_seconds == round(8 * 1e9 * 1680 / (2 * 312e12 * 0.5), 1)
    weights = 2e9 / (2.04e12 * 0.5)
    assert sized.generating_seconds == pytest.approx(100 * weights, abs=0.1)
    assert sized.generating_gb == pytest.approx(8 + 2, abs=0.2) and sized.fits


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"turns": 8}, ["generated", "read", "generating_seconds", "hours"]),
        ({"parameters": 24e9}, ["resident_gb", "training_gb", "generating_seconds", "training_seconds"]),
        ({"tasks": 4000}, ["steps", "hours"]),
        ({"card": "a100"}, ["generating_seconds", "training_seconds"]),
        ({"gpus": 4}, ["resident_gb", "training_seconds"]),
        ({"teacher_tokens": 400}, ["generated", "read"]),
    ],
)
def test_more_costs_more(change: dict[str, object], more: list[str]) -> None:
    usual, changed = size(Plan()), size(Plan.model_validate(change))
    for name in more:
        assert getattr(changed, name) > getattr(usual, name), name


def test_what_does_not_fit_is_said() -> None:
    assert "does NOT fit" in main(["--gpus", "1", "--batch", "8"])
    assert "fits" in main(["--gpus", "1", "--batch", "8", "--method", "qlora", "--parameters", "3e9"])
    assert size(Plan(method="qlora")).resident_gb < size(Plan(method="lora")).resident_gb
    assert set(CARDS) == {"4090", "l40s", "a100", "h100", "h200"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["--batch", "30"], "multiple of group"),
        (["--batch", "8", "--gpus", "16"], "give each of 16"),
        (["--tasks", "0"], "--tasks"),
        (["--parameters", "many"], "--parameters"),
        (["--compute-share", "1.5"], "--compute-share"),
    ],
)
def test_what_makes_no_sense_is_refused(given: list[str], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        main(given)
