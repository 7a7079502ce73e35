"""What a recorder keeps of agents with summaries, deciders, reviewers, questions and sub-agents."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, add_notification_metadata
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from benchmarks import recorded
from sml_agents.traces import TraceStore
from sml_agents.traces.recorder import TraceRecorder
from sml_agents.traces.recorder.words import asked_words, decisions
from sml_agents.types import Role, Trace


class Script(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **more: Any) -> Any:
        return self.bind(tools=tools, **more)


def script(*replies: str | AIMessage) -> Script:
    return Script(messages=iter(replies))


def call(name: str, id: str = "c", **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": id, "type": "tool_call"}])


@tool
def book(city: str, date: str) -> str:
    """Book a table."""
    return f"booked {city} {date}"


def person(text: str) -> dict[str, Any]:
    return {"messages": [("user", text)]}


def held(path: Path, agent: Any, *events: Any, restarted: bool = False, **more: Any) -> list[Trace]:
    """The traces after `events`; `restarted`: a recorder of its own for each, as after a restart of the process."""
    rounds = [[event] for event in events] if restarted else [list(events)]
    for given in rounds:
        with TraceRecorder(path, every=0.0) as recorder:
            for event in given:
                agent.invoke(event, {"callbacks": [recorder], "configurable": {"thread_id": "7"}, **more})
    with TraceStore.open(path, read_only=True) as store:
        return list(store.traces())


def told(trace: Trace) -> list[Any]:
    """Each turn as text, or as text and calls where there are any."""
    return [
        (turn.text, [(c.name, c.arguments, c.result) for c in turn.tool_calls]) if turn.tool_calls else turn.text
        for turn in trace.turns
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs.sqlite"


def test_what_is_stored_is_what_was_said_and_called(tmp_path: Path) -> None:
    for one, trace in recorded.differences(tmp_path, 50, seed=1):
        assert trace is not None
        assert recorded.as_held(trace) == one.turns
        assert [review["decision"] for review in trace.tags.get("reviews", ())] == one.reviews
        assert trace.system == recorded.SYSTEM


def test_summaries_are_nobodys_words(path: Path) -> None:
    from langchain.agents.middleware import SummarizationMiddleware

    summary = SummarizationMiddleware(script(*["S"] * 9), trigger=("messages", 4), keep=("messages", 2))
    agent = create_agent(script("r1", "r2", "r3", "r4"), [book], checkpointer=InMemorySaver(), middleware=[summary])
    (trace,) = held(path, agent, *map(person, ("one", "two", "three", "four")))
    assert told(trace) == ["one", "r1", "two", "r2", "three", "r3", "four", "r4"]


def test_news_from_the_harness_are_nobodys_words(path: Path) -> None:
    agent = create_agent(script("r1"), [book], checkpointer=InMemorySaver())
    news = add_notification_metadata(HumanMessage("Task t1 is done."), source="async_subagent")
    (trace,) = held(path, agent, {"messages": [news, HumanMessage("hello")]})
    assert told(trace) == ["hello", "r1"]


@pytest.mark.parametrize("mode", ["batched", "per_call"])
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("decision", "wanted"),
    [
        ({"type": "approve"}, [("Done.", [("book", {"city": "Paris", "date": "x"}, "booked Paris x")])]),
        (
            {"type": "edit", "edited_action": {"name": "book", "args": {"city": "Paris", "date": "5 May"}}},
            [("Done.", [("book", {"city": "Paris", "date": "5 May"}, "booked Paris 5 May")])],
        ),
        (
            {"type": "respond", "message": "On 5 May"},
            [("", [("book", {"city": "Paris", "date": "x"}, "On 5 May")]), "On 5 May", "Done."],
        ),
        (
            {"type": "reject", "message": "No, on 5 May"},
            [
                (
                    "",
                    [
                        (
                            "book",
                            {"city": "Paris", "date": "x"},
                            "User rejected the tool call for `book` with reason: No, on 5 May",
                        )
                    ],
                ),
                "No, on 5 May",
                "Done.",
            ],
        ),
    ],
    ids=["approve", "edit", "respond", "reject"],
)
def test_what_a_reviewer_decides(path: Path, mode: Any, restarted: bool, decision: Any, wanted: list[Any]) -> None:
    review = HumanInTheLoopMiddleware({"book": True}, interrupt_mode=mode)
    saver = InMemorySaver()
    agent = create_agent(
        script(call("book", city="Paris", date="x"), "Done."), [book], checkpointer=saver, middleware=[review]
    )
    with TraceRecorder(path, every=0.0) as recorder:
        config: Any = {"callbacks": [recorder], "configurable": {"thread_id": "7"}}
        pause = agent.invoke(person("Book Paris"), config)["__interrupt__"][0]
    answer = {"decisions": [decision]} if mode == "batched" else {pause.id: decision}
    (trace,) = held(path, agent, Command(resume=answer), restarted=restarted)
    assert told(trace) == ["Book Paris", *wanted]
    (kept,) = trace.tags["reviews"]
    assert kept["decision"] == decision["type"] and kept["call"] == "c"
    assert kept["proposed"] == {"city": "Paris", "date": "x"}


@tool
def ask_user(question: str) -> str:
    """Ask the person."""
    return str(interrupt({"question": question}))


@pytest.mark.parametrize("restarted", [False, True])
def test_a_repeated_yes_is_a_turn_each_time(path: Path, restarted: bool) -> None:
    replies = ["Window seat?", call("ask_user", question="Breakfast?"), "Noted.", "Anything else?", "Booked."]
    agent = create_agent(script(*replies), [ask_user], checkpointer=InMemorySaver())
    events = [person("Book"), person("yes"), Command(resume="yes"), person("yes"), person("yes")]
    (trace,) = held(path, agent, *events, restarted=restarted)
    asked = ("Breakfast?", [("ask_user", {"question": "Breakfast?"}, "yes")])
    said = ["Book", "Window seat?", "yes", asked, "yes", "Noted.", "yes", "Anything else?", "yes", "Booked."]
    assert told(trace) == said


@pytest.mark.parametrize("write", ["before", "after", "never"])
def test_a_graph_may_write_question_and_answer_into_its_messages(path: Path, write: str) -> None:
    def ask(state: MessagesState) -> Any:
        return {"messages": [AIMessage("Which day?")]} if write == "before" else {}

    def wait(state: MessagesState) -> Any:
        answer = interrupt("Which day?")
        both = [AIMessage("Which day?"), HumanMessage(answer)]
        return {"messages": {"before": both[1:], "after": both, "never": []}[write]}

    def act(state: MessagesState) -> Any:
        return {"messages": [AIMessage("Booked.")]}

    graph = StateGraph(MessagesState).add_node(ask).add_node(wait).add_node(act)
    graph.add_edge(START, "ask").add_edge("ask", "wait").add_edge("wait", "act")
    agent = graph.compile(checkpointer=InMemorySaver())
    (trace,) = held(path, agent, person("Friday or Sunday?"), Command(resume="Sunday"), restarted=True)
    assert told(trace) == ["Friday or Sunday?", "Which day?", "Sunday", "Booked."]


def test_an_agent_in_a_tool_has_a_trace_of_its_own(path: Path) -> None:
    @tool
    def helper(task: str) -> str:
        """Let the helper do it."""
        inner = create_agent(script(call("book", city=task, date="5 May"), "It is booked."), [book], name="helper")
        return str(inner.invoke(person(f"Book {task}"))["messages"][-1].text)

    agent = create_agent(script(call("helper", id="h1", task="Rome"), "Done."), [helper], checkpointer=InMemorySaver())
    main, sub = held(path, agent, person("Book Rome"))
    assert told(main) == ["Book Rome", ("Done.", [("helper", {"task": "Rome"}, "It is booked.")])]
    assert told(sub) == [
        "Book Rome",
        ("It is booked.", [("book", {"city": "Rome", "date": "5 May"}, "booked Rome 5 May")]),
    ]
    assert sub.tags["parent"] == {"thread": "7", "call": "h1"} and "parent" not in main.tags
    assert [tool["function"]["name"] for tool in sub.tools] == ["book"]
    assert [tool["function"]["name"] for tool in main.tools] == ["helper"]


def test_agents_in_nodes_speak_for_the_agent_once_its_state_says_so(path: Path) -> None:
    inner = create_agent(script(call("ask_user", question="Which day?"), "Booked for Friday."), [ask_user])

    def scout(state: MessagesState) -> Any:
        create_agent(script("secret notes"), [book]).invoke(person("Look around"))
        return {}

    graph = StateGraph(MessagesState).add_node(scout).add_node("booker", inner)
    agent = graph.add_edge(START, "scout").add_edge("scout", "booker").compile(checkpointer=InMemorySaver())
    (trace,) = held(path, agent, person("Book"), Command(resume="Friday"), restarted=True)
    asked = ("Which day?", [("ask_user", {"question": "Which day?"}, "Friday")])
    assert told(trace) == ["Book", asked, "Friday", "Booked for Friday."]


class Out(BaseModel):
    """The booking."""

    city: str


def test_structured_output_by_a_tool_is_a_call(path: Path) -> None:
    agent = create_agent(
        script(call("Out", city="Paris")), [book], response_format=ToolStrategy(Out), checkpointer=InMemorySaver()
    )
    (trace,) = held(path, agent, person("Book Paris"))
    (_, (text, ((name, args, _result),))) = told(trace)
    assert (text, name, args) == ("", "Out", {"city": "Paris"})
    assert "Out" in [tool["function"]["name"] for tool in trace.tools]


def test_tools_prompt_times_tags_and_metadata(path: Path) -> None:
    agent = create_agent(script("hi", "ho"), [book], system_prompt="You book.", checkpointer=InMemorySaver())
    more: Any = {"tags": ["prod"], "metadata": {"customer": "acme", "version": 3}}
    (trace,) = held(path, agent, person("hello"), person("again"), restarted=True, **more)
    assert trace.system == "You book."
    (schema,) = trace.tools
    assert schema["type"] == "function" and schema["function"]["name"] == "book"
    assert set(schema["function"]["parameters"]["required"]) == {"city", "date"}
    run = trace.tags["run"]
    assert run["tags"] == ["prod"] and run["metadata"] == {"customer": "acme", "version": 3}
    assert trace.tags["started"] <= trace.tags["ended"]


@pytest.mark.parametrize("texts_only", [False, True])
def test_a_history_that_the_caller_carries_is_not_said_twice(path: Path, texts_only: bool) -> None:
    history: list[Any] = []
    for number, said in enumerate(("Book Paris", "yes", "yes")):
        replies = [call("book", id=f"c{number}", city="Paris", date=str(number)), f"Booked {number}."]
        agent = create_agent(script(*replies), [book])
        given = [*history, HumanMessage(said)]
        with TraceRecorder(path, every=0.0) as recorder:
            config: Any = {"callbacks": [recorder], "metadata": {"thread_id": "7"}}
            state = asyncio.run(agent.ainvoke({"messages": given}, config))["messages"]
        history = [m.model_copy(update={"id": None}) for m in state]
        if texts_only:
            history = [message for message in history if message.text and message.type != "tool"]
    with TraceStore.open(path, read_only=True) as store:
        (trace,) = store.traces()
    assert [turn.text for turn in trace.turns] == ["Book Paris", "Booked 0.", "yes", "Booked 1.", "yes", "Booked 2."]
    assert [len(turn.tool_calls or ()) for turn in trace.turns if turn.role is Role.STUDENT] == [1, 1, 1]


class Plain(TypedDict):
    question: str
    answer: str


def test_a_graph_without_messages_is_read_off_its_model_calls(path: Path) -> None:
    model = script("42", "43")

    def judge(state: Plain) -> Any:
        model.with_config(tags=["nostream"]).invoke("Is this fine?")
        return {"answer": model.invoke(state["question"]).text}

    agent = StateGraph(Plain).add_node(judge).add_edge(START, "judge").compile()
    (trace,) = held(path, agent, {"question": "6*7?"})
    assert told(trace) == ["6*7?", "43"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("Which day?", "Which day?"),
        ({"question": "Which day?"}, "Which day?"),
        ({"questions": ["Which day?", {"text": "How many?", "options": [1, 2]}]}, "Which day?\nHow many?"),
        ([{"question": "Which day?"}], "Which day?"),
        ({"action_requests": [{"name": "ask_user", "args": {"question": "Which day?", "answer": ""}}]}, "Which day?"),
        ({"action_requests": [{"name": "ask_user", "args": {"questions": ["A?", "B?"]}}]}, "A?\nB?"),
        ({"action_requests": [{"name": "book", "args": {}, "description": "Tool execution requires approval"}]}, ""),
        ({"type": "tool_approval", "tool_call_id": "c", "name": "book", "args": {}, "description": "approve?"}, ""),
        ({"draft": "Dear Ann", "to": "ann"}, "draft: Dear Ann\nto: ann"),
    ],
)
def test_what_a_pause_asks(payload: Any, words: str) -> None:
    assert asked_words(payload) == words


ASK = {"action_requests": [{"name": "ask_user", "args": {"question": "Day?", "answer": ""}}]}
TWO = {"action_requests": [{"name": "book", "args": {"day": 1}}, {"name": "pay", "args": {"sum": 2}}]}


@pytest.mark.parametrize(
    ("resume", "pauses", "said"),
    [
        ("On 5 May", {"a": "Day?"}, ["On 5 May"]),
        ({"answer": "On 5 May"}, {"a": "Day?"}, ["On 5 May"]),
        (["On 5 May", "four"], {"a": ["Day?", "Guests?"]}, ["On 5 May\nfour"]),
        ({"a": "On 5 May"}, {"a": "Day?"}, ["On 5 May"]),
        (True, {"a": "Send it?"}, ["yes"]),
        (False, {"a": "Send it?"}, ["no"]),
        (4, {"a": "How many?"}, ["4"]),
        ({"date": "5 May"}, {"a": "Day?"}, ["5 May"]),
        ({"date": "5 May", "guests": 4}, {"a": "What?"}, ["date: 5 May\nguests: 4"]),
        ({"decisions": [{"type": "respond", "message": "On 5 May"}]}, {"a": ASK}, ["On 5 May"]),
        (
            {"decisions": [{"type": "edit", "edited_action": {"name": "ask_user", "args": {"answer": "5 May"}}}]},
            {"a": ASK},
            ["5 May"],
        ),
        ({"decisions": [{"type": "approve"}, {"type": "reject", "message": "too much"}]}, {"a": TWO}, ["", "too much"]),
        ([{"type": "accept", "args": None}, {"type": "response", "args": "why?"}], {"a": TWO}, ["", "why?"]),
        ({"b": {"type": "reject"}, "a": {"type": "approve"}}, {"a": TWO, "b": TWO}, ["", ""]),
    ],
)
def test_what_resumes_a_pause_says(resume: Any, pauses: dict[str, Any], said: list[str]) -> None:
    assert [one.words for one in decisions(resume, pauses)] == said


def test_of_two_calls_alike_the_one_that_waits_is_decided_on(path: Path) -> None:
    review = HumanInTheLoopMiddleware({"book": True})
    replies = [call("book", "c1", city="Rome", date="x"), call("book", "c2", city="Rome", date="x"), "Done."]
    agent = create_agent(script(*replies), [book], checkpointer=InMemorySaver(), middleware=[review])
    edit = {"type": "edit", "edited_action": {"name": "book", "args": {"city": "Rome", "date": "y"}}}
    events = [person("Book"), *(Command(resume={"decisions": [one]}) for one in ({"type": "approve"}, edit))]
    (trace,) = held(path, agent, *events, restarted=True)
    assert told(trace)[1] == (
        "Done.",
        [("book", {"city": "Rome", "date": date}, f"booked Rome {date}") for date in ("x", "y")],
    )
