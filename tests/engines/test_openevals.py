"""Our evaluators in openevals' simulations and beside agentevals' own, and the page's lines about them."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openevals", reason="openevals is not installed here: make test-engines")

from agentevals.trajectory.match import create_trajectory_match_evaluator
from langchain_core.tools import tool
from openevals.simulators import run_multiturn_simulation, run_multiturn_simulation_async

from sml_agents.integrations.evaluators import asks_when_needed, guessed_arguments, needless


@tool
def book_table(city: str, guests: int) -> str:
    """Book a table."""
    return "booked"


OURS = [partial(evaluator, tools=[book_table]) for evaluator in (asks_when_needed, needless, guessed_arguments)]
PERSON = ["A table in Rome, please.", "For 4 of us."]


def books(guests: int) -> dict[str, Any]:
    arguments = json.dumps({"city": "Rome", "guests": guests})
    function = {"name": "book_table", "arguments": arguments}
    return {
        "role": "assistant",
        "content": "Booked.",
        "tool_calls": [{"id": f"call_{guests}", "type": "function", "function": function}],
    }


def agent(kind: str) -> Any:
    """Asks first, or guesses that there are two; it remembers, as simulations give it the newest words alone."""
    heard: list[str] = []

    def app(message: Any, **_: Any) -> dict[str, Any]:
        heard.append(message["content"])
        if len(heard) == 1:
            return books(2) if kind == "guesses" else {"role": "assistant", "content": "For how many guests?"}
        return books(4)

    return app


@pytest.mark.parametrize(("kind", "scores"), [("asks", [1.0, 0.0, 0.0]), ("guesses", [0.0, 0.0, 0.5])])
async def test_they_judge_a_simulated_conversation(kind: str, scores: list[float]) -> None:
    found = run_multiturn_simulation(app=agent(kind), user=PERSON, max_turns=2, trajectory_evaluators=OURS)
    assert [one["score"] for one in found["evaluator_results"]] == scores
    assert [one["key"] for one in found["evaluator_results"]] == ["asks_when_needed", "needless", "guessed_arguments"]
    app = agent(kind)

    async def later(message: Any, **_: Any) -> Any:
        return app(message)

    async def ours(evaluator: Any, **given: Any) -> Any:
        return evaluator(**given)

    again = await run_multiturn_simulation_async(
        app=later, user=PERSON, max_turns=2, trajectory_evaluators=[partial(ours, one) for one in OURS]
    )
    assert [one["score"] for one in again["evaluator_results"]] == scores


def test_they_take_what_agentevals_takes() -> None:
    """The same outputs and reference, messages of OpenAI's, a list or held by a dictionary."""
    asks = {"role": "assistant", "content": "For how many guests?"}
    reference = [{"role": "user", "content": PERSON[0]}, asks, {"role": "user", "content": PERSON[1]}, books(4)]
    guessed = [reference[0], books(2), reference[2], books(4)]
    theirs = create_trajectory_match_evaluator(trajectory_match_mode="strict")
    for wrap in (list, lambda messages: {"messages": list(messages)}):
        given = {"outputs": wrap(guessed), "reference_outputs": wrap(reference)}
        assert theirs(**given)["score"] is False
        assert [one(**given)["score"] for one in OURS] == [0.0, 0.0, 0.5]
        same = {"outputs": wrap(reference), "reference_outputs": wrap(reference)}
        assert theirs(**same)["score"] is True
        assert [one(**same)["score"] for one in OURS] == [1.0, 0.0, 0.0]
        assert theirs(**same).keys() >= OURS[0](**same).keys() - {"metadata"}


def test_the_page_s_lines(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (repository / "docs" / "evaluators.md").read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    for snippet in snippets:
        if "langsmith" not in snippet and "inspect" not in snippet:
            exec(compile(snippet, "evaluators.md", "exec"), names)
    said = capsys.readouterr().out
    assert "guests = 2 was a guess" in said and "'score': 1.0" in said
