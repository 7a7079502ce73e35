"""Who asks beside the guard."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from langchain_core.decisions import BaseDecisionModel, ClassifierResponse, Noul, NoulAnswer
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from sml_agents.agents import (
    AgentView,
    ClarifyMiddleware,
    DecisionModel,
    Question,
    RequiredFields,
    ToldReader,
)
from sml_agents.agents.asking import asked_by
from sml_agents.errors import BackendSpecError, InputError
from tests.agents.guarded import (
    RAN,
    THREAD,
    Day,
    Fake,
    Refund,
    agent,
    asks,
    book,
    call,
    find_order,
    guess,
    say,
    stored,
)


class Sure(BaseDecisionModel):
    """Says for each argument how likely it is missing."""

    p: dict[str, float]

    @property
    def _provider(self) -> str:
        return "test"

    def _classify(self, state: Any, questions: dict[str, Any]) -> ClassifierResponse:
        assert state["calls"] and state["known"]
        answers: Any = {name: NoulAnswer(type="noul", noul=self.p.get(name, 0.0)) for name in questions}
        return ClassifierResponse(model="sure", answers=answers)


@pytest.mark.parametrize(("ask_above", "missing"), [(0.5, ["city"]), (0.9, [])])
def test_a_decision_model_decides_by_its_threshold(ask_above: float, missing: list[str]) -> None:
    graph = agent(
        call("book", city="Paris", date="5 May"),
        AIMessage("done"),
        decider=Sure(model="sure", p={"city": 0.7}),
        ask_above=ask_above,
    )
    assert asks(say(graph, "Book Paris on 5 May")) == missing
    assert bool(RAN) is not bool(missing)


def test_our_deciders_are_decision_models() -> None:
    model = DecisionModel(decider=Refund)
    questions = {"order": Noul(instructions="?"), "reason": Noul(instructions="?"), "any": Noul(instructions="?")}
    drafted = {"name": "refund", "args": {"order": "ORD-4711", "reason": "damaged"}}
    state: Any = {"messages": [{"role": "user", "content": "Refund ORD-4711"}], "calls": [drafted]}
    answer = model.invoke({"state": state, "questions": questions})
    assert {name: one.noul for name, one in answer.nouls.items()} == {"order": 0.0, "reason": 1.0, "any": 1.0}


class Event(BaseModel):
    category: Literal["Music", "Sports"]
    city: str


@pytest.mark.parametrize(
    ("words", "reply", "asked"),
    [
        ("A gig in Paris", "a gig", []),
        ("A gig in Paris", '"A gig".', []),
        ("A gig in Paris", "NONE", ["category"]),
        ("Something in Paris", "a gig", ["category"]),
        ("A gig in Paris", "Paris", ["category"]),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_model_reads_what_rules_cannot(words: str, reply: str, asked: list[str], asynchronous: bool) -> None:
    @tool(args_schema=Event)
    def find(category: str, city: str) -> str:
        """Find events."""
        RAN.append(("find", category, city))
        return "ok"

    reader = Fake(messages=iter([AIMessage(reply)]))
    drafts = [call("find", category="Music", city="Paris"), AIMessage("done")]
    graph = agent(*drafts, tools=[find], decider=ToldReader(reader))
    said: Any = {"messages": [("user", words)]}
    state = await graph.ainvoke(said, THREAD) if asynchronous else graph.invoke(said, THREAD)
    assert asks(state) == asked and ([] if asked else [("find", "Music", "Paris")]) == RAN
    assert '"value": "Music"' in reader._seen[0][1].text and words in reader._seen[0][1].text


def test_several_deciders_and_what_they_see() -> None:
    seen: list[AgentView] = []

    def look(view: AgentView) -> None:
        seen.append(view)

    def ask(view: AgentView) -> Question | None:
        return Question(text="Which class?") if view.calls else None

    graph = agent(
        call("book", city="Paris", date="5 May"),
        call("book", city="Paris", date="5 May"),
        AIMessage("done"),
        decider=[look, ask],
        store=stored("x"),
    )
    state = say(graph, "Book Paris on 5 May")
    assert state["messages"][-1].text == "Which class?" and RAN == []
    acting = next(view for view in seen if view.acting)
    (grounds,) = acting.grounds.values()
    assert {one.slot.name: one.state.value for one in grounds} == {"city": "said", "date": "said"}
    assert set(acting.tools) == {"book", "refund"} and acting.store is not None and "messages" in acting.state
    say(graph, "First.")
    assert RAN == [("book", "Paris", "5 May")]


def test_two_tools_with_fields_of_their_own() -> None:
    graph = agent(call("refund", order="ORD-0001", reason="late"), decider={"book": Day, "refund": Refund})
    questions = asked_by(say(graph, "Refund it, it was late")["messages"][-1])
    assert [question.text for question in questions] == ["What is the order number (like ORD-1234)?"]
    with pytest.raises(InputError, match="a pydantic model for each tool"):
        ClarifyMiddleware({"book": 7})
    with pytest.raises(InputError, match=r"requires day \(guessable\): they require city, date"):
        say(agent(AIMessage("x"), guessable=["day", "date"]), "Book Paris")
    with pytest.raises(BackendSpecError, match="A decider may also be asker:"):
        ClarifyMiddleware("askr:")
    with pytest.raises(InputError, match="No tool is named bok"):
        say(agent(AIMessage("x"), decider={"bok": Day}), "Hi.")


async def test_an_asynchronous_extract_is_awaited() -> None:
    async def read(told: str) -> dict[str, Any]:
        return {"order": "ORD-4711"}

    rules = RequiredFields(Refund, extract=read)
    found = await rules.questions(AgentView([HumanMessage("Hi.")], acting=True))
    assert [question.about for question in found] == ["reason"]
    assert callable(rules) and [
        question.about for question in await rules(AgentView([HumanMessage("Hi.")], acting=True))
    ] == ["reason"]


def test_a_chat_model_decides_on_what_the_agent_sees() -> None:
    """Its prompt, its tools and what was called, as lessons of its logs have them."""
    judge = Fake(messages=iter([AIMessage("On which day?"), AIMessage("Booking it."), guess()]))
    graph = agent(
        call("find_order", product="lamp"), AIMessage("It is ORD-4711."), decider=judge, tools=[book, find_order],
        system_prompt="You book trips. Today is 26 November.", read_only=[find_order],
    )  # fmt: skip
    assert say(graph, "Which order was the lamp?")["messages"][-1].text == "On which day?"
    assert say(graph, "It does not matter.")["messages"][-1].text == "It is ORD-4711."
    assert judge._tools[0] == judge._tools[1] and [one["function"]["name"] for one in judge._tools[0]] == [
        "book",
        "find_order",
    ]
    first, second = judge._seen[:2]
    assert [message.type for message in first] == ["system", "human"]
    assert first[0].text == second[0].text == "You book trips. Today is 26 November."
    assert [message.text for message in second[1:]] == [
        "Which order was the lamp?",
        "On which day?",
        "It does not matter.",
    ]
