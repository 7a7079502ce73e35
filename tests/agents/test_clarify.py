"""ClarifyMiddleware beyond the plain case: limits, repeats, front ends, parallel calls, sub-agents, failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel, PrivateAttr

from sml_agents.agents import AgentView, ClarifyMiddleware, Limits, Question, StudentDecider
from sml_agents.agents.asking import asked_by
from sml_agents.errors import BackendError, InputError
from sml_agents.testing import FaultyModel, Rule, ScriptedModel
from tests.agents.travel import ANSWER, BOOKED, CLEAR, QUESTION, VAGUE, Agent, Trip, book, booked

THREAD: Any = {"configurable": {"thread_id": "1"}}


def user(text: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def agent(decider: Any = None, *, model: Any = None, tools: Sequence[Any] = (book,), **options: Any) -> Any:
    middleware = [*options.pop("before", []), ClarifyMiddleware(decider, **options)]
    return create_agent(model or Agent(), list(tools), middleware=middleware, checkpointer=InMemorySaver())


def ran(state: dict[str, Any]) -> list[str]:
    """What tools did: refusals are no results."""
    return [
        m.text for m in state["messages"] if isinstance(m, ToolMessage) and m.status != "error" and m.name != "ask_user"
    ]


def asked_now(state: dict[str, Any]) -> list[str]:
    """The questions that the last turn of an agent asks."""
    return [question.text for question in asked_by(state["messages"][-1])]


def turns(state: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message.type, message.text) for message in state["messages"]]


class Nosy(ScriptedModel):
    """Asks whatever it is told, in text or with the tool; keeps the system prompts it was given."""

    replies: Any = ("unused",)
    questions: tuple[str, ...] = (QUESTION,)
    beside: tuple[dict[str, Any], ...] = ()
    _systems: list[str] = PrivateAttr(default_factory=list)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        self._systems.append(messages[0].text)
        if "tools" in kwargs or self.beside:
            call = {"name": "ask_user", "args": {"questions": list(self.questions)}, "id": f"ask-{len(messages)}"}
            return AIMessage("", tool_calls=[call, *self.beside])
        return AIMessage(self.questions[0])


@pytest.mark.parametrize("words", ["Just go.", "just go ahead", "Please don't ask me, you decide", "It's up to you!"])
def test_just_go_allows_what_may_be_guessed_and_nothing_else(words: str) -> None:
    graph = agent(Trip, guessable=["date"])
    assert graph.invoke(user(VAGUE), THREAD)["messages"][-1].text == QUESTION
    state = graph.invoke(user(words), THREAD)
    assert booked(state["messages"]) == ["Booked Paris for 1 January."]
    assert state["clarify_values"]["sources"] == {"city": "said", "date": "assumed"}
    graph = agent(Trip)
    graph.invoke(user(VAGUE), THREAD)
    state = graph.invoke(user(words), THREAD)
    assert ran(state) == [] and "`date`" in state["messages"][-1].text, "it says what it did not do, and why"


@pytest.mark.parametrize(
    "words",
    [
        "When does the show in Paris go ahead?",
        "I care a lot about Paris",
        "You decided badly on Paris",
        "Paris, go figure",
        "Paris, and don't ask me why",
        "I don't care why the parcel from Paris came late",
    ],
)
def test_other_words_are_not_taken_for_it(words: str) -> None:
    assert agent(Trip, guessable=["date"]).invoke(user(words), THREAD)["messages"][-1].text == QUESTION


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
def test_it_is_asked_twice_and_then_left(delivery: Any) -> None:
    """The person does not say: asked again in other words, then the call is refused and the turn ends."""
    graph = agent(Trip, delivery=delivery)
    texts = [asked_now(graph.invoke(user(VAGUE), THREAD))]
    for words in ("Hm, no idea.", "I don't know yet."):
        state = graph.invoke(user(words) if delivery == "end_turn" else Command(resume=words), THREAD)
        texts.append(asked_now(state))
    assert texts[0] == [QUESTION] and texts[1] == [f"I cannot go on without this. {QUESTION}"] and texts[2] == []
    assert ran(state) == [] and "__interrupt__" not in state
    assert [one["path"] for one in state["clarify_missing"]] == ["date"]


def test_what_was_said_outlives_a_history_that_is_cut() -> None:
    graph = agent(Trip)
    graph.invoke(user(VAGUE), THREAD)
    from langchain_core.messages import RemoveMessage
    from langgraph.graph.message import REMOVE_ALL_MESSAGES

    graph.update_state(THREAD, {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES)]})
    assert booked(graph.invoke(user(ANSWER), THREAD)["messages"]) == [BOOKED], "Paris was said"


def test_the_same_question_in_other_words_is_the_same() -> None:
    same = [Question(text=text).keys for text in ("Which date do you want?", "What is the date?", "what DATE")]
    assert len(set(same)) == 1
    assert Question(text="How old is child 1?").keys != Question(text="How old is child 2?").keys
    assert Question(text="When do you want to fly?").keys != Question(text="Where do you want to fly?").keys
    assert set(Question(text="Which day?", about="date").keys) & set(Question(text="When?", about="date").keys)


@pytest.mark.parametrize(
    ("limits", "asked"),
    [(Limits(per_run=2), 2), (Limits(per_thread=1), 1), (Limits(per_run=0), 0), (Limits(per_thread=0), 0), (None, 3)],
)
def test_the_limits_cut_what_is_asked(limits: Limits | None, asked: int) -> None:
    names = ["the colour", "the size", "the price", "the shape"]
    state = agent(lambda view: [f"What is {name}?" for name in names], limits=limits).invoke(user(VAGUE), THREAD)
    assert [line for line in state["messages"][1].text.splitlines() if "?" in line] == [
        f"{'- ' if asked > 1 else ''}What is {name}?" for name in names[:asked]
    ]


def test_the_limit_of_a_thread_counts_earlier_runs() -> None:
    graph = agent(lambda view: f"Which {view.messages[-1].text}?", limits=Limits(per_thread=2), guard=[])
    for name in ("apple", "pear"):
        assert graph.invoke(user(name), THREAD)["messages"][-1].text == f"Which {name}?"
    assert graph.invoke(user("plum"), THREAD)["messages"][-1].text.startswith("Booked")


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
def test_a_model_that_only_asks_comes_to_an_end(delivery: Any) -> None:
    model = Nosy()
    graph = agent(model=model, tools=[book] if delivery == "tool" else [], delivery=delivery)
    state = graph.invoke(user("Hello."), THREAD)
    for _ in range(5):
        if "__interrupt__" in state:
            state = graph.invoke(Command(resume="Hm."), THREAD)
    assert "__interrupt__" not in state and state["messages"][-1].text == QUESTION
    assert not state["messages"][-1].tool_calls
    assert any("nothing more" in system for system in model._systems) is (delivery != "end_turn")


def test_the_policy_joins_the_agents_own_prompt() -> None:
    model = Nosy()
    create_agent(model, [], system_prompt="You are a clerk.", middleware=[ClarifyMiddleware()]).invoke(user("Hi."))
    assert (
        model._systems[0].startswith("You are a clerk.\n\nBefore you act")
        and "at most 3 questions" in model._systems[0]
    )


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        {"answer": ANSWER},
        {"answers": [ANSWER]},
        {"decisions": [{"type": "respond", "message": ANSWER}]},
        {"decisions": [{"type": "reject", "message": ANSWER}]},
        {"decisions": [{"type": "edit", "edited_action": {"name": "ask_user", "args": {"answer": ANSWER}}}]},
    ],
)
@pytest.mark.parametrize("delivery", ["interrupt", "tool"])
def test_front_ends_answer_in_their_own_ways(delivery: Any, answer: Any) -> None:
    graph = agent(Trip, delivery=delivery)
    graph.invoke(user(VAGUE), THREAD)
    assert booked(graph.invoke(Command(resume=answer), THREAD)["messages"]) == [BOOKED]


@pytest.mark.parametrize("delivery", ["interrupt", "tool"])
@pytest.mark.parametrize(
    "bad",
    [7, {"x": 1}, [], ["a", "b"], "", {"decisions": [{"type": "approve"}]}, {"answer": None}, {"answers": {"x": "y"}}],
)
def test_an_answer_that_does_not_fit_pauses_again_with_the_reason(delivery: Any, bad: Any) -> None:
    graph = agent(Trip, delivery=delivery)
    graph.invoke(user(VAGUE), THREAD)
    (again,) = graph.invoke(Command(resume=bad), THREAD)["__interrupt__"]
    assert again.value["problem"].startswith("That answer cannot be used: ")
    assert "validation" not in again.value["problem"] and "Answers" not in again.value["problem"]
    assert again.value["problem"] in again.value["action_requests"][0]["description"]
    assert booked(graph.invoke(Command(resume=ANSWER), THREAD)["messages"]) == [BOOKED]


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
def test_several_questions_at_once(delivery: Any) -> None:
    ask = [Question(text="Which day?", about="day"), Question(text="Which class?", options=("first", "second"))]
    graph = agent(lambda view: ask, delivery=delivery)
    state = graph.invoke(user(VAGUE), THREAD)
    if delivery == "end_turn":
        assert state["messages"][-1].text == "- Which day?\n- Which class? (first, second)"
        return
    (pause,) = state["__interrupt__"]
    assert [request["args"]["question"] for request in pause.value["action_requests"]] == [
        "Which day?",
        "Which class? (first, second)",
    ]
    state = graph.invoke(Command(resume={"answers": ["5 May", "first"]}), THREAD)
    told = next(message for message in state["messages"][1:] if isinstance(message, HumanMessage | ToolMessage))
    if delivery == "tool":
        assert told.text.startswith("Which day? 5 May\nWhich class?") and told.text.endswith(" first")
    else:
        assert told.text == "5 May\nfirst", "the person's words alone"
    assert AgentView(messages=state["messages"]).told.endswith("5 May\nfirst")
    assert booked(state["messages"]) == [BOOKED]


@pytest.mark.parametrize("decider", [None, Trip])
def test_hitl_middleware_answers_for_the_tool(decider: Any) -> None:
    review: Any = HumanInTheLoopMiddleware(interrupt_on={"ask_user": {"allowed_decisions": ["respond"]}})
    graph = agent(decider, delivery="tool", before=[review])
    (pause,) = graph.invoke(user(VAGUE), THREAD)["__interrupt__"]
    assert pause.value["review_configs"] == [{"action_name": "ask_user", "allowed_decisions": ["respond"]}]
    state = graph.invoke(Command(resume={"decisions": [{"type": "respond", "message": ANSWER}]}), THREAD)
    assert booked(state["messages"]) == [BOOKED] and "__interrupt__" not in state


@pytest.mark.parametrize("hitl", [False, True])
def test_a_message_in_place_of_the_answer_leaves_no_call_hanging(hitl: bool) -> None:
    review: Any = HumanInTheLoopMiddleware(interrupt_on={"ask_user": {"allowed_decisions": ["respond"]}})
    graph = agent(Trip, delivery="tool", before=[review] if hitl else [])
    graph.invoke(user(VAGUE), THREAD)
    messages = graph.invoke(user(ANSWER), THREAD)["messages"]
    assert booked(messages) == [BOOKED]
    assert [message.type for message in messages[:4]] == ["human", "ai", "tool", "human"]
    calls = {call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
    assert calls == {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}


def test_calls_beside_a_question_wait_until_it_is_answered() -> None:
    beside = ({"name": "book", "args": {"city": "Paris", "date": "guess"}, "id": "b"},)
    graph = agent(model=Nosy(beside=beside), delivery="tool")
    state = graph.invoke(user(VAGUE), THREAD)
    assert [call["name"] for call in state["messages"][-1].tool_calls] == ["ask_user"]
    assert booked(state["messages"]) == [] and len(state["__interrupt__"]) == 1


def test_parallel_calls_are_all_held_back_by_one_missing_field() -> None:
    @tool
    def weather(city: str) -> str:
        """Tell the weather."""
        raise AssertionError("must not run")

    calls: Any = [
        {"name": "weather", "args": {"city": "Paris"}},
        {"name": "book", "args": {"city": "Paris", "date": "?"}},
    ]
    model = ScriptedModel(replies=[Rule(when="", reply="", calls=calls)])
    state = agent(Trip, model=model, tools=[book, weather]).invoke(user(VAGUE), THREAD)
    assert turns(state) == [("human", VAGUE), ("ai", QUESTION)]


async def test_sub_agents_ask_at_the_same_time() -> None:
    """Two sub-agents inside one parallel tool call; each is answered by its own interrupt."""
    clerk = create_agent(Agent(), [book], middleware=[ClarifyMiddleware(Trip, delivery="interrupt")])

    @tool
    async def travel(request: str) -> str:
        """Hand a request to the clerk."""
        return str((await clerk.ainvoke(user(request)))["messages"][-1].text)

    calls: Any = [{"name": "travel", "args": {"request": f"Paris for {who}"}} for who in ("Ada", "Ben")]
    boss = ScriptedModel(replies=[Rule(when="Booked", reply="All done."), Rule(when="", reply="", calls=calls)])
    graph = create_agent(boss, [travel], checkpointer=InMemorySaver())
    pauses = (await graph.ainvoke(user("Two trips."), THREAD))["__interrupt__"]
    assert len(pauses) == 2
    state = await graph.ainvoke(Command(resume={pauses[0].id: "5 May", pauses[1].id: "7 May"}), THREAD)
    results = sorted(message.text for message in state["messages"] if isinstance(message, ToolMessage))
    assert results == [f"Booked Paris for {day} May. Have a nice trip!" for day in (5, 7)]
    assert state["messages"][-1].text == "All done."


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_callables_of_both_kinds_decide(asynchronous: bool) -> None:
    seen: list[AgentView] = []

    async def slow(view: AgentView) -> str | None:
        await asyncio.sleep(0)
        return quick(view)

    def quick(view: AgentView) -> str | None:
        seen.append(view)
        return None if "May" in view.told else QUESTION

    for decider in (quick, slow):
        graph = agent(decider)
        run: Any = graph.ainvoke if asynchronous else lambda *a, graph=graph: asyncio.to_thread(graph.invoke, *a)
        assert turns(await run(user(VAGUE), THREAD))[-1] == ("ai", QUESTION)
        assert booked((await run(user(ANSWER), THREAD))["messages"]) == [BOOKED]
    assert [view.acting for view in seen] == [False, False, True] * 2
    assert [call["name"] for call in seen[2].calls] == ["book"]


async def test_a_student_decides_and_its_words_are_not_streamed_as_the_agents() -> None:
    asker = ScriptedModel(replies=[Rule(when="May", reply="The answer is 5 May."), Rule(when="", reply=QUESTION)])
    graph = agent(asker)
    parts = [part async for part in graph.astream(user(VAGUE), THREAD, stream_mode="messages")]
    assert "".join(chunk.text for chunk, _ in parts if not isinstance(chunk, HumanMessage)) == QUESTION
    assert len([chunk for chunk, _ in parts if QUESTION in chunk.text]) == 1
    assert booked((await graph.ainvoke(user(ANSWER), THREAD))["messages"]) == [BOOKED]


@pytest.mark.parametrize(
    ("text", "asking"),
    [
        ("Booked. Is there anything else I can help you with?", False),
        ("Have a nice trip! How else can I assist you today?", False),
        ("Here it is. Please let me know if you have questions.", False),
        ("Hello! How can I help you today?", False),
        ("Your trip is booked. Would you like me to add a hotel?", False),
        ("Sure! Which date?", True),
        ("I need the date of travel.", True),
        ("I am happy to help. What city are you flying from, and on what date?", True),
        ("Which date? Let me know if you need help with anything else.", True),
        ("From where? To where? On which date? In which class?", True),
        ("Please provide your order number.", True),
    ],
)
def test_offers_of_help_are_no_questions(text: str, asking: bool) -> None:
    model = ScriptedModel(replies=[text])
    state = create_agent(
        model, [], middleware=[ClarifyMiddleware(delivery="interrupt")], checkpointer=InMemorySaver()
    ).invoke(user("Hello."), THREAD)
    assert ("__interrupt__" in state) is asking


def test_structured_output_is_no_tool_call() -> None:
    class Report(BaseModel):
        text: str

    call: Any = [{"name": "Report", "args": {"text": "Fine."}}]
    model = ScriptedModel(replies=[Rule(when="", reply="", calls=call)])
    graph = create_agent(model, [book], middleware=[ClarifyMiddleware(Trip)], response_format=ToolStrategy(Report))
    assert graph.invoke(user("Report."))["structured_response"] == Report(text="Fine.")


@pytest.mark.parametrize("on_error", ["block", "let_go"])
def test_a_decider_that_fails_is_one_line_once(on_error: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(view: AgentView) -> None:
        raise BackendError("the endpoint is down")

    with caplog.at_level(logging.WARNING, "sml_agents.agents"):
        state = agent(broken, on_error=on_error).invoke(user(CLEAR), THREAD)
    assert ran(state) == ([BOOKED] if on_error == "let_go" else []), "blocked by default"
    assert [record.getMessage() for record in caplog.records] == [
        f"a decider failed, so {'nothing is asked' if on_error == 'let_go' else 'guarded calls are not run'}: "
        "BackendError: the endpoint is down"
    ]
    assert caplog.records[0].exc_info is None


def test_an_asker_that_fails_before_the_call_leaves_the_guard_working() -> None:
    broken = StudentDecider(FaultyModel(model=ScriptedModel(replies=["?"]), fail=1))
    assert booked(agent(broken).invoke(user(CLEAR), THREAD)["messages"]) == [BOOKED]


def test_what_cannot_be_used_is_said_at_once() -> None:
    with pytest.raises(InputError, match="delivery is one of"):
        ClarifyMiddleware(delivery="mail")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="A decider is"):
        ClarifyMiddleware(7)
    with pytest.raises(BackendError):
        agent(model=ScriptedModel(replies=[Rule(when="never", reply="")])).invoke(user(VAGUE), THREAD)


def test_a_decider_that_returns_nonsense_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger="sml_agents.agents"):
        state = agent(lambda view: 7).invoke(user(VAGUE), THREAD)
    assert ran(state) == [], "nothing runs"
    assert [record.getMessage() for record in caplog.records] == [
        "a decider failed, so guarded calls are not run: "
        "TypeError: a decider returns None, a question or several, not int"
    ]


@pytest.mark.slow
async def test_the_embedded_model_decides(embedded_model: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The real small model as decider, both ways; untrained it hardly asks, and its answers are not taken for it."""
    graph = agent(StudentDecider(f"transformers:{embedded_model}?max_tokens=4&temperature=0"))
    assert booked(graph.invoke(user(CLEAR), THREAD)["messages"]) == [BOOKED]
    assert booked((await graph.ainvoke(user(CLEAR), THREAD))["messages"]) == [BOOKED, BOOKED]
    assert [record for record in caplog.records if record.name.startswith("sml_agents")] == []
