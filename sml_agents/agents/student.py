"""An existing agent, tools and all, in the student's place.

    with TraceStore.open("agent.sqlite") as store:
        run_dialogues_sync(tasks, AgentStudent(agent), OracleTeacher(), store)

The teacher is the simulated person: it answers the agent's questions from the task's private knowledge, the verifier
scores its answers, and the traces train it. No second loop, and nobody has to sit there.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.pregel import Pregel
from pydantic import BaseModel

from sml_agents.agents.asking import ASK_USER, MARK, Question
from sml_agents.agents.deciders import asks
from sml_agents.errors import InputError, one_line
from sml_agents.roles.chat import reply_from
from sml_agents.types import Reply, Role, ToolCall, Usage
from sml_agents.views import StudentView

__all__ = ["AgentStudent", "agent_from"]


class AgentStudent:
    """A compiled LangGraph agent whose state has `messages`, as a student.

    Each turn is a fresh run of the agent on the conversation so far, its earlier tool calls and their results included,
    on a checkpointer in memory that is thrown away: the agent's own one is neither read nor written, and a rollout that
    was killed goes on exactly. A run that ends in text, or pauses with a question (ClarifyMiddleware's, `ask_user`
    under HumanInTheLoopMiddleware, or an interrupt of a text or `{"question": text}`), is one turn. A pause for
    anything else fails the dialogue: nobody is there to approve.

    `name` and `settings` (JSON-able) identify the agent in traces and in dialogues' ids: change them when it changes.
    `context` is given to every run.
    """

    def __init__(
        self,
        agent: Pregel[Any, Any, Any, Any],
        *,
        name: str = "",
        settings: dict[str, Any] | None = None,
        context: Any = None,
    ) -> None:
        if not isinstance(agent, Pregel) or "messages" not in agent.channels:
            raise InputError("AgentStudent takes a compiled LangGraph graph whose state has `messages`.")
        self._saver = InMemorySaver()
        self.agent = agent.copy({"checkpointer": self._saver})
        self.context = context
        self.settings: dict[str, Any] = {"agent": name or agent.get_name(), **(settings or {})}

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """One turn. `seed` is in the run's `configurable`. Raises what the agent raises."""
        given = _messages(view)
        known = {message.id for message in given}
        thread = str(uuid.uuid4())
        config: Any = {"configurable": {"thread_id": thread, "seed": seed}}
        started = time.time()
        try:
            state = await self.agent.ainvoke({"messages": given}, config, context=self.context)
        finally:
            await self._saver.adelete_thread(thread)
        new = [message for message in state["messages"] if message.id not in known]
        structured = state.get("structured_response")
        return _reply(new, state.get("__interrupt__") or (), structured, given, seed, started)


def agent_from(place: str) -> AgentStudent:
    """The agent that a person named: `MODULE:NAME` or `FILE.py:NAME`, a compiled graph or a function that makes one.

    Modules are looked for in the working directory, too. Never call this with what came out of a file or a request.

    Raises:
        InputError: there is no such thing, or it is no agent.
    """
    module, _, name = place.rpartition(":")
    if not module or not name:
        raise InputError(f"agent:{place} names no agent: write agent:MODULE:GRAPH or agent:FILE.py:GRAPH")
    try:
        found: Any = getattr(_loaded(module), name)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        raise InputError(f"agent:{place} cannot be loaded: {one_line(error)}") from error
    if callable(found) and not isinstance(found, Pregel | AgentStudent):
        try:
            inspect.signature(found).bind()
        except (TypeError, ValueError):
            raise InputError(f"agent:{place} is no graph, and no function that makes one without arguments") from None
        found = found()
    if not isinstance(found, AgentStudent) and not hasattr(found, "ainvoke"):
        raise InputError(f"agent:{place} is no graph: name a compiled graph, or a function that makes one")
    return found if isinstance(found, AgentStudent) else AgentStudent(found, name=place)


def _loaded(module: str) -> ModuleType:
    if not module.endswith(".py"):
        if (here := os.getcwd()) not in sys.path:
            sys.path.insert(0, here)
        return importlib.import_module(module)
    path = Path(module)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"there is no file {path}")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _messages(view: StudentView) -> list[AnyMessage]:
    """The conversation as the agent's messages, with ids by which the new ones are told apart."""
    calls = dict(view.calls)
    messages: list[AnyMessage] = []
    for at, (role, text) in enumerate(view.history):
        if role is Role.TEACHER:
            messages.append(HumanMessage(text))
            continue
        if made := calls.get(at):
            ids = [call.id or f"call_{at}_{k}" for k, call in enumerate(made)]
            asked = [{"name": call.name, "args": call.arguments, "id": id} for call, id in zip(made, ids, strict=True)]
            messages.append(AIMessage("", tool_calls=asked))
            for call, id in zip(made, ids, strict=True):
                messages.append(ToolMessage(call.result or "", name=call.name, tool_call_id=id))
        mark = {MARK: [{"text": line.removeprefix("- ")} for line in text.splitlines() if line]} if asks(text) else {}
        messages.append(AIMessage(text, response_metadata=mark))
    for k, message in enumerate(messages):
        message.id = f"history-{k}"
    return messages


def _reply(
    new: Sequence[AnyMessage],
    pauses: Sequence[Any],
    structured: Any,
    given: Sequence[AnyMessage],
    seed: int,
    started: float,
) -> Reply:
    said = [message for message in new if isinstance(message, AIMessage)]
    results = {message.tool_call_id: message.text for message in new if isinstance(message, ToolMessage)}
    calls = tuple(
        ToolCall(name=call["name"], arguments=call["args"], result=results.get(call["id"] or ""), id=call["id"] or "")
        for message in said
        for call in message.tool_calls
        if call["name"] not in (ASK_USER, type(structured).__name__)
    )
    last = said[-1] if said else AIMessage("")
    usages = [message.usage_metadata for message in said if message.usage_metadata]
    reply = reply_from(last, list(given), seed, started=started)
    changes: dict[str, Any] = {"tool_calls": calls}
    call: dict[str, Any] = {}
    if structured is not None and not last.text.strip():
        changes["text"] = _in_words(structured)
    if pauses:
        changes["text"] = "\n".join(_question(pause.value) for pause in pauses)
    if usages:
        call["usage"] = Usage(
            prompt_tokens=sum(usage["input_tokens"] for usage in usages),
            completion_tokens=sum(usage["output_tokens"] for usage in usages),
        )
    if len(said) > 1:  # ids of one call among several would be taken for the whole turn's
        call.update(prompt_ids=None, completion_ids=None, logprobs=None)
    if call and reply.call is not None:
        changes["call"] = reply.call.model_copy(update=call)
    return reply.model_copy(update=changes)


def _in_words(structured: Any) -> str:
    """Structured output as what the agent says: one value alone, several a line each."""
    data = structured.model_dump(mode="json") if isinstance(structured, BaseModel) else structured
    if not isinstance(data, dict):
        return str(data)
    return "\n".join(f"{name}: {value}" for name, value in data.items())


def _question(value: Any) -> str:
    """The question in an interrupt's value. Raises InputError when it holds none."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if isinstance(value.get("question"), str):
            return str(value["question"])
        requests = value.get("action_requests")
        if isinstance(requests, list) and requests and all(request.get("name") == ASK_USER for request in requests):
            asked = [request["args"].get("questions") or [request["args"].get("question", "")] for request in requests]
            texts = [Question(text=str(text)).text for one in asked for text in one]
            return texts[0] if len(texts) == 1 else "\n".join(f"- {text}" for text in texts)
    raise InputError(f"the agent paused for something that is no question: {str(value)[:200]}")
