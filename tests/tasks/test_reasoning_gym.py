"""reasoning-gym's families as tasks, scored by their own verifier."""

from __future__ import annotations

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.tasks import load_tasks
from sml_agents.verifiers import get_verifier

pytest.importorskip("reasoning_gym", reason="reasoning-gym is not installed")


@pytest.mark.parametrize("family", ["chain_sum", "letter_counting", "rearc"])
async def test_the_verifier_takes_the_familys_own_answer(family: str) -> None:
    for task in load_tasks(f"reasoning-gym:{family}?n=2&seed=3"):
        verifier = get_verifier(task.verifier)
        assert (await verifier.verify(task, f"The answer is {task.private.answer}")).correct is True
        assert (await verifier.verify(task, "The answer is 123454321")).correct is False


def test_seed_and_offset_choose_the_entries() -> None:
    first = load_tasks("reasoning-gym:chain_sum?n=4&seed=1")
    assert [task.prompt for task in load_tasks("reasoning-gym:chain_sum?n=2&seed=1&offset=2")] == [
        task.prompt for task in first[2:]
    ]
    assert {task.id for task in first}.isdisjoint(task.id for task in load_tasks("reasoning-gym:chain_sum?n=4&seed=2"))


def test_an_unknown_family_is_answered_with_near_ones() -> None:
    with pytest.raises(TaskSpecError, match="chain_sum"):
        load_tasks("reasoning-gym:chain_sums")


def test_only_the_full_form_exists() -> None:
    with pytest.raises(TaskSpecError, match="choose one of full"):
        load_tasks("reasoning-gym:chain_sum?form=underspecified")
