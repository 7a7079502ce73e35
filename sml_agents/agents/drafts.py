"""The agent's draft: its open calls, whether it asks, and how it is rewritten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from sml_agents.agents.asking import ASK_USER, MARK, Question, is_answer
from sml_agents.agents.deciders import CLOSERS, asks
from sml_agents.text.sentences import sentences

__all__ = ["calls_left", "draft_of", "is_question", "merged_asking", "open_calls", "with_calls"]

_OPENS = re.compile(
    r"(?:(?:and|so|but|also|please|then|thanks|sure|ok|great|hello|hi)[,!]? )*"
    r"(?:(?:on|at|in|for|to|from|by|with|until|of|about) )?(?:what|which|when|where|who|whom|whose|how)\b"
    r"|(?:and |so |please )*(?:could|can|would|will|do|did|have|are) you\b|(?:is|are) (?:it|this|that|there|the)\b"
    r"|(?:shall|should|may) i\b",
    re.IGNORECASE,
)
_REQUESTS = re.compile(
    r"\b(?:please (?:tell|let|give|specify|provide|confirm)|i (?:still )?need(?: to know)?|let me know|tell me)\b",
    re.IGNORECASE,
)
_LONGEST = 600
"""A question in more characters is an answer with a question in it."""


def results(response: Any) -> Sequence[BaseMessage]:
    """The messages of a response of any form that a handler returns."""
    inner = getattr(response, "model_response", response)
    return [inner] if isinstance(inner, AIMessage) else inner.result


def draft_of(response: Any) -> AIMessage:
    """The model's message in a response."""
    found = reversed(results(response))
    return next((message for message in found if isinstance(message, AIMessage)), AIMessage(""))


def open_calls(response: Any) -> tuple[ToolCall, ...]:
    """Tool calls that are about to be made: structured output comes as a call that has its result already."""
    done = {message.tool_call_id for message in results(response) if isinstance(message, ToolMessage)}
    return tuple(call for call in draft_of(response).tool_calls if call["id"] not in done)


def calls_left(
    calls: Sequence[ToolCall], guarded: Sequence[ToolCall], messages: Sequence[BaseMessage]
) -> list[ToolCall]:
    """The unguarded calls of a draft that were not made since the person last spoke."""
    began = max((k for k, m in enumerate(messages) if isinstance(m, HumanMessage) or is_answer(m)), default=0)
    made = [(c["name"], c["args"]) for m in messages[began:] if isinstance(m, AIMessage) for c in m.tool_calls]
    return [
        call
        for call in calls
        if call not in guarded and call["name"] != ASK_USER and (call["name"], call["args"]) not in made
    ]


def is_question(text: str) -> bool:
    """Whether a message asks the person and does nothing else: no answer that ends in a question, no verse, no code."""
    text = CLOSERS.sub("", text).strip()
    if not text or len(text) > _LONGEST or "`" in text or not asks(text):
        return False
    parts = [part for part in sentences(text) if part.strip("- ")]
    questions = [part for part in parts if re.search(r"[\w)\"'\u00bb]\s?\?$", part.strip())]
    if not questions:
        return len(parts) <= 2 and bool(_REQUESTS.search(text))
    if len(questions) == len(parts) and not re.search(r"[=<>*;]|\bselect\b.*\bfrom\b", text, re.IGNORECASE):
        return len(parts) <= 6
    opens = parts[-1] in questions and bool(_OPENS.match(parts[-1].strip("- ")))
    return opens and len(parts) <= 4


def merged_asking(draft: AIMessage, due: Sequence[Question]) -> AIMessage:
    """The draft with one call of `ask_user` alone, holding the questions that are allowed: one pause, one answer."""
    first = next(call for call in draft.tool_calls if call["name"] == ASK_USER)
    call = {**first, "args": {"questions": [str(question) for question in due]}}
    mark = {MARK: [question.model_dump(mode="json") for question in due]}
    kept = with_calls(draft, [call], draft.text)
    return kept.model_copy(update={"response_metadata": {**kept.response_metadata, **mark}})


def with_calls(draft: AIMessage, calls: Sequence[Any], text: str) -> AIMessage:
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
    changes = {"content": content, "tool_calls": list(calls), "invalid_tool_calls": [], "additional_kwargs": extra}
    return draft.model_copy(update=changes)
