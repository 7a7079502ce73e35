"""Verifiers by name, verifiers of one's own, reasoning-gym's scorers."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers import Verifier, get_verifier, is_unscored, verifier_from
from tests.verifiers.problems import task


class Shouts:
    """A verifier of a user's own."""

    name = "shouts"

    async def verify(self, task: Task, text: str) -> Verdict:
        return Verdict(outcome=Outcome.CORRECT if text.isupper() else Outcome.INCORRECT)


class Needy(Shouts):
    def __init__(self, volume: int) -> None:
        self.volume = volume


class Nameless:
    async def verify(self, task: Task, text: str) -> Verdict:
        return Verdict(outcome=Outcome.CORRECT)


class Blocking:
    name = "blocking"

    def verify(self, task: Task, text: str) -> Verdict:
        return Verdict(outcome=Outcome.CORRECT)


loud = Shouts()
mock = AsyncMock()


@pytest.mark.parametrize("name", ["exact", "math", "reasoning-gym:chain_sum", f"{__name__}:loud", f"{__name__}:Shouts"])
async def test_every_verifier_keeps_the_seam(name: str) -> None:
    verifier = verifier_from(name)
    assert isinstance(verifier, Verifier)
    assert verifier is verifier_from(name) is get_verifier(name)
    for text in ("", "The answer is 12.", "\ud800\x00", "x" * 100_000):
        verdict = await verifier.verify(task("13"), text)
        assert isinstance(verdict, Verdict)
        assert verdict.model_copy() == verdict


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("maths", "exact, math"),
        ("MATH", "exact, math"),
        ("", "not scored"),
        ("none", "not scored"),
        ("reasoning-gym:no_such_family", "no_such_family"),
        ("reasoning-gym:", "never imported"),
    ],
)
def test_an_unknown_name_is_the_users_mistake_in_one_sentence(name: str, says: str) -> None:
    with pytest.raises(TaskSpecError, match=says) as caught:
        get_verifier(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("maths", "exact, math"),
        (":thing", "exact, math"),
        ("thing:", "exact, math"),
        ("no_such_module:thing", "cannot be imported"),
        ("os:no_such_attribute", "cannot be imported"),
        (".relative:thing", "cannot be imported"),
        ("os:getcwd", "no verifier"),
        ("unittest.mock:MagicMock", "no verifier"),
        ("unittest.mock:AsyncMock", "no verifier"),
        (f"{__name__}:mock", "no verifier"),
        (f"{__name__}:Nameless", "no verifier"),
        (f"{__name__}:Blocking", "no verifier"),
        (f"{__name__}:Needy", "without arguments"),
    ],
)
def test_a_typed_spec_must_yield_a_real_verifier(spec: str, says: str) -> None:
    with pytest.raises(TaskSpecError, match=says) as caught:
        verifier_from(spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["this:zen", "unittest.mock:MagicMock", "planted:Verifier", "planted.deep:Verifier"])
def test_a_module_named_in_data_is_never_imported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted").mkdir()
    for file in ("planted/__init__.py", "planted/deep.py"):
        (tmp_path / file).write_text("from tests.verifiers.test_seam import Shouts as Verifier\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "this", raising=False)
    before = set(sys.modules)
    with pytest.raises(TaskSpecError, match="never imported"):
        get_verifier(name)
    assert set(sys.modules) == before


def test_what_a_person_typed_may_be_named_by_tasks_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "typed_by_hand.py").write_text("from tests.verifiers.test_seam import Shouts\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TaskSpecError, match="verifier_from"):
        get_verifier("typed_by_hand:Shouts")
    typed = verifier_from("typed_by_hand:Shouts")
    assert get_verifier("typed_by_hand:Shouts") is typed


@pytest.mark.parametrize(("name", "unscored"), [("", True), ("none", True), ("math", False), ("None", False)])
def test_two_names_mean_that_nobody_scores(name: str, unscored: bool) -> None:
    assert is_unscored(name) is unscored


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


async def test_a_task_of_reasoning_gym_that_cannot_be_scored_is_an_error_and_not_the_answers() -> None:
    verifier = get_verifier("reasoning-gym:chain_sum")
    broken = task("12", meta={"entry": {"question": "6 + 6"}})
    verdict = await verifier.verify(broken, "The answer is 12.")
    assert verdict.outcome is Outcome.ERROR and verdict.correct is None
