"""The guard: asking and allowing are two things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.types import Command

from sml_agents.agents import (
    AgentView,
    Limits,
    Question,
)
from sml_agents.agents.asking import asked_by
from sml_agents.errors import InputError
from tests.agents.guarded import (
    RAN,
    THREAD,
    Day,
    Refund,
    agent,
    asks,
    book,
    call,
    find_order,
    guess,
    say,
)


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


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("Change this for me: book Rome.", ["date"]),
        ("Thanks for that. Rome, please!", ["date"]),
        ("Same to you! Now I want Rome.", ["date"]),
        ("That was quick. Book Rome, too.", ["date"]),
        ("Have a nice day! And one more thing: book Rome.", ["date"]),
        ("Nice: book that one in Rome.", []),
        ("Great. I will take it, the one in Rome.", []),
        ("Sounds good, book Rome for the same day.", []),
    ],
)
def test_what_asks_for_a_tool_by_itself_does_not_refer_back(words: str, missing: list[str]) -> None:
    """Whatever else the person says that might: a guess would run on the day of what came before."""
    graph = agent(
        call("find_hotel", city="Paris", date="5 May"),
        AIMessage("There is one."),
        call("book", city="Rome", date="5 May"),
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


@tool
def order(item: str, delivery: str = "", address: dict[str, str] | None = None, copies: int = 1) -> str:
    """Order something."""
    RAN.append(("order", item, delivery, address, copies))
    return "Ordered."


@pytest.mark.parametrize(
    ("words", "more", "runs"),
    [
        ("Order the lamp", {}, True),
        ("Order the lamp", {"copies": 1, "delivery": ""}, True),
        ("Order the lamp", {"delivery": "overnight"}, False),
        ("Order the lamp, overnight", {"delivery": "overnight"}, True),
        ("Order the lamp", {"copies": 3}, False),
        ("Order the lamp, 3 copies of it", {"copies": 3}, True),
        ("Order the lamp", {"address": {"city": "Oslo"}}, False),
        ("Order the lamp to Oslo", {"address": {"city": "Oslo"}}, True),
    ],
)
@pytest.mark.parametrize("optional", [True, ["delivery", "copies", "address"]])
def test_what_a_tool_does_not_require_is_guarded_on_demand(
    words: str, more: dict[str, Any], runs: bool, optional: Any
) -> None:
    drafts = [call("order", item="lamp", **more) for _ in range(3)]
    say(agent(*drafts, AIMessage("done"), tools=[order], optional=optional), words)
    assert bool(RAN) is runs
    RAN.clear()
    say(agent(*drafts, AIMessage("done"), tools=[order]), words)
    assert RAN, "not guarded unless it is asked for"


def test_an_optional_argument_that_no_tool_has_is_named() -> None:
    with pytest.raises(InputError, match="argument speed that it does not require"):
        say(agent(AIMessage("x"), tools=[order], optional=["delivery", "speed"]), "Order a lamp")
    with pytest.raises(InputError, match="True for all"):
        agent(AIMessage("x"), tools=[order], optional="delivery")
