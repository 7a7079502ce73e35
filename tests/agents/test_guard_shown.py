"""What the model and the person are shown."""

from __future__ import annotations

import pytest
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, SystemMessage
from langgraph.types import Command
from pydantic import BaseModel

from sml_agents.agents import (
    AgentView,
)
from tests.agents.guarded import (
    THREAD,
    Fake,
    Refund,
    agent,
    book,
    call,
    say,
)


def test_structured_output_asks_by_the_tool() -> None:
    """A model that must call a tool cannot ask in plain text."""

    class Report(BaseModel):
        text: str

    model = Fake(messages=iter([call("ask_user", questions=["On which date?"])]))
    state = say(agent(model=model, tools=[book], response_format=ToolStrategy(Report)), "Book Paris")
    assert state["messages"][-1].text == "On which date?" and not state["messages"][-1].tool_calls
    assert "ask_user" in model._tools[0] and "call the tool ask_user" in model._seen[0][0].text


@pytest.mark.parametrize(
    ("text", "pauses"),
    [
        ("On which date?", True),
        ("To which city do you want to go, and when?", True),
        ("An welchem Tag m\u00f6chten Sie reisen?", True),
        ("Please tell me the date of your trip.", True),
        ("Sure! Which date?", True),
        ("Booked it. Isn't Paris lovely?", False),
        (
            "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate.\nRough winds shake buds",
            False,
        ),
        ("SELECT * FROM trips WHERE a=?", False),
        ("`a = b ? c : d`", False),
        (
            "The museum opens at nine. It is closed on Monday. Tickets cost 5. Why not go there?",
            False,
        ),
    ],
)
def test_a_finished_answer_is_no_question(text: str, pauses: bool) -> None:
    assert ("__interrupt__" in say(agent(AIMessage(text), AIMessage("x"), delivery="interrupt"), "Hello")) is pauses


def test_several_calls_of_ask_user_are_one_pause() -> None:
    first, second = (
        call("ask_user", question="On which date?"),
        call("ask_user", questions=[{"text": "Which class?", "options": ["first", "second"]}]),
    )
    both = AIMessage("", tool_calls=[*first.tool_calls, *second.tool_calls])
    graph = agent(both, AIMessage("done"), delivery="tool")
    (pause,) = say(graph, "Book Paris")["__interrupt__"]
    assert [one["text"] for one in pause.value["questions"]] == ["On which date?", "Which class? (first, second)"]
    state = graph.invoke(Command(resume=["5 May", "first"]), THREAD)
    assert AgentView(messages=state["messages"]).told == "Book Paris\n5 May\nfirst"


def test_the_payload_says_what_each_question_is_about() -> None:
    graph = agent(call("refund", order="ORD-0001", reason="damaged"), decider=Refund, delivery="interrupt")
    (pause,) = say(graph, "Refund please")["__interrupt__"]
    assert (pause.value["type"], pause.value["version"], pause.value["problem"]) == ("clarify", 1, "")
    assert [(one["type"], one["field"], one["path"], one["options"]) for one in pause.value["questions"]] == [
        ("text", "order", "order", []),
        ("choice", "reason", "reason", ["damaged", "late"]),
    ]
    assert pause.value["prose"].count("\n") == 1


@pytest.mark.parametrize("policy", [None, "Ask in rhyme."])
def test_the_policy_is_a_block_behind_the_prompt_whose_cache_stays(policy: str | None) -> None:
    block = {"type": "text", "text": "You are a clerk.", "cache_control": {"type": "ephemeral"}}
    model = Fake(messages=iter([AIMessage("done")]))
    say(agent(model=model, system_prompt=SystemMessage([block]), policy=policy), "Hi.")
    content = model._seen[0][0].content
    assert content[0] == block and (policy or "do not guess it") in content[1]["text"]
    model = Fake(messages=iter([AIMessage("done")]))
    say(agent(model=model, system_prompt=SystemMessage([block]), policy=""), "Hi.")
    assert model._seen[0][0].content == [block]
