"""The guard: asking and allowing are two things."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.decisions import BaseDecisionModel, ClassifierResponse, Noul, NoulAnswer
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import StructuredTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command
from pydantic import BaseModel, Field, PrivateAttr

from sml_agents.agents import (
    AgentView,
    ClarifyMiddleware,
    DecisionModel,
    Limits,
    Question,
    RequiredFields,
    ToldReader,
)
from sml_agents.agents.asking import asked_by
from sml_agents.errors import InputError

NOW = dt.datetime(2026, 11, 26, 12)
THREAD: Any = {"configurable": {"thread_id": "1"}}
RAN: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@tool
def book(city: str, date: str) -> str:
    """Book a trip."""
    RAN.append(("book", city, date))
    return f"Booked {city} for {date}."


@tool
def refund(order: str, reason: str) -> str:
    """Refund an order."""
    RAN.append(("refund", order, reason))
    return f"Refunded {order}."


@tool
def find_order(product: str) -> str:
    """Find the number of an order."""
    RAN.append(("find_order", product))
    return f"The order of {product} is ORD-4711."


class Day(BaseModel):
    date: dt.date


class Refund(BaseModel):
    order: str = Field(
        pattern=r"ORD-\d{4}", json_schema_extra={"question": "What is the order number (like ORD-1234)?"}
    )
    reason: Literal["damaged", "late"]


class Fake(GenericFakeChatModel):
    """Says what it is told to, one after another, and keeps what it was given."""

    _seen: list[Any] = PrivateAttr(default_factory=list)
    _tools: list[Any] = PrivateAttr(default_factory=list)

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        self._tools.append([getattr(one, "name", one) for one in tools])
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self._seen.append(messages)
        return super()._generate(messages, *args, **kwargs)


def call(name: str, **arguments: Any) -> AIMessage:
    call.number += 1  # type: ignore[attr-defined]
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"c{call.number}"}])  # type: ignore[attr-defined]


call.number = 0  # type: ignore[attr-defined]


def guess() -> AIMessage:
    return call("book", city="Paris", date="2026-12-24")


def agent(*replies: Any, decider: Any = None, tools: Sequence[Any] = (book, refund), **options: Any) -> Any:
    built = {name: options.pop(name) for name in ("store", "system_prompt", "response_format") if name in options}
    model = options.pop("model", None) or Fake(messages=iter(replies))
    before = options.pop("before", [])
    guard = ClarifyMiddleware(decider, **{"now": NOW, **options})
    return create_agent(model, list(tools), middleware=[*before, guard], checkpointer=InMemorySaver(), **built)


def say(graph: Any, text: str) -> Any:
    return graph.invoke({"messages": [HumanMessage(text)]}, THREAD)


def asks(state: Any) -> list[str]:
    return [question.about for question in asked_by(state["messages"][-1])]


@pytest.mark.parametrize(
    "words",
    ["Never mind, cancel that.", "What do you mean?", "I don't know yet", "hold on", "Vergiss es.", "no", "Hm", "yes"],
)
@pytest.mark.parametrize("decider", [None, Day])
def test_no_answer_but_the_value_lets_a_guess_run(words: str, decider: Any) -> None:
    graph = agent(*(guess() for _ in range(6)), AIMessage("done"), decider=decider)
    assert asks(say(graph, "Book Paris")) == ["date"]
    say(graph, words)
    assert RAN == []


@pytest.mark.parametrize("message", ["no", "", "I will not say"])
def test_a_rejected_form_lets_no_guess_run(message: str) -> None:
    graph = agent(*(guess() for _ in range(6)), AIMessage("done"), delivery="interrupt")
    say(graph, "Book Paris")
    graph.invoke(Command(resume={"decisions": [{"type": "reject", "message": message}]}), THREAD)
    assert RAN == []


def test_what_the_person_withdrew_is_left_at_once() -> None:
    graph = agent(guess(), guess(), guess(), AIMessage("unused"))
    say(graph, "Book Paris")
    state = say(graph, "Never mind, cancel that.")
    assert RAN == [] and state["messages"][-1].text == "All right, I have left it." and not asks(state)


def test_a_task_that_is_called_cancel_is_no_withdrawal() -> None:
    @tool
    def cancel(order: str) -> str:
        """Cancel an order."""
        RAN.append(("cancel", order))
        return "ok"

    say(agent(call("cancel", order="ORD-4711"), AIMessage("done"), tools=[cancel]), "Cancel my order ORD-4711.")
    assert RAN == [("cancel", "ORD-4711")]


@pytest.mark.parametrize("limits", [Limits(per_run=0), Limits(per_request=0), Limits(per_thread=0)])
def test_a_limit_blocks_unless_let_go(limits: Limits) -> None:
    graph = agent(*(guess() for _ in range(3)), AIMessage("done"), decider=Day, limits=limits)
    state = say(graph, "Book Paris")
    assert RAN == [] and "`date`" in state["messages"][-1].text
    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert results[0].text.startswith("Not run: nobody has given `date`.") and results[0].status == "error"
    say(agent(guess(), AIMessage("done"), decider=Day, limits=limits, on_limit="let_go"), "Book Paris")
    assert RAN == [("book", "Paris", "2026-12-24")]


def test_one_of_two_answered_and_the_other_is_asked_for() -> None:
    def drafts(order: str) -> AIMessage:
        return call("refund", order=order, reason="damaged")

    graph = agent(drafts("ORD-0001"), drafts("ORD-4711"), drafts("ORD-4711"), AIMessage("done"), decider=Refund)
    assert asks(say(graph, "Refund please")) == ["order", "reason"]
    state = say(graph, "ORD-4711")
    assert RAN == [] and asks(state) == ["reason"]
    say(graph, "It came damaged")
    assert RAN == [("refund", "ORD-4711", "damaged")]


def test_a_second_booking_asks_anew() -> None:
    graph = agent(
        AIMessage("On which date?"),
        call("book", city="Paris", date="5 May"),
        AIMessage("Booked."),
        AIMessage("On which date?"),
        call("book", city="Rome", date="7 May"),
        AIMessage("Booked."),
    )
    say(graph, "Book Paris")
    say(graph, "5 May")
    assert say(graph, "Now book Rome")["messages"][-1].text == "On which date?", "a right question is not thrown away"
    say(graph, "7 May")
    assert RAN == [("book", "Paris", "5 May"), ("book", "Rome", "7 May")]


def test_the_first_requests_date_grounds_no_second_one() -> None:
    graph = agent(
        call("book", city="Paris", date="5 May"),
        AIMessage("Booked."),
        call("book", city="Rome", date="5 May"),
        call("book", city="Rome", date="7 May"),
        AIMessage("Booked."),
    )
    say(graph, "Book Paris on 5 May")
    assert asks(say(graph, "Now book Rome")) == ["date"], "nor does the tool's result, which repeats the date"
    say(graph, "7 May")
    assert RAN == [("book", "Paris", "5 May"), ("book", "Rome", "7 May")]


@tool
def find_hotel(city: str, date: str) -> str:
    """Look for hotels; nobody has marked it as read-only."""
    RAN.append(("find_hotel", city, date))
    return "Hotel Splendid has a room."


@pytest.mark.parametrize(("words", "missing"), [("Great, book it.", []), ("Now a trip, please.", ["city", "date"])])
def test_a_person_may_refer_back_to_what_another_tool_did(words: str, missing: list[str]) -> None:
    values = {"city": "Paris", "date": "5 May"}
    graph = agent(
        call("find_hotel", **values),
        AIMessage("There is one."),
        call("book", **values),
        AIMessage("done"),
        tools=[book, find_hotel],
    )
    say(graph, "A hotel in Paris on 5 May?")
    assert asks(say(graph, words)) == missing and len(RAN) == (1 if missing else 2)


def test_referring_back_is_no_second_booking() -> None:
    graph = agent(
        call("book", city="Paris", date="5 May"), AIMessage("Booked."), call("book", city="Rome", date="5 May")
    )
    say(graph, "Book Paris on 5 May")
    assert asks(say(graph, "That was easy, now book Rome")) == ["date"] and len(RAN) == 1


def test_two_of_one_request_may_share_what_was_said() -> None:
    both = AIMessage(
        "",
        tool_calls=[
            *call("book", city="Paris", date="5 May").tool_calls,
            *call("book", city="Rome", date="5 May").tool_calls,
        ],
    )
    say(agent(both, AIMessage("done")), "Book Paris and Rome on 5 May")
    assert sorted(RAN) == [("book", "Paris", "5 May"), ("book", "Rome", "5 May")]


def test_a_contradicted_call_asks_which_of_the_two() -> None:
    wrong = call("refund", order="ORD-0001", reason="damaged")
    state = say(agent(wrong, AIMessage("done"), decider=Refund), "Refund ORD-4711, it was late")
    assert RAN == [] and [question.options for question in asked_by(state["messages"][-1])] == [
        ("ORD-4711", "ORD-0001"),
        ("late", "damaged"),
    ]


def test_a_value_that_was_taken_back_goes_back_to_the_model_and_not_to_the_person() -> None:
    graph = agent(call("book", city="Paris", date="5 May"), call("book", city="Paris", date="7 May"), AIMessage("done"))
    state = say(graph, "Book Paris on 5 May. No wait, on 7 May.")
    assert RAN == [("book", "Paris", "7 May")] and not any(map(asked_by, state["messages"]))


@pytest.mark.parametrize("words", ["no idea", "I don't know"])
def test_the_example_in_a_question_is_nothing_that_was_said(words: str) -> None:
    drafts = [call("refund", order="ORD-1234", reason="late") for _ in range(4)]
    graph = agent(*drafts, AIMessage("done"), decider=Refund, delivery="interrupt")
    say(graph, "Refund please")
    state = graph.invoke(Command(resume=[words, words]), THREAD)
    assert RAN == [] and AgentView(messages=state["messages"]).told == f"Refund please\n{words}\n{words}"
    answer = next(message for message in reversed(state["messages"]) if isinstance(message, HumanMessage))
    pairs = answer.response_metadata["clarify"]["answers"]
    assert [(pair["about"], pair["answer"]) for pair in pairs] == [("order", words), ("reason", words)]


@pytest.mark.parametrize("resume", ["ORD-4711, it was late", {"answers": {"order": "ORD-4711", "reason": "late"}}])
@pytest.mark.parametrize("delivery", ["interrupt", "tool"])
def test_two_questions_answered_together(resume: Any, delivery: Any) -> None:
    right = call("refund", order="ORD-4711", reason="late")
    graph = agent(
        call("refund", order="ORD-0001", reason="damaged"), right, AIMessage("done"), decider=Refund, delivery=delivery
    )
    say(graph, "Refund please")
    if delivery == "tool" and isinstance(resume, dict):
        resume = {"answers": list(resume["answers"].values())}
    graph.invoke(Command(resume=resume), THREAD)
    assert RAN == [("refund", "ORD-4711", "late")]


def test_unguarded_calls_of_the_message_run_first() -> None:
    both = AIMessage(
        "",
        tool_calls=[
            *call("find_order", product="the lamp").tool_calls,
            *call("refund", order="?", reason="late").tool_calls,
        ],
    )
    graph = agent(
        both,
        call("refund", order="ORD-4711", reason="late"),
        AIMessage("done"),
        tools=[refund, find_order],
        read_only=[find_order],
    )
    state = say(graph, "Refund the lamp, it was late")
    assert RAN == [("find_order", "the lamp"), ("refund", "ORD-4711", "late")]
    assert state["clarify_values"]["sources"] == {"order": "returned", "reason": "said"}


def test_what_a_tool_only_repeats_grounds_nothing() -> None:
    @tool
    def available(date: str) -> str:
        """Look whether a date is free."""
        return f"{date} is free."

    graph = agent(
        call("available", date="2026-12-24"),
        guess(),
        AIMessage("done"),
        tools=[book, available],
        read_only=["available"],
    )
    assert asks(say(graph, "Book Paris")) == ["date"] and RAN == []


def test_only_trusted_tools_ground() -> None:
    replies = (
        call("find_order", product="the lamp"),
        call("refund", order="ORD-4711", reason="late"),
        AIMessage("done"),
    )
    tools = [refund, find_order]
    graph = agent(*replies, tools=tools, read_only=[find_order], trust=[])
    assert asks(say(graph, "Refund the lamp, it was late")) == ["order"]


@pytest.mark.parametrize("name", ["guard", "read_only", "trust"])
def test_unknown_tools_are_said_at_the_first_call(name: str) -> None:
    with pytest.raises(InputError, match="No tool is named refnd: the agent's tools are book, refund"):
        say(agent(AIMessage("done"), **{name: ["refnd"]}), "Hi.")
    with pytest.raises(InputError, match="not one text"):
        ClarifyMiddleware(**{name: "refund"})


def test_tools_may_be_given_as_objects_and_the_rest_is_unguarded() -> None:
    say(agent(guess(), AIMessage("done"), guard=[refund]), "Book Paris")
    assert RAN == [("book", "Paris", "2026-12-24")]


def test_what_is_given_by_prompt_state_store_and_data() -> None:
    right = call("refund", order="ORD-4711", reason="late")
    for options in (
        {"system_prompt": "The person's order is ORD-4711."},
        {"given": {"order": "ORD-4711"}},
        {"given": lambda: "The order is ORD-4711."},
        {"store": _store("ORD-4711"), "store_namespace": ("orders",)},
    ):
        RAN.clear()
        state = say(agent(right.model_copy(), AIMessage("done"), **options), "Refund it, it was late")
        assert RAN == [("refund", "ORD-4711", "late")], options
        assert state["clarify_values"]["sources"]["order"] == "given"


def _store(order: str) -> InMemoryStore:
    store = InMemoryStore()
    store.put(("orders",), "last", {"order": order})
    return store


def test_an_offer_counts_when_it_is_taken() -> None:
    offer = AIMessage("I can offer 24 December. Shall I book it?")
    graph = agent(offer, guess(), AIMessage("done"))
    say(graph, "Book Paris")
    state = say(graph, "Yes, please.")
    assert RAN == [("book", "Paris", "2026-12-24")] and state["clarify_values"]["sources"]["date"] == "accepted"
    RAN.clear()
    graph = agent(offer, guess(), AIMessage("done"))
    say(graph, "Book Paris")
    assert asks(say(graph, "No, something else.")) == ["date"] and RAN == []


class Leg(BaseModel):
    start: dt.date
    end: dt.date


@tool
def stay(leg: Leg, guests: int, body: str) -> str:
    """Book a stay and write to the host."""
    RAN.append(("stay", str(leg.start), str(leg.end), guests))
    return "ok"


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("From 5 May for a week, 2 adults and 1 child", []),
        ("From 5 May until 12 May for three", []),
        ("From 5 May, three of us", ["leg.end"]),
        ("On 12 May for three people", ["leg.start"]),
        ("From 5 May for a week", ["guests"]),
    ],
)
def test_nested_derived_and_composed(words: str, missing: list[str]) -> None:
    leg = {"start": "2027-05-05", "end": "2027-05-12"}
    state = say(agent(call("stay", leg=leg, guests=3, body="Dear host"), AIMessage("done"), tools=[stay]), words)
    assert asks(state) == missing and bool(RAN) is not bool(missing)


def test_one_date_fills_one_field() -> None:
    leg = {"start": "2027-05-05", "end": "2027-05-05"}
    draft = call("stay", leg=leg, guests=2, body="Dear host")
    assert asks(say(agent(draft, tools=[stay]), "On 5 May for two people")) == ["leg.end"]
    words = "First of all, I stay for two people, and leave on 5 May"
    assert asks(say(agent(draft.model_copy(), tools=[stay]), words)) != [], "`all` shares nothing"
    say(
        agent(draft.model_copy(), AIMessage("done"), tools=[stay]), "Come and go on the same day, 5 May, for two people"
    )
    assert RAN == [("stay", "2027-05-05", "2027-05-05", 2)]


def test_relative_dates_are_counted_from_the_given_clock() -> None:
    say(agent(call("book", city="Paris", date="2026-11-28"), AIMessage("done")), "Book Paris the day after tomorrow")
    assert RAN == [("book", "Paris", "2026-11-28")]
    zone = dt.timezone(dt.timedelta(hours=14))
    later = ClarifyMiddleware(time_zone=zone).guard.clock().now
    assert later.utcoffset() == dt.timedelta(hours=14)


@pytest.mark.parametrize("mode", ["refuse", "end"])
def test_nobody_is_there(mode: Any) -> None:
    graph = agent(
        *(guess() for _ in range(3)),
        AIMessage("done"),
        tools=[book, find_order],
        read_only=["find_order"],
        on_unanswered=mode,
    )
    state = say(graph, "Book Paris")
    assert RAN == [] and not any(map(asked_by, state["messages"]))
    assert [(one["tool"], one["path"], one["state"]) for one in state["clarify_missing"]] == [
        ("book", "date", "unknown")
    ]
    results = [message.text for message in state["messages"] if isinstance(message, ToolMessage)]
    assert (results[:1] and "These may tell: find_order." in results[0]) if mode == "refuse" else results == []


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_callable_answers_in_the_persons_place(delivery: Any, asynchronous: bool) -> None:
    async def later(questions: Sequence[Question]) -> list[str]:
        return ["5 May" for _ in questions]

    def now(questions: Sequence[Question]) -> list[str]:
        return ["5 May" for _ in questions]

    right = call("book", city="Paris", date="2027-05-05")
    graph = agent(guess(), right, AIMessage("done"), delivery=delivery, on_unanswered=later if asynchronous else now)
    given: Any = {"messages": [HumanMessage("Book Paris")]}
    state = await graph.ainvoke(given, THREAD) if asynchronous else graph.invoke(given, THREAD)
    assert RAN == [("book", "Paris", "2027-05-05")] and "__interrupt__" not in state


def test_when_unknown_block_and_let_go() -> None:
    state = say(agent(guess(), AIMessage("I do not know the date."), when_unknown="block"), "Book Paris")
    assert RAN == [] and state["messages"][-1].text == "I do not know the date."
    say(agent(guess(), AIMessage("done"), when_unknown="let_go"), "Book Paris")
    assert RAN == [("book", "Paris", "2026-12-24")]


class Inventor(AgentMiddleware):
    """Other middleware that puts a call in place of the model's words, past the guard."""

    def after_model(self, state: Any, runtime: Any) -> Any:
        last = state["messages"][-1]
        if isinstance(last, AIMessage) and last.text == "Hm.":
            return {"messages": [last.model_copy(update={"tool_calls": guess().tool_calls})]}
        return None


def test_the_last_gate_stands_before_the_tool() -> None:
    graph = agent(AIMessage("Hm."), AIMessage("done"), before=[Inventor()])
    state = say(graph, "Book Paris")
    assert RAN == []
    assert [message.status for message in state["messages"] if isinstance(message, ToolMessage)] == ["error"]


def test_a_reviewers_edit_runs() -> None:
    review: Any = HumanInTheLoopMiddleware(interrupt_on={"book": True})
    graph = agent(call("book", city="Paris", date="5 May"), AIMessage("done"), before=[review])
    say(graph, "Book Paris on 5 May")
    edit = {"type": "edit", "edited_action": {"name": "book", "args": {"city": "Paris", "date": "6 May"}}}
    graph.invoke(Command(resume={"decisions": [edit]}), THREAD)
    assert RAN == [("book", "Paris", "6 May")]


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
        store=_store("x"),
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
    with pytest.raises(InputError, match="No tool is named bok"):
        say(agent(AIMessage("x"), decider={"bok": Day}), "Hi.")


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


class Wrap(BaseModel):
    gift_wrap: bool
    size: Literal["S", "M"]


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
@pytest.mark.parametrize(("words", "value"), [("yes please", True), ("no", False), ("no", True)])
def test_a_bare_answer_belongs_to_its_question(delivery: Any, words: str, value: bool) -> None:
    @tool(args_schema=Wrap)
    def order(gift_wrap: bool, size: str) -> str:
        """Order a shirt."""
        RAN.append(("order", gift_wrap, size))
        return "ok"

    drafts = [call("order", gift_wrap=value, size="M") for _ in range(4)]
    graph = agent(*drafts, AIMessage("done"), tools=[order], delivery=delivery)
    assert asks(say(graph, "A medium shirt")) == ["gift_wrap"]
    say(graph, words) if delivery == "end_turn" else graph.invoke(Command(resume=words), THREAD)
    assert bool(RAN) is (value is (words != "no"))


@pytest.mark.parametrize(("words", "value"), [("Yes, please.", True), ("No, thank you.", False)])
def test_a_yes_or_a_no_answers_the_agents_own_question(words: str, value: bool) -> None:
    @tool(args_schema=Wrap)
    def order(gift_wrap: bool, size: str) -> str:
        """Order a shirt."""
        RAN.append(("order", gift_wrap, size))
        return "ok"

    for drafted in (True, False):
        RAN.clear()
        made = [
            AIMessage("Sure. Would you like gift wrap?"),
            *(call("order", gift_wrap=drafted, size="M") for _ in range(4)),
        ]
        graph = agent(*made, AIMessage("done"), tools=[order])
        say(graph, "Order a medium shirt")
        say(graph, words)
        assert bool(RAN) is (drafted is value)


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


async def test_an_asynchronous_extract_is_awaited() -> None:
    async def read(told: str) -> dict[str, Any]:
        return {"order": "ORD-4711"}

    rules = RequiredFields(Refund, extract=read)
    found = await rules.questions(AgentView([HumanMessage("Hi.")], acting=True))
    assert [question.about for question in found] == ["reason"]
    assert callable(rules) and [
        question.about for question in await rules(AgentView([HumanMessage("Hi.")], acting=True))
    ] == ["reason"]


def test_a_made_up_schema_is_guarded_too() -> None:
    schema = {"type": "object", "properties": {"_from": {"type": "string"}}, "required": ["_from"]}

    def fly(**arguments: Any) -> str:
        RAN.append(("fly", arguments))
        return "ok"

    made = StructuredTool.from_function(fly, name="fly", description="Fly.", args_schema=schema)
    assert asks(say(agent(call("fly", _from="Rome"), tools=[made]), "I want to fly to Paris")) == ["_from"]
    say(agent(call("fly", _from="Rome"), AIMessage("done"), tools=[made]), "I want to fly from Rome")
    assert RAN == [("fly", {"_from": "Rome"})]
