"""The oracle as the user of an agent with tools: what a person would say, by rule, the same way every time.

Asked for a value that it has not told, it tells it; asked for one that it has told, it says it again. A value that is
put to it (`Should I use 7 pm?`) it says yes to where it is the right one, and tells it with that; it says no where it
is another of that form, and never more. Anything else it has nothing to add to, in the same words whether something is
missing or not; they are no leave to act on a guess. Of a wrong call it says what is wrong with it, never the value.
What kind of person it is changes how a value is told, not which:

plain         the statement
brief         the value alone
chatty        the statement among words that say nothing
changes_mind  another value first, and then the right one
two_at_once   the statement, and another that was not asked for
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

from sml_agents.roles.acts import ASKING, MANY
from sml_agents.text.asking import asks_yes_or_no, find_questions
from sml_agents.text.questions import asked_facts
from sml_agents.text.schemas import parameters_of, schema_at, words_of
from sml_agents.text.sentences import sentences
from sml_agents.text.values import Kind, find, find_words, kind_of, mentions, same
from sml_agents.types import Fact, Reply, Role
from sml_agents.verifiers.call import NO_CLOCK, values_of
from sml_agents.views import TeacherView

__all__ = ["ONE_AT_A_TIME", "PERSONAS", "Persona", "user_reply"]

Persona = Literal["plain", "brief", "chatty", "changes_mind", "two_at_once"]
PERSONAS: tuple[str, ...] = get_args(Persona)

ONE_AT_A_TIME = "One thing at a time, please."
ASK_OR_ACT = "Ask me for one thing that I left open, or do it as I told you."
NOTHING_TO_ADD = f"I have nothing to add to that. {ASK_OR_ACT}"
NOT_SO = "No, not like that."
YES, NO = "Yes.", "No, that is not it."
_BEFORE = ("Oh, I forgot to say.", "Right, sorry about that.", "Good that you ask, it slipped my mind.")
_AFTER = ("Thanks for taking care of it!", "You are a great help.", "I really appreciate it.")
_MIND = "{} No, sorry, I got that wrong. {}"


def user_reply(view: TeacherView, persona: Persona, seed: int) -> Reply:
    """What the user says to the agent's last turn. `seed` chooses among words that say the same."""
    text, facts = _answer(view, persona) if view.verdict is None else (f"{NOT_SO} {view.verdict.diagnosis}".strip(), [])
    if view.one_a_turn and view.untold and not facts:
        facts = [view.untold[0]]
    told = " ".join(_told(fact, view, persona, random.Random(seed)) for fact in facts)
    return Reply(text=f"{text} {told}".strip(), reveals=tuple(fact.name for fact in facts))


def _answer(view: TeacherView, persona: Persona) -> tuple[str, list[Fact]]:
    """Words, and the facts to be told."""
    heard = [text for role, text in view.history if role is Role.TEACHER]
    asks = view.act in ASKING
    if asks and len(find_questions(view.last, heard)) >= MANY:
        return ONE_AT_A_TIME, []
    put = _put(view, heard)
    if put.right:
        return YES, [put.right]
    if asks and (asked := asked_facts(view.last, view.untold, heard, view.tools)):
        others = [fact for fact in view.untold if fact != asked[0]]
        return "", [asked[0], *others[:1]] if persona == "two_at_once" else [asked[0]]
    if put.wrong:
        return NO, []
    if asks and (again := asked_facts(view.last, view.told, heard, view.tools)):
        return again[0].statement, []
    if view.one_a_turn and view.untold:
        return "", []
    return (NOTHING_TO_ADD if asks else ASK_OR_ACT), []


class _Put(NamedTuple):
    """What a yes-or-no question puts to the user: `Should I use 7 pm?`"""

    right: Fact | None = None
    """The untold fact whose value it is."""
    wrong: bool = False
    """Another value of the form of an untold one."""


def _put(view: TeacherView, heard: Sequence[str]) -> _Put:
    """The value in a question that leaves no more than yes or no. One that was heard is nobody's guess, and who names
    several makes none.
    """
    wrong = False
    for sentence in sentences(view.last):
        if len(sentence) > _LONGEST_GUESS or not asks_yes_or_no(sentence):
            continue
        for fact in view.untold:
            for kind, value in _values(fact, view):
                values = [one for one in mentions(kind, sentence, NO_CLOCK) if not one.denied]
                if kind.sort == "bool" or len({one.span for one in values}) > 1:
                    continue
                if find(kind, value, sentence, NO_CLOCK) or _says(view.said.get(fact.name, ""), sentence):
                    return _Put(fact)
                new = [
                    one
                    for one in values
                    if not any(_says(sentence[one.span.start : one.span.end], text) for text in heard)
                ]
                wrong = wrong or bool(new)
    return _Put(None, wrong)


_LONGEST_GUESS = 400
"""Characters."""


def _says(words: str, text: str) -> bool:
    return bool(words and find_words(words, text))


def _told(fact: Fact, view: TeacherView, persona: Persona, rng: random.Random) -> str:
    """A fact in this person's words."""
    if persona == "chatty":
        return f"{rng.choice(_BEFORE)} {fact.statement} {rng.choice(_AFTER)}"
    if persona in ("brief", "changes_mind"):
        for kind, start, end in _places(fact, view):
            words = fact.statement[start:end]
            if persona == "brief":
                return f"{words[:1].upper()}{words[1:]}."
            if other := _another(kind, words):
                return _MIND.format(f"{fact.statement[:start]}{other}{fact.statement[end:]}", fact.statement)
    return fact.statement


def _places(fact: Fact, view: TeacherView) -> list[tuple[Kind, int, int]]:
    """Where a statement says its value."""
    found = []
    words = view.said.get(fact.name, "")
    spans = find_words(words, fact.statement) if words else []
    for kind, value in _values(fact, view):
        spans = spans or [one.span for one in find(kind, value, fact.statement, NO_CLOCK)]
        found += [(kind, span.start, span.end) for span in spans]
    return found


def _values(fact: Fact, view: TeacherView) -> Iterator[tuple[Kind, Any]]:
    """The values that a fact's argument may have, and of what kind they are."""
    for tool, path, value in values_of(view.private, fact.name):
        yield kind_of(schema_at(parameters_of(view.tools).get(tool, {}), path), words_of(path), value), value


def _another(kind: Kind, words: str) -> str:
    """Another value in like words: the next number in them, another member of an enum; empty for names."""
    if kind.sort == "enum":
        members = [str(member).replace("_", " ") for member in kind.members if not same(kind, words, member, NO_CLOCK)]
        return members[0] if members else ""
    if kind.sort not in ("number", "date", "time", "datetime") or not (number := re.search(r"\d+", words)):
        return ""
    value = int(number.group())
    other = value - 1 if kind.sort in ("date", "time", "datetime") and value > 1 else value + 1
    return f"{words[: number.start()]}{other}{words[number.end() :]}"
