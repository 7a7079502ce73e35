"""A trace as a row of the store, and back.

What JSON cannot hold is made holdable once, here: a lone surrogate becomes U+FFFD, a number that is not finite becomes
null, an object that JSON does not know becomes its `str()`, and what is nested deeper than `MAX_DEPTH` is cut. Nothing
that was paid for is lost over it.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from sml_agents.errors import StoreError, complaint, one_line
from sml_agents.traces.redaction import Redactor
from sml_agents.types import TRACE_VERSION, Act, Reply, Role, Trace

__all__ = [
    "MAX_DEPTH",
    "asked",
    "checksum",
    "clean_text",
    "read_reply",
    "read_trace",
    "reply_json",
    "tokens",
    "trace_row",
]

MAX_DEPTH = 100
"""JSON nested deeper than this is cut when a trace is written; the parser refuses at about 190."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_MANY_LEVELS = 180
"""A text with fewer opening brackets cannot be nested too deeply."""


def asked(trace: Trace) -> bool:
    """Whether the student asked a clarifying question in any turn."""
    return any([turn.act is Act.CLARIFICATION and turn.role is Role.STUDENT for turn in trace.turns])


def solved_alone(trace: Trace) -> bool | None:
    """Whether the student itself solved the task: not where Q-priming wrote the right answer. None: nobody can tell."""
    if not trace.solved:
        return trace.solved
    turns = trace.student_turns
    at = trace.solved_at or len(turns)
    return not (at and turns[at - 1].primed)


def tokens(trace: Trace) -> int:
    """Tokens that models generated for the trace, as far as their backends told."""
    calls = [turn.call for turn in trace.turns if turn.call is not None]
    return sum([call.usage.completion_tokens for call in calls if call.usage is not None])


def checksum(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def clean_text(text: str) -> str:
    """`text` as a database can hold it: no lone surrogate, no NUL."""
    return (text if text.isascii() else _SURROGATE.sub("\ufffd", text)).replace("\x00", "\ufffd")


def trace_row(trace: Trace, redactor: Redactor | None) -> dict[str, Any]:
    """The columns of a finished dialogue, secrets redacted."""
    text = _json(trace, redactor)
    return {
        "id": clean_text(trace.id),
        "status": "done",
        "family": clean_text(trace.task.family),
        "form": trace.task.form.value,
        "stop": trace.stop.value,
        "solved": trace.solved,
        "asked": asked(trace),
        "tokens": tokens(trace),
        "crc": checksum(text),
        "trace": text,
    }


def reply_json(reply: Reply, redactor: Redactor | None) -> str:
    return _json(reply, redactor)


def read_trace(text: Any, crc: Any, *, name: str) -> Trace:
    """The trace in a row. Raises StoreError, naming the dialogue, when the text is not what was written."""
    text = checked(text, crc, name=name)
    try:
        trace = _from_version_1(text) if text.startswith('{"version":1,') else Trace.model_validate_json(text)
    except (ValidationError, ValueError) as error:
        raise StoreError(f"dialogue {name} cannot be read: {_first(error)}") from error
    if trace.version > TRACE_VERSION:
        raise StoreError(f"dialogue {name} was written by a newer sml-agents (version {trace.version}): upgrade it")
    return trace


_CALL = ("model", "prompt_hash", "seed", "finish", "usage", "prompt_ids", "completion_ids")
"""What a turn of version 1 had that is its `Call` now."""


def _from_version_1(text: str) -> Trace:
    value = json.loads(text)
    for turn in value.get("turns", ()):
        call = {name: turn.pop(name) for name in _CALL if turn.get(name) not in (None, "")}
        if set(call) - {"model"} or call.get("model", "oracle") not in ("oracle", "human", "guessing"):
            turn["call"] = call
    if isinstance(error := value.pop("error", ""), str) and error:
        boundary, _, rest = error.partition(": ")
        known = boundary in ("student", "teacher")
        value["error"] = {"boundary": boundary if known else "", "message": rest if known else error}
    return Trace.model_validate({**value, "version": TRACE_VERSION})


def read_reply(text: Any, crc: Any, *, name: str) -> Reply:
    """The reply in a row; raises StoreError as `read_trace` does."""
    text = checked(text, crc, name=name)
    try:
        return Reply.model_validate_json(text)
    except (ValidationError, ValueError) as error:
        raise StoreError(f"a stored reply of dialogue {name} cannot be read: {_first(error)}") from error


def checked(text: Any, crc: Any, *, name: str) -> str:
    """`text`, if it is what was written."""
    if not isinstance(text, str) or checksum(text) != crc:
        raise StoreError(f"dialogue {name} is damaged: its text is not the one that was written")
    return text


def _json(noun: BaseModel, redactor: Redactor | None) -> str:
    try:
        text = noun.model_dump_json(exclude_none=True, fallback=str)
        fits = text.count("{") + text.count("[") < _MANY_LEVELS or _parses(noun, text)
    except ValueError:  # surrogates, or nested deeper than the serialiser goes
        fits = False
    if not fits:
        text = _dumped(_holdable(noun, 0))
    if redactor is not None and redactor.suspects(text):
        text = _redacted(text, redactor)
    return text


def _parses(noun: BaseModel, text: str) -> bool:
    try:
        type(noun).model_validate_json(text)
    except ValidationError:
        return False
    return True


def _redacted(text: str, redactor: Redactor) -> str:
    before = json.loads(text)
    after = redactor.clean(before)
    if after == before:
        return text
    # Token ids would still spell the secret.
    for holder in (after, *after.get("turns", ())):
        for name in ("prompt_ids", "completion_ids", "logprobs"):
            (holder.get("call") or {}).pop(name, None)
    return _dumped(after)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _holdable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", str(value))
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= MAX_DEPTH:
        return "[nested too deeply]"
    if isinstance(value, BaseModel):
        value = {name: inner for name, inner in value if inner is not None}
    if isinstance(value, Mapping):
        return {_SURROGATE.sub("\ufffd", str(name)): _holdable(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_holdable(inner, depth + 1) for inner in value]
    return _SURROGATE.sub("\ufffd", str(value))


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError) and error.errors():
        return ": ".join(filter(None, complaint(error)))
    return one_line(error)
