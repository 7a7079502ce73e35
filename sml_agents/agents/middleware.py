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
from typing import Annotated, Any, Literal, NotRequired, cast, get_args

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
    from langchain.agents.structured_output import ToolStrategy
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("ClarifyMiddleware", "agents") from error
from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage, SystemMessage, ToolCall, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import BaseModel

from sml_agents.agents.asking import (
    ASK_USER,
    MARK,
    NOT_RUN,
    REFUSED,
    Limits,
    Question,
    answer_message,
    asked_by,
    person_spoke,
)
from sml_agents.agents.deciders import Decider, adecide, as_decider, decide
from sml_agents.agents.delivery import Delivery, ask_user, pause, question_message, repaired, spoken
from sml_agents.agents.drafts import calls_left, draft_of, is_question, merged_asking, open_calls, with_calls
from sml_agents.agents.evidence import Piece, Request
from sml_agents.agents.grounding import Ground, State
from sml_agents.agents.guard import Guard, Now, questions_for
from sml_agents.agents.slots import tool_name
from sml_agents.agents.view import AgentView
from sml_agents.backends.loops import run_sync
from sml_agents.errors import InputError, one_line
from sml_agents.roles.prompts import load, render
from sml_agents.text.values.dates import LANGUAGES
from sml_agents.types import stable_hash

__all__ = ["ClarifyMiddleware"]

log = logging.getLogger("sml_agents.agents")

WhenUnknown = Literal["ask", "block", "let_go"]
OnTrouble = Literal["block", "let_go"]
Unanswered = Literal["refuse", "end"] | Callable[..., Any] | None
CHECKED = "clarify_checked"
"""Key in `response_metadata`: the ids of the calls that the guard has let through."""
_MOST_REFUSALS = 2
"""A model that repeats a refused call is refused this often; then its turn ends with what is missing."""


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


@dataclass(frozen=True)
class _Turn:
    """One model call: the conversation as the guard reads it, and what may be asked now."""

    request: ModelRequest[Any]
    talk: Request
    tools: Mapping[str, Any]
    outside: tuple[Piece, ...]
    may_ask: int

    def view(
        self, calls: tuple[ToolCall, ...] = (), grounds: Mapping[str, tuple[Ground, ...]] | None = None
    ) -> AgentView:
        request = self.request
        state = cast(Mapping[str, Any], request.state)
        store = getattr(request.runtime, "store", None)
        return AgentView(tuple(request.messages), calls, bool(calls), self.tools, grounds or {}, state, store)


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
    call when nothing more may be asked, or a decider fails: `block` or `let_go`. `on_unanswered`, for runs where nobody
    is there: `refuse` the call and go on, `end` the run with `clarify_missing` in the state, or a callable
    `(questions) -> replies`; None: somebody is.

    `written`: names of arguments that the model composes (default: `sml_agents.agents.slots.WRITTEN`). `guessable`:
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
        policy: str | None = None,
    ) -> None:
        super().__init__()
        _one_of("delivery", delivery, Delivery)
        _one_of("when_unknown", when_unknown, WhenUnknown)
        _one_of("on_limit", on_limit, OnTrouble)
        _one_of("on_error", on_error, OnTrouble)
        if on_unanswered not in (None, "refuse", "end") and not callable(on_unanswered):
            raise InputError(f"on_unanswered is refuse, end, a callable or None, not {on_unanswered!r}.")
        fields, others = _parts(decider)
        self.deciders: list[Decider] = [as_decider(one, ask_above) for one in others]
        self.own_model = fields is None and not others
        self.guard = Guard(
            fields,
            tools=guard,
            read_only=read_only,
            written=written,
            guessable=guessable,
            trust=trust,
            given=given,
            store_namespace=store_namespace,
            now=now,
            time_zone=time_zone,
            languages=languages,
        )
        self.delivery: Delivery = delivery
        self.limits = limits or Limits()
        self.when_unknown: WhenUnknown = when_unknown
        self.on_limit, self.on_error = on_limit, on_error
        self.on_unanswered: Unanswered = on_unanswered
        self.policy = policy
        self.tools = [ask_user] if delivery == "tool" or self.own_model else []
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
        request = Request.read(whole or messages, self._may_be_guarded, self.guard.trust, state.get("clarify_said", ()))
        changes["clarify_said"] = request.kept()
        if state.get("clarify_missing"):
            changes["clarify_missing"] = []
        return changes

    async def abefore_agent(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        return await asyncio.to_thread(self.before_agent, state, runtime)

    def _may_be_guarded(self, name: str) -> bool:
        """Whether a tool's success ends a request, told by its name alone."""
        return name != ASK_USER and (
            name in self.guard.tools if self.guard.tools is not None else name not in self.guard.read_only
        )

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
        tools = {name: tool for tool in request.tools if (name := tool_name(tool))}
        self.guard.check(tools)
        store = getattr(request.runtime, "store", None)
        found: Any = ()
        if self.guard.store_namespace is not None and store is not None:
            found = yield _Search(store, self.guard.store_namespace)
        turn = self._turn(request, tools, [item.value for item in found])
        if self.deciders and turn.may_ask and person_spoke(turn.request.messages):
            proposed, failure = yield turn.view()
            self._note(failure)
            if due := _open((), proposed, turn.talk):
                return self._asking(due[: turn.may_ask], turn)
        response = yield _CallModel(self._prepared(turn))
        draft = draft_of(response)
        if self.own_model and (asked := self._asked_in(draft, turn)):
            if turn.may_ask:
                return self._asked(response, asked, turn)
            response = yield _CallModel(self._prepared(turn, told_not_to=True))
            response = self._told_not_to_ask(response)
            draft = draft_of(response)
        calls = open_calls(response)
        guarded = tuple(call for call in calls if self.guard.guards(call["name"], tools))
        if not guarded:
            return cast(ModelResponse[Any], response)
        grounds = {
            call["id"] or "": self.guard.grounds(call, tools[call["name"]], turn.talk, turn.outside) for call in guarded
        }
        failure = None
        proposed = ()
        if self.deciders:
            proposed, failure = yield turn.view(guarded, grounds)
            self._note(failure)
        return self._judged(response, calls, guarded, grounds, proposed, failure, turn)

    def _turn(self, request: ModelRequest[Any], tools: Mapping[str, Any], stored: Sequence[Any]) -> _Turn:
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
        return _Turn(request, talk, tools, outside, self._left(talk, request.messages))

    def _left(self, talk: Request, messages: Sequence[BaseMessage]) -> int:
        """How many questions may be asked now."""
        limits = self.limits
        if talk.withdrawn or talk.went_on or talk.rounds >= limits.per_request:
            return 0
        left = limits.per_run
        if limits.per_thread is not None:
            left = min(left, limits.per_thread - sum(len(asked_by(message)) for message in messages))
        return max(0, left)

    def _judged(
        self,
        response: Any,
        calls: Sequence[ToolCall],
        guarded: Sequence[ToolCall],
        grounds: Mapping[str, tuple[Ground, ...]],
        proposed: Sequence[Question],
        failure: Exception | None,
        turn: _Turn,
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Lets the guarded calls of a draft run together, asks, or refuses them."""
        unknown = [one for call in guarded for one in grounds[call["id"] or ""] if not one.ok]
        wanted = _open(questions_for(unknown, turn.talk.asked), proposed, turn.talk)
        blocked = (
            bool(unknown) or bool(wanted) or turn.talk.withdrawn or (failure is not None and self.on_error == "block")
        )
        if self.when_unknown == "let_go" or not blocked:
            return self._let_through(response, calls, guarded, grounds)
        first = calls_left(calls, guarded, turn.request.messages)
        if first and not turn.talk.withdrawn:  # they may bring what is missing
            return self._only(response, first)
        if unknown and all(one.corrected for one in unknown) and not proposed and not turn.talk.refusals:
            return self._refused(
                response, guarded, unknown, wanted, failure, turn
            )  # the person has said it: no question
        asks = self.when_unknown == "ask" and self.on_unanswered not in ("refuse", "end")
        if wanted and asks and turn.may_ask:
            return self._asking(wanted[: turn.may_ask], turn)
        limited = bool(wanted) and asks and not turn.talk.withdrawn
        if limited and self.on_limit == "let_go" and failure is None:
            return self._let_through(response, calls, guarded, grounds)
        return self._refused(response, guarded, unknown, wanted, failure, turn)

    def _let_through(
        self,
        response: Any,
        calls: Sequence[ToolCall],
        guarded: Sequence[ToolCall],
        grounds: Mapping[str, tuple[Ground, ...]],
    ) -> ExtendedModelResponse[Any]:
        draft = draft_of(response)
        mark = {CHECKED: [call["id"] for call in calls]}
        draft = draft.model_copy(update={"response_metadata": {**draft.response_metadata, **mark}})
        last = guarded[-1]
        sources = {one.slot.name: one.state.value for one in grounds[last["id"] or ""]}
        values = {"tool": last["name"], "values": dict(last["args"]), "sources": sources}
        return _extended(_replaced(response, draft), {"clarify_values": values, "clarify_missing": []})

    @staticmethod
    def _only(response: Any, first: Sequence[ToolCall]) -> ModelResponse[Any]:
        draft = draft_of(response)
        return _replaced(response, with_calls(draft, first, draft.text))

    def _refused(
        self,
        response: Any,
        guarded: Sequence[ToolCall],
        unknown: Sequence[Ground],
        wanted: Sequence[Question],
        failure: Exception | None,
        turn: _Turn,
    ) -> ExtendedModelResponse[Any]:
        """The calls with a result that says why they did not run; a model that repeats them ends its turn."""
        reason = _why(unknown, wanted, failure, turn.talk.withdrawn)
        missing = [
            {"path": one.slot.name, "state": one.state.value, "question": str(one.slot.question())} for one in unknown
        ]
        update = {"clarify_missing": [{"tool": guarded[0]["name"], **one} for one in missing]}
        draft = draft_of(response)
        most = 1 if turn.talk.withdrawn else _MOST_REFUSALS
        if self.on_unanswered == "end" or turn.talk.refusals >= most:
            words = "All right, I have left it." if turn.talk.withdrawn else f"I have not done this: {reason}"
            return _extended(_replaced(response, with_calls(draft, (), words)), update)
        kept = with_calls(draft, guarded, draft.text)
        tries = self._could_tell(turn) if self.on_unanswered == "refuse" and unknown else ""
        text = f"{NOT_RUN}{reason} Do not guess and do not call it again like this.{tries}"
        results = [
            ToolMessage(
                text,
                name=call["name"],
                tool_call_id=call["id"] or "",
                status="error",
                response_metadata={REFUSED: True},
            )
            for call in guarded
        ]
        return _extended(ModelResponse(result=[kept, *results]), update)

    def _could_tell(self, turn: _Turn) -> str:
        """Tools that change nothing and were not asked yet."""
        called = {message.name for message in turn.request.messages if isinstance(message, ToolMessage)}
        free = [
            name
            for name in turn.tools
            if name != ASK_USER and name not in called and not self.guard.guards(name, turn.tools)
        ]
        return f" These may tell: {', '.join(free)}." if free else ""

    def _note(self, failure: Exception | None) -> None:
        """A failure is one line, once."""
        if failure is None:
            return
        line = f"{type(failure).__name__}: {one_line(failure, 300)}"
        if line not in self._logged:
            self._logged.add(line)
            then = "guarded calls are not run" if self.on_error == "block" else "nothing is asked"
            log.warning("a decider failed, so %s: %s", then, line)

    def _prepared(self, turn: _Turn, told_not_to: bool = False) -> ModelRequest[Any]:
        """The request under the policy; `ask_user` is offered only while it may be used."""
        request = turn.request
        changes: dict[str, Any] = {}
        by_tool = self.delivery == "tool" or _forces_a_tool(request)
        may_ask = turn.may_ask > 0 and not told_not_to and self.on_unanswered not in ("refuse", "end")
        if self.own_model and self.policy != "":
            policy = (
                self.policy
                if self.policy is not None
                else render("ask_policy", may_ask=may_ask, left=turn.may_ask, tool=by_tool)
            )
            changes["system_message"] = _appended(request.system_message, policy)
        if not (self.own_model and may_ask and by_tool):
            kept = [tool for tool in request.tools if tool_name(tool) != ASK_USER]
            if len(kept) < len(request.tools):
                changes["tools"] = kept
        return request.override(**changes) if changes else request

    def _asked_in(self, draft: AIMessage, turn: _Turn) -> tuple[Question, ...]:
        """What the agent's own model asks in its draft."""
        if asked := asked_by(draft.model_copy(update={"response_metadata": {}})):
            return asked
        if self.delivery == "tool" or draft.tool_calls or turn.talk.done or not is_question(draft.text):
            return ()
        return (Question(text=draft.text.strip()),)

    def _asking(self, due: Sequence[Question], turn: _Turn) -> ModelResponse[Any]:
        """A decider's or the guard's questions as the agent's turn."""
        messages = turn.request.messages
        call_id = f"call_{stable_hash([question.text for question in due], len(messages))}"
        return ModelResponse(result=[question_message(due, self.delivery, call_id)])

    def _asked(self, response: Any, asked: Sequence[Question], turn: _Turn) -> ModelResponse[Any]:
        """The own model's question as its turn: marked, in tool form one call, cut to what is allowed."""
        due = tuple(asked[: turn.may_ask])
        draft = draft_of(response)
        mark = {MARK: [question.model_dump(mode="json") for question in due]}
        if not any(call["name"] == ASK_USER for call in draft.tool_calls):
            marked = draft.model_copy(update={"response_metadata": {**draft.response_metadata, **mark}})
        elif self.delivery == "tool":
            marked = merged_asking(draft, due)
        else:
            text = with_calls(draft, (), spoken(due))
            marked = text.model_copy(update={"response_metadata": {**draft.response_metadata, **mark}})
        return ModelResponse(result=[marked])

    @staticmethod
    def _told_not_to_ask(response: Any) -> Any:
        """A model that asks though told not to: its questions become its last words, so that no loop can come of it."""
        draft = draft_of(response)
        wanted = asked_by(draft)
        if not any(call["name"] == ASK_USER for call in draft.tool_calls):
            return response
        others = [call for call in draft.tool_calls if call["name"] != ASK_USER]
        text = draft.text if others else spoken(wanted) if wanted else draft.text
        return ModelResponse(result=[with_calls(draft, others, text)])

    # After the model

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Under `interrupt`, pauses at a question; the answer becomes the person's message."""
        questions = asked_by(state["messages"][-1]) if state["messages"] else ()
        if not questions or (self.delivery != "interrupt" and not callable(self.on_unanswered)):
            return None
        if callable(self.on_unanswered):
            found = self.on_unanswered(questions)
            replies = run_sync(_awaited(found)) if isinstance(found, Awaitable) else found
            return self._answered(state, questions, replies)
        return {"messages": [answer_message(pause(questions), questions)], "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        questions = asked_by(state["messages"][-1]) if state["messages"] else ()
        if not questions or not callable(self.on_unanswered):
            return self.after_model(state, runtime)
        found = self.on_unanswered(questions)
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
        refusal = self._gate(request)
        return handler(request) if refusal is None else refusal

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Any]]
    ) -> Any:
        """The same, asynchronously."""
        refusal = await asyncio.to_thread(self._gate, request)
        return await handler(request) if refusal is None else refusal

    def _gate(self, request: ToolCallRequest) -> ToolMessage | None:
        """A result in place of a guarded call that came past the guard, such as one that other middleware made up."""
        call, tool = request.tool_call, request.tool
        if self.when_unknown == "let_go" or tool is None or not self.guard.guards(call["name"], {call["name"]: tool}):
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
        tools = {call["name"]: tool}
        talk = Request.read(messages, lambda name: self.guard.guards(name, tools), self.guard.trust)
        unknown = [one for one in self.guard.grounds(call, tool, talk, ()) if not one.ok]
        if not unknown and not talk.withdrawn:
            return None
        text = f"{NOT_RUN}{_why(unknown, (), None, talk.withdrawn)} Do not guess."
        return ToolMessage(
            text, name=call["name"], tool_call_id=call["id"] or "", status="error", response_metadata={REFUSED: True}
        )


async def _awaited(found: Awaitable[Any]) -> Any:
    return await found


def _one_of(name: str, value: Any, kind: Any) -> None:
    if value not in get_args(kind):
        raise InputError(f"{name} is one of {', '.join(get_args(kind))}, not {value!r}.")


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


def _open(unknown: Sequence[Question], proposed: Sequence[Question], talk: Request) -> tuple[Question, ...]:
    """Each question once: the guard's, and those of deciders that the person has not answered."""
    found: list[Question] = []
    known: set[str] = set()
    for question in (*unknown, *(one for one in proposed if talk.settled.isdisjoint(one.keys))):
        if known.isdisjoint(question.keys):
            found.append(question)
            known.update(question.keys)
    return tuple(found)


def _why(unknown: Sequence[Ground], wanted: Sequence[Question], failure: Exception | None, withdrawn: bool) -> str:
    """Why a call does not run, as a sentence for the model and the person."""
    if withdrawn:
        return "the person has withdrawn the request."
    parts = []
    for one in unknown:
        if one.state is State.CONTRADICTED:
            parts.append(f"`{one.slot.name}` is not what the person said ({one.span})")
        else:
            parts.append(f"nobody has given `{one.slot.name}`")
    if not parts and wanted:
        parts.append(f"this is open: {' '.join(question.text for question in wanted)}")
    if not parts and failure is not None:
        parts.append("what it needs could not be checked")
    return f"{'; '.join(dict.fromkeys(parts))}."


def _forces_a_tool(request: ModelRequest[Any]) -> bool:
    """Whether the model must call a tool, so that it cannot ask in plain text."""
    choice = request.tool_choice
    return isinstance(request.response_format, ToolStrategy) or choice in ("any", "required")


def _appended(system: SystemMessage | None, policy: str) -> SystemMessage:
    """The policy behind the agent's own prompt. Content blocks keep what they carry, such as `cache_control`."""
    if system is None:
        return SystemMessage(policy)
    if isinstance(system.content, str):
        return SystemMessage(f"{system.content}\n\n{policy}")
    return system.model_copy(update={"content": [*system.content, {"type": "text", "text": f"\n\n{policy}"}]})


def _replaced(response: Any, draft: AIMessage) -> ModelResponse[Any]:
    """The response with another draft in it."""
    inner = response.model_response if isinstance(response, ExtendedModelResponse) else response
    if isinstance(inner, AIMessage):
        return ModelResponse(result=[draft])
    old = draft_of(inner)
    result = [draft if message is old else message for message in inner.result]
    return ModelResponse(result=result, structured_response=inner.structured_response)


def _extended(response: ModelResponse[Any], update: dict[str, Any]) -> ExtendedModelResponse[Any]:
    return ExtendedModelResponse(response, Command(update=update))
