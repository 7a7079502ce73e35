"""One chat message of any dialect as what was said in it.

`read_message` understands the messages of OpenAI's chat API and the items of its responses API, of LangChain (as
objects' dictionaries, plain or in the `lc` form), of Anthropic's and Bedrock's content blocks, of Gemini's `contents`
and ADK's events, of the OpenTelemetry GenAI conventions (`parts`), of Pydantic-AI, of the Vercel AI SDK (its core and
its UI messages), and ShareGPT's `from` and `value`.

Reasoning is taken apart from the words, wherever it stands: it is no part of what the other side was told. What a
message holds besides (an image, a citation, a field that is not known here) is counted under its name in `unread`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sml_agents.errors import one_line
from sml_agents.text.thinking import as_thought, split_thought
from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.parts import (
    BadRecord,
    Result,
    Said,
    Speaker,
    kind_of,
    read_call,
    read_content,
    text_in,
    thought_in,
)
from sml_agents.traces.importers.written import take_written

__all__ = ["DAMAGE", "read_message", "read_messages", "why"]

_SPEAKERS: dict[str, Speaker] = {
    **dict.fromkeys(("user", "human", "humanmessage", "humanmessagechunk"), "user"),
    **dict.fromkeys(("assistant", "ai", "gpt", "chatgpt", "bing", "bard", "model", "bot"), "assistant"),
    **dict.fromkeys(
        ("function_call", "aimessage", "aimessagechunk", "response", "reasoning", "tool_call"), "assistant"
    ),
    **dict.fromkeys(("system", "developer", "systemmessage", "systemmessagechunk"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "toolmessage", "functionmessage"), "tool"),
    **dict.fromkeys(("toolmessagechunk", "ipython", "tool_response", "tool_result", "environment"), "tool"),
}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READ = _names("""
    role from type kind author content parts value output outputs text name id tool_calls tool_call_id call_id
    tool_name toolCallId toolName toolInvocations function_call invalid_tool_calls additional_kwargs response_metadata
    refusal audio data kwargs lc arguments input action code queries error reasoning_content reasoning thinking
    reasoning_details reasoning_text thinking_blocks thought summary encrypted_content results container_id tools
    weight train loss trainable taken mask model model_name message artifact
""")
_ABOUT = _names("""
    timestamp created_at created createdAt updated_at updatedAt time date index status object metadata usage_metadata
    usage usageMetadata cost cost_usd finish_reason finishReason stop_reason stop_sequence stop_details logprobs
    token_ids tokens num_tokens cache_control example provider_specific_fields source internal run_id turn_id
    invocation_id invocationId message_id parent_id parent_message_id thread_id conversation_id session_id
    assistant_id agent agent_name sender namespace state phase server_label provider provider_name provider_details
    provider_response_id provider_url instructions model_request_parameters vendor_details vendor_id event.name
    event.domain gen_ai.system gen_ai.provider.name gen_ai.message.index partial turn_complete actions
    longRunningToolIds long_running_tool_ids branch act outcome primed usage_details duration request_id
    system_fingerprint service_tier seed version lc_kwargs lc_serializable avgLogprobs safetyRatings citationMetadata
""")
"""What is about a message and not in it."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "thought", "reasoning_details")
_CONTENTS = ("content", "parts", "value", "output", "outputs", "text")
_WEIGHTS = ("weight", "train", "loss", "trainable", "taken")

DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading a damaged record may raise; BadRecord is among them."""


def why(error: Exception) -> str:
    """The reason of a loss, in one line."""
    if isinstance(error, BadRecord):
        return str(error)
    return one_line(f"its shape is not that of the format ({type(error).__name__}: {error})", 300)


def read_messages(messages: Any) -> list[Said]:
    """All of a conversation. Raises BadRecord when it is no list, or one of its messages cannot be read."""
    if isinstance(messages, dict | str) or not isinstance(messages, Iterable):
        raise BadRecord(f"its messages are {kind_of(messages)}, not a list")
    said: list[Said] = []
    called: set[str] = set()
    for number, message in enumerate(messages, start=1):
        try:
            if called and type(message) is dict and str(message.get("role")) in called:  # a result, by its tool's name
                message = {**message, "role": "tool", "name": message["role"]}
            plain = _plain(message) if type(message) is dict else None
            if plain is not None:
                said.append(plain)
            elif _from_harness(message):
                continue
            elif isinstance(message, dict) and message.get("kind") == "request" and "role" not in message:
                said += [read_message(one) for one in _apart(message)]
            elif isinstance(message, dict) and (item := _unknown_item(message)):
                said.append(Said("assistant", unread=(item,)))
            else:
                said.append(_message(message))
        except BadRecord as error:
            raise BadRecord(f"message {number}: {error}") from None
        if said and said[-1].calls:
            called.update(call.name for call in said[-1].calls if call.name not in _SPEAKERS)
    return said


def _from_harness(message: Any) -> bool:
    """Whether LangChain put this into the person's mouth: a summary of what was said, news of a task."""
    inner = message
    for name in ("kwargs", "data"):
        if isinstance(message, Mapping) and isinstance(message.get(name), Mapping):
            inner = message[name]
    extra = inner.get("additional_kwargs") if isinstance(inner, Mapping) else None
    if not isinstance(extra, Mapping) or not isinstance(extra.get("lc_source"), str):
        return False
    kind = inner.get("type") or message.get("type") or message.get("role")
    return kind in ("human", "user", "HumanMessage", "constructor")


def read_message(message: Any) -> Said:
    """What one message says. Raises BadRecord."""
    return (_plain(message) if type(message) is dict else None) or _message(message)


def _plain(message: dict[str, Any]) -> Said | None:
    """What a message in one of the plainest shapes says, as nearly all are; None for any other."""
    if message.keys() <= _OF_CHAT:
        role, text = message.get("role"), message.get("content")
    elif message.keys() == _OF_SHAREGPT:
        role, text = message["from"], message["value"]
    else:
        return None
    speaker = _SPEAKERS.get(role) if type(role) is str and role != "function_call" else None
    calls = message.get("tool_calls")
    if text is None and calls and speaker == "assistant":
        text = ""
    if speaker is None or type(text) is not str or text.startswith("[{'"):
        return None
    if speaker == "assistant":
        said = Said(speaker, text)
        if calls:
            if type(calls) is not list or not all(type(call) is dict and _RESULTS.isdisjoint(call) for call in calls):
                return None
            said.calls = [read_call(call) for call in calls]
        if text:
            _words(said)
        return said
    if calls or "<tool_response>" in text:
        return None
    if speaker != "tool":
        return Said(speaker, text)
    id, name = message.get("tool_call_id") or message.get("id") or "", message.get("name") or ""
    return Said(speaker, results=[Result(id, text, name)]) if type(id) is type(name) is str else None


_RESULTS = _names("result tool_call")
_OF_CHAT = _names("role content tool_calls tool_call_id name id")
_OF_SHAREGPT = _names("from value")


def _message(message: Any) -> Said:
    if not isinstance(message, dict):
        raise BadRecord(f"it is {kind_of(message)}, not an object")
    message = _unwrapped(message)
    name, speaker = _speaker(message)
    said = Said(speaker)
    kind = message.get("type")
    item = isinstance(kind, str) and "role" not in message and ("_call" in kind or kind in ("reasoning", "mcp_call"))
    if item:
        read_content([message], said)
    else:
        for key in _CONTENTS:
            if message.get(key) is not None:
                told = speaker == "tool"
                said.text = text_in(message[key], said) if told else read_content(message[key], said)
                break
        _calls(message, said, name)
        _thoughts(message, said)
    if not said.text and isinstance(refusal := message.get("refusal"), str):
        said.text = refusal
    if isinstance(audio := message.get("audio"), dict):
        said.left("audio")
        said.text = said.text or str(audio.get("transcript") or "")
    if speaker == "tool" and said.calls:  # Koog gives calls back under this role
        said.speaker = "assistant"
    elif speaker == "tool" and not said.results:
        if said.text.startswith("<tool_response>"):
            take_written(said)
        else:
            _result(message, said)
    elif speaker == "tool" and said.text:  # words beside the results
        said.speaker = "user"
    _words(said)
    if said.speaker == "assistant":
        said.trained = _trained(message)
        about = message.get("response_metadata")
        named = about if isinstance(about, dict) else message
        model = named.get("model_name") or named.get("model") or named.get("ls_model_name")
        said.model = model if isinstance(model, str) else ""
    if not message.keys() <= _READ:
        for field in message.keys() - _READ - _ABOUT:
            if message[field] not in (None, "", [], {}, False):
                said.left(f"field {field}")
    return said


def _unknown_item(message: Mapping[str, Any]) -> str:
    """The type of an item of the responses API (or of LangChain's lists) that says nothing."""
    kind = message.get("type")
    if not isinstance(kind, str) or "role" in message or "content" in message or "data" in message:
        return ""
    low = kind.lower()
    return "" if low in _SPEAKERS or "_call" in low or "from" in message or "kwargs" in message else f"item {kind:.40}"


def _unwrapped(message: dict[str, Any]) -> dict[str, Any]:
    """The message in the wrappers of LangChain, ADK and others."""
    if "role" not in message and isinstance(message.get("kwargs"), dict):  # LangChain's `lc` form
        kind = message.get("id")
        return {"type": kind[-1] if isinstance(kind, list) and kind else None, **message["kwargs"]}
    if isinstance(message.get("data"), dict) and "content" not in message and "parts" not in message:
        return {**message["data"], "type": message.get("type")}  # `message_to_dict`
    content = message.get("content")
    if isinstance(content, dict) and "parts" in content:  # an event of ADK, a candidate of Gemini
        held = content if "role" in content else {"parts": content["parts"]}
        return {**message, **held, "content": None}
    if isinstance(inner := message.get("message"), dict) and "content" not in message and "role" in inner:
        return inner
    return message


def _speaker(message: Mapping[str, Any]) -> tuple[str, Speaker]:
    name = next((message[key] for key in ("role", "from", "type", "kind", "author") if message.get(key)), None)
    if not isinstance(name, str):
        raise BadRecord("its role is no text" if name else "it has no role")
    if name == "chat" and isinstance(message.get("role"), str):
        name = message["role"]
    low = name.lower().replace("-", "_")
    if low in _SPEAKERS:
        return low, _SPEAKERS[low]
    if low.endswith(("_call_output", "_response", "_result")):
        return low, "tool"
    if low.endswith("_call"):
        return low, "assistant"
    if low == "message" or name == message.get("author"):  # of the responses API, or an agent of ADK under its name
        return low, "assistant"
    raise BadRecord(f"there is no role {name!r:.40}")


def _calls(message: Mapping[str, Any], said: Said, name: str) -> None:
    given = message.get("additional_kwargs")
    extra: Mapping[str, Any] = given if isinstance(given, dict) else {}
    found = next((one for one in (message.get("tool_calls"), extra.get("tool_calls")) if one), None)
    if isinstance(found, list):
        held = map(loaded, found)
        bodies = [(call.get("tool_call") or call) if isinstance(call, dict) else call for call in held]
        # Given both ways, as a provider's blocks and as LangChain's calls, they are the same.
        said.calls = [read_call(call) for call in bodies]
        for call, one in zip(said.calls, bodies, strict=True):
            if isinstance(one.get("result"), str):
                said.results.append(Result(call.id, one["result"], call.name))
    for call in message.get("invalid_tool_calls") or ():
        said.calls.append(read_call(call))
    if isinstance(old := message.get("function_call") or extra.get("function_call"), Mapping):
        said.calls.append(read_call(old))
    if name in ("function_call", "tool_call") and not said.calls:  # in ShareGPT the call is the text
        take_written(said, whole=True)
    for one in message.get("toolInvocations") or ():  # of the Vercel AI SDK's older messages, beside their text
        read_content([{"type": "tool-invocation", "toolInvocation": one}], said)


def _thoughts(message: Mapping[str, Any], said: Said) -> None:
    extra = message.get("additional_kwargs")
    for holder in (message, extra if isinstance(extra, dict) else {}):
        for name in _THOUGHTS:
            if holder.get(name) and (thought := thought_in(holder[name])):
                if thought.strip() not in said.thought:
                    said.thought += as_thought(thought)
                return


def _result(message: Mapping[str, Any], said: Said) -> None:
    given = next((message[key] for key in ("tool_call_id", "call_id", "toolCallId", "id") if message.get(key)), "")
    name = next((message[key] for key in ("name", "tool_name", "toolName") if isinstance(message.get(key), str)), "")
    error = message.get("error")
    if not said.text and error:
        said.text = text_in(error.get("message", error) if isinstance(error, dict) else error, said)
    said.results, said.text = [Result(str(given), said.text, name)], ""


def _words(said: Said) -> None:
    """What stands in the text of a message besides its words: reasoning, and calls of tools."""
    text = said.text
    if said.speaker == "assistant" and text:
        thought, said.text = split_thought(text)
        said.thought += thought
        if not said.calls:
            take_written(said)
    elif said.speaker == "user" and "<tool_response>" in text:
        take_written(said)


def _trained(message: Mapping[str, Any]) -> bool | None:
    for name in _WEIGHTS:
        if isinstance(given := message.get(name), bool | int | float):
            return given != 0
    return not message["mask"] if isinstance(message.get("mask"), bool) else None


def _apart(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The messages in a request of Pydantic-AI, whose parts have speakers of their own."""
    if message.get("instructions"):
        yield {"role": "system", "content": message["instructions"]}
    for part in message.get("parts") or ():
        kind = part.get("part_kind") if isinstance(part, dict) else None
        if not isinstance(kind, str):
            raise BadRecord("a part of a request has no `part_kind`")
        if kind in ("tool-return", "retry-prompt") and part.get("tool_name"):
            yield {"role": "tool", **{key: part.get(key) for key in ("content", "tool_name", "tool_call_id")}}
        else:
            yield {"role": "system" if kind == "system-prompt" else "user", "content": part.get("content")}
