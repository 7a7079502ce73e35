"""First turns of the Schema-Guided Dialogue data as requests: `sgd:PATH`.

A row is one system turn: what was said so far (`messages`), the tool, and whether the system asked for required slots
(`label` ask, `missing`) or called the service (`call`). First turns alone become tasks: the person asks for something,
and it lacks a value or does not. The data does not say what a person would have told when asked; the value is that of
another row for the same slot of the same service. Turns in which the system has an offer confirmed are refused.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sml_agents.tasks.rows import read_rows
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.tasks.tools.foreign import (
    Unusable,
    argument_in,
    check_length,
    read_call,
    read_tool,
    required_paths,
    text_of,
    whole,
)
from sml_agents.tasks.tools.functions import Served, fact_of, request_task
from sml_agents.types import AcceptedCall, Form, Task, stable_hash

__all__ = ["make"]

Values = Mapping[tuple[str, str], list[str]]
"""Values that people told, by service and slot."""


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """Tasks in the order of the file; `form` full or underspecified takes the rows of that kind alone."""
    rows = list(read_rows(spec.arg, report))
    pool = _values(row for row in rows if _is_whole(row))
    wanted = {"full": ("call",), "underspecified": ("ask",)}.get(spec.form, ("ask", "call"))
    for row in islice(rows, spec.offset, None):
        report.read += 1
        try:
            whole(row)
            task = _task(row, pool, random.Random(stable_hash(spec.seed, str(row.get("id")))))
        except Unusable as reason:
            report.bad[str(reason)] += 1
            continue
        if isinstance(task, str):
            report.refused[task] += 1
        elif row["label"] in wanted:
            yield (task,)


def _is_whole(row: Mapping[str, Any]) -> bool:
    try:
        whole(row)
    except Unusable:
        return False
    return True


def _values(rows: Iterable[Mapping[str, Any]]) -> Values:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        tool, known, call = row.get("tool"), row.get("known"), row.get("call")
        arguments = call.get("arguments") if isinstance(call, Mapping) else None
        service = str(tool.get("service")) if isinstance(tool, Mapping) else ""
        for values in (known, arguments):
            for name, value in values.items() if isinstance(values, Mapping) else ():
                found[service, name].append(value)
    return found


def _task(row: Mapping[str, Any], pool: Values, rng: random.Random) -> Task | str:
    """A task, or why there is none. Raises Unusable."""
    messages, label = row.get("messages"), row.get("label")
    if not isinstance(messages, list) or not all(isinstance(one, Mapping) for one in messages) or not messages:
        raise Unusable("no messages")
    if label not in ("ask", "call", "confirm"):
        raise Unusable("no label")
    if label == "confirm":
        return "an offer to confirm"
    if len(messages) > 1:
        return "not a first turn"
    given = row.get("tool")
    tool = read_tool(given)
    schema, service = tool["function"]["parameters"], str(given.get("service")) if isinstance(given, Mapping) else ""
    text = text_of(messages[0]) if messages[0].get("role") == "user" else ""
    if not text:
        raise Unusable("no request")
    check_length(text)
    if label == "call":
        served = Served(text, (tool,), (read_call(row.get("call"), (tool,)),), str(row.get("id", "")))
        return request_task("sgd", served, Form.FULL, served.id)
    missing, known = row.get("missing"), row.get("known")
    if not isinstance(missing, list) or not missing or not isinstance(known, Mapping):
        raise Unusable("nothing missing where something is asked")
    arguments: dict[str, tuple[Any, ...]] = {name: (value,) for name, value in known.items() if name in _all(schema)}
    lacking = list(dict.fromkeys(map(str, missing)))
    lacking += [path for path in required_paths(schema) if path not in arguments and path not in lacking]
    for name in lacking:
        if argument_in(schema, name) is None:
            raise Unusable("a missing slot that the tool does not have")
        choices = pool.get((service, name))
        if not choices:
            return "no value for a missing slot"
        arguments[name] = (rng.choice(choices),)
    if [path for path in arguments if any(path.startswith(f"{other}.") for other in arguments)]:
        raise Unusable("an object and a part of it as two slots")
    call = AcceptedCall(name=tool["function"]["name"], arguments=arguments)
    served = Served(text, (tool,), (call,), str(row.get("id", "")))
    facts = tuple(fact_of((tool,), call, name) for name in lacking)
    return request_task("sgd", served, Form.UNDERSPECIFIED, served.id, facts)


def _all(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["properties"]
    return found
