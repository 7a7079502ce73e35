"""Messages on their way to a model and text on its way back: one place that cleans and converts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_openai_messages

from sml_agents.text.clean import clean, deep_clean
from sml_agents.text.printable import printable
from sml_agents.text.tools import call_text, result_text, tools_text

__all__ = [
    "REASONING_FIELDS",
    "ROLES",
    "Secrets",
    "clean",
    "deep_clean",
    "fold_system",
    "merge_neighbours",
    "sent_reasoning",
    "to_openai",
    "tools_in_text",
]

ROLES = {"human": "user", "ai": "assistant", "system": "system", "AIMessageChunk": "assistant"}
"""OpenAI's role for a LangChain message type."""

REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")
"""Where servers put a model's reasoning in a message, and want it back."""


class Secrets:
    """The keys and passwords that a model's address and settings hold, and texts without them."""

    _NAMED = re.compile(r"([?&][\w.\-\[\]%]{1,80}=)[^&\s'\"<>#]+")
    _PATTERNS = (
        (re.compile(r"//[^/@\s]{1,400}@"), "//***@"),
        (re.compile(r"\b(sk-|Bearer |Basic )[\w.*+/=-]{6,400}"), r"\1***"),
    )

    def __init__(self, keys: Iterable[str], address: SplitResult | None = None) -> None:
        found = {key for key in keys if len(key) >= 4}
        if address is not None:
            found.update(value for _, value in parse_qsl(address.query) if len(value) >= 6)
            user, password = unquote(address.username or ""), unquote(address.password or "")
            if user or password:
                found.add(base64.b64encode(f"{user}:{password}".encode()).decode())
            found.update(word for word in (password, address.password or "") if len(word) >= 4)
        self._values = sorted(found, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """`text` as it may be shown and stored: without keys, passwords and the values of an address's query, on one
        line, without control characters."""
        text = printable(text)
        for value in self._values:
            text = text.replace(value, "***")
        text = self._NAMED.sub(r"\1***", text)
        for pattern, shown in self._PATTERNS:
            text = pattern.sub(shown, text)
        return text


def to_openai(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Chat messages in OpenAI's form. Plain text takes a short way; tools and images go through langchain-core.

    A message that calls tools keeps the reasoning that led to the calls: servers of reasoning models demand it.
    """
    result: list[dict[str, Any]] = []
    for message in messages:
        role = ROLES.get(message.type)
        plain = role is not None and isinstance(message.content, str)
        if plain and not (isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls)):
            entry: dict[str, Any] = {"role": role, "content": message.content}
            if message.name:
                entry["name"] = message.name
            result.append(entry)
        elif isinstance(message, ToolMessage) and isinstance(message.content, str):
            result.append({"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content})
        else:
            entry = convert_to_openai_messages(message)
            if isinstance(message, AIMessage) and message.additional_kwargs:
                entry.update(sent_reasoning(message))
                signed = message.additional_kwargs.get("tool_call_extras") or {}
                for call in entry.get("tool_calls", ()):
                    call.update(signed.get(call["id"], {}))
            result.append(entry)
    return result


def sent_reasoning(message: BaseMessage) -> dict[str, Any]:
    """The reasoning in `message` under the name that its server gave it; empty when there is none."""
    kept = {name: message.additional_kwargs[name] for name in REASONING_FIELDS if message.additional_kwargs.get(name)}
    if len(kept) > 1:
        kept.pop("reasoning_content", None)  # LangChain's name for it, beside the server's own
    return kept


def fold_system(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """System text put before the next user message, for models that have no system role."""
    result: list[dict[str, Any]] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] in ("system", "developer"):
            waiting.append(message["content"])
            continue
        if waiting and message["role"] == "user":
            message = {**message, "content": _joined([*waiting, message["content"]])}
            waiting = []
        result.append(dict(message))
    if waiting:
        result.append({"role": "user", "content": _joined(waiting)})
    return result


def merge_neighbours(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one role as one message, for models that insist on user and assistant in turns."""
    result: list[dict[str, Any]] = []
    for message in messages:
        last = result[-1] if result else {}
        if last.get("role") == message["role"] and set(message) == set(last) == {"role", "content"}:
            result[-1] = {**message, "content": _joined([last["content"], message["content"]])}
        else:
            result.append(dict(message))
    return result


def tools_in_text(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For a chat template without tools: they stand in the system prompt, a call and its result in the text."""
    written: list[dict[str, Any]] = []
    for message in messages:
        if calls := message.get("tool_calls"):
            functions = [call["function"] for call in calls]
            texts = [call_text(one["name"], json.loads(one["arguments"] or "{}")) for one in functions]
            kept = {name: value for name, value in message.items() if name != "tool_calls"}
            message = {
                **kept,
                "content": _joined([part for part in (message.get("content"), "\n".join(texts)) if part]),
            }
        elif message["role"] == "tool":
            message = {"role": "user", "content": result_text(message["content"])}
        written.append(dict(message))
    if not tools:
        return written
    told = tools_text(tools)
    if written and written[0]["role"] == "system":
        return [{**written[0], "content": f"{written[0]['content']}\n\n{told}"}, *written[1:]]
    return [{"role": "system", "content": told}, *written]


def _joined(contents: Sequence[Any]) -> Any:
    """Contents of several messages as one: text where all are text, else parts."""
    if all(isinstance(content, str) for content in contents):
        return "\n\n".join(content for content in contents if content)
    parts: list[Any] = []
    for content in contents:
        parts += content if isinstance(content, list) else [{"type": "text", "text": content}]
    return parts
