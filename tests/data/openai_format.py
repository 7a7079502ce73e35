"""A strict check of OpenAI's format for fine-tuning chat models, written from its public description.

A line is an object with `messages`, and where the model may call tools `tools` (and `parallel_tool_calls`). Each
message has the keys of its role and no others; every call of a tool is answered by a message of the role `tool` before
anybody else speaks, and every such message answers a call; calls name tools of the list; arguments are the JSON of an
object; `weight` is 0 or 1, on assistant messages only; at least one assistant message is trained, and the last message
is the assistant's.
"""

from __future__ import annotations

import json
import re
from typing import Any

KEYS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "weight"},
    "tool": {"role", "content", "tool_call_id"},
}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def faults(row: dict[str, Any]) -> list[str]:
    """What is wrong with a line; nothing when it is right."""
    found: list[str] = []
    if not set(row) <= {"messages", "tools", "parallel_tool_calls"}:
        found.append(f"keys {sorted(row)}")
    tools = row.get("tools")
    names = set()
    if tools is not None:
        if not isinstance(tools, list) or not tools:
            return [*found, "tools is an empty list, or none"]
        for tool in tools:
            function = tool.get("function", {})
            names.add(function.get("name"))
            if set(tool) != {"type", "function"} or tool["type"] != "function":
                found.append(f"tool with keys {sorted(tool)}")
            if not set(function) <= {"name", "description", "parameters", "strict"}:
                found.append(f"function with keys {sorted(function)}")
            if not NAME.fullmatch(str(function.get("name"))):
                found.append(f"function name {function.get('name')!r}")
            if not isinstance(function.get("parameters", {}), dict):
                found.append("parameters are no object")
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        return [*found, "no messages"]
    waiting: list[str] = []
    trained = 0
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in KEYS:
            found.append(f"message {at} has the role {role!r}")
            continue
        if not set(message) <= KEYS[role]:
            found.append(f"message {at} of {role} has keys {sorted(message)}")
        if role != "assistant" and not isinstance(message.get("content"), str):
            found.append(f"message {at} of {role} has no text")
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                found.append(f"message {at} answers no call")
            else:
                waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            found.append(f"message {at} comes before the results of {waiting}")
            waiting = []
        if role != "assistant":
            continue
        calls = message.get("tool_calls")
        if calls is None and not isinstance(message.get("content"), str):
            found.append(f"message {at} says and calls nothing")
        if "tool_calls" in message and (not isinstance(calls, list) or not calls):
            found.append(f"message {at} has an empty list of calls")
        for call in calls or ():
            if set(call) != {"id", "type", "function"} or set(call["function"]) != {"name", "arguments"}:
                found.append(f"message {at} has a call with other keys")
                continue
            arguments = call["function"]["arguments"]
            if not isinstance(arguments, str) or not isinstance(json.loads(arguments), dict):
                found.append(f"message {at} has arguments that are no text of an object")
            if tools is not None and call["function"]["name"] not in names:
                found.append(f"message {at} calls {call['function']['name']!r}, which is not in tools")
            waiting.append(call["id"])
        if message.get("weight", 1) not in (0, 1):
            found.append(f"message {at} has the weight {message['weight']!r}")
        trained += message.get("weight", 1) == 1
    if not trained:
        found.append("nothing is trained")
    if messages[-1].get("role") != "assistant":
        found.append("the last message is not the assistant's")
    return found
