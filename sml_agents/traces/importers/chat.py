"""Plain files of conversations: OpenAI's chat JSONL, and ShareGPT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from sml_agents.traces.importers.lines import Row, rows
from sml_agents.traces.importers.messages import DAMAGE, BadRecord, read_message, read_messages, why
from sml_agents.traces.importers.record import Log, Loss, OnLoss
from sml_agents.types import Usage

__all__ = ["content_key", "read_openai", "read_sharegpt", "usage_of"]


def read_openai(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """Rows with `messages`, as for fine-tuning; or with a request and its response (`choices`), as proxies log them."""
    for row in rows(place, on_loss):
        try:
            yield _openai(row)
        except DAMAGE as error:
            on_loss(Loss(row.where, why(error)))


def read_sharegpt(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """Rows with `conversations` (or `items`) of `from` and `value`."""
    for row in rows(place, on_loss):
        value = row.value
        try:
            turns = value.get("conversations", value.get("conversation", value.get("items")))
            if turns is None:
                raise BadRecord("it has no `conversations`")
            said = read_messages(turns)
            if isinstance(system := value.get("system"), str) and system:
                said.insert(0, read_message({"role": "system", "content": system}))
            yield Log(content_key(row), said, row.where, source=name_of(value))
        except DAMAGE as error:
            on_loss(Loss(row.where, why(error)))


def _openai(row: Row) -> Log:
    value = row.value
    request = next((value[name] for name in ("request", "body", "kwargs") if isinstance(value.get(name), dict)), value)
    if isinstance(request.get("body"), dict):
        request = request["body"]
    if "messages" not in request:
        raise BadRecord("it has no `messages`")
    said = read_messages(request["messages"])
    response = value.get("response", value)
    if isinstance(response, dict) and isinstance(response.get("body"), dict):
        response = response["body"]
    response = response if isinstance(response, dict) else {}
    choices = response.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and "message" in choices[0]:
        said.append(read_message(choices[0]["message"]))
    model = response.get("model") or request.get("model")
    return Log(
        content_key(row),
        said,
        row.where,
        source=name_of(value),
        model=model if isinstance(model, str) else "",
        usage=usage_of(response.get("usage")),
    )


def content_key(row: Row) -> str:
    """A name made of the content: the same row again is the same trace."""
    return blake2b(row.raw or orjson.dumps(row.value), digest_size=12).hexdigest()


def name_of(value: Mapping[str, Any]) -> str:
    """The row's own id, if it has one."""
    id = next((value[name] for name in ("id", "custom_id", "thread_id", "conversation_id") if name in value), "")
    return str(id) if isinstance(id, str | int) else ""


def usage_of(value: Any) -> Usage | None:
    """Token counts under any of their usual names; None when there are none."""
    if not isinstance(value, Mapping):
        return None

    def count(*names: str) -> int:
        found = next((value[name] for name in names if isinstance(value.get(name), int)), 0)
        return max(0, found)

    usage = Usage(
        prompt_tokens=count("prompt_tokens", "input_tokens", "input"),
        completion_tokens=count("completion_tokens", "output_tokens", "output"),
    )
    return usage if usage.prompt_tokens or usage.completion_tokens else None
