"""Plain files of conversations: chat JSONL of OpenAI's and others, logged requests with their responses, ShareGPT, and
TRL's data sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from sml_agents.traces.importers.about import UNTOLD, About, about
from sml_agents.traces.importers.chats import chat_of, has_speaker, model_in, system_in, tools_in, usage_of
from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.lines import Row, rows
from sml_agents.traces.importers.messages import DAMAGE, read_messages, why
from sml_agents.traces.importers.parts import BadRecord, Said
from sml_agents.traces.importers.record import Log, Loss, OnLoss, Score

__all__ = ["content_key", "read_openai", "read_sharegpt"]

_REQUESTS = ("request", "body", "kwargs", "proxy_server_request", "requestBody", "request_body", "params")
_RESPONSES = ("response", "responseBody", "response_body", "raw_response", "response_obj")
_LISTS = ("messages", "conversations", "conversation", "items", "contents", "dialog", "dialogue", "input", "prompt")
_WRAPS = frozenset({*_REQUESTS, *_RESPONSES})
_ANSWERS = frozenset({*_RESPONSES, "choices", "candidates", "output"})
_TIMES = frozenset(
    {
        *("timestamp", "created", "created_at", "createdAt", "create_time", "time", "date"),
        *("start_time", "startTime", "started_at", "end_time", "endTime", "ended_at", "completed_at"),
    }
)
_NOTES = frozenset({"tags", "request_tags", "metadata"})
_TARGETS = ("completion", "chosen")
"""Of TRL's data sets: what is trained on, after a `prompt` that is not."""


def read_openai(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """Rows with `messages`, as for fine-tuning; or with a request and its response, as proxies log them."""
    return _read(place, on_loss, "messages")


def read_sharegpt(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """Rows with `conversations` (or `items`) of `from` and `value`."""
    return _read(place, on_loss, "conversations")


def _read(place: str, on_loss: OnLoss, wanted: str) -> Iterator[Log]:
    for row in rows(place, on_loss):
        try:
            yield _log(row, wanted)
        except DAMAGE as error:
            on_loss(Loss(row.where, why(error)))


def _log(row: Row, wanted: str) -> Log:
    value = row.value
    request = _within(value, _REQUESTS)
    name = next((name for name in _LISTS if request.get(name)), "")
    targets = [target for target in _TARGETS if value.get(target)] if name in ("", "prompt") else []
    if not name and not targets:
        empty = wanted if wanted in request else ""
        raise BadRecord(f"its `{empty}` are empty" if empty else f"it has no `{wanted}`")
    beside: list[dict[str, Any]] = []
    said = _given(request[name], name, beside) if name else []
    if targets and name == "prompt":
        for one in said:
            one.trained = False
    tools = tools_in(request, value) or beside
    response = _response(value, request)
    answered = value[targets[0]] if targets else response
    if answered:
        answers = chat_of(answered, "assistant")
        if value.get("label") is False:  # TRL's unpaired preferences: an answer not to learn
            for one in answers:
                one.trained = False
        said += answers
    if system := system_in(request):
        said = system + [one for one in said if one.text != system[0].text or one.speaker != "system"]
    unread = [name for name in ("rejected", "channel", "instruction") if value.get(name)]
    label = value.get("label")
    about_response = response if isinstance(response, dict) else {}
    return Log(
        content_key(row),
        said,
        row.where,
        source=_name_of(value),
        model=model_in(response, request, value),
        usage=usage_of(about_response.get("usage") or about_response.get("usageMetadata")),
        scores=[Score("label", float(label), source="machine")] if isinstance(label, bool) else (),
        tools=tools,
        unread=unread,
        about=_about(value, request, about_response),
    )


def _about(value: Mapping[str, Any], request: Mapping[str, Any], response: Mapping[str, Any]) -> About:
    """What stands beside the messages; where no time does, those of the first and last message count."""
    holders = [one for one in (value, request if request is not value else {}, response) if one]
    times = _times(holders)
    if not any(times) and isinstance(messages := request.get("messages") or request.get("conversations"), list):
        times = _times((messages[0], messages[-1])) if messages else []
    if not times and all(_NOTES.isdisjoint(holder) for holder in holders):
        return UNTOLD
    tags = value.get("tags") or request.get("tags") or value.get("request_tags")
    return about(times=times, tags=tags, metadata=[value.get("metadata"), request.get("metadata")])


def _times(holders: Iterable[Any]) -> list[Any]:
    return [
        holder[name]
        for holder in holders
        if isinstance(holder, dict) and not _TIMES.isdisjoint(holder)
        for name in _TIMES & holder.keys()
    ]


def _within(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """What is held in `value` under one of `names`, also as JSON in a text, as deep as it is wrapped; else itself."""
    for _ in range(3):
        if _WRAPS.isdisjoint(value):
            break
        held = next((one for name in names if isinstance(one := loaded(value.get(name)), dict) and one), None)
        if held is None or any(value.get(name) for name in ("messages", "contents", "conversations")):
            break
        value = held
    return value


def _given(given: Any, name: str, tools: list[dict[str, Any]]) -> list[Said]:
    given = loaded(given)
    if isinstance(given, str | dict):
        if name not in ("input", "prompt") and isinstance(given, str):
            raise BadRecord(f"its `{name}` are a text, not a list")
        return chat_of(given, "user", tools)
    return read_messages(given)


def _response(value: dict[str, Any], request: dict[str, Any]) -> Any:
    """What the model answered to a logged request; empty where there is none."""
    if _ANSWERS.isdisjoint(value):
        return {}
    for name in _RESPONSES:
        if response := loaded(value.get(name)):
            if isinstance(response, dict):
                response = _within(dict(response), ("body", "response"))
                if response.get("error") and not any(name in response for name in ("choices", "output", "content")):
                    return {}
            return response
    if any(isinstance(value.get(name), list) for name in ("choices", "candidates")):
        return value
    output = loaded(value.get("output"))
    if isinstance(output, list) and output and isinstance(output[0], dict) and has_speaker(output[0]):
        return {name: inner for name, inner in value.items() if name != "input"}
    if "input" in value and not any(value.get(name) for name in _LISTS if name != "input"):
        return output if isinstance(output, str | dict) else {}  # an example in a platform's data set
    return {}


def content_key(row: Row) -> str:
    """A name made of the content: the same row again is the same trace."""
    return blake2b(row.raw or orjson.dumps(row.value, default=str), digest_size=12).hexdigest()


def _name_of(value: Mapping[str, Any]) -> str:
    """The row's own id, if it has one."""
    names = ("id", "custom_id", "thread_id", "conversation_id", "request_id")
    id = next((value[name] for name in names if name in value), "")
    return str(id) if isinstance(id, str | int) else ""
