"""The agent's own model as the one that asks: the policy in its prompt, and its questions as the agent's turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, SystemMessage

from sml_agents.agents.asking import ASK_USER, MARK, Question, asked_by
from sml_agents.agents.delivery import spoken
from sml_agents.agents.drafts import draft_of, is_question, merged_asking, with_calls
from sml_agents.agents.slots import tool_name
from sml_agents.agents.turn import Terms, Turn
from sml_agents.roles.prompts import render

__all__ = ["as_its_turn", "asked_in", "prepared", "without_asking"]


def prepared(turn: Turn, terms: Terms, told_not_to: bool = False) -> ModelRequest[Any]:
    """The request under the policy; `ask_user` is offered only while it may be used."""
    request = turn.request
    changes: dict[str, Any] = {}
    by_tool = terms.delivery == "tool" or _forces_a_tool(request)
    may_ask = turn.may_ask > 0 and not told_not_to and terms.somebody_answers
    if terms.own_model and terms.policy != "":
        policy = terms.policy
        if policy is None:
            policy = render("ask_policy", may_ask=may_ask, left=turn.may_ask, tool=by_tool)
        changes["system_message"] = _appended(request.system_message, policy)
    if not (terms.own_model and may_ask and by_tool):
        kept = [tool for tool in request.tools if tool_name(tool) != ASK_USER]
        if len(kept) < len(request.tools):
            changes["tools"] = kept
    return request.override(**changes) if changes else request


def asked_in(draft: AIMessage, turn: Turn, terms: Terms) -> tuple[Question, ...]:
    """What the model asks in its draft."""
    if asked := asked_by(draft.model_copy(update={"response_metadata": {}})):
        return asked
    if terms.delivery == "tool" or draft.tool_calls or turn.talk.done or not is_question(draft.text):
        return ()
    return (Question(text=draft.text.strip()),)


def as_its_turn(response: Any, asked: Sequence[Question], turn: Turn, terms: Terms) -> ModelResponse[Any]:
    """The model's question as its turn: marked, in tool form one call, cut to what is allowed."""
    due = tuple(asked[: turn.may_ask])
    draft = draft_of(response)
    by_tool = any(call["name"] == ASK_USER for call in draft.tool_calls)
    if by_tool and terms.delivery == "tool":
        return ModelResponse(result=[merged_asking(draft, due)])
    said = with_calls(draft, (), spoken(due)) if by_tool else draft
    mark = {MARK: [question.model_dump(mode="json") for question in due]}
    return ModelResponse(result=[said.model_copy(update={"response_metadata": {**said.response_metadata, **mark}})])


def without_asking(response: Any) -> Any:
    """A model that asks though told not to: its questions become its last words, so that no loop can come of it."""
    draft = draft_of(response)
    if not any(call["name"] == ASK_USER for call in draft.tool_calls):
        return response
    others = [call for call in draft.tool_calls if call["name"] != ASK_USER]
    wanted = asked_by(draft)
    return ModelResponse(result=[with_calls(draft, others, spoken(wanted) if wanted and not others else draft.text)])


def _forces_a_tool(request: ModelRequest[Any]) -> bool:
    """Whether the model must call a tool, so that it cannot ask in plain text."""
    return isinstance(request.response_format, ToolStrategy) or request.tool_choice in ("any", "required")


def _appended(system: SystemMessage | None, policy: str) -> SystemMessage:
    """The policy behind the agent's own prompt. Content blocks keep what they carry, such as `cache_control`."""
    if system is None:
        return SystemMessage(policy)
    if isinstance(system.content, str):
        return SystemMessage(f"{system.content}\n\n{policy}")
    return system.model_copy(update={"content": [*system.content, {"type": "text", "text": f"\n\n{policy}"}]})
