"""Who decides what to ask.

None             the agent's own model, under a policy in its system prompt (ClarifyMiddleware only)
StudentDecider   a separate chat model, such as a small one trained to ask
RequiredFields   rules over a pydantic model of what must be known
any callable     `(view) -> None | text | Question | several of them`, also asynchronous

A decider is consulted when the person has just spoken, and again when the agent is about to call tools
(`AgentView.acting`). It proposes; limits and the ledger decide what is really asked.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, create_model

from sml_agents.agents.asking import AgentView, Question, as_questions
from sml_agents.agents.fields import check_field, is_told, question_for
from sml_agents.backends import resolve
from sml_agents.backends.loops import run_sync
from sml_agents.errors import InputError, MissingExtra
from sml_agents.roles.acts import classify
from sml_agents.roles.chat import ask_model
from sml_agents.roles.guard import neutralise
from sml_agents.roles.prompts import load, render
from sml_agents.types import Act, Role
from sml_agents.views import chat_messages

__all__ = ["Decider", "RequiredFields", "StudentDecider", "adecide", "as_decider", "asks", "decide"]

Proposal = str | Question | Sequence[str | Question] | None
log = logging.getLogger("sml_agents.agents")


@runtime_checkable
class Decider(Protocol):
    """Proposes questions; None or nothing when all that is needed is known."""

    def questions(self, view: AgentView) -> Proposal | Awaitable[Proposal]: ...


_CLOSERS = re.compile(
    r"[^.!?\n]*\b(?:can i (?:also )?(?:assist|help)|let me know if|(?:else|more) can i|feel free)\b[^.!?\n]*[.!?]*",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Whether a model's text asks the person for something, by the rules that label a student's turns.

    An agent's offers of more help do not count.
    """
    label = classify(_CLOSERS.sub("", text))
    return label.act is Act.CLARIFICATION or label.by == "rule:many"


class StudentDecider:
    """A chat model that is shown what was said and either asks or does not: its question is asked, all else ignored.

    `model` is a chat model or a backend spec, for instance `transformers:runs/asker`. `system` is its system prompt;
    None takes the one that students are trained with. Consulted when the person has spoken, not before tool calls.
    """

    def __init__(self, model: str | BaseChatModel, *, system: str | None = None) -> None:
        found = resolve(model)
        self.model = found.model_copy(update={"tags": [*(found.tags or []), TAG_NOSTREAM]})  # not the agent's words
        self.system = render("student") if system is None else system

    async def questions(self, view: AgentView) -> str | None:
        """The model's turn, if it asks. Raises what the model raises."""
        if view.calls:
            return None
        reply = await ask_model(self.model, chat_messages(view.history, Role.STUDENT, self.system), seed=0)
        return reply.text if asks(reply.text) else None


class RequiredFields:
    """Asks for each required field of a pydantic model that the person has not told, before the agent acts.

    A field is told when its kind of value stands in the person's words: a date, a time, a number, a member of a
    `Literal` or enum, a match of the field's `pattern`. The value that the agent gives it in a tool call counts too if
    it stands in the person's words or in a tool's result; any other is a guess. A text without a `pattern` can be
    judged by the call alone.

    `tools`: ask only before calls of these; None: before any. `extract`: reads the values instead of the rules: a chat
    model (it needs structured output), or a callable from the person's words to a dict. The question of a field is
    `json_schema_extra={"question": ...}`, or made from its description or name.
    """

    def __init__(
        self,
        fields: type[BaseModel],
        *,
        tools: Collection[str] | None = None,
        extract: BaseChatModel | Callable[[str], dict[str, Any]] | None = None,
    ) -> None:
        self.fields = {name: field for name, field in fields.model_fields.items() if field.is_required()}
        if not self.fields:
            raise InputError(f"{fields.__name__} has no required field, so there is nothing to ask for.")
        self.tools = None if tools is None else frozenset(tools)
        self.extract = extract
        if isinstance(extract, BaseChatModel):
            load("extract")
            optional: Any = {name: (field.annotation | None, None) for name, field in self.fields.items()}  # type: ignore[operator]
            known = create_model(f"Known{fields.__name__}", **optional)
            self._reader = extract.with_structured_output(known).with_config(tags=[TAG_NOSTREAM])
        if extract is None:
            for name, field in self.fields.items():
                check_field(name, field)

    async def questions(self, view: AgentView) -> list[Question]:
        """One question for each field that is not told. Raises what `extract` raises."""
        calls = [call for call in view.calls if self.tools is None or call["name"] in self.tools]
        if not view.acting or (view.calls and not calls):
            return []
        if self.extract is not None:
            values = await self._extracted(view.told)
            missing = [name for name in self.fields if values.get(name) in (None, "")]
        else:
            alone = [name for name, field in self.fields.items() if field.annotation in (int, float)]
            missing = [
                name for name, field in self.fields.items() if not is_told(name, field, view, calls, len(alone) < 2)
            ]
        return [question_for(name, self.fields[name]) for name in missing]

    async def _extracted(self, told: str) -> dict[str, Any]:
        if isinstance(self.extract, BaseChatModel):
            prompt = [SystemMessage(render("extract")), HumanMessage(neutralise(told))]
            found = await self._reader.ainvoke(prompt)
            return found.model_dump() if isinstance(found, BaseModel) else dict(found or {})
        assert self.extract is not None
        return await asyncio.to_thread(self.extract, told)


class _Callable:
    def __init__(self, function: Callable[[AgentView], Any]) -> None:
        self.questions = function


def as_decider(given: Any) -> Decider:
    """A decider out of what a user may give: a decider, a pydantic model, a chat model, a backend spec, a callable."""
    if isinstance(given, type) and issubclass(given, BaseModel):
        return RequiredFields(given)
    if isinstance(given, str | BaseChatModel):
        return StudentDecider(given)
    if isinstance(given, Decider):
        return given
    if callable(given):
        return _Callable(given)
    raise InputError(
        f"A decider is a pydantic model, a chat model or its spec, or a callable, not {type(given).__name__}."
    )


async def adecide(decider: Decider, view: AgentView) -> tuple[Question, ...]:
    """The questions that `decider` proposes. A synchronous one runs in a thread; one that fails asks nothing."""
    try:
        if inspect.iscoroutinefunction(decider.questions):
            found: Any = await decider.questions(view)
        else:
            found = await asyncio.to_thread(decider.questions, view)
            found = await found if inspect.isawaitable(found) else found
    except Exception as error:
        _failed(error)
        found = None
    return as_questions(found)


def decide(decider: Decider, view: AgentView) -> tuple[Question, ...]:
    """The same for synchronous callers."""
    try:
        found: Any = decider.questions(view)
        found = run_sync(_awaited(found)) if inspect.isawaitable(found) else found
    except Exception as error:
        _failed(error)
        found = None
    return as_questions(found)


async def _awaited(found: Awaitable[Proposal]) -> Proposal:
    return await found


def _failed(error: Exception) -> None:
    """An agent must not stop working because the part that asks does; a wrong setting is still said at once."""
    if isinstance(error, GraphBubbleUp | InputError | MissingExtra):
        raise error
    log.warning("the decider failed, so nothing is asked: %s: %s", type(error).__name__, error, exc_info=error)
