"""Messages on their way to a model and text on its way back: one place that cleans and converts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_openai_messages

__all__ = ["ROLES", "clean", "deep_clean", "to_openai"]

ROLES = {"human": "user", "ai": "assistant", "system": "system", "AIMessageChunk": "assistant"}
"""OpenAI's role for a LangChain message type."""


def clean(text: str) -> str:
    """`text` as every store and file format can hold it: lone surrogates become U+FFFD, NULs are dropped."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Pairs that stand for one character are joined, the rest replaced.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def deep_clean(value: Any) -> Any:
    """`clean` for every string in a JSON-able value."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [deep_clean(item) for item in value]
    if isinstance(value, dict):
        return {deep_clean(key): deep_clean(item) for key, item in value.items()}
    return value


def to_openai(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Chat messages in OpenAI's form. Plain text takes a short way; tools and images go through langchain-core."""
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
            result.append(convert_to_openai_messages(message))
    return result
