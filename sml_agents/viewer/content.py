"""A trace as what the page shows: plain data, every text as text."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from sml_agents.data.pairs import replaced_calls
from sml_agents.mining import moment_of
from sml_agents.traces import Damage
from sml_agents.types import Role, ToolCall, Trace, Turn

__all__ = ["row", "whole"]

_LONGEST = 100_000
"""Characters of one text that go to the page."""
_PREVIEW = 160


def row(trace: Trace | Damage) -> dict[str, Any]:
    """A line of the list."""
    if isinstance(trace, Damage):
        return {"id": trace.id, "request": trace.what, "note": "damaged", "state": "damaged", "date": ""}
    moment = moment_of(trace)
    state: str
    if moment is not None:
        note, state = f"{moment.kind}, {moment.confidence:.0%} sure", moment.review
    else:
        note = ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in _counts(trace) if count)
        state = {True: "solved", False: "not solved", None: trace.stop.value.replace("_", " ")}[trace.solved]
    return {
        "id": trace.id,
        "date": str(trace.tags.get("started") or "")[:16].replace("T", " "),
        "request": textwrap.shorten(trace.task.prompt, _PREVIEW, placeholder=" …") or "(nothing)",
        "note": note,
        "state": state,
    }


def _counts(trace: Trace) -> list[tuple[int, str]]:
    calls = sum(len(turn.tool_calls or ()) for turn in trace.turns)
    return [(len(trace.student_turns), "turn"), (calls, "call")]


def whole(trace: Trace) -> dict[str, Any]:
    """Everything about it that a person would look for."""
    task, moment = trace.task, moment_of(trace)
    who = ("person", "agent") if trace.is_log else ("teacher", "student")
    facts = [("family", task.family), ("form", task.form.value), ("ended", trace.stop.value.replace("_", " "))]
    facts += [(name, value) for name, value in (("split", task.split), ("source", task.meta.get("source"))) if value]
    if trace.error is not None:
        facts.append(("error", str(trace.error)))
    return {
        **row(trace),
        "facts": [[name, _clip(str(value))] for name, value in facts],
        "system": _clip(trace.system),
        "tools": [_tool(tool) for tool in trace.tools or task.tools],
        "private": {
            "answer": _clip(task.private.answer),
            "facts": [[fact.name, _clip(fact.statement), _clip(fact.question)] for fact in task.private.facts],
        },
        "turns": [_turn(turn, who, trace) for turn in trace.turns],
        "reviews": [_clip(_json(one)) for one in trace.tags.get("reviews", ()) if isinstance(one, dict)],
        "lesson": None
        if moment is None
        else {
            "kind": moment.kind.value,
            "confidence": moment.confidence,
            "by": f"{moment.by}, {moment.outcome_by}",
            "review": moment.review,
            "question": _clip(moment.question),
            "evidence": [[_clip(one.quote), _clip(one.why)] for one in moment.evidence],
        },
    }


def _turn(turn: Turn, who: tuple[str, str], trace: Trace) -> dict[str, Any]:
    notes = [turn.act.value.replace("_", " ") if turn.act else ""]
    if turn.verdict is not None:
        notes.append(turn.verdict.outcome.value)
        notes += [f"guessed {name}" for name in turn.verdict.guessed]
    notes += [f"tells {name}" for name in turn.reveals]
    if turn.leak:
        notes.append(f"leak: {turn.leak}")
    if turn.primed:
        notes.append("put here in place of what was said")
    replaced = [_call(call) for call in replaced_calls(trace)] if turn.primed else []
    return {
        "who": who[0] if turn.role is Role.TEACHER else who[1],
        "mine": turn.role is Role.STUDENT,
        "trained": turn.trainable,
        "notes": [note for note in notes if note],
        "text": _clip(turn.text),
        "thought": _clip(turn.thought),
        "calls": [_call(call) for call in turn.tool_calls or ()],
        "replaced": _clip(turn.replaced or ""),
        "replaced_calls": replaced,
    }


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "name": _clip(call.name),
        "arguments": [[_clip(str(name)), _clip(_json(value))] for name, value in call.arguments.items()],
        "result": None if call.result is None else _clip(call.result),
    }


def _tool(tool: dict[str, Any]) -> list[str]:
    function = tool.get("function", tool)
    about = function if isinstance(function, dict) else {}
    return [_clip(str(about.get("name", "?"))), _clip(str(about.get("description", "")))]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text) - _LONGEST:,} more characters)"
