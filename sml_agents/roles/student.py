"""Students."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from itertools import permutations
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from sml_agents.errors import InputError
from sml_agents.roles.chat import ask_model, describe_model, takes_temperature
from sml_agents.roles.prompts import render
from sml_agents.text.numbers import spelled_numbers
from sml_agents.text.schemas import parameters_of, properties_of, required_of, resolved, type_of
from sml_agents.text.values import kind_of
from sml_agents.text.words import content_words
from sml_agents.types import Reply, Role, ToolCall, stable_hash
from sml_agents.views import StudentView, chat_messages

__all__ = ["ChatStudent", "GuessingStudent", "Student"]


class Student(Protocol):
    """Whoever solves the task. Sees a `StudentView` and nothing else."""

    settings: dict[str, Any]
    """JSON-able identity: goes into the run's settings and every trace."""

    async def reply(self, view: StudentView, *, seed: int) -> Reply: ...


class ChatStudent:
    """A chat model as the student.

    `system` is its system prompt; None takes the built-in one, "" none at all. With `verbatim` each turn's prompt
    continues the token ids of the turn before it, as they were read and sampled, in place of rendering the history
    anew: what is trained on is then exactly what was sampled, also where a template drops earlier reasoning. Needs a
    model that takes tokens, as those that run in this process do.

    With `fresh` it says nothing twice: a turn that says what it has said before in the dialogue (`roles.repeats`) is
    drawn again, at most four times, at a temperature of 0.7 and then of 1; where none is new, the last stays. Each draw
    is a call of its own. What was drawn so is no sample of the model at its own temperature, and GRPO refuses it.

    Where a task has tools, they are offered as the model takes them, and a call is the attempt. `calls_in_text` tells
    them in the system prompt, and reads calls out of the text: for servers that know no tools. Models without tools
    that run in this process get them so by themselves.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        system: str | None = None,
        verbatim: bool = False,
        calls_in_text: bool = False,
        fresh: bool = False,
    ) -> None:
        if verbatim and not getattr(model, "takes_tokens", False):
            raise InputError(f"{type(model).__name__} takes no token ids, so verbatim=True needs another model")
        if fresh and not takes_temperature(model):
            raise InputError(f"{type(model).__name__} takes no temperature, so fresh=True needs another model")
        self.model = model
        self.system = render("student") if system is None else system
        self.tools_system = render("student_tools") if system is None else system
        """The same where it has tools."""
        self.verbatim = verbatim
        self.calls_in_text = calls_in_text
        self.settings: dict[str, Any] = {"model": describe_model(model), "prompt": stable_hash(self.system)}
        if verbatim:
            self.settings["verbatim"] = True
        if calls_in_text:
            self.settings["calls_in_text"] = True
        if fresh:
            self.settings["fresh"] = list(_AGAIN)
        self.again: tuple[Student, ...] = tuple(_Redraw(self, temperature) for temperature in _AGAIN if fresh)
        """Who draws in its place, one after the other, while it repeats itself."""

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """One turn. Raises what the model raises."""
        return await self._reply(view, seed)

    async def _reply(self, view: StudentView, seed: int, temperature: float | None = None) -> Reply:
        system = self.tools_system if view.tools else self.system
        messages = chat_messages(view.history, Role.STUDENT, system, view.calls)
        tokens = view.tokens if self.verbatim else ()
        return await ask_model(
            self.model,
            messages,
            seed=seed,
            tokens=tokens,
            tools=view.tools,
            in_text=self.calls_in_text,
            temperature=temperature,
        )


_AGAIN = (0.7, 1.0, 1.0, 1.0)
"""Temperatures of the draws of a student that says nothing twice, after its first."""


class _Redraw:
    """The same student at another temperature."""

    def __init__(self, student: ChatStudent, temperature: float) -> None:
        self.settings = student.settings
        self._student, self._temperature = student, temperature

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        return await self._student._reply(view, seed, self._temperature)


class GuessingStudent:
    """A stand-in that calculates with two of the numbers it was told, chosen by lot, or asks for nothing in particular.

    It takes a model's place where dialogues are made for Q-priming to rewrite: a model's wrong attempts cost time, and
    from fixed words such as "I do not know" nobody learns what to do after a wrong attempt or a question that got no
    fact. No guess comes twice. `questions` is the share of turns that ask.

    With tools it calls one by lot, and fills in what the schema requires without having read the request.
    """

    settings: dict[str, Any]

    def __init__(self, *, questions: float = 0.0) -> None:
        self.questions = questions
        self.settings = {"model": "guessing", "questions": questions}

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """A guess, such as `12 - 4 = 8. The answer is 8.`, a vague question, or else `I do not know.`"""
        rng = random.Random(seed)
        if rng.random() < self.questions:
            return Reply(text=rng.choice(_VAGUE_ABOUT_REQUESTS if view.tools else _questions(view)))
        if view.tools:
            name, schema = rng.choice(sorted(parameters_of(view.tools).items(), key=lambda item: item[0]))
            call = ToolCall(name=name, arguments=_filled(schema, schema, rng, 0))
            return Reply(text="", tool_calls=(call,), at_once=True)
        told = [number for role, text in view.history if role is Role.TEACHER for number in _numbers(text)]
        said = [text for role, text in view.history if role is Role.STUDENT]
        guesses = [guess for pair in permutations(dict.fromkeys(told), 2) for guess in _guesses(*pair)]
        fresh = [guess for guess in guesses if guess not in said]
        text = rng.choice(fresh) if fresh else "I do not know."
        return Reply(text=text)


def _questions(view: StudentView) -> list[str]:
    """Vague ones, and well-formed ones about anything that was spoken of; none that was asked before."""
    told = " ".join(text for role, text in view.history if role is Role.TEACHER)
    said = [text for role, text in view.history if role is Role.STUDENT]
    words = content_words(told)
    things = [word for word in words if word.endswith("s")]
    names = [name for name in dict.fromkeys(_NAME.findall(told)) if name.lower() in words]
    asked = list(_VAGUE_QUESTIONS)
    for thing in things:
        asked += [f"How many {thing} are there?", f"How many {thing} are in each of them?"]
        asked += [f"How many {thing} does {name} {verb}?" for name in names for verb in ("have", "need", "get")]
    return [question for question in asked if question not in said] or asked


_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_VAGUE_QUESTIONS = ("How many are there?", "How much is it?", "What else do I need?", "Is something missing?")
_VAGUE_ABOUT_REQUESTS = ("Which one should it be?", "What else do I need?", "Is something missing?")
_WORDS = ("Alpha", "Berlin", "Kim", "standard", "the usual one")
_DEEPEST = 4


def _filled(schema: Mapping[str, Any], root: Mapping[str, Any], rng: random.Random, depth: int) -> Any:
    """A value that fits a schema, by lot: of objects what is required."""
    schema = resolved(schema, root)
    members = schema.get("enum")
    if members and isinstance(members, list | tuple):
        return rng.choice(members)
    kind = type_of(schema)
    if kind == "object" or "properties" in schema or not depth:
        inner = properties_of(schema)
        wanted = [name for name in required_of(schema) if name in inner and depth < _DEEPEST]
        return {name: _filled(inner[name], root, rng, depth + 1) for name in wanted}
    if kind == "array":
        return [_filled(schema.get("items") or {}, root, rng, depth + 1)] if depth < _DEEPEST else []
    if kind in ("integer", "number"):
        return rng.randint(1, 9)
    if kind == "boolean":
        return rng.random() < 0.5
    if kind_of(schema).sort in ("date", "datetime") or "YYYY" in str(schema.get("description")):
        return f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return rng.choice(_WORDS)


_NUMBER = re.compile(r"(?<![\d.,])\d{1,6}(?![\d.,]*\d)")


def _numbers(text: str) -> list[int]:
    spelled = [int(value) for _, _, value in spelled_numbers(text) if value.denominator == 1]
    return [int(number) for number in _NUMBER.findall(text)] + spelled


def _guesses(left: int, right: int) -> list[str]:
    results = {"+": left + right, "*": left * right}
    if left > right:
        results["-"] = left - right
        if right and left % right == 0:
            results["/"] = left // right
    return [f"{left} {sign} {right} = {result}. The answer is {result}." for sign, result in results.items()]
