"""`ClarifyMiddleware`: an agent of `langchain.agents.create_agent` asks for what it needs before it acts.

    agent = create_agent(model, tools, middleware=[ClarifyMiddleware()])

Everything happens around the model call. Before it, a decider may ask in the model's place, which saves the call; after
it, a draft that calls tools may be replaced by a question before anything runs; the agent's own model may also ask by
itself. Under `interrupt` the pause stands alone in a node of its own after the model's, so nothing is paid for twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, cast, get_args

try:
    from langchain.agents.middleware import (
        AgentMiddleware,
        AgentState,
        ExtendedModelResponse,
        ModelRequest,
        ModelResponse,
        hook_config,
    )
    from langchain.agents.middleware.types import PrivateStateAttr
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("ClarifyMiddleware", "agents") from error
from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage, SystemMessage, ToolCall, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime
from langgraph.types import Command

from sml_agents.agents.asking import (
    ASK_USER,
    MARK,
    AgentView,
    Ledger,
    Limits,
    Question,
    answer_message,
    asked_by,
    person_spoke,
)
from sml_agents.agents.deciders import adecide, as_decider, asks, decide
from sml_agents.agents.delivery import Delivery, answered, ask_user, pause, question_message, repaired, spoken
from sml_agents.errors import InputError
from sml_agents.roles.prompts import load, render
from sml_agents.types import stable_hash

__all__ = ["ClarifyMiddleware"]


class ClarifyState(AgentState[Any]):
    """Keeps what was asked, for histories that are cut or summarised."""

    clarify_asked: NotRequired[Annotated[list[str], PrivateStateAttr]]


@dataclass(frozen=True)
class _CallModel:
    request: ModelRequest[Any]


_Steps = Generator[AgentView | _CallModel, Any, ModelResponse[Any] | ExtendedModelResponse[Any]]


class ClarifyMiddleware(AgentMiddleware[ClarifyState, Any, Any]):
    """Asks the person for what is missing, waits, and goes on.

    `decider`: None for the agent's own model; a pydantic model of what must be known; a chat model or backend spec of
    a separate asker; any callable (see `sml_agents.agents.deciders`). With a decider only the decider asks.
    `delivery`: see `sml_agents.agents.delivery.Delivery`; `interrupt` and `tool` need a checkpointer.
    `limits`: how much may be asked.

    Tool calls that the model makes beside a question are not run: it makes them again when it knows. What a model
    streams before its draft is replaced has been shown. The rules that find a question in the own model's text know
    English; with `tool` the model says itself that it asks.
    """

    state_schema = ClarifyState

    def __init__(self, decider: Any = None, *, delivery: Delivery = "end_turn", limits: Limits | None = None) -> None:
        super().__init__()
        if delivery not in get_args(Delivery):
            raise InputError(f"delivery is one of {', '.join(get_args(Delivery))}, not {delivery!r}.")
        self.decider = None if decider is None else as_decider(decider)
        self.delivery: Delivery = delivery
        self.limits = limits or Limits()
        self.tools = [ask_user] if delivery == "tool" else []
        load("ask_policy")

    def before_agent(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Repairs tool calls left hanging by a person who wrote a message instead of resuming."""
        whole = repaired(state["messages"])
        return None if whole is None else {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *whole]}

    async def abefore_agent(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        return self.before_agent(state, runtime)

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]) -> Any:
        """Puts a question in place of the model's turn where one is due."""
        steps = self._steps(request)
        todo = next(steps)
        while True:
            try:
                if isinstance(todo, _CallModel):
                    todo = steps.send(handler(todo.request))
                else:
                    todo = steps.send(decide(self.decider, todo))  # type: ignore[arg-type]
            except StopIteration as done:
                return done.value

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """The same, asynchronously."""
        steps = self._steps(request)
        todo = next(steps)
        while True:
            try:
                if isinstance(todo, _CallModel):
                    todo = steps.send(await handler(todo.request))
                else:
                    todo = steps.send(await adecide(self.decider, todo))  # type: ignore[arg-type]
            except StopIteration as done:
                return done.value

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Under `interrupt`, pauses at a question; the answer becomes the person's message."""
        questions = asked_by(state["messages"][-1]) if state["messages"] else ()
        if self.delivery != "interrupt" or not questions:
            return None
        return {"messages": [answer_message(answered(questions, pause(questions)))], "jump_to": "model"}

    @hook_config(can_jump_to=["model"])
    async def aafter_model(self, state: ClarifyState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        return self.after_model(state, runtime)

    def _steps(self, request: ModelRequest[Any]) -> _Steps:
        """What to do around one model call. Yields what must be waited for, so that both kinds of caller share it."""
        messages = tuple(request.messages)
        ledger = Ledger.read(messages, self.limits, cast(ClarifyState, request.state).get("clarify_asked", ()))
        if self.decider is not None:
            if ledger.left and person_spoke(messages):
                due = ledger.allowed((yield AgentView(messages)))
                if due:
                    return self._asking(due, ledger, messages)
            response = yield _CallModel(self._prepared(request, 0))
            calls = _open_calls(response)
            if ledger.left and calls:
                due = ledger.allowed((yield AgentView(messages, calls, acting=True)))
                if due:
                    return self._asking(due, ledger, messages)
            return response  # type: ignore[no-any-return]
        response = yield _CallModel(self._prepared(request, ledger.left))
        wanted = self._asked_in(_draft(response))
        if not wanted:
            return response  # type: ignore[no-any-return]
        if due := ledger.allowed(wanted):
            return self._asked(response, due, ledger)
        response = yield _CallModel(self._prepared(request, 0))  # once more, told not to ask
        return self._told_not_to_ask(response)  # type: ignore[no-any-return]

    def _prepared(self, request: ModelRequest[Any], left: int) -> ModelRequest[Any]:
        """The request under the policy; the tool is offered only while it may be used."""
        changes: dict[str, Any] = {}
        if self.decider is None:
            policy = render("ask_policy", may_ask=left > 0, left=left, tool=self.delivery == "tool")
            system = f"{request.system_prompt}\n\n{policy}" if request.system_prompt else policy
            changes["system_message"] = SystemMessage(system)
        if self.tools and (self.decider is not None or not left):
            changes["tools"] = [tool for tool in request.tools if getattr(tool, "name", "") != ASK_USER]
        return request.override(**changes) if changes else request

    def _asked_in(self, draft: AIMessage) -> tuple[Question, ...]:
        """What the agent's own model asks in its draft."""
        if self.delivery == "tool":
            return asked_by(draft)
        return (Question(text=draft.text.strip()),) if not draft.tool_calls and asks(draft.text) else ()

    def _asking(self, due: Sequence[Question], ledger: Ledger, messages: Sequence[Any]) -> ExtendedModelResponse[Any]:
        """A decider's questions as the agent's turn."""
        call_id = f"call_{stable_hash(ledger.asked, [question.text for question in due], len(messages))}"
        return self._noted(ModelResponse(result=[question_message(due, self.delivery, call_id)]), due, ledger)

    def _asked(self, response: Any, due: Sequence[Question], ledger: Ledger) -> ExtendedModelResponse[Any]:
        """The own model's question as its turn: marked, in tool form without other calls, cut to what is allowed."""
        draft = _draft(response)
        if self.delivery == "tool":
            draft = _only_asking(draft, due)
        else:
            mark = {MARK: [question.model_dump(mode="json") for question in due]}
            draft = draft.model_copy(update={"response_metadata": {**draft.response_metadata, **mark}})
        return self._noted(ModelResponse(result=[draft]), due, ledger)

    def _told_not_to_ask(self, response: Any) -> Any:
        """A model that asks though told not to: its questions become its last words, so that no loop can come of it."""
        draft = _draft(response)
        wanted = asked_by(draft)
        if self.delivery != "tool" or not wanted:
            return response
        others = [call for call in draft.tool_calls if call["name"] != ASK_USER]
        text = draft.text if others else spoken(wanted)
        return ModelResponse(result=[_with_calls(draft, others, text)])

    @staticmethod
    def _noted(response: ModelResponse[Any], due: Sequence[Question], ledger: Ledger) -> ExtendedModelResponse[Any]:
        return ExtendedModelResponse(response, Command(update={"clarify_asked": ledger.with_asked(due)}))


def _results(response: Any) -> Sequence[BaseMessage]:
    """The messages of a response of any form that a handler returns."""
    if isinstance(response, ExtendedModelResponse):
        response = response.model_response
    return [response] if isinstance(response, AIMessage) else response.result


def _draft(response: Any) -> AIMessage:
    results = reversed(_results(response))
    return next((message for message in results if isinstance(message, AIMessage)), AIMessage(""))


def _open_calls(response: Any) -> tuple[ToolCall, ...]:
    """Tool calls that are about to be made: structured output comes as a call that has its result already."""
    done = {message.tool_call_id for message in _results(response) if isinstance(message, ToolMessage)}
    return tuple(call for call in _draft(response).tool_calls if call["id"] not in done)


def _only_asking(draft: AIMessage, due: Sequence[Question]) -> AIMessage:
    """The draft with its calls of `ask_user` alone, holding only the questions that are allowed."""
    allowed = {question.text for question in due}
    kept = []
    for call in draft.tool_calls:
        if call["name"] == ASK_USER:
            given = call["args"].get("questions", [])
            texts = [text for text in ([given] if isinstance(given, str) else given) if text in allowed]
            if texts:
                kept.append({**call, "args": {**call["args"], "questions": texts}})
    return _with_calls(draft, kept, draft.text)


def _with_calls(draft: AIMessage, calls: Sequence[Any], text: str) -> AIMessage:
    """The draft with other tool calls, in every place where providers' formats repeat them."""
    kept = {call["id"] for call in calls}
    content: Any = draft.content
    if isinstance(content, list):
        content = [
            block
            for block in content
            if not isinstance(block, dict)
            or block.get("type") not in ("tool_use", "tool_call", "function_call")
            or block.get("call_id", block.get("id")) in kept
        ]
        if text != draft.text:
            content = [*content, {"type": "text", "text": text}]
    else:
        content = text
    extra = {key: value for key, value in draft.additional_kwargs.items() if key not in ("tool_calls", "function_call")}
    return draft.model_copy(update={"content": content, "tool_calls": list(calls), "additional_kwargs": extra})
