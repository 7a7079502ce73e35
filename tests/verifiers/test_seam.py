"""Verifiers by name, verifiers of one's own, reasoning-gym's scorers."""

from __future__ import annotations

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers import Verifier, get_verifier
from tests.verifiers.problems import task


class Shouts:
    """A verifier of a user's own."""

    name = "shouts"

    async def verify(self, task: Task, text: str) -> Verdict:
        return Verdict(outcome=Outcome.CORRECT if text.isupper() else Outcome.INCORRECT)


loud = Shouts()


@pytest.mark.parametrize("name", ["exact", "math", "reasoning-gym:chain_sum", f"{__name__}:loud", f"{__name__}:Shouts"])
async def test_every_verifier_keeps_the_seam(name: str) -> None:
    verifier = get_verifier(name)
    assert isinstance(verifier, Verifier)
    assert verifier is get_verifier(name)
    for text in ("", "The answer is 12.", "\ud800\x00", "x" * 100_000):
        verdict = await verifier.verify(task("13"), text)
        assert isinstance(verdict, Verdict)
        assert verdict.model_copy() == verdict


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("maths", "exact, math"),
        ("", "exact, math"),
        ("reasoning-gym:no_such_family", "no_such_family"),
        ("no_such_module:thing", "cannot be imported"),
        ("os:no_such_attribute", "cannot be imported"),
        ("os:getcwd", "no verifier"),
    ],
)
def test_an_unknown_name_is_the_users_mistake_in_one_sentence(name: str, says: str) -> None:
    with pytest.raises(TaskSpecError, match=says) as caught:
        get_verifier(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", ["chain_sum", "word_sorting", "rotate_matrix", "knights_knaves", "simple_equations"])
async def test_reasoning_gym_scores_with_its_own_rules(family: str) -> None:
    import reasoning_gym

    entry = reasoning_gym.create_dataset(family, seed=3, size=4)[2]
    recipe = {"family": family, "seed": 3, "size": 4, "index": 2}
    verifier = get_verifier(f"reasoning-gym:{family}")
    the_task = task(str(entry["answer"]), meta={"recipe": recipe})
    for text in (f"The answer is {entry['answer']}", f"Answer:\n{entry['answer']}", str(entry["answer"])):
        assert (await verifier.verify(the_task, text)).outcome is Outcome.CORRECT
    assert (await verifier.verify(the_task, "The answer is zebra.")).outcome is Outcome.INCORRECT
    assert (await verifier.verify(the_task, "")).outcome is Outcome.UNPARSEABLE
