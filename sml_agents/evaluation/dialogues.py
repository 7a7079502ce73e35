"""Which dialogues the report shows, and what of them goes into the page.

The choice is a mix made by rule: tasks are sorted into buckets by student, family, form, outcome and first turn, and
the buckets are emptied in turns, in the order of a hash of the task. So rare kinds are seen, all students are shown on
the same tasks, and the same stores always give the same page.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sml_agents.evaluation.definitions import ASKING
from sml_agents.evaluation.tally import first_act, setting, solved_within
from sml_agents.types import Form, Role, StopReason, Task, Trace, Turn, stable_hash

__all__ = ["Chosen", "Streams", "choose", "kind_of", "outcome_of"]

Streams = Mapping[str, Callable[[], Iterable[Trace]]]
"""For each student a function that reads its dialogues anew."""

MAX_TEXT = 20_000
"""Characters of one text that go into the page; the page says how many are left out."""
MAX_PAGE = 8_000_000
"""Characters of all dialogues in the page: a browser on a phone has to hold them."""


class Chosen:
    """Dialogues for the page, and what the choice was made from."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.shown = 0
        self.total = 0
        self.teachers: set[str] = set()
        self.limits: set[int] = set()
        self.guards: set[str] = set()

    def note(self, trace: Trace) -> None:
        self.total += 1
        teacher = trace.settings.get("teacher")
        if isinstance(teacher, Mapping) and len(self.teachers) < 10:
            self.teachers.add(model_name(teacher.get("model")))
        if isinstance(limit := setting(trace, "max_turns"), int):
            self.limits.add(limit)
        if isinstance(guard := setting(trace, "guard"), str):
            self.guards.add(guard)


def choose(streams: Streams, limit: int = 200) -> Chosen:
    """At most `limit` dialogues of all students together (though at least one task's), as JSON-able entries by task.

    Each stream is read twice, one trace in memory at a time beside the chosen ones.
    """
    chosen = Chosen()
    buckets: dict[tuple[str, ...], list[tuple[int, tuple[str, int]]]] = {}
    for student, read in streams.items():
        for trace in read():
            chosen.note(trace)
            if limit <= 0:
                continue
            key = (trace.task.id, trace.sample)
            place = int(stable_hash(*key), 16)
            bucket = buckets.setdefault((student, kind_of(trace.task), outcome_of(trace), _asked(trace)), [])
            # a heap of the smallest hashes: its root is the largest of them
            if len(bucket) < limit:
                heapq.heappush(bucket, (-place, key))
            elif -place > bucket[0][0]:
                heapq.heapreplace(bucket, (-place, key))
    queues = [sorted(((-place, key) for place, key in buckets[name]), reverse=True) for name in sorted(buckets)]
    wanted: dict[tuple[str, int], None] = {}
    room = max(1, limit // max(1, len(streams)))
    while len(wanted) < room and any(queues):
        for queue in queues:
            if queue and len(wanted) < room:
                wanted[queue.pop()[1]] = None
    _collect(chosen, streams, wanted)
    return chosen


def kind_of(task: Task) -> str:
    return f"{task.family} · {task.form.value}"


def outcome_of(trace: Trace) -> str:
    """`solved`, `unsolved`, `unscored` or `failed`."""
    if trace.stop is StopReason.FAILED:
        return "failed"
    solved = solved_within(trace)
    return "unscored" if solved is None else "solved" if solved else "unsolved"


def model_name(model: Any) -> str:
    """A short name of a model as it is described in a trace's settings."""
    if isinstance(model, Mapping):
        for field in ("spec", "model", "model_name", "name", "path", "backend"):
            if model.get(field):
                return str(model[field])
        return "unnamed"
    return str(model) if model else "unnamed"


def _collect(chosen: Chosen, streams: Streams, wanted: Mapping[tuple[str, int], None]) -> None:
    entries: dict[tuple[str, int], dict[str, Any]] = {}
    size = 0
    for student, read in streams.items():
        for trace in read():
            key = (trace.task.id, trace.sample)
            if key not in wanted or size > MAX_PAGE:
                continue
            entry = entries.setdefault(key, _task_data(trace))
            if student in entry["talks"]:
                continue
            entry["talks"][student] = _talk_data(trace)
            size += sum(min(len(turn.text), MAX_TEXT) for turn in trace.turns)
            chosen.shown += 1
    chosen.tasks = sorted(
        entries.values(),
        key=lambda entry: (entry["form"] == Form.FULL, entry["kind"], stable_hash(entry["id"], entry["sample"])),
    )


def _task_data(trace: Trace) -> dict[str, Any]:
    task = trace.task
    prompt, cut = _clip(task.prompt)
    return {
        "key": f"{task.id}/{trace.sample}" if trace.sample else task.id,
        "id": task.id,
        "sample": trace.sample,
        "kind": kind_of(task),
        "form": task.form.value,
        "prompt": prompt,
        "cut": cut,
        "answer": _clip(task.private.answer)[0],
        "facts": [{"name": fact.name, "statement": _clip(fact.statement)[0]} for fact in task.private.facts],
        "solution": _clip(task.private.solution)[0],
        "talks": {},
    }


def _talk_data(trace: Trace) -> dict[str, Any]:
    turns = []
    count = 0
    for position, turn in enumerate(trace.turns):
        count += turn.role is Role.STUDENT
        opening = position == 0 and turn.role is Role.TEACHER and turn.text == trace.task.prompt
        if not opening:
            turns.append(_turn_data(turn, count))
    return {
        "id": trace.id,
        "outcome": outcome_of(trace),
        "solved": solved_within(trace) or 0,
        "stop": trace.stop.value,
        "asked": _asked(trace),
        "error": _clip(str(trace.error or ""))[0],
        "turns": turns,
    }


def _turn_data(turn: Turn, count: int) -> dict[str, Any]:
    """The turn without what is empty; `turn` counts student turns, `after` says which one a teacher turn answers."""
    text, cut = _clip(turn.text)
    student = turn.role is Role.STUDENT
    data: dict[str, Any] = {"role": turn.role.value, "text": text, "turn" if student else "after": count}
    details = {
        "cut": cut,
        "act": turn.act.value if turn.act else None,
        "by": turn.act_by,
        "span": turn.act_span,
        "verdict": turn.verdict.model_dump(mode="json", exclude_defaults=True) if turn.verdict else None,
        "reveals": turn.reveals,
        "leak": turn.leak,
        "masked": turn.masked,
        "primed": turn.primed,
        "replaced": _clip(turn.replaced or "")[0],
        "finish": turn.finish,
    }
    return data | {name: detail for name, detail in details.items() if detail}


def _asked(trace: Trace) -> str:
    act = first_act(trace)
    return "unknown" if act is None else "yes" if act in ASKING else "no"


def _clip(text: str) -> tuple[str, int]:
    """The text as shown, and how many characters of it are not."""
    return text[:MAX_TEXT], max(0, len(text) - MAX_TEXT)
