"""The asker beside the rules: what it objects to is asked for, and what it says was told counts only if it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from sml_agents.agents import ClarifyMiddleware
from sml_agents.agents.asker import AskerDecider
from sml_agents.agents.asking import Question, Told, asked_by
from sml_agents.agents.delivery import question_message
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground, State, as_told, ground
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
    """An asker whose probabilities are given: by argument, else 0.7."""

    def __init__(self, **given: float) -> None:
        told = {"enum": 0.3, "number": 0.4, "text": 0.2}
        super().__init__(Path(), AskerRecord(threshold=0.5, drafted=0.6, grounded=0.9, told=told))
        self.given = given

    def missing(self, tool: Any, said: Any, drafts: Any = None) -> dict[str, float]:
        return {one.name: self.given.get(one.name, 0.7) for one in tool.required}


def grounds_of(messages: Sequence[BaseMessage], call: dict[str, Any]) -> tuple[Request, tuple[Ground, ...]]:
    request = Request.read(messages, lambda name: name == "book_chair")
    return request, ground(call, slots_of(STYLIST), request, CLOCK)


def open_after(messages: Sequence[BaseMessage], words: dict[str, str], **changed: Any) -> set[str]:
    """The arguments that nothing grounds when a reader has quoted `words`."""
    request, grounds = grounds_of(messages, {**CALL, **changed})
    return {one.slot.name for one in as_told(grounds, words, request, CLOCK) if not one.ok}


def proposals(asker: Asker, messages: Sequence[BaseMessage], **changed: Any) -> dict[str, Question | Told]:
    call = {**CALL, **changed}
    _, grounds = grounds_of(messages, call)
    calls = ({"name": "book_chair", "args": call, "id": "1", "type": "tool_call"},)
    view = AgentView(messages, calls, True, {"book_chair": STYLIST}, {"1": grounds})  # type: ignore[arg-type]
    return {one.about: one for one in AskerDecider(asker)._proposals(view)}


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
    assert "service" not in proposals(Reads(service=0.0), talk)


def told_by(asker: Asker, talk: str = TALK, **changed: Any) -> set[str]:
    return {name for name, one in proposals(asker, [HumanMessage(talk)], **changed).items() if isinstance(one, Told)}


def test_each_kind_of_value_has_its_own_line_below_which_it_counts_as_told() -> None:
    assert told_by(Reads(service=0.29, people=0.39, member=0.0)) == {"service", "people"}
    assert told_by(Reads(service=0.31, people=0.41)) == set()


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("member", {}),  # of its kind nothing counts as told
        ("day", {}),  # what people say in words that the rules know
        ("code", {}),
        ("stylist", {"stylist": "AB-9"}),  # as good as a code
        ("stylist", {"stylist": "chair 4"}),
        ("people", {"people": None}),
    ],
)
def test_what_never_counts_as_told_however_sure_the_asker_is(name: str, changed: dict[str, Any]) -> None:
    assert name not in told_by(Reads(**dict.fromkeys(CALL, 0.0)), **changed)


def test_what_was_said_in_an_earlier_request_never_counts_as_told() -> None:
    booked = {"name": "book_chair", "args": {**CALL, "service": "perm"}, "id": "0", "type": "tool_call"}
    talk = [
        HumanMessage("Lena for a perm on Thursday, three of us, and I am a member"),
        AIMessage("", tool_calls=[booked]),
        ToolMessage("booked", tool_call_id="0", name="book_chair"),
        AIMessage("It is done."),
        HumanMessage("And Petra next week on Friday"),
    ]
    surely = Reads(**dict.fromkeys(CALL, 0.0))
    assert not isinstance(proposals(surely, talk, service="perm").get("service"), Told)
    assert isinstance(proposals(surely, talk, service="colour").get("service"), Told)


@pytest.mark.parametrize(
    "talk",
    [
        "Lena on Friday. My sister got a perm and wants nobody to know",
        "Lena on Friday, and no perm please",
        "Lena on Friday, anything that is not a perm",
        "If I were rich I'd have a perm. Lena on Friday",
        "Lena on Friday. Is a perm very expensive?",
    ],
)
def test_what_stands_there_and_the_rules_turned_down_is_not_told_in_other_words(talk: str) -> None:
    assert "service" not in told_by(Reads(service=0.0), talk, service="perm", stylist="Lena")
    assert "service" in told_by(Reads(service=0.0), talk, service="cut", stylist="Lena")


def test_a_name_in_other_words_counts_as_told() -> None:
    assert told_by(Reads(stylist=0.1), stylist="Mr Petrov") == {"stylist"}
    assert told_by(Reads(stylist=0.3), stylist="Mr Petrov") == set()


def test_what_a_decider_answers_for_says_so() -> None:
    request, grounds = grounds_of([HumanMessage(TALK)], CALL)
    states = {one.slot.name: one.state for one in as_told(grounds, {"service": None, "code": None}, request, CLOCK)}
    assert states["service"] is State.READ and states["code"] is State.UNKNOWN


def test_what_is_likely_told_is_asked_so_that_a_yes_is_enough() -> None:
    found = proposals(Reads(service=0.35, people=0.89, member=0.1, code=0.1, day=0.1), [HumanMessage(TALK)])
    shown = {name: one.understood for name, one in found.items() if isinstance(one, Question)}
    assert shown == {"service": "colour", "people": "3", "member": "", "code": "AB-123"}
    assert "For the people I have \u201c3\u201d. Is that right?" in str(found["people"])
    assert not any(isinstance(one, Told) for one in found.values()), "what is contradicted is the rules' to ask"
    assert "people" not in proposals(Reads(people=0.9), [HumanMessage(TALK)]), "which the guard asks openly"


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


USUAL = "The usual to Anna, please."


@pytest.mark.parametrize(
    ("answer", "sent", "asked"),
    [
        ("Yes.", [("Anna", 75)], []),
        ("yes, that's right", [("Anna", 75)], []),
        ("Ja, genau", [("Anna", 75)], []),
        ("75", [("Anna", 75)], []),
        ("Right, 75 it is", [("Anna", 75)], []),
        ("No.", [], ["amount"]),
        ("No, 80", [], ["amount"]),
        ("Yes but make it 80", [], ["amount"]),
        ("80", [], ["amount"]),
        ("hm", [], ["amount"]),
        ("I don't know", [], ["amount"]),
        ("Never mind, cancel that.", [], []),
    ],
)
def test_a_yes_confirms_what_was_understood_and_nothing_else_does(answer: str, sent: Any, asked: list[str]) -> None:
    SENT.clear()
    agent, thread = agent_with(Reads(amount=0.55)), {"configurable": {"thread_id": "1"}}
    state = agent.invoke({"messages": [HumanMessage(USUAL)]}, thread)
    (question,) = asked_by(state["messages"][-1])
    assert question.text == "For the amount I have \u201c75\u201d. Is that right?" and not SENT
    state = agent.invoke({"messages": [HumanMessage(answer)]}, thread)
    assert sent == SENT
    assert [one.about for one in asked_by(state["messages"][-1])] == asked
    if asked:
        (question,) = asked_by(state["messages"][-1])
        assert not question.understood, "what was not confirmed is not put to the person again"


@pytest.mark.parametrize(
    ("answer", "open_now"),
    [
        ("Yes, to Anna", set()),
        ("yes please. Anna Berg's Anna", set()),
        ("Anna", {"amount"}),
        ("No, to Anna", {"amount"}),
        ("Anna, no idea how much", {"amount"}),
        ("Yes, wait, no, 80 to Anna", {"amount"}),
        ("yes", {"to"}),
    ],
)
def test_a_yes_may_go_on_where_more_was_asked(answer: str, open_now: set[str]) -> None:
    asked = [
        Question(text="For the amount I have \u201c75\u201d. Is that right?", about="amount", understood="75"),
        Question(text="What is the to?", about="to"),
    ]
    talk = [HumanMessage("Send the usual."), question_message(asked, "end_turn", "q"), HumanMessage(answer)]
    request = Request.read(talk, lambda name: name == "send")
    found = ground({"to": "Anna", "amount": 75}, slots_of(send), request, CLOCK)
    assert {one.slot.name for one in found if not one.ok} == open_now


MOMENT = {"type": "string", "format": "date-time"}
MEETING = {
    "name": "schedule",
    "parameters": {"type": "object", "properties": {"start": MOMENT, "end": MOMENT}, "required": ["start", "end"]},
}


@pytest.mark.parametrize(
    ("told", "answer", "end", "follows"),
    [
        ("on 14 February 2027 at 9 am", "it takes 45 minutes", "09:45", True),
        ("on 14 February 2027 at 9 am", "No, it takes 45 minutes", "09:45", True),
        ("on 14 February 2027 at 9 am", "it takes 45 minutes", "10:00", False),
        ("on 14 February 2027 at 9 am", "No.", "09:45", False),
        ("on 14 February 2027 at 9 am for half an hour", "No.", "09:30", False),
        ("on 14 February 2027 at 9 am for half an hour", "No, an hour", "09:30", False),
        ("on 14 February 2027 at 9 am for half an hour", "No, an hour", "10:00", True),
    ],
)
def test_an_answer_that_is_no_yes_may_say_what_the_value_follows_from(
    told: str, answer: str, end: str, follows: bool
) -> None:
    asked = [Question(text="For the end I understood. Is that right?", about="end", understood="2027-02-14T11:00")]
    talk = [HumanMessage(f"A meeting {told}"), question_message(asked, "end_turn", "q"), HumanMessage(answer)]
    request = Request.read(talk, lambda name: name == "schedule")
    call = {"start": "2027-02-14T09:00:00", "end": f"2027-02-14T{end}:00"}
    found = {one.slot.name: one for one in ground(call, slots_of(MEETING), request, CLOCK)}
    assert found["start"].ok and found["end"].ok is follows


def test_a_yes_confirms_the_value_that_was_shown_for_its_own_argument() -> None:
    asked = [
        Question(text="For the day I have \u201c2026-12-01\u201d. Is that right?", about="day", understood="2026-12-01")
    ]
    talk = [HumanMessage("Petra, please."), question_message(asked, "end_turn", "q"), HumanMessage("Yes")]
    found = {day: grounds_of(talk, {**CALL, "day": day})[1] for day in ("2026-12-01", "2026-12-02")}
    states = {day: {one.slot.name: one.state for one in some} for day, some in found.items()}
    assert states["2026-12-01"]["day"] is State.ACCEPTED
    assert states["2026-12-02"]["day"] is State.UNKNOWN
    born = {
        "name": "x",
        "parameters": {"type": "object", "required": ["born"], "properties": {"born": {"format": "date"}}},
    }
    (other,) = ground({"born": "2026-12-01"}, slots_of(born), Request.read(talk, lambda name: True), CLOCK)
    assert not other.ok


def test_a_yes_is_still_known_when_the_messages_before_were_cut() -> None:
    asked = [Question(text="75?", about="amount", understood="75")]
    talk = [
        HumanMessage("The usual to Anna", id="1"),
        question_message(asked, "end_turn", "q"),
        HumanMessage("Yes", id="2"),
    ]
    kept = Request.read(talk, lambda name: True).kept()
    later = Request.read([HumanMessage("and be quick", id="3")], lambda name: True, before=kept)
    assert all(one.ok for one in ground({"to": "Anna", "amount": 75}, slots_of(send), later, CLOCK))
    assert not all(one.ok for one in ground({"to": "Anna", "amount": 80}, slots_of(send), later, CLOCK))


def test_what_the_person_did_not_confirm_does_not_count_as_told_later() -> None:
    asked = [Question(text="3?", about="people", understood="3")]
    talk = [HumanMessage(TALK), question_message(asked, "end_turn", "q"), HumanMessage("No.")]
    request, grounds = grounds_of(talk, CALL)
    assert {
        one.slot.name
        for one in as_told(grounds, {"people": None, "service": None}, request, CLOCK)
        if one.state is State.READ
    } == {"service"}


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
