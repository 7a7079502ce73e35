"""A guarded call that has succeeded is not run again in the same request, unless the person asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from sml_agents.agents import ClarifyMiddleware
from sml_agents.agents.replies import asks_again
from tests.agents.guarded import NOW, RAN, THREAD, Fake, agent, asks, book, call, find_order, say

BOOKED = ("book", "Paris", "2027-05-05")


def paris(date: str = "2027-05-05", **more: str) -> AIMessage:
    return call("book", city="Paris", date=date, **more)


def results(state: Any) -> list[str]:
    return [message.text for message in state["messages"] if isinstance(message, ToolMessage)]


def _run(way: str, delivery: Any, path: str, given: Any, *drafts: Any) -> None:
    """One turn of the person, on an agent and a checkpointer of its own, as after a restart."""

    def built(saver: Any) -> Any:
        guard = ClarifyMiddleware(delivery=delivery, now=NOW)
        return create_agent(Fake(messages=iter(drafts)), [book], middleware=[guard], checkpointer=saver)

    async def held() -> None:
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            await built(saver).ainvoke(given, THREAD)

    if way == "async":
        asyncio.run(held())
    else:
        with SqliteSaver.from_conn_string(path) as saver:
            graph = built(saver)
            list(graph.stream(given, THREAD, stream_mode="values")) if way == "stream" else graph.invoke(given, THREAD)


@pytest.mark.parametrize("way", ["sync", "async", "stream"])
@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
def test_a_model_that_repeats_its_call_books_once(way: str, delivery: str, tmp_path: Path) -> None:
    path = str(tmp_path / "threads.sqlite")
    _run(way, delivery, path, {"messages": [HumanMessage("Book Paris")]}, paris("2026-12-24"))
    answer: Any = {"messages": [HumanMessage("5 May")]} if delivery == "end_turn" else Command(resume="5 May")
    _run(way, delivery, path, answer, *(paris() for _ in range(9)), AIMessage("done"))
    assert RAN == [BOOKED]
    _run(way, delivery, path, {"messages": [HumanMessage("Thanks!")]}, paris(), AIMessage("Welcome"))
    assert RAN == [BOOKED]


def test_it_is_told_what_came_back_and_ends_its_turn_if_it_goes_on() -> None:
    state = say(agent(paris(), paris(), AIMessage("All set.")), "Book Paris on 5 May")
    assert results(state)[1].startswith(
        "Not run: this is done already, and came back with: Booked Paris for 2027-05-05."
    )
    assert [m.status for m in state["messages"] if isinstance(m, ToolMessage)] == ["success", "success"]
    assert state["messages"][-1].text == "All set."
    state = say(agent(*(paris() for _ in range(9))), "Book Paris on 5 May")
    assert state["messages"][-1].text == "This is done already. Booked Paris for 2027-05-05."
    assert len(results(state)) == 3


@pytest.mark.parametrize(
    "second",
    [
        {"date": "5 May"},
        {"date": "2027-05-05", "city": "paris"},
        {"date": "5 May 2027", "city": "Paris, France"},
        {"date": "5.5.2027"},
        {"date": "2027-05-05", "city": " Paris "},
    ],
)
def test_equal_values_in_other_words_are_the_same_call(second: dict[str, str]) -> None:
    say(agent(paris(), call("book", **{"city": "Paris", **second}), AIMessage("done")), "Book Paris on 5 May")
    assert RAN == [BOOKED]


def test_other_values_are_another_call() -> None:
    drafts = [call("book", city=city, date=date) for city in ("Paris", "Rome") for date in ("2027-05-05", "2027-06-07")]
    say(agent(*drafts, AIMessage("done")), "Book Paris and Rome, both on 5 May and on 7 June")
    assert len(RAN) == 4


def test_optional_and_composed_arguments_count_too() -> None:
    @tool
    def seat(flight: str, row: str = "any", message: str = "") -> str:
        """Take a seat."""
        RAN.append((flight, row))
        return "ok"

    @tool
    def mail(to: str, body: str) -> str:
        """Write."""
        RAN.append((to, body))
        return "sent"

    drafts = [call("seat", flight="LX318", **more) for more in ({}, {"row": "12"}, {"row": "any"}, {"message": ""})]
    say(agent(*drafts, AIMessage("done"), tools=[seat]), "A seat on LX318, one in row 12")
    assert RAN == [("LX318", "any"), ("LX318", "12")]
    RAN.clear()
    bodies = ["Are you free at noon?", "are you free at noon", "The printer is broken."]
    say(agent(*(call("mail", to="Dana", body=one) for one in bodies), AIMessage("done"), tools=[mail]), "Write to Dana")
    assert [("Dana", bodies[0]), ("Dana", bodies[2])] == RAN


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("Book Paris on 5 May", 1),
        ("Book Paris on 5 May twice", 2),
        ("Book Paris on 5 May, three times please", 3),
        ("Buche Paris am 5. Mai zweimal", 2),
        ("Make it two bookings: Paris on 5 May", 2),
        ("Book Paris on 5 May. I have told you twice.", 1),
        ("Book Paris on 5 May, I go there three times a year", 1),
        ("Book Paris on 5 May, not twice like last time", 1),
        ("Book Paris on 5 May for two people", 1),
        ("Book Paris on 5 May for 3 nights", 1),
        ("On 5 May at 3. Book Paris", 1),
        ("My flight on 5 May is LX 12. Book Paris", 1),
        ("I travel on 5 May 2027 book Paris", 1),
    ],
)
def test_as_often_as_the_person_asked(words: str, times: int) -> None:
    say(agent(*(paris() for _ in range(5)), AIMessage("done")), words)
    assert [BOOKED] * times == RAN
    RAN.clear()
    together = AIMessage("", tool_calls=[one for _ in range(4) for one in paris().tool_calls])
    state = say(agent(together, AIMessage("done")), words)
    assert [BOOKED] * times == RAN and state["messages"][-1].text == "done"
    assert len(results(state)) == 4, "each call has its result"


def test_a_number_that_the_call_holds_is_no_number_of_calls() -> None:
    @tool
    def order_pizza(kind: str, quantity: int) -> str:
        """Order pizza."""
        RAN.append((kind, quantity))
        return "ok"

    drafts = [call("order_pizza", kind="margherita", quantity=2) for _ in range(3)]
    say(agent(*drafts, AIMessage("done"), tools=[order_pizza]), "Two margherita pizzas")
    assert RAN == [("margherita", 2)]


def test_what_failed_may_be_tried_again() -> None:
    @tool
    def book(city: str, date: str) -> str:
        """Book a trip."""
        RAN.append((city, date))
        return "Booked."

    class Broken(AgentMiddleware[Any, Any, Any]):
        """The first two calls do not come through."""

        tries = 0

        def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
            self.tries += 1
            if self.tries < 3:
                return ToolMessage("no connection", tool_call_id=request.tool_call["id"], name="book", status="error")
            return handler(request)

    graph = agent(*(paris() for _ in range(5)), AIMessage("done"), tools=[book], before=[Broken()])
    say(graph, "Book Paris on 5 May")
    assert RAN == [("Paris", "2027-05-05")]


@pytest.mark.parametrize(
    "words", ["again please", "Book it again.", "One more, please", "the same once more", "Noch einmal bitte"]
)
def test_the_person_may_ask_for_it_again(words: str) -> None:
    graph = agent(paris(), AIMessage("Booked."), paris(), paris(), AIMessage("done"))
    say(graph, "Book Paris on 5 May")
    say(graph, words)
    assert RAN == [BOOKED] * 2


@pytest.mark.parametrize("decider", [None, lambda view: []])
@pytest.mark.parametrize(
    "chat",
    [
        ["Thanks!"],
        ["ok"],
        ["Perfect"],
        ["\U0001f44d"],
        ["great"],
        ["Vielen Dank!"],
        ["merci"],
        ["Yes, that was right"],
        ["When will it be ready?"],
        ["Thanks!", "yes"],
    ],
)
def test_a_chat_after_it_asks_for_nothing(chat: list[str], decider: Any) -> None:
    drafts = [paris(), AIMessage("Booked."), *(one for _ in chat for one in (paris(), AIMessage("It is booked.")))]
    graph = agent(*drafts, decider=decider)
    say(graph, "Book Paris on 5 May")
    for words in chat:
        state = say(graph, words)
        assert state["messages"][-1].text == "It is booked." and "done already" in results(state)[-1]
    assert RAN == [BOOKED]


@pytest.mark.parametrize(
    "chat",
    [
        ["Book Paris on 5 May again"],
        ["The same again, please"],
        ["Book Paris on 5 May"],
        ["Thanks!", "Book Paris on 5 May, please"],
    ],
)
def test_a_request_after_it_is_made(chat: list[str]) -> None:
    graph = agent(paris(), AIMessage("Booked."), *(one for _ in chat for one in (paris(), AIMessage("Well."))))
    say(graph, "Book Paris on 5 May")
    for words in chat:
        say(graph, words)
    assert RAN == [BOOKED] * 2


@pytest.mark.parametrize(
    "words",
    [
        "Can you do that for Ann?",
        "Is one more possible?",
        "Book a hotel",
        "Now for Rome",
        "What about June?",
    ],
)
def test_words_that_ask_for_something_are_no_chat(words: str) -> None:
    graph = agent(paris(), AIMessage("Booked."), paris())
    say(graph, "Book Paris on 5 May")
    state = say(graph, words)
    assert asks(state) and RAN == [BOOKED]


@pytest.mark.parametrize("words", ["No, that's all", "A window seat, please", "Great", "Never again!", "Thanks again"])
def test_an_answer_about_something_else_is_no_new_request(words: str) -> None:
    more = call("ask_user", questions=["Is there anything else?"])
    graph = agent(paris(), more, paris(), AIMessage("done"), delivery="tool")
    say(graph, "Book Paris on 5 May")
    graph.invoke(Command(resume=words), THREAD)
    assert RAN == [BOOKED]


def test_an_offer_to_do_it_again_that_is_taken() -> None:
    more = call("ask_user", questions=["Shall I book another one?"])
    graph = agent(paris(), more, paris(), paris(), AIMessage("done"), delivery="tool")
    say(graph, "Book Paris on 5 May")
    graph.invoke(Command(resume="yes please"), THREAD)
    assert RAN == [BOOKED] * 2


def test_other_calls_of_the_message_run_beside() -> None:
    calls = [*paris().tool_calls, *call("book", city="Rome", date="2027-05-05").tool_calls]
    looks = [*paris().tool_calls, *call("find_order", product="mug").tool_calls]
    graph = agent(
        paris(),
        AIMessage("", tool_calls=calls),
        AIMessage("", tool_calls=looks),
        AIMessage("done"),
        tools=[book, find_order],
        read_only=[find_order],
    )
    state = say(graph, "Book Paris and Rome, both on 5 May")
    assert RAN == [BOOKED, ("book", "Rome", "2027-05-05"), ("find_order", "mug")]
    assert sum("done already" in one for one in results(state)) == 2 and len(results(state)) == 5


def test_what_is_missing_beside_a_repeated_call_is_asked_for() -> None:
    calls = [*paris().tool_calls, *call("book", city="Rome", date="2027-06-09").tool_calls]
    graph = agent(paris(), AIMessage("", tool_calls=calls), AIMessage("unused"))
    assert asks(say(graph, "Book Paris on 5 May, and Rome too")) == ["date"]
    assert RAN == [BOOKED]


def test_it_is_a_choice_and_read_only_tools_are_left_alone() -> None:
    say(agent(*(paris() for _ in range(3)), AIMessage("done"), on_repeat="let_go"), "Book Paris on 5 May")
    assert RAN == [BOOKED] * 3
    RAN.clear()
    found = [call("find_order", product="mug") for _ in range(3)]
    say(agent(*found, AIMessage("done"), tools=[find_order], read_only=[find_order]), "Where is my mug?")
    assert len(RAN) == 3
    RAN.clear()
    marked = find_order.model_copy(update={"metadata": {"readOnlyHint": True}})
    say(agent(*found, AIMessage("done"), tools=[marked], guard=[marked]), "Where is my mug?")
    assert len(RAN) == 3


@pytest.mark.parametrize("times", [1, 2])
def test_a_call_that_comes_past_the_guard_is_not_repeated_either(times: int) -> None:
    class Stutters(AgentMiddleware[Any, Any, Any]):
        """Makes calls up behind the guard's back."""

        def after_model(self, state: Any, runtime: Any) -> Any:
            last = state["messages"][-1]
            if last.text == "Booked." and not last.tool_calls:
                calls = [one for _ in range(times) for one in paris().tool_calls]
                return {"messages": [last.model_copy(update={"content": "", "tool_calls": calls})]}
            return None

    graph = agent(paris(), AIMessage("Booked."), AIMessage("done"), before=[Stutters()])
    state = say(graph, "Book Paris on 5 May")
    assert RAN == [BOOKED] and sum("done already" in one for one in results(state)) == times


@pytest.mark.parametrize(
    "text",
    [
        "again",
        "Again, please!",
        "once more",
        "Do it again.",
        "Please order the same again",
        "Another one please",
        "One more time",
        "yes, the same again",
        "noch einmal",
        "encore une fois",
        "otra vez",
    ],
)
def test_words_that_ask_for_the_same(text: str) -> None:
    assert asks_again(text)


@pytest.mark.parametrize(
    "text",
    [
        "never again",
        "thanks again",
        "Paris again",
        "again for Rome",
        "not again",
        "another city",
        "tell me again when it leaves",
        "I'll ask again later",
        "the second one is wrong",
        "one more thing: which gate?",
    ],
)
def test_words_that_ask_for_something_else(text: str) -> None:
    assert not asks_again(text)
