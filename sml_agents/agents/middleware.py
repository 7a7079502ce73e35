"""`ClarifyMiddleware`: an agent of `langchain.agents.create_agent` asks for what it needs, and never acts on a guess.

    agent = create_agent(model, tools, middleware=[ClarifyMiddleware()])

Asking and allowing are two things. A draft that calls a guarded tool is looked at before anything runs: each required
argument must be grounded (`sml_agents.agents.grounding`). Where one is not, the draft is replaced by a question, or the
call gets a result that says what is unknown; it never runs. Under `interrupt` the pause stands alone in a node of its
own after the model's, so nothing is paid for twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, cast

try:
    from langchain.agents.middleware import (
        AgentMiddleware,
        AgentState,
        ExtendedModelResponse,
        ModelRequest,
        ModelResponse,
        hook_config,
    )
    from langchain.agents.middleware.types import OmitFromInput, PrivateStateAttr
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("ClarifyMiddleware", "agents") from error
from langchain_core.messages import AIMessage, RemoveMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime
from pydantic import BaseModel

from sml_agents.agents.asking import ASK_USER, Limits, Question, answer_message, asked_by, person_spoke
from sml_agents.agents.deciders import Decider, Decision, adecide, as_decider, decide
from sml_agents.agents.delivery import Delivery, ask_user, pause, repaired
from sml_agents.agents.drafts import draft_of, open_calls
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import as_told
from sml_agents.agents.guard import Guard, Guarding, Now
from sml_agents.agents.own_model import as_its_turn, asked_in, prepared, without_asking
from sml_agents.agents.repeats import repeated
from sml_agents.agents.slots import Names, tool_name
from sml_agents.agents.turn import OnTrouble, Terms, Turn, Unanswered, WhenUnknown
from sml_agents.agents.verdict import CHECKED, Guarded, asking, judged, not_again, refusal, still_open, why_not
from sml_agents.agents.view import AgentView
from sml_agents.backends.loops import run_sync
from sml_agents.errors import InputError, one_line
from sml_agents.roles.prompts import load
from sml_agents.text.values.date_phrases import LANGUAGES

__all__ = ["ClarifyMiddleware"]

log = logging.getLogger("sml_agents.agents")


class ClarifyState(AgentState[Any]):
    """What the guard keeps."""

    clarify_said: NotRequired[Annotated[list[dict[str, Any]], PrivateStateAttr]]
    """The person's words about the request, for histories that are cut or summarised."""
    clarify_values: NotRequired[Annotated[dict[str, Any], OmitFromInput]]
    """Of the last guarded call that was let through: `tool`, `values`, and the `sources` of its required arguments."""
    clarify_missing: NotRequired[Annotated[list[dict[str, Any]], OmitFromInput]]
    """What was missing when a run ended without its call: `path`, `tool`, `state` and the `question` of each."""


@dataclass(frozen=True)
class _CallModel:
    request: ModelRequest[Any]


@dataclass(frozen=True)
class _Done:
    value: Any


@dataclass(frozen=True)
class _Search:
    """Read the store."""

    store: Any
    namespace: tuple[str, ...]


_Steps = Generator[AgentView | _CallModel | _Search, Any, ModelResponse[Any] | ExtendedModelResponse[Any]]


class ClarifyMiddleware(AgentMiddleware[ClarifyState, Any, Any]):
    """Asks the person for what is missing, waits, and goes on; runs no guarded call on a value that nobody gave.

    `decider`: who asks beside the guard. None: the agent's own model; a pydantic model, or `{tool: model}`, that says
    more about the tools' arguments; a chat model or backend spec of a separate asker; a decision model of
    langchain-core (`ask_above`: its threshold); any callable; or a list of these (see `sml_agents.agents.deciders`).
    `delivery`: see `sml_agents.agents.delivery.Delivery`; `interrupt` and `tool` need a checkpointer.
    `limits`: how much may be asked.

    `guard`: the guarded tools, or their names; None: every tool with a required argument that is not marked read-only,
    by MCP's `readOnlyHint` or in `read_only`. Unguarded calls of a message run before the person is asked.
    `when_unknown`: `ask`, `block` (refuse the call at once), or `let_go`. `on_limit`, `on_error`: what becomes of the
    call when nothing more may be asked, or a decider fails: `block` or `let_go`. `on_repeat`: the same of a guarded
    call that has succeeded in this request already, and that the person has not asked for again or for several times.
    `on_unanswered`, for runs where nobody
    is there: `refuse` the call and go on, `end` the run with `clarify_missing` in the state, or a callable
    `(questions) -> replies`; None: somebody is.

    `optional`: names of arguments that a tool does not require and that somebody has to have given all the same where
    a call holds them, True for all. `written`: names of arguments that the model composes (default:
    `sml_agents.agents.slots.WRITTEN`). `guessable`:
    arguments that may be assumed when the person says to go on. `trust`: tools whose results ground values (None: all).
    `given`: data, or a callable that returns it, that grounds values beside the system prompt, the state and the run's
    context; `store_namespace`: read from the store too. `now`, `time_zone`, `languages`: for dates.
    `policy`: the text for the agent's own model, appended to its system prompt; None: this package's; empty: none.

    What a model streams before its draft is replaced has been shown. A tool's text can ground a value, injected text
    included: name the trusted tools where that matters.
    """

    state_schema = ClarifyState

    def __init__(
        self,
        decider: Any = None,
        *,
        delivery: Delivery = "end_turn",
        limits: Limits | None = None,
        guard: Sequence[Any] | None = None,
        read_only: Sequence[Any] = (),
        when_unknown: WhenUnknown = "ask",
        on_limit: OnTrouble = "block",
        on_error: OnTrouble = "block",
        on_repeat: OnTrouble = "block",
        on_unanswered: Unanswered = None,
        ask_above: float = 0.5,
        written: Collection[str] | None = None,
        guessable: Collection[str] = (),
        trust: Sequence[Any] | None = None,
        given: Any = None,
        store_namespace: tuple[str, ...] | None = None,
        now: Now | None = None,
        time_zone: dt.tzinfo | None = None,
        languages: Sequence[str] = LANGUAGES,
        optional: Names = False,
        policy: str | None = None,
    ) -> None:
        super().__init__()
        fields, others = _parts(decider)
        own = fields is None and not others
        self.terms = Terms(
            delivery, limits or Limits(), when_unknown, on_limit, on_error, on_repeat, on_unanswered, policy, own
        )
        self.deciders: list[Decider] = [as_decider(one, ask_above) for one in others]
        self.guard = Guard(
            fields,
            Guarding(
                guard, read_only, written, guessable, trust, given, store_namespace, now, time_zone, languages, optional
            ),
        )
        self.tools = [ask_user] if delivery == "tool" or own else []
        self._logged: set[str] = set()
        load("ask_policy")

    # Before the agent

    def before_agent(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Repairs tool calls left hanging by a person who wrote a message instead of resuming; keeps what was said."""
        messages = state["messages"]
        changes: dict[str, Any] = {}
        whole = repaired(messages)
        if whole is not None:
            changes["messages"] = [RemoveMessage(REMOVE_ALL_MESSAGES), *whole]
        said = state.get("clarify_said", ())
        request = Request.read(whole or messages, self.guard.may_guard, self.guard.trust, said)
        changes["clarify_said"] = request.kept()
        if state.get("clarify_missing"):
            changes["clarify_missing"] = []
        return changes

    async def abefore_agent(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        return await asyncio.to_thread(self.before_agent, state, runtime)

    # Around the model

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]) -> Any:
        """Puts a question, or a refusal, in place of a draft that would act on a guess."""
        steps = self._steps(request)
        todo = next(steps)
        while True:
            try:
                if isinstance(todo, _CallModel):
                    todo = steps.send(handler(todo.request))
                elif isinstance(todo, _Search):
                    todo = steps.send(todo.store.search(todo.namespace, limit=100))
                else:
                    todo = steps.send(decide(self.deciders, todo))
            except StopIteration as done:
                return done.value

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same, asynchronously; the rules run in a thread, since they read the data of languages from files."""
        steps = self._steps(request)

        def advance(found: Any) -> Any:
            try:
                return steps.send(found)
            except StopIteration as done:
                return _Done(done.value)

        todo = await asyncio.to_thread(advance, None)
        while not isinstance(todo, _Done):
            found: Any
            if isinstance(todo, _CallModel):
                found = await handler(todo.request)
            elif isinstance(todo, _Search):
                found = await todo.store.asearch(todo.namespace, limit=100)
            else:
                found = await adecide(self.deciders, todo)
            todo = await asyncio.to_thread(advance, found)
        return todo.value

    def _steps(self, request: ModelRequest[Any]) -> _Steps:
        """What to do around one model call. Yields what must be waited for, so that both kinds of caller share it."""
        terms, tools = self.terms, {name: tool for tool in request.tools if (name := tool_name(tool))}
        self.guard.check(tools)
        store = getattr(request.runtime, "store", None)
        found: Any = ()
        if self.guard.wanted.store_namespace is not None and store is not None:
            found = yield _Search(store, self.guard.wanted.store_namespace)
        turn = self._turn(request, tools, [item.value for item in found])
        if self.deciders and turn.may_ask and person_spoke(turn.request.messages):
            decision = yield turn.view()
            self._note(decision.failure)
            if due := still_open((), decision.questions, turn.talk):
                return asking(due[: turn.may_ask], turn, terms.delivery)
        response = yield _CallModel(prepared(turn, terms))
        if terms.own_model and (asked := asked_in(draft_of(response), turn, terms)):
            if turn.may_ask:
                return as_its_turn(response, asked, turn, terms)
            response = without_asking((yield _CallModel(prepared(turn, terms, told_not_to=True))))
        calls = open_calls(response)
        guarded = tuple(call for call in calls if self.guard.guards(call["name"], tools))
        if not guarded:
            return cast(ModelResponse[Any], response)
        again: dict[str, str | None] = {}
        if terms.on_repeat == "block":
            again = repeated(guarded, turn.talk, tools, self.guard)
        twice = tuple((call, again[call["id"] or ""]) for call in guarded if (call["id"] or "") in again)
        if twice:
            calls, guarded = (tuple(c for c in some if (c["id"] or "") not in again) for some in (calls, guarded))
        grounds = self.guard.grounds_of(guarded, tools, turn.talk, turn.outside)
        decision = (yield turn.view(guarded, grounds)) if self.deciders and guarded else Decision()
        self._note(decision.failure)
        if words := {one.about: one.words for one in decision.told}:
            grounds = {id: as_told(found, words, turn.talk, self.guard.clock()) for id, found in grounds.items()}
        draft = Guarded(response, calls, guarded, grounds, decision.questions, decision.failure, twice)
        return judged(draft, turn, terms, self.guard)

    def _turn(self, request: ModelRequest[Any], tools: Mapping[str, Any], stored: Sequence[Any]) -> Turn:
        state = cast(ClarifyState, request.state)
        talk = Request.read(
            request.messages,
            lambda name: self.guard.guards(name, tools),
            self.guard.trust,
            state.get("clarify_said", ()),
        )
        context = getattr(request.runtime, "context", None)
        system = request.system_message.text if request.system_message is not None else ""
        outside = self.guard.outside(system, cast(Mapping[str, Any], state), context, stored)
        return Turn(request, talk, tools, outside, self.terms.left(talk, request.messages))

    def _note(self, failure: Exception | None) -> None:
        """A failure is one line, once."""
        if failure is None:
            return
        line = f"{type(failure).__name__}: {one_line(failure, 300)}"
        if line not in self._logged:
            self._logged.add(line)
            then = "guarded calls are not run" if self.terms.on_error == "block" else "nothing is asked"
            log.warning("a decider failed, so %s: %s", then, line)

    # After the model

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Under `interrupt`, pauses at a question; the answer becomes the person's message."""
        questions = asked_by(state["messages"][-1]) if state["messages"] else ()
        if not questions or (self.terms.delivery != "interrupt" and not callable(self.terms.on_unanswered)):
            return None
        if callable(answer := self.terms.on_unanswered):
            found = answer(questions)
            replies = run_sync(_awaited(found)) if isinstance(found, Awaitable) else found
            return self._answered(state, questions, replies)
        return {"messages": [answer_message(pause(questions), questions)], "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        questions = asked_by(state["messages"][-1]) if state["messages"] else ()
        answer = self.terms.on_unanswered
        if not questions or not callable(answer):
            return self.after_model(state, runtime)
        found = answer(questions)
        return self._answered(state, questions, await found if isinstance(found, Awaitable) else found)

    def _answered(self, state: ClarifyState, questions: Sequence[Question], replies: Any) -> dict[str, Any]:
        """What a callable answered in the person's place."""
        texts = [replies] if isinstance(replies, str) else [str(reply or "") for reply in replies or [""]]
        last = state["messages"][-1]
        calls = last.tool_calls if isinstance(last, AIMessage) else []
        if calls:
            text = "\n".join(texts)
            return {
                "messages": [ToolMessage(text, name=ASK_USER, tool_call_id=call["id"] or "") for call in calls],
                "jump_to": "model",
            }
        return {"messages": [answer_message(texts, questions)], "jump_to": "model"}

    # Before a tool

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]) -> Any:
        """The last gate: a guarded call that the guard has not let through does not run."""
        refused = self._gate(request)
        return handler(request) if refused is None else refused

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        """The same, asynchronously."""
        refused = await asyncio.to_thread(self._gate, request)
        return await handler(request) if refused is None else refused

    def _gate(self, request: ToolCallRequest) -> ToolMessage | None:
        """A result in place of a guarded call that came past the guard, such as one that other middleware made up."""
        call, tool = request.tool_call, request.tool
        tools = {call["name"]: tool}
        if tool is None or not self.guard.guards(call["name"], tools):
            return None
        messages = request.state["messages"] if isinstance(request.state, Mapping) else []
        made = next(
            (
                m
                for m in reversed(messages)
                if isinstance(m, AIMessage) and any(c["id"] == call["id"] for c in m.tool_calls)
            ),
            None,
        )
        if made is not None and call["id"] in (made.response_metadata.get(CHECKED) or ()):
            return None
        talk = Request.read(messages, lambda name: self.guard.guards(name, tools), self.guard.trust)
        if self.terms.on_repeat == "block":
            before = [c for c in made.tool_calls if c["name"] == call["name"]] if made is not None else [call]
            upto = before[: next((k for k, c in enumerate(before) if c["id"] == call["id"]), 0) + 1]
            again = repeated(upto, talk, tools, self.guard)
            if (call["id"] or "") in again:
                return not_again(call, again[call["id"] or ""])
        if self.terms.when_unknown == "let_go":
            return None
        unknown = [one for one in self.guard.grounds(call, tool, talk, ()) if not one.ok]
        withdrawn = talk.for_tool(call["name"]).withdrawn
        if not unknown and not withdrawn:
            return None
        return refusal(call, why_not(unknown, withdrawn), "Do not guess.")


async def _awaited(found: Awaitable[Any]) -> Any:
    return await found


def _parts(decider: Any) -> tuple[Any, list[Any]]:
    """What a builder gave as deciders: fields that say more about the tools' arguments, and the others."""
    given = list(decider) if isinstance(decider, list | tuple) else [] if decider is None else [decider]
    fields = [
        one for one in given if isinstance(one, Mapping) or (isinstance(one, type) and issubclass(one, BaseModel))
    ]
    if len(fields) > 1:
        raise InputError("Give one pydantic model, or one {tool: model}, not several.")
    for one in fields:
        if isinstance(one, Mapping) and not all(
            isinstance(model, type) and issubclass(model, BaseModel) for model in one.values()
        ):
            raise InputError("{tool: model} needs a pydantic model for each tool.")
    return (fields[0] if fields else None), [one for one in given if one not in fields]
