"""Teachers: they know the private part of the task and what the verifier said.

Four kinds on one seam: `OracleTeacher` (deterministic, no model), `ChatTeacher` (a chat model whose prompt holds the
private knowledge), `SelfTeacher` (the student's own model, which knows nothing more than the student), and
`HumanTeacher` (a person, asked through LangGraph's `interrupt` in a node of its own).
"""

from __future__ import annotations

import re
from typing import Any, Literal, Protocol

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel

from sml_agents.roles.acts import ASKING, MANY
from sml_agents.roles.chat import ask_model, describe_model
from sml_agents.roles.guard import escape
from sml_agents.roles.hints import hint
from sml_agents.roles.prompts import checked, render, source
from sml_agents.roles.user import ONE_AT_A_TIME, Persona, user_reply
from sml_agents.text.asking import find_questions
from sml_agents.text.questions import asked_facts
from sml_agents.text.words import content_words
from sml_agents.types import Fact, Reply, Role, stable_hash
from sml_agents.views import TeacherView, chat_messages

__all__ = ["ChatTeacher", "HumanReply", "HumanTeacher", "OracleTeacher", "SelfTeacher", "Teacher", "facts_told"]


class Teacher(Protocol):
    """Whoever answers the student. Sees a `TeacherView`."""

    settings: dict[str, Any]
    """JSON-able identity: goes into the run's settings and every trace.

    One with `by_rule = True` says the same, at no cost, whenever it is asked, so that no journal keeps its replies.
    """

    async def reply(self, view: TeacherView, *, seed: int) -> Reply: ...


class OracleTeacher:
    """Answers from the private knowledge by rule, the same way every time.

    A question that names a missing fact is answered with that fact, one that names a told fact with that fact again.
    Three questions at once, and questions that name nothing missing, are answered in the same words whether anything is
    missing or not: the answer to a question that asks for nothing tells nothing. A wrong attempt gets a hint
    (`hints=True`, see `hints`) or of a code task the verifier's diagnosis, or a reminder when it could not have been
    right yet. A sharded task gives one fact in every turn, the one asked for first.

    Of a request to an agent with tools it is the user: it knows the values and tells them in a person's words, and says
    of a wrong call what is wrong with it, never the value. `persona` says what kind of person (see `roles.user`).

    `hints="expected"` adds what the failed test of a code task wanted; the leak guard counts that as what it is.
    """

    by_rule = True

    def __init__(self, *, hints: bool | Literal["expected"] = True, persona: Persona = "plain") -> None:
        self.hints = hints
        self.persona = persona
        self.settings: dict[str, Any] = {"model": "oracle", "hints": hints, "rules": RULES}
        if persona != "plain":
            self.settings["persona"] = persona

    async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
        """One turn. Never fails and calls no model."""
        if view.tools:
            return user_reply(view, self.persona, seed)
        text, told = self._answer(view) if view.act in ASKING else self._feedback(view)
        if view.one_a_turn and view.untold and not told:
            told = view.untold[0]
            text = f"{text} {told.statement}".strip()
        return Reply(text=text, reveals=(told.name,) if told else ())

    def _answer(self, view: TeacherView) -> tuple[str, Fact | None]:
        heard = [text for role, text in view.history if role is Role.TEACHER]
        if len(find_questions(view.last, heard)) >= MANY:
            return ONE_AT_A_TIME, None
        if asked := asked_facts(view.last, view.untold, heard):
            return asked[0].statement, asked[0]
        if again := asked_facts(view.last, view.told, heard):
            return again[0].statement, None
        return ("" if view.one_a_turn and view.untold else ASK_OR_ANSWER), None

    def _feedback(self, view: TeacherView) -> tuple[str, Fact | None]:
        if view.verdict is None:
            return ("" if view.one_a_turn and view.untold else ASK_OR_ANSWER), None
        parts = [WRONG]
        if view.untold:
            parts.extend([] if view.one_a_turn else [NOT_YET])
        elif self.hints:
            parts.append(hint(view) if view.private.code is None else escape(view.verdict.diagnosis))
            if self.hints == "expected" and view.verdict.expected:
                parts.append(f"It should be {view.verdict.expected}")
        return " ".join(filter(None, parts)), None


RULES = 4
"""Goes up when the oracle answers the same turn differently, so that no run mixes two rulebooks."""
WRONG = "That is not right."
NOT_YET = "You do not know everything you need yet."
ASK_OR_ANSWER = "Ask for one thing that the problem leaves open, or give your answer."


def facts_told(text: str, untold: tuple[Fact, ...]) -> tuple[str, ...]:
    """Names of the facts that `text` tells: it holds all numbers and at least half of the content words of one."""
    if not untold:
        return ()
    words, numbers = set(content_words(text)), set(_NUMBER.findall(text))
    told = []
    for fact in untold:
        needed = content_words(fact.statement)
        if set(_NUMBER.findall(fact.statement)) <= numbers and 2 * sum(w in words for w in needed) >= len(needed):
            told.append(fact.name)
    return tuple(told)


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class ChatTeacher:
    """A chat model as the teacher, the student's own model or another one. Its prompt holds the private knowledge.

    `system` is that prompt as a Jinja template, which may use `private`, `untold`, `verdict` and `one_a_turn` (see
    `TeacherView`); None takes the built-in one. Raises InputError for a template that cannot be used.
    """

    def __init__(self, model: BaseChatModel, *, system: str | None = None) -> None:
        text = source("teacher") if system is None else system
        self._prompt = checked(text, ("private", "untold", "verdict", "one_a_turn"))
        self.model = model
        self.settings: dict[str, Any] = {"model": describe_model(model), "prompt": stable_hash(text)}

    async def reply(self, view: TeacherView, *, seed: int) -> Reply:
        """One turn. What the student wrote goes in as data, control tokens escaped. Raises what the model raises."""
        verdict = view.verdict
        if verdict is not None:  # a diagnosis may quote what the student's program returned
            verdict = verdict.model_copy(update={"diagnosis": escape(verdict.diagnosis)})
        system = self._prompt.render(
            private=view.private, untold=view.untold, verdict=verdict, one_a_turn=view.one_a_turn
        ).strip()
        history = tuple((role, escape(text) if role is Role.STUDENT else text) for role, text in view.history)
        opening = ((Role.STUDENT, "What is the problem?"),)  # chat templates want the user to speak first
        reply = await ask_model(self.model, chat_messages((*opening, *history), Role.TEACHER, system), seed=seed)
        return reply.model_copy(update={"reveals": facts_told(reply.text, view.untold)})


class SelfTeacher:
    """The student's own model as its critic: sees the public history and nothing private (Cook et al.'s autodidact).

    It ends the dialogue when it finds the last turn right (a reply that begins with OK), or when the student asks for
    something, which only a person can tell. `system` is its system prompt; None takes the built-in one.
    """

    def __init__(self, model: BaseChatModel, *, system: str | None = None) -> None:
        self.model = model
        self.system = render("critic") if system is None else system
        self.settings: dict[str, Any] = {"model": describe_model(model), "critic": stable_hash(self.system)}

    async def reply(self, view: TeacherView, *, seed: int) -> Reply:
        """One turn. Raises what the model raises."""
        if view.act in ASKING:
            return Reply(text="", stop=True)
        opening = ((Role.STUDENT, "What is the problem?"),)  # chat templates want the user to speak first
        history = tuple((role, escape(text) if role is Role.STUDENT else text) for role, text in view.history)
        reply = await ask_model(self.model, chat_messages((*opening, *history), Role.TEACHER, self.system), seed=seed)
        return reply.model_copy(update={"stop": _ACCEPTS.match(reply.text) is not None})


_ACCEPTS = re.compile(r"\W*ok(?:ay)?\b", re.IGNORECASE)


class HumanReply(BaseModel):
    """What a person gives back when the graph asks: the words to the student, or `stop` to end the dialogue."""

    text: str = ""
    stop: bool = False


class HumanTeacher:
    """A person as the teacher. The dialogue pauses; resume it with `Command(resume={"text": ...})`.

    Needs a checkpointer where the graph is compiled, as every LangGraph interrupt does.
    """

    settings: dict[str, Any]

    def __init__(self) -> None:
        self.settings = {"model": "human"}

    @staticmethod
    def payload(view: TeacherView) -> dict[str, Any]:
        """What the person is shown: the student's turn, its act and verdict, and the private knowledge."""
        return {
            "kind": "teacher_turn",
            "student": view.last,
            "act": view.act.value,
            "correct": view.verdict.correct if view.verdict else None,
            "diagnosis": view.verdict.diagnosis if view.verdict else "",
            "problem": view.history[0][1],
            "private": {"answer": view.private.answer, "untold": [fact.statement for fact in view.untold]},
        }

    @staticmethod
    def from_person(answer: HumanReply, view: TeacherView) -> Reply:
        """The person's answer as a reply; which facts it tells is found by rule."""
        return Reply(text=answer.text, stop=answer.stop, reveals=facts_told(answer.text, view.untold))
