"""Spans as their exporters write them: OTLP JSON, or an object a span; attributes under dotted names.

`Span.under("llm.input_messages")` gives what stands below a name, nested again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sml_agents.traces.importers.lines import Row, rows
from sml_agents.traces.importers.messages import DAMAGE, BadRecord, why
from sml_agents.traces.importers.record import Loss, OnLoss

__all__ = ["Span", "listed", "loaded", "merged", "read_spans", "under"]

_MAX_DEPTH = 40


@dataclass(slots=True)
class Span:
    trace: str
    id: str
    start: Any
    attributes: dict[str, Any]
    where: str
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: str = ""


def merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Spans with the events that came apart from them, as log records."""
    apart: dict[tuple[str, str], Span] = {}
    whole: dict[tuple[str, str], Span] = {}
    for span in spans:
        key = (span.trace, span.id)
        into = whole if span.attributes or not span.id else apart
        if key in into and span.id:
            into[key].events += span.events
        else:
            into[key if span.id else (span.where, "")] = span
    for key, span in apart.items():
        if key in whole:
            whole[key].events += span.events
        else:
            whole[key] = span
    yield from whole.values()


def read_spans(place: str, on_loss: OnLoss) -> Iterator[Span]:
    """The spans in a file or folder, in its order; what is none is a loss."""
    for row in rows(place, on_loss, inside=("spans", "data")):
        try:
            yield from _in_row(row, on_loss)
        except DAMAGE as error:
            on_loss(Loss(row.where, f"it is no span: {why(error)}"))


def _in_row(row: Row, on_loss: OnLoss) -> Iterator[Span]:
    value = row.value
    batches = value.get("resourceSpans", value.get("resource_spans", value.get("resourceLogs")))
    if batches is None:
        yield _span(value, row.where)
        return
    for batch in batches:
        for scope in batch.get("scopeSpans", batch.get("scope_spans", batch.get("scopeLogs", ()))):
            for span in scope.get("spans", scope.get("logRecords", ())):
                try:
                    yield _span(span, f"{row.where} span {span.get('spanId', '?')}")
                except DAMAGE as error:
                    on_loss(Loss(row.where, f"it is no span: {why(error)}"))


def _span(value: Mapping[str, Any], where: str) -> Span:
    context = value.get("context") if isinstance(value.get("context"), Mapping) else {}
    assert isinstance(context, Mapping)

    def named(*names: str) -> Any:
        for name in names:
            for holder, key in ((value, name), (context, name), (value, f"context.{name}")):
                if holder.get(key) not in (None, ""):
                    return holder[key]
        return ""

    trace, id = str(named("traceId", "trace_id")), str(named("spanId", "span_id", "id"))
    start = str(named("startTimeUnixNano", "start_time", "startTime", "timeUnixNano", "observedTimeUnixNano"))
    attributes = _attributes(value.get("attributes", {}))
    for name, part in value.items():
        if name.startswith("attributes.") and part is not None:
            _flatten(part, name.removeprefix("attributes."), attributes, 0)
    event = value.get("eventName") or attributes.get("event.name")
    if event or "body" in value:  # a log record
        held = {**attributes, "body": _any(value.get("body"))}
        return Span(trace, id, start, {}, where, [(str(event), held)])
    if not trace and not attributes:
        raise BadRecord("it has neither trace nor attributes")
    events = [
        (str(one.get("name", "")), _attributes(one.get("attributes", {})))
        for one in value.get("events") or ()
        if isinstance(one, Mapping) and str(one.get("name", "")).startswith("gen_ai.")
    ]
    return Span(trace or where, id, start, attributes, where, events, _error(value.get("status")))


def _error(status: Any) -> str:
    if not isinstance(status, Mapping):
        return ""
    if status.get("code", status.get("status_code")) not in (2, "STATUS_CODE_ERROR", "ERROR"):
        return ""
    return str(status.get("message") or status.get("description") or "failed")


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes under dotted names, from OTLP's key-value list or from a mapping, flat or nested."""
    flat: dict[str, Any] = {}
    if isinstance(given, str):
        given = loaded(given)
    if isinstance(given, list):
        for pair in given:
            _flatten(_any(pair.get("value")), str(pair.get("key")), flat, 0)
    elif isinstance(given, Mapping):
        for name, value in given.items():
            _flatten(value, str(name), flat, 0)
    return flat


def _flatten(value: Any, name: str, flat: dict[str, Any], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise BadRecord("its attributes are nested too deeply")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}", flat, depth + 1)
    elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
        for number, inner in enumerate(value):
            _flatten(inner, f"{name}.{number}", flat, depth + 1)
    elif value is not None:
        flat[name] = value


def _any(value: Any, depth: int = 0) -> Any:
    """OTLP's AnyValue as a plain one."""
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH:
        return value
    for name, inner in value.items():
        match name:
            case "stringValue" | "boolValue" | "doubleValue":
                return inner
            case "intValue":
                return int(inner)
            case "arrayValue":
                return [_any(one, depth + 1) for one in inner.get("values", ())]
            case "kvlistValue":
                return {str(one.get("key")): _any(one.get("value"), depth + 1) for one in inner.get("values", ())}
    return dict(value)


def under(attributes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What stands below `prefix`, nested again; list positions are keys."""
    nested: dict[str, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(f"{prefix}."):
            continue
        at = nested
        *path, last = name[len(prefix) + 1 :].split(".")
        for part in path[:_MAX_DEPTH]:
            inner = at.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            at = inner
        else:
            at[last] = value
    return nested


def listed(nested: Any) -> list[Any]:
    """A mapping whose keys are positions as a list, all the way down."""
    if isinstance(nested, list):
        return nested
    if not isinstance(nested, Mapping):
        return []
    numbered = sorted((int(key), value) for key, value in nested.items() if key.isdecimal() and len(key) < 10)
    return [_with_lists(value) for _, value in numbered]


def _with_lists(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if value and all(key.isdecimal() for key in value):
        return listed(value)
    return {key: _with_lists(inner) for key, inner in value.items()}


def loaded(value: Any) -> Any:
    """JSON in a text, read; anything else as it is."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value
