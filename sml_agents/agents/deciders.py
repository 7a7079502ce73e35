"""Who decides what to ask, beside the guard.

None               the agent's own model, under a policy in its system prompt (ClarifyMiddleware only)
StudentDecider     a separate chat model, such as a small one trained to ask
AskerDecider       the asker (`asker:`, `asker:FOLDER`): P(missing) of each argument against its stored threshold
DecisionDecider    a decision model of langchain-core: P(missing) of each argument against a threshold
ToldReader         a chat model that reads what rules cannot: it asks nothing, and saves a question
RequiredFields     rules over a pydantic model of what must be known
any callable       `(view) -> None | text | Question | Told | several of them`, also asynchronous

A decider is consulted when the person has just spoken, and again when the agent is about to call guarded tools
(`AgentView.acting`). What it asks then holds the calls back until the person has answered.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from langchain_core.decisions import BaseDecisionModel, ClassifierResponse, Noul, NoulAnswer
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage, convert_to_messages
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, create_model

from sml_agents.agents.asker import AskerDecider
from sml_agents.agents.asking import Question, Told, as_proposals
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground, ground, may_be_told
from sml_agents.agents.guard import Now, questions_for
from sml_agents.agents.slots import Slot, slots_of, slots_of_model, tool_name
from sml_agents.agents.view import AgentView
from sml_agents.backends import resolve
from sml_agents.backends.loops import run_sync
from sml_agents.errors import BackendSpecError, InputError, MissingExtra
from sml_agents.roles.acts import classify
from sml_agents.roles.chat import ask_model, ask_with_tools
from sml_agents.roles.guard import escape
from sml_agents.roles.prompts import load, render
from sml_agents.text.values import Clock, same
from sml_agents.types import Act, Role
from sml_agents.views import chat_messages

__all__ = [
    "AskerDecider",
    "Decider",
    "DecisionDecider",
    "DecisionModel",
    "RequiredFields",
    "StudentDecider",
    "ToldReader",
    "adecide",
    "as_decider",
    "asks",
    "decide",
]

Proposal = str | Question | Told | Sequence[str | Question | Told] | None
log = logging.getLogger("sml_agents.agents")


@runtime_checkable
class Decider(Protocol):
    """Proposes questions, or says what was told; None or nothing when all that is needed is known."""

    def questions(self, view: AgentView) -> Proposal | Awaitable[Proposal]: ...


CLOSERS = re.compile(
    r"[^.!?\n]*\b(?:can i (?:also )?(?:assist|help)|let me know if|(?:else|more) can i|feel free)\b[^.!?\n]*[.!?]*",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Whether a model's text asks the person for something, by the rules that label a student's turns.

    An agent's offers of more help do not count.
    """
    label = classify(CLOSERS.sub("", text))
    return label.act is Act.CLARIFICATION or label.by == "rule:many"


class StudentDecider:
    """A chat model that sees what the agent's own model would and either asks or does not: its question is asked, all
    else ignored, calls too.

    `model` is a chat model or a backend spec, for instance `transformers:runs/from-logs/model`. `system` is its system
    prompt; None takes the agent's, as lessons of its logs have it. Where the agent has neither a prompt nor tools, the
    model is shown what was said alone, under the prompt that students are trained with. Consulted when the person has
    spoken, not before tool calls.
    """

    def __init__(self, model: str | BaseChatModel, *, system: str | None = None) -> None:
        self.model = _internal(resolve(model))
        self.system = system

    async def questions(self, view: AgentView) -> str | None:
        """The model's turn, if it asks. Raises what the model raises."""
        if view.calls:
            return None
        system = view.system if self.system is None else self.system
        tools = [convert_to_openai_tool(tool) for tool in view.tools.values()]
        if system or tools:
            messages = [*([SystemMessage(system)] if system else []), *view.messages]
        else:
            messages = chat_messages(view.history, Role.STUDENT, render("student"))
        reply = await ask_with_tools(self.model, messages, tools, seed=0)
        return reply.text if not reply.tool_calls and asks(reply.text) else None


def _internal(model: BaseChatModel) -> BaseChatModel:
    """The model marked as one whose words are not the agent's."""
    metadata = {**(model.metadata or {}), "lc_source": "clarify", **_internal_call()}
    return model.model_copy(update={"tags": [*(model.tags or []), TAG_NOSTREAM], "metadata": metadata})


def _internal_call() -> dict[str, Any]:
    """How middleware marks its own model calls, so that recorders skip them."""
    try:
        from langchain.agents.middleware.internal_call_transformer import internal_call_metadata
    except ImportError:
        return {}
    return dict(internal_call_metadata())


class RequiredFields:
    """Asks for each required field of a pydantic model that the person has not told, before the agent acts.

    The field's value in the drafted call must be grounded (see `sml_agents.agents.grounding`); a field that the call
    does not hold must be told in its kind of value: a date, a time, a number, a member of a `Literal` or enum, a match
    of its `pattern`; a text is what the person answers.

    `tools`: ask only before calls of these, names or tools; None: before any. `extract`: reads the values instead of
    the rules: a chat model (it needs structured output), or a callable from the person's words to a dict, also
    asynchronous. The question of a field is `json_schema_extra={"question": ...}`, or made from its description or
    name. `now`: what "tomorrow" is counted from; None: the system's clock.
    """

    def __init__(
        self,
        fields: type[BaseModel],
        *,
        tools: Collection[Any] | None = None,
        extract: BaseChatModel | Callable[[str], Any] | None = None,
        now: Now | None = None,
    ) -> None:
        self.slots = slots_of_model(fields)
        if not self.slots:
            raise InputError(f"{fields.__name__} has no required field, so there is nothing to ask for.")
        if isinstance(tools, str):
            raise InputError("tools is a list of tools or of their names, not one text.")
        self.fields = fields
        self.tools = None if tools is None else frozenset(map(tool_name, tools))
        self.extract = extract
        self.now = now
        if isinstance(extract, BaseChatModel):
            load("extract")
            required = {name: field for name, field in fields.model_fields.items() if field.is_required()}
            optional: Any = {name: (field.annotation | None, None) for name, field in required.items()}  # type: ignore[operator]
            known = create_model(f"Known{fields.__name__}", **optional)
            reader = extract.with_structured_output(known)
            self._reader = reader.with_config(
                tags=[TAG_NOSTREAM], metadata={"lc_source": "clarify", **_internal_call()}
            )

    def __call__(self, view: AgentView) -> Any:
        return self.questions(view)

    async def questions(self, view: AgentView) -> list[Question]:
        """One question for each field that is not told. Raises what `extract` raises, InputError for unknown tools."""
        if self.tools is not None and view.tools and (unknown := sorted(self.tools - set(view.tools))):
            raise InputError(f"No tool is named {', '.join(unknown)}: the agent's are {', '.join(sorted(view.tools))}.")
        calls = [call for call in view.calls if self.tools is None or call["name"] in self.tools]
        if not view.acting or (view.calls and not calls):
            return []
        request = await asyncio.to_thread(
            Request.read, view.messages, lambda name: self.tools is None or name in self.tools
        )
        if self.extract is not None:
            values = await self._extracted(request.told)
            missing = [slot for slot in self.slots if not self._agrees(slot, values.get(slot.own_name), calls)]
            return [slot.question(again=bool(request.asked.get(slot.name))) for slot in missing]
        drafted = [call["args"] for call in calls] or [{}]
        found = [
            await asyncio.to_thread(self.grounds, request, given) for given in drafted
        ]  # dates are read from files
        return list(questions_for([one for grounds in found for one in grounds], request.asked))

    def grounds(self, request: Request, arguments: Mapping[str, Any]) -> tuple[Ground, ...]:
        """Where each field comes from; a field is found in the call's arguments at any depth."""
        values = {slot.path: _somewhere(arguments, slot.own_name) for slot in self.slots}
        slots = [
            replace(
                slot,
                path=(slot.own_name,) if values[slot.path] is not None else slot.path,
                in_call=values[slot.path] is not None,
            )
            for slot in self.slots
        ]
        given = {
            slot.own_name: value for slot, value in zip(self.slots, values.values(), strict=True) if value is not None
        }
        return ground(given, slots, request, self.clock())

    def clock(self) -> Clock:
        """What relative dates are counted from."""
        now = self.now() if callable(self.now) else self.now
        return Clock(now or dt.datetime.now().replace(microsecond=0, second=0))

    def _agrees(self, slot: Slot, value: Any, calls: Sequence[Any]) -> bool:
        if value in (None, ""):
            return False
        drafted = [found for call in calls if (found := _somewhere(call["args"], slot.own_name)) is not None]
        return all(same(slot.kind(found), str(value), found, self.clock()) for found in drafted)

    async def _extracted(self, told: str) -> dict[str, Any]:
        if isinstance(self.extract, BaseChatModel):
            prompt = [SystemMessage(render("extract")), HumanMessage(escape(told))]
            found = await self._reader.ainvoke(prompt)
            return found.model_dump() if isinstance(found, BaseModel) else dict(found or {})
        assert self.extract is not None
        if inspect.iscoroutinefunction(self.extract):
            return dict(await self.extract(told) or {})
        found = await asyncio.to_thread(self.extract, told)
        return dict((await found if inspect.isawaitable(found) else found) or {})


def _somewhere(arguments: Any, name: str) -> Any:
    """The argument of a name, at any depth."""
    if isinstance(arguments, Mapping):
        if name in arguments:
            return arguments[name]
        return next((found for one in arguments.values() if (found := _somewhere(one, name)) is not None), None)
    return None


class ToldReader:
    """A chat model reads what rules cannot: that somebody who asks for a gig has said `Music`.

    It is asked for each argument of a drafted call, a choice or a text, that the rules find unknown, and answers with
    the person's own words. They count only if they stand in what was said; what is contradicted is not read again. It
    never asks. A model that quotes at random lets guesses through: measure yours.
    """

    def __init__(self, model: str | BaseChatModel) -> None:
        self.model = _internal(resolve(model))
        load("told")

    async def questions(self, view: AgentView) -> list[Told]:
        """What was told, an argument each. Raises what the model raises."""
        unknown = [one for grounds in view.grounds.values() for one in grounds if may_be_told(one)]
        wanted = {one.slot.name: one for one in unknown}
        found = [
            Told(about=name, words=words) for name, one in wanted.items() if (words := await self._read(one, view))
        ]
        return found

    async def _read(self, one: Ground, view: AgentView) -> str:
        asked = {"argument": one.slot.name, "meaning": one.slot.what(), "value": one.value}
        asked |= {"choices": one.slot.options} if one.slot.options else {}
        shown = json.dumps({**asked, "person": view.told}, ensure_ascii=False, default=str)
        reply = await ask_model(self.model, [SystemMessage(render("told")), HumanMessage(escape(shown))], seed=0)
        words = reply.text.strip().strip("\"'`").strip(" .")
        return "" if words.casefold() in ("", "none") else words


class DecisionDecider:
    """A decision model says how likely each required argument of a drafted call is missing.

    `ask_above`: from this probability on it is asked for. The model sees the tools' schemas, the conversation, the
    drafted call and what the rules found; it is asked one yes-or-no question an argument.
    """

    def __init__(self, model: BaseDecisionModel, *, ask_above: float = 0.5) -> None:
        if not 0.0 <= ask_above <= 1.0:
            raise InputError(f"ask_above is a probability between 0 and 1, not {ask_above}.")
        self.model, self.ask_above = model, ask_above

    async def questions(self, view: AgentView) -> list[Question]:
        """A question for each argument that is missing with at least `ask_above`. Raises what the model raises."""
        wanted: dict[str, Ground] = {}
        for call in view.calls:
            for one in view.grounds.get(call["id"] or "", ()):
                wanted.setdefault(one.slot.name, one)
        if not wanted:
            return []
        nouls = {
            name: Noul(
                instructions=f"Is the value of the argument `{name}` missing, so that the person must be asked for it?"
            )
            for name in wanted
        }
        config: Any = {"tags": [TAG_NOSTREAM], "metadata": {"lc_source": "clarify", **_internal_call()}}
        answer = await self.model.ainvoke({"state": _shown(view), "questions": nouls}, config)
        found = answer.nouls
        return [
            one.slot.question() for name, one in wanted.items() if name in found and found[name].noul >= self.ask_above
        ]


def _shown(view: AgentView) -> Any:
    """What a decision model sees, as JSON."""
    return json.loads(
        json.dumps(
            {
                "conversation": [{"role": role.value, "text": text} for role, text in view.history],
                "tools": {name: [slot.own_name for slot in slots_of(one)] for name, one in view.tools.items()},
                "calls": [{"name": call["name"], "arguments": call["args"]} for call in view.calls],
                "known": {one.slot.name: one.state.value for grounds in view.grounds.values() for one in grounds},
            },
            default=str,
        )
    )


class DecisionModel(BaseDecisionModel):
    """A decider of this package as a decision model: for each yes-or-no question, P(something is missing).

    The state is a conversation (messages, or `{"messages": [...], "calls": [...], "tools": [...]}`). A question whose
    id names an argument is answered for it, any other for the whole. The asker answers with its probability, for which
    it needs the tools; rules and models that only say yes or no answer 1 or 0.
    """

    model: str = "sml-agents"
    decider: Any

    @property
    def _provider(self) -> str:
        return "sml-agents"

    def _classify(self, state: Any, questions: dict[str, Any]) -> ClassifierResponse:
        given = state if isinstance(state, Mapping) else {"messages": state}
        talk = given.get("messages", [])
        messages = convert_to_messages([("user", talk)] if isinstance(talk, str) else talk)
        calls = tuple({"id": str(k), "type": "tool_call", **call} for k, call in enumerate(given.get("calls", ())))
        tools = {tool_name(tool): tool for tool in given.get("tools", ())}
        view = AgentView(messages, calls, acting=bool(calls), tools=tools)  # type: ignore[arg-type]
        decider = as_decider(self.decider)
        if isinstance(decider, AskerDecider):
            found = decider.probabilities(view)
            whole = max(found.values(), default=0.0)
            read: Any = {name: NoulAnswer(type="noul", noul=found.get(name, whole)) for name in questions}
            return ClassifierResponse(model="sml-agents", answers=read)
        asked, failure, _ = decide([decider], view)
        if failure is not None:
            raise failure
        about = {question.about for question in asked}
        answers: Any = {
            name: NoulAnswer(
                type="noul", noul=float(name in about or (bool(asked) and not _names_a_field(name, self.decider)))
            )
            for name in questions
        }
        return ClassifierResponse(model="sml-agents", answers=answers)


def _names_a_field(name: str, decider: Any) -> bool:
    """Whether a question's id names one of the decider's fields."""
    slots = getattr(decider, "slots", ()) or (slots_of_model(decider) if isinstance(decider, type) else ())
    return any(name in (slot.name, slot.own_name) for slot in slots)


class _Callable:
    def __init__(self, function: Callable[[AgentView], Any]) -> None:
        self.questions = function


def as_decider(given: Any, ask_above: float = 0.5) -> Decider:
    """A decider out of what a user may give: one, a pydantic model, a chat or decision model, a spec, a callable."""
    if isinstance(given, type) and issubclass(given, BaseModel):
        return RequiredFields(given)
    if isinstance(given, BaseDecisionModel):
        return DecisionDecider(given, ask_above=ask_above)
    if isinstance(given, str) and given.startswith("asker:"):
        return AskerDecider(given, drafts_only=True)  # before a draft, it knows nothing of what the guard's rules read
    if isinstance(given, str):
        try:
            return StudentDecider(given)
        except BackendSpecError as error:
            raise BackendSpecError(f"{error} A decider may also be asker: (ready) or asker:FOLDER.") from None
    if isinstance(given, BaseChatModel):
        return StudentDecider(given)
    if isinstance(given, Decider):
        return given
    if callable(given):
        return _Callable(given)
    raise InputError(
        "A decider is a pydantic model, a chat model or its spec, a decision model, or a callable, "
        f"not {type(given).__name__}."
    )


class Decision(NamedTuple):
    """What several deciders propose together."""

    questions: tuple[Question, ...] = ()
    failure: Exception | None = None
    """Of one of them."""
    told: tuple[Told, ...] = ()

    def with_proposal(self, proposed: Proposal) -> Decision:
        found = as_proposals(proposed)
        questions = [one for one in found if isinstance(one, Question)]
        told = [one for one in found if isinstance(one, Told)]
        return Decision((*self.questions, *questions), self.failure, (*self.told, *told))

    def with_failure(self, error: Exception) -> Decision:
        """A decider that breaks must not break the agent; a wrong setting is still said at once."""
        if isinstance(error, GraphBubbleUp | InputError | MissingExtra):
            raise error
        return self._replace(failure=error)


async def adecide(deciders: Sequence[Decider], view: AgentView) -> Decision:
    """What `deciders` propose. A synchronous one runs in a thread; one that fails proposes nothing."""
    decision = Decision()
    for decider in deciders:
        try:
            if inspect.iscoroutinefunction(decider.questions):
                proposed: Any = await decider.questions(view)
            else:
                proposed = await asyncio.to_thread(decider.questions, view)
                proposed = await proposed if inspect.isawaitable(proposed) else proposed
            decision = decision.with_proposal(proposed)
        except Exception as error:
            decision = decision.with_failure(error)
    return decision


def decide(deciders: Sequence[Decider], view: AgentView) -> Decision:
    """The same for synchronous callers."""
    decision = Decision()
    for decider in deciders:
        try:
            proposed: Any = decider.questions(view)
            proposed = run_sync(_awaited(proposed)) if inspect.isawaitable(proposed) else proposed
            decision = decision.with_proposal(proposed)
        except Exception as error:
            decision = decision.with_failure(error)
    return decision


async def _awaited(found: Awaitable[Proposal]) -> Proposal:
    return await found
