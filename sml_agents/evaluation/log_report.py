"""The report of an agent's log, or of the lessons mined from one: what happened, and conversations to read.

There are no figures of students in it: nobody knows the right answer in a log. It is one HTML file without a script,
which loads nothing; what persons and models wrote is escaped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sml_agents.data.pairs import replaced_calls
from sml_agents.evaluation.page import part, style_hash
from sml_agents.types import Role, ToolCall, Trace, Turn

__all__ = ["render_log"]

LONGEST = 4_000
"""Characters of one text that go into the page."""


def render_log(traces: Iterable[Trace], *, title: str | None = None, dialogues: int = 200) -> str | None:
    """The page; None when one of the first traces is no conversation of a log. At most `dialogues` are put into it."""
    reading = iter(traces)
    first = list(islice(reading, 20))
    if not first or not all(trace.is_log for trace in first):
        return None
    counts = _Counts()
    talks: list[dict[str, Any]] = []
    for trace in chain(first, reading):
        counts.add(trace)
        if len(talks) < dialogues:
            talks.append(_talk(trace))
    style = part("log.css")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    lessons = bool(counts.kinds)
    page: str = environment.from_string(part("log.html.j2")).render(
        title=title or ("Lessons from an agent's log" if lessons else "An agent's log"),
        facts=counts.facts(),
        tables=counts.tables(),
        talks=talks,
        shown=f"{len(talks):,} of {counts.total:,}, person and agent in turn.",
        style=Markup(style),
        style_hash=style_hash(style),
    )
    return page


class _Counts:
    """What is counted over a whole log."""

    def __init__(self) -> None:
        self.total = self.turns = self.failed = 0
        self.times: list[str] = []
        self.tools: Counter[str] = Counter()
        self.reviews: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.decided: Counter[str] = Counter()
        self.facts_missing: Counter[str] = Counter()

    def add(self, trace: Trace) -> None:
        self.total += 1
        self.turns += len(trace.student_turns)
        self.failed += trace.error is not None
        times = [str(trace.tags[name]) for name in ("started", "ended") if trace.tags.get(name)]
        self.times = [min([*self.times, *times]), max([*self.times, *times])] if self.times or times else []
        self.tools.update(call.name for turn in trace.turns for call in turn.tool_calls or ())
        self.reviews.update(str(one.get("decision")) for one in trace.tags.get("reviews", ()) if isinstance(one, dict))
        moment = trace.tags.get("moment")
        if isinstance(moment, dict):
            self.kinds[str(moment.get("kind"))] += 1
            self.decided[str(moment.get("review"))] += 1
            self.facts_missing.update(fact.name for fact in trace.task.private.facts)

    def facts(self) -> list[tuple[str, str]]:
        found = [("Conversations", f"{self.total:,}"), ("Turns of the agent", f"{self.turns:,}")]
        if self.times:
            found.append(("Between", f"{self.times[0][:10]} and {self.times[1][:10]}"))
        if self.failed:
            found.append(("Ended in an error", f"{self.failed:,}"))
        return found

    def tables(self) -> list[dict[str, Any]]:
        named = (
            ("Lessons", "Kind", self.kinds),
            ("Decisions on lessons", "Decision", self.decided),
            ("What was missing", "Argument", self.facts_missing),
            ("Tools called", "Tool", self.tools),
            ("Reviewers' decisions", "Decision", self.reviews),
        )
        return [{"title": title, "first": first, "rows": counts.most_common(30)} for title, first, counts in named]


def _talk(trace: Trace) -> dict[str, Any]:
    moment = trace.tags.get("moment")
    calls = sum(len(turn.tool_calls or ()) for turn in trace.turns)
    note = f"{len(trace.student_turns)} turns, {calls} calls"
    if isinstance(moment, dict):
        note = f"{moment.get('kind')}, {moment.get('review')}, {100 * float(moment.get('confidence') or 0):.0f} % sure"
    reviews = [one for one in trace.tags.get("reviews", ()) if isinstance(one, dict)]
    return {
        "id": trace.id,
        "date": str(trace.tags.get("started") or "")[:16].replace("T", " "),
        "request": " ".join(trace.task.prompt.split())[:160] or "(nothing)",
        "note": note,
        "source": trace.source,
        "system": _clip(trace.system),
        "turns": [_turn(turn, trace) for turn in trace.turns],
        "reviews": [
            f"A reviewer's decision on {one.get('name')}: {one.get('decision')} {one.get('words') or ''}".strip()
            + (f"; drafted {_json(one.get('proposed'))}" if one.get("decision") == "edit" else "")
            for one in reviews
        ],
    }


def _turn(turn: Turn, trace: Trace) -> dict[str, Any]:
    replaced = ""
    if turn.primed:
        made = [str(_call(call)["text"]) for call in replaced_calls(trace)]
        replaced = "; ".join(words for words in (*made, turn.replaced or "") if words)
    return {
        "who": "person" if turn.role is Role.TEACHER else "agent",
        "note": "put here by mining" if turn.primed else "",
        "text": _clip(turn.text),
        "calls": [_call(call) for call in turn.tool_calls or ()],
        "replaced": _clip(replaced),
    }


def _call(call: ToolCall) -> dict[str, Any]:
    given = ", ".join(f"{name}={_json(value)}" for name, value in call.arguments.items())
    return {"text": _clip(f"{call.name}({given})"), "result": None if call.result is None else _clip(call.result)}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST:,} more characters)"
