"""The spec grammar: what it reads, and the sentence it answers with when it cannot."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.errors import TaskSpecError
from sml_agents.tasks import FAMILIES, LoadReport, iter_tasks, load_tasks
from sml_agents.tasks.families import count_generated
from sml_agents.tasks.spec import choose_forms, parse_spec
from sml_agents.types import Form


def test_a_spec_is_read_with_its_defaults() -> None:
    spec = parse_spec("arithmetic", FAMILIES)
    assert (spec.form, spec.n, spec.seed, spec.offset, spec.splits) == ("full", None, 0, 0, ("train",))
    spec = parse_spec("gsm8k:/data/a%3Fb:c.jsonl?form=paired&n=7&seed=3&offset=2", FAMILIES)
    assert (spec.arg, spec.form, spec.n, spec.seed, spec.offset) == ("/data/a?b:c.jsonl", "paired", 7, 3, 2)
    spec = parse_spec("hf:org/name?subset=main&split=test&prompt=q&answer=a%26b", FAMILIES)
    assert spec.extra == {"subset": "main", "split": "test", "prompt": "q", "answer": "a&b"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("arithmetics?n=3", ["arithmetic", "lists", "gsm8k:PATH", "reasoning-gym:FAMILY"]),
        ("", ["arithmetic"]),
        ("arithmetic:3", ["without ':3'"]),
        ("gsm8k", ["gsm8k:PATH"]),
        ("arithmetic?form=half", ["full", "underspecified", "sharded", "paired", "mixed"]),
        ("questbench:x?form=sharded", ["underspecified", "full", "paired"]),
        ("arithmetic?split=test", ["train", "dev", "heldout", "all"]),
        ("arithmetic?size=3", ["form", "n", "seed", "offset", "split"]),
        ("gsm8k:x?split=dev", ["train", "heldout", "all"]),
        ("arithmetic?n=0", ["n=", "at least 1"]),
        ("arithmetic?n=-3", ["whole number"]),
        ("arithmetic?n=1.5", ["whole number"]),
        ("arithmetic?seed=one", ["seed", "whole number"]),
        ("arithmetic?n=3&n=4", ["twice"]),
        ("arithmetic?n", ["key=value"]),
        ("arithmetic?n=3&", ["key=value"]),
        ("jsonl:x.jsonl?prompt=q", ["answer"]),
        ("hf:name", ["prompt", "answer"]),
    ],
)
def test_a_wrong_spec_is_answered_with_what_is_valid(text: str, names: list[str]) -> None:
    with pytest.raises(TaskSpecError) as caught:
        iter_tasks(text)
    message = str(caught.value)
    assert all(name in message for name in names), message
    assert message.endswith((".", "'")) and "\n" not in message


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parse_spec(text, FAMILIES)
    except TaskSpecError as error:
        assert str(error)


def test_paired_gives_two_tasks_for_each_problem() -> None:
    tasks = load_tasks("arithmetic?form=paired&n=5")
    assert [task.form for task in tasks] == [Form.UNDERSPECIFIED, Form.FULL] * 5
    assert len({task.pair for task in tasks}) == 5
    for missing, full in zip(tasks[::2], tasks[1::2], strict=True):
        assert missing.pair == full.pair and missing.private.answer == full.private.answer


def test_mixed_draws_the_documented_shares() -> None:
    rng = random.Random(0)
    counts = Counter(form for _ in range(4000) for form in choose_forms("mixed", tuple(Form), rng))
    assert abs(counts[Form.FULL] / 4000 - 1 / 2) < 0.03
    assert abs(counts[Form.UNDERSPECIFIED] / 4000 - 3 / 8) < 0.03


def test_generators_make_a_hundred_problems_when_not_told_how_many() -> None:
    report = LoadReport()
    assert len(load_tasks("arithmetic", report=report)) == 100
    assert (report.read, report.made, report.left_out) == (100, 100, 0)


def test_tasks_are_streamed() -> None:
    endless = iter_tasks("arithmetic?n=1000000000")
    assert next(endless).family == "arithmetic"


@pytest.mark.parametrize("family", ["requests", "arithmetic", "lists", "functions"])
def test_more_tasks_than_a_list_may_hold_are_made_one_at_a_time(family: str) -> None:
    spec = f"{family}?form=paired&n=1000000000"
    assert count_generated(spec) == 2_000_000_000
    assert next(iter_tasks(spec)).family == family
    with pytest.raises(TaskSpecError, match="at most 1,000,000 here; sml-agents run and iter_tasks make them one"):
        load_tasks(spec)


def test_how_many_a_generator_makes_is_known_and_of_data_is_not() -> None:
    for spec in ("requests", "requests?form=paired&n=3", "lists?form=mixed&n=7", "arithmetic?form=paired&steps=1&n=9"):
        assert count_generated(spec) == len(load_tasks(spec))
    assert count_generated("jsonl:rows.jsonl?prompt=q&answer=a&n=5") is None
