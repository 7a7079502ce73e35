"""Spans as their exporters write them, one object or thousands in it; attributes under dotted names.

Read are OTLP JSON in each of its spellings (camel and snake case, enumerations as names or numbers, ids in hexadecimal
or base64, `instrumentationLibrarySpans` of older releases, spans and log records in one object), Tempo's `batches` and
`trace`, Jaeger's `data`, Zipkin's list, and one span an object with flat or nested attributes, as the consoles of the
SDKs, Phoenix and most stores write it.

`under(attributes, "llm.input_messages")` gives what stands below a name, nested again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sml_agents.errors import one_line
from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.lines import rows
from sml_agents.traces.importers.messages import DAMAGE, why
from sml_agents.traces.importers.parts import BadRecord
from sml_agents.traces.importers.record import Loss, OnLoss

__all__ = ["Span", "listed", "merged", "read_spans", "under"]

_MAX_DEPTH = 40
_HOLDERS = frozenset(
    {
        *("resourcespans", "resourcelogs", "batches", "trace", "traces", "data"),
        *("scopespans", "scopelogs", "instrumentationlibraryspans", "instrumentationlibrarylogs"),
        *("spans", "logrecords"),
    }
)
"""Names, without case and underscores, under which spans and log records lie, level by level."""
_METRICS = frozenset({"resourcemetrics"})
_TRACE_IDS = ("traceId", "trace_id", "traceID")
_SPAN_IDS = ("spanId", "span_id", "spanID", "id")
_PARENTS = ("parentSpanId", "parent_span_id", "parent_id", "parentId", "parentSpanID")
_STARTS = (
    *("startTimeUnixNano", "start_time_unix_nano", "start_time", "startTime", "timeUnixNano", "time_unix_nano"),
    *("observedTimeUnixNano", "observed_time_unix_nano", "startTimeMillis", "timestamp"),
)
_ENDS = ("endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime", "endTimeMillis")


@dataclass(slots=True)
class Span:
    trace: str
    id: str
    start: Any
    """When it began and ended, in any form that `times.moment` reads."""
    end: Any
    attributes: dict[str, Any]
    where: str
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Those about messages: their names and what they hold."""
    error: str = ""
    parent: str = ""
    """Id of the span that it is part of; empty for the outermost."""


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
    for row in rows(place, on_loss, inside=("data",)):
        yield from _in(row.value, row.where, on_loss, 0)


def _in(value: Any, where: str, on_loss: OnLoss, depth: int) -> Iterator[Span]:
    """The spans in an object: those in whatever it holds them in, or itself."""
    try:
        if not isinstance(value, Mapping):
            raise BadRecord("it is no object")
        held = [
            inner for name, inner in value.items() if isinstance(inner, list | Mapping) and _plain(name) in _HOLDERS
        ]
        if not held or depth > _MAX_DEPTH or "attributes" in value:
            if any(_plain(name) in _METRICS for name in value):
                return
            yield _span(value, where)
            return
    except DAMAGE as error:
        on_loss(Loss(where, f"it is no span: {why(error)}"))
        return
    for inner in held:
        for one in inner if isinstance(inner, list) else [inner]:
            id = next((one[name] for name in _SPAN_IDS if one.get(name)), "") if isinstance(one, Mapping) else ""
            yield from _in(one, f"{where.partition(' span ')[0]} span {id}" if id else where, on_loss, depth + 1)


def _plain(name: Any) -> str:
    return str(name).replace("_", "").lower()


def _span(value: Mapping[str, Any], where: str) -> Span:
    context = value.get("context") if isinstance(value.get("context"), Mapping) else value.get("spanContext")
    context = context if isinstance(context, Mapping) else {}

    def named(names: tuple[str, ...]) -> Any:
        for name in names:
            for holder, key in ((value, name), (context, name), (value, f"context.{name}")):
                if holder.get(key) not in (None, ""):
                    return holder[key]
        return ""

    trace, id, start, end = _id(named(_TRACE_IDS)), _id(named(_SPAN_IDS)), named(_STARTS), named(_ENDS)
    attributes = _attributes(value.get("attributes") or value.get("tags") or value.get("span_attributes") or {})
    for name, part in value.items():
        if name.startswith("attributes.") and part is not None:
            _flatten(part, name.removeprefix("attributes."), attributes, 0)
    event = value.get("eventName") or value.get("event_name") or attributes.get("event.name")
    if event or "body" in value:  # a log record
        held = {**attributes, "body": _any(value.get("body"))}
        return Span(trace, id, start, end, {}, where, [(str(event), held)])
    if not trace and not attributes:
        raise BadRecord("it has neither trace nor attributes")
    error = _error(value.get("status"), value) or one_line(attributes.get("error.message", ""))
    parent = _id(named(_PARENTS) or _referred(value.get("references")))
    return Span(trace or where, id, start, end, attributes, where, _events(value), error, parent)


def _referred(references: Any) -> Any:
    """Jaeger's parent."""
    found = references if isinstance(references, list) else []
    return next((one.get("spanID") for one in found if isinstance(one, Mapping) and one.get("spanID")), "")


def _events(value: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The events of a span that may hold messages; Jaeger calls them logs, and their attributes fields."""
    found = []
    given = value.get("events") or value.get("logs") or ()
    for one in given if isinstance(given, list) else ():
        if isinstance(one, Mapping):
            held = _attributes(one.get("attributes") or one.get("fields") or {})
            name = str(one.get("name") or held.get("event") or held.get("event.name") or "")
            if name.startswith("gen_ai."):
                found.append((name, held))
    return found


def _id(value: Any) -> str:
    """An id as hexadecimal digits: protobuf's own JSON has it in base64."""
    text = str(value)
    if len(text) in (12, 24) and text.endswith("="):
        try:
            return base64.b64decode(text, validate=True).hex()
        except (binascii.Error, ValueError):
            return text
    return text.removeprefix("0x")


def _error(status: Any, value: Mapping[str, Any]) -> str:
    if not isinstance(status, Mapping):
        status = {"code": value.get("status_code", status), "message": value.get("status_message")}
    if status.get("code", status.get("status_code")) not in (2, "2", "STATUS_CODE_ERROR", "ERROR", "Error"):
        return ""
    return str(status.get("message") or status.get("description") or "failed")


def _attributes(given: Any) -> dict[str, Any]:
    """Attributes under dotted names, from a list of keys and values or from a mapping, flat or nested."""
    flat: dict[str, Any] = {}
    given = loaded(given)
    if isinstance(given, list):
        for pair in given:
            value = pair["value"] if "value" in pair else pair.get("vStr", pair.get("v_str"))
            _flatten(_any(value), str(pair.get("key")), flat, 0)
    elif isinstance(given, Mapping):
        for name, value in given.items():
            _flatten(_any(value), str(name), flat, 0)
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


_KINDS = frozenset({"stringvalue", "boolvalue", "intvalue", "doublevalue", "bytesvalue", "arrayvalue", "kvlistvalue"})
_SCALARS = ("stringvalue", "boolvalue", "doublevalue", "bytesvalue")


def _any(value: Any, depth: int = 0) -> Any:
    """OTLP's AnyValue as a plain one."""
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH or len(value) != 1:
        return value
    ((name, inner),) = value.items()
    kind = _plain(name)
    if kind == "value" and isinstance(inner, Mapping) and {_plain(one) for one in inner} <= _KINDS:  # as Go prints it
        return _any(inner, depth + 1)
    if kind == "intvalue":
        return int(inner)
    if kind in _SCALARS:
        return inner
    if kind == "arrayvalue" and isinstance(inner, Mapping | list):
        return [_any(one, depth + 1) for one in _values(inner)]
    if kind == "kvlistvalue" and isinstance(inner, Mapping | list):
        return {str(one.get("key")): _any(one.get("value"), depth + 1) for one in _values(inner)}
    return value


def _values(held: Mapping[str, Any] | list[Any]) -> Any:
    return held if isinstance(held, list) else held.get("values", held.get("Values")) or ()


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
