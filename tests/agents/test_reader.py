"""The asker beside the rules: what it objects to is asked for, and what it says was told counts only if it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from sml_agents.agents import ClarifyMiddleware
from sml_agents.agents.asker import AskerDecider
from sml_agents.agents.asking import Told, asked_by
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import as_told, ground
from sml_agents.agents.slots import slots_of
from sml_agents.agents.view import AgentView
from sml_agents.asker import Asker
from sml_agents.asker.threshold import AskerRecord
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.text.values import Clock

CLOCK = Clock(dt.datetime(2026, 11, 26, 12))
STYLIST = {
    "name": "book_chair",
    "parameters": {
        "type": "object",
        "properties": {
            "stylist": {"type": "string"},
            "service": {"type": "string", "enum": ["cut", "colour", "perm"]},
            "people": {"type": "integer"},
            "member": {"type": "boolean"},
            "day": {"type": "string", "format": "date"},
            "code": {"type": "string", "pattern": "[A-Z]{2}-\\d{3}"},
        },
        "required": ["stylist", "service", "people", "member", "day", "code"],
    },
}
CALL = {"stylist": "Petra", "service": "colour", "people": 3, "member": True, "day": "2026-12-01", "code": "AB-123"}
TALK = (
    "Petra should dye my roots on Friday, for Zora, Ida and me. I pay the yearly dues. No bleaching, not the ends. "
    "Lena cut my hair last time."
)


class Reads(Asker):
    """An asker whose probabilities and words are given: by argument, else 0.5 and none."""

    def __init__(self, words: dict[str, str] | None = None, **given: float) -> None:
        super().__init__(Path(), AskerRecord(threshold=0.5, drafted=0.5, grounded=0.9, told=0.1))
        self.words, self.given = words or {}, given

    def missing(self, tool: Any, said: Any, drafts: Any = None) -> dict[str, float]:
        return {one.name: self.given.get(one.name, 0.5) for one in tool.required}

    @property
    def model(self) -> Any:
        def read(tool: Any, said: Any) -> Any:
            assert not any(one.options or one.sort for one in tool.arguments), "words are asked for, not a choice"
            return SimpleNamespace(values=lambda names: {name: self.words.get(name, "") for name in names})

        return SimpleNamespace(read=read)


def open_after(messages: Sequence[BaseMessage], words: dict[str, str], **changed: Any) -> set[str]:
    """The arguments that nothing grounds when a reader that is sure of everything has quoted `words`."""
    call = {**CALL, **changed}
    request = Request.read(messages, lambda name: name == "book_chair")
    grounds = ground(call, slots_of(STYLIST), request, CLOCK)
    view = AgentView(
        messages,
        ({"name": "book_chair", "args": call, "id": "1", "type": "tool_call"},),
        True,
        {"book_chair": STYLIST},
        {"1": grounds},
    )
    decider = AskerDecider(Reads(words, **dict.fromkeys(CALL, 0.0)))
    told = {one.about: one.words for one in decider._proposals(view) if isinstance(one, Told)}
    return {one.slot.name for one in as_told(grounds, told, request, CLOCK) if not one.ok}


def test_the_rules_alone_leave_these_open() -> None:
    assert open_after([HumanMessage(TALK)], {}) == {"service", "people", "member", "day", "code"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("service", "dye my roots"),
        ("service", "dye"),
        ("service", "roots"),
        ("service", "DYE MY ROOTS"),
        ("people", "Zora, Ida and me"),
        ("people", "for Zora, Ida and me"),
        ("member", "I pay the yearly dues"),
        ("member", "yearly dues"),
        ("member", "pay"),
    ],
)
def test_words_that_stand_there_count(name: str, words: str) -> None:
    assert open_after([HumanMessage(TALK)], {name: words}) == {"service", "people", "member", "day", "code"} - {name}


LIES = [
    ("service", "a nice blonde"),  # nobody said it
    ("service", "dye my root canal"),
    ("service", "my roots dye"),
    ("service", ""),
    ("service", "..."),
    ("service", "and the for"),
    ("service", "the service"),
    ("service", "Petra"),  # another argument's
    ("service", "Petra should dye my roots"),
    ("service", "on Friday, for Zora"),
    ("service", "bleaching"),  # denied
    ("service", "No bleaching"),
    ("service", "the ends"),
    ("service", "cut my hair"),  # a choice that the rules have judged, and another one
    ("service", "cut"),
    ("service", TALK),
    ("people", "Zora and"),  # not three
    ("people", "Ida and me"),
    ("people", "Friday, for Zora, Ida and me"),  # another argument's words
    ("people", "dye my roots"),
    ("people", "yearly dues"),
    ("people", "two"),
    ("member", "member"),
    ("member", "No bleaching"),
    ("member", "Petra"),
    ("member", "a member since May"),
    ("day", "Friday"),  # a day is the rules' affair, and so is a code
    ("day", "last time"),
    ("day", "dye my roots"),
    ("code", "yearly dues"),
    ("code", "AB-123"),
    ("nobody", "dye my roots"),
]


@pytest.mark.parametrize(("name", "words"), LIES)
def test_a_lie_grounds_nothing(name: str, words: str) -> None:
    assert open_after([HumanMessage(TALK)], {name: words}) == {"service", "people", "member", "day", "code"}


@pytest.mark.parametrize("words", ["tint your fringe", "roots done", "full colour of hair", "gold member", "for two"])
@pytest.mark.parametrize("name", ["service", "people", "member"])
def test_words_of_the_agent_and_of_tools_ground_nothing(name: str, words: str) -> None:
    talk: list[BaseMessage] = [
        HumanMessage("Petra, please, on Friday."),
        AIMessage("Shall I tint your fringe, or have the roots done?", tool_calls=[]),
        AIMessage("", tool_calls=[{"name": "profile", "args": {}, "id": "9", "type": "tool_call"}]),
        ToolMessage("full shade of hair, gold standing, for two", name="profile", tool_call_id="9"),
        HumanMessage("Hm, I wonder."),
    ]
    assert {"service", "people", "member"} <= open_after(talk, {name: words})


def test_one_word_is_told_of_one_argument() -> None:
    assert {"service", "member"} <= open_after(
        [HumanMessage(TALK)], {"service": "dye my roots", "member": "dye my roots"}
    )
    assert {"service", "member"} <= open_after([HumanMessage(TALK)], {"service": "dye my roots", "member": "roots"})


def test_what_the_person_contradicted_is_not_read() -> None:
    talk = [HumanMessage("Petra, a perm on Friday, like a lion")]
    assert "service" in open_after(talk, {"service": "like a lion"})


@tool
def send(to: str, amount: int) -> str:
    """Send money."""
    SENT.append((to, amount))
    return f"Sent {amount} to {to}."


SENT: list[tuple[str, int]] = []


DONE = {"when": "Sent", "reply": "All done."}
SENDS = {"when": "", "calls": [{"name": "send", "args": {"to": "Anna", "amount": 75}}]}


def agent_with(asker: Asker, **terms: Any) -> Any:
    guard = ClarifyMiddleware(AskerDecider(asker, drafts_only=True), **terms)
    model = ScriptedModel(replies=[DONE, SENDS])
    return create_agent(model, [send], middleware=[guard], checkpointer=InMemorySaver())


@pytest.mark.parametrize(
    ("answer", "sent", "asked"),
    [
        ("Yes, that's right.", [("Anna", 75)], []),
        ("yes", [("Anna", 75)], []),
        ("To Anna, please.", [("Anna", 75)], []),
        ("No.", [], ["to"]),
        ("Anna is my flatmate? No idea what you mean", [], ["to"]),
        ("To Bert.", [], ["to"]),
        ("hm", [], ["to"]),
    ],
)
def test_an_objection_is_asked_and_only_its_answer_lets_the_call_run(answer: str, sent: Any, asked: list[str]) -> None:
    SENT.clear()
    agent, thread = agent_with(Reads(to=0.95)), {"configurable": {"thread_id": "1"}}
    state = agent.invoke({"messages": [HumanMessage("75 to my landlord; Anna is my flatmate")]}, thread)
    (question,) = asked_by(state["messages"][-1])
    assert question.about == "to" and "\u201cAnna\u201d" in question.text and not SENT
    state = agent.invoke({"messages": [HumanMessage(answer)]}, thread)
    assert sent == SENT
    assert [one.about for one in asked_by(state["messages"][-1])] == asked


def test_an_asker_that_is_not_sure_objects_to_nothing() -> None:
    SENT.clear()
    thread = {"configurable": {"thread_id": "1"}}
    agent_with(Reads(to=0.89)).invoke({"messages": [HumanMessage("75 to Anna")]}, thread)
    assert SENT == [("Anna", 75)]


def test_what_a_tool_returned_or_the_state_holds_is_not_objected_to() -> None:
    def contact() -> dict[str, str]:
        return {"to": "Anna"}

    SENT.clear()
    thread: Any = {"configurable": {"thread_id": "1"}}
    agent_with(Reads(to=1.0), given=contact).invoke({"messages": [HumanMessage("send 75 to my contact")]}, thread)
    assert SENT == [("Anna", 75)]
