"""The messages, the system prompt and the tools in what a platform keeps of a call, whatever it wraps them in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.messages import read_message, read_messages
from sml_agents.traces.importers.parts import BadRecord, Said, as_text
from sml_agents.types import Usage

__all__ = ["chat_of", "model_in", "system_in", "tools_in", "usage_of"]

_SYSTEMS = ("system", "instructions", "systemInstruction", "system_instruction", "system_instructions", "system_prompt")
_BESIDE = frozenset({*_SYSTEMS, "config", "generationConfig"})
_TOOLS = frozenset({"tools", "functions", "tool_defs", "config"})
_MODELS = ("model", "model_name", "ls_model_name", "modelId", "modelVersion", "provided_model_name")
_MODEL_NAMES = frozenset(_MODELS)
_HISTORIES = ("chat_history", "history", "memory")
_WRAPPERS = (
    "messages",
    "contents",
    "conversation",
    "conversations",
    "candidates",
    "generations",
    "choices",
    "message",
    "output",
    "outputs",
    "input",
    "inputs",
    "prompts",
    "prompt",
    "completion",
    "response",
    "text",
    "content",
    "question",
    "query",
    "answer",
    "result",
    "args",
    "kwargs",
    "data",
)
_ALONE = frozenset({"input", "inputs", "question", "query", "text", "prompt", "human_input", "user_input"})
"""Names of what the person says now, beside a history."""
_ITEMS = frozenset({"message", "reasoning"})
_DEEPEST = 8


def chat_of(value: Any, speaker: str, tools: list[dict[str, Any]] | None = None) -> list[Said]:
    """The messages in what a platform keeps as the input or output of a call.

    The system prompt beside them comes first; the tools beside them are added to `tools`. A bare text is what `speaker`
    said. Raises BadRecord when there is nothing of the kind.
    """
    before: list[Said] = []
    further = False
    for _ in range(_DEEPEST):
        if isinstance(value, str):
            held = loaded(value)
            if held is value or not _is_chat(held):
                return before + (read_messages([{"role": speaker, "content": value}]) if value else [])
            value = held
        elif isinstance(value, list):
            first = value[0] if value else None
            alone = isinstance(first, list) or (len(value) == 1 and isinstance(first, str))
            if alone or (isinstance(first, dict) and not has_speaker(first) and speaker == "assistant"):
                further = further or len(value) > 1
                value = first  # LangChain's batches, the one argument of a function, the candidates of an answer
                continue
            said = before + read_messages(value)
            if further and said:
                said[-1].left("further answers" if speaker == "assistant" else "further inputs")
            return said
        elif isinstance(value, dict):
            if has_speaker(value):
                value = [dict(value)]
                continue
            before += system_in(value)
            if tools is not None:
                tools += tools_in(value)
            history = next((value[name] for name in _HISTORIES if isinstance(value.get(name), list)), None)
            now = next((value[name] for name in value if name in _ALONE and value[name]), None)
            if history and now is not None:
                return before + read_messages(history) + chat_of(now, speaker)
            inner = next((value[name] for name in _WRAPPERS if value.get(name) not in (None, [], {})), None)
            if inner is None:
                if before:
                    return before
                break
            value = inner
        else:
            break
    raise BadRecord(f"its {'input' if speaker == 'user' else 'output'} holds no messages")


def _is_chat(value: Any) -> bool:
    """Whether JSON in a text is messages, and not what somebody said in JSON."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict) and has_speaker(value[0])
    return isinstance(value, dict) and (
        any(isinstance(value.get(name), list | dict) for name in ("messages", "contents", "choices", "candidates"))
        or (has_speaker(value) and ("content" in value or "parts" in value))
    )


def has_speaker(value: Mapping[str, Any]) -> bool:
    """Whether `value` looks like a message."""
    kind = value.get("type")
    return (
        "role" in value
        or "from" in value
        or (isinstance(kind, str) and (kind in _ITEMS or "_call" in kind or "content" in value or "data" in value))
        or ("lc" in value and isinstance(value.get("kwargs"), dict))
        or (value.get("kind") in ("request", "response") and "parts" in value)
        or ("author" in value and "content" in value)
        or (isinstance(content := value.get("content"), dict) and "role" in content)
        or (isinstance(kind, str) and kind.startswith("mcp_"))
    )


def system_in(value: Mapping[str, Any]) -> list[Said]:
    """The system prompt beside the messages of a request, as a message."""
    if _BESIDE.isdisjoint(value):
        return []
    held = (value.get(name) for name in ("config", "generationConfig"))
    for holder in (value, *(one for one in held if isinstance(one, dict))):
        for name in _SYSTEMS:
            given = loaded(holder.get(name))
            if not given or isinstance(given, bool):
                continue
            if isinstance(given, dict) and "content" in given and "role" in given:
                given = given["content"]
            if isinstance(given, list) and given and all(isinstance(one, str) for one in given):
                given = "\n\n".join(given)
            if isinstance(given, str | list | dict):
                return [read_message({"role": "system", "content": given})]
    return []


def tools_in(*holders: Any) -> list[dict[str, Any]]:
    """The definitions of tools in the first of `holders` that has some, as OpenAI's chat API has them."""
    for holder in holders:
        if not isinstance(holder, dict) or _TOOLS.isdisjoint(holder):
            continue
        config = holder.get("config")
        for place in (holder, config if isinstance(config, dict) else {}):
            for name in ("tools", "functions", "tool_defs"):
                given = loaded(place.get(name))
                if isinstance(given, list) and (found := list(_tools(given))):
                    return found
    return []


def _tools(given: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for one in given:
        one = loaded(one)
        if not isinstance(one, dict):
            continue
        several = one.get("functionDeclarations") or one.get("function_declarations")
        if isinstance(several, list):  # Gemini
            yield from _tools(several)
            continue
        held = (one.get(name) for name in ("function", "toolSpec", "tool"))
        inner = next((body for body in held if isinstance(body, dict)), one)
        if not isinstance(inner.get("name"), str):
            yield from _tools([inner["json_schema"]] if inner.get("json_schema") else [])  # OpenInference
            continue
        names = ("parameters", "input_schema", "inputSchema", "args_schema", "json_schema", "parametersJsonSchema")
        schema = next((loaded(inner[name]) for name in names if inner.get(name)), None)
        if isinstance(schema, dict) and isinstance(schema.get("json"), dict):  # Bedrock
            schema = schema["json"]
        about = {"description": as_text(inner["description"])} if inner.get("description") else {}
        shape = {"parameters": _without_nothing(schema)} if isinstance(schema, dict) else {}
        yield {"type": "function", "function": {"name": inner["name"], **about, **shape}}


def _without_nothing(schema: Any) -> Any:
    """A schema without the nulls that a table puts where other rows have a key."""
    if isinstance(schema, dict):
        return {name: _without_nothing(one) for name, one in schema.items() if one is not None}
    return [_without_nothing(one) for one in schema] if isinstance(schema, list) else schema


def model_in(*holders: Any) -> str:
    """The model's name in the first of `holders` that has one."""
    for holder in holders:
        if isinstance(holder, dict) and not _MODEL_NAMES.isdisjoint(holder):
            for name in _MODELS:
                if isinstance(holder.get(name), str) and holder[name]:
                    return str(holder[name])
    return ""


def usage_of(value: Any) -> Usage | None:
    """Token counts under any of their usual names; None when there are none."""
    value = loaded(value)
    if not isinstance(value, dict) or not value:
        return None

    def count(*names: str) -> int:
        for name in names:
            given = value.get(name)
            if isinstance(given, str) and given.isdecimal() and len(given) < 18:
                given = int(given)
            if isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
                return int(given)
        return 0

    usage = Usage(
        prompt_tokens=count(
            "prompt_tokens", "input_tokens", "input", "promptTokenCount", "promptTokens", "inputTokens"
        ),
        completion_tokens=count(
            "completion_tokens", "output_tokens", "output", "candidatesTokenCount", "completionTokens", "outputTokens"
        ),
    )
    return usage if usage.prompt_tokens or usage.completion_tokens else None
