"""An agent's own logs: what a person had said before each call, what was missing then, and what they said when asked.

A required argument counts as told from the message on in which the called value is said, in any of the forms that
`text.values` reads, and as missing before, where a later message says it. What nobody says in such words is left out.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sml_agents.asker.mix import Pair
from sml_agents.asker.pairs import Complete, pair_of, without
from sml_agents.asker.prompt import Said, ToolView, value_text
from sml_agents.asker.read import AskerModel
from sml_agents.asker.rows import Example, Row
from sml_agents.asker.threshold import Scores
from sml_agents.tasks.tools.foreign import Unusable, argument_in, read_tools, required_paths
from sml_agents.text.schemas import value_at
from sml_agents.text.values import Clock, find, kind_of
from sml_agents.types import Role, Trace, stable_hash

__all__ = ["PARTS", "Talk", "completes_of", "pairs_of", "part_of", "scores_on", "talks_in", "thinned"]

PARTS = {"train": 0.6, "choose": 0.2, "measure": 0.2}
"""Shares of the threads: to train on, to choose the threshold on, and to measure on."""
_SPOKEN = 12
"""Messages before a call that are read, from the end."""


@dataclass(frozen=True)
class Talk:
    """What led to one call: an example for each message of the person since the last call."""

    tool: ToolView
    examples: tuple[Example, ...]
    """The last one is what the call was made on; drafts are the values of that call."""


def part_of(trace: Trace) -> str:
    """Which part a thread belongs to, by a hash of its name: a log that has grown is dealt as before."""
    place = int(stable_hash("asker", str(trace.task.meta.get("source") or trace.id)), 16) / 16**16
    for part, share in PARTS.items():
        if (place := place - share) < 0:
            return part
    return part


def talks_in(trace: Trace, tools: Sequence[Mapping[str, Any]] = ()) -> Iterator[Talk]:
    """The calls of a conversation. `tools`: those of the agent, for logs that hold no definitions of tools."""
    try:
        known = {one["function"]["name"]: one for one in read_tools(list(trace.tools or tools))}
    except Unusable:
        return
    said: list[Said] = []
    since = 0
    for turn in trace.turns:
        calls = [one for one in turn.tool_calls or () if turn.role is Role.STUDENT]
        for call in calls:
            tool = known.get(call.name)
            if tool and (found := _talk(tool, call.arguments, said, since)):
                yield found
        if calls:
            since = len(said)
        if turn.text.strip():
            said.append(Said("user" if turn.role is Role.TEACHER else "assistant", turn.text))


def _talk(tool: Mapping[str, Any], arguments: Mapping[str, Any], said: Sequence[Said], since: int) -> Talk | None:
    schema = tool["function"]["parameters"]
    called = {name: value_at(arguments, name) for name in required_paths(schema)}
    told: dict[str, tuple[int, str]] = {}
    for name, value in called.items():
        if not isinstance(value, str | int | float) or value == "":
            continue
        kind = kind_of(argument_in(schema, name) or {}, name.rsplit(".", 1)[-1], value)
        for place, one in enumerate(said):
            found = find(kind, value, one.text, _CLOCK) if one.role == "user" else []
            if found:
                told[name] = (place, one.text[found[0].span.start : found[0].span.end])
                break
    examples = [
        Example(
            tuple(said[: place + 1][-_SPOKEN:]),
            {name: words if first <= place else None for name, (first, words) in told.items()},
            {name: (value_text(called[name]), first <= place) for name, (first, _) in told.items()},
        )
        for place, one in enumerate(said)
        if one.role == "user" and place >= since
    ]
    return Talk(ToolView.read(tool), tuple(examples)) if told and examples else None


_CLOCK = Clock(dt.datetime(2026, 1, 1), known=False)


def completes_of(talks: Iterable[Talk]) -> list[Complete]:
    """Requests whose first message told all that is required, in words that can be taken out."""
    found = []
    for talk in talks:
        first = talk.examples[0]
        values = {name: value for name, value in first.values.items() if value is not None}
        if len(first.said) == 1 and all(one.name in values for one in talk.tool.required):
            calls = {name: drafted for name, (drafted, _) in first.drafts.items()}
            made = Complete(talk.tool, first.said[0].text, values, calls)
            found += [made] if made.removable else []
    return found


def thinned(talk: Talk, rng: random.Random, share: float = 0.35) -> Row:
    """A row to train on: with a share of the drafts."""
    return Row(
        talk.tool,
        tuple(
            replace(one, drafts={name: draft for name, draft in one.drafts.items() if rng.random() < share})
            for one in talk.examples[-4:]
        ),
    )


def scores_on(model: AskerModel, talks: Sequence[Talk]) -> dict[str, Scores]:
    """What an asker says of all messages in held-out conversations: by kind of what lacks something, as people wrote it
    or by rule, each beside all that lacks nothing."""
    asked, by_rule, whole = [], [], []
    for talk in talks:
        for one in talk.examples:
            if one.missing:
                asked.append((talk.tool, one))
            elif len(one.values) == len(talk.tool.required):
                whole.append(max(model.missing(talk.tool, one.said).values()))
    for complete in completes_of(talks):
        for name in complete.removable:
            said = (Said("user", without(complete.text, complete.values[name])),)
            by_rule.append((complete.tool, Example(said, {name: None})))
    found = {}
    for kind, lacking in {"asked in the logs": asked, "by rule": by_rule}.items():
        read = [(model.missing(tool, one.said), one.missing) for tool, one in lacking]
        found[kind] = Scores(
            lacking=[max(p.values()) for p, _ in read],
            whole=whole,
            named=[max(p, key=p.__getitem__) in missing for p, missing in read],
        )
    return {kind: scores for kind, scores in found.items() if scores.lacking and scores.whole}


def pairs_of(talks: Sequence[Talk], most: int, seed: int = 0) -> dict[str, list[Pair]]:
    """Held-out pairs: as people wrote them, one that lacks something beside one of the same tool that lacks nothing,
    and by rule. `most`: pairs of each kind."""
    rng = random.Random(stable_hash("talks", seed))
    lacking: dict[str, list[tuple[ToolView, Example]]] = {}
    whole: dict[str, list[Example]] = {}
    for talk in talks:
        for one in talk.examples:
            if one.missing:
                lacking.setdefault(talk.tool.name, []).append((talk.tool, one))
            elif len(one.values) == len(talk.tool.required):
                whole.setdefault(talk.tool.name, []).append(one)
    asked = []
    for name, some in lacking.items():
        rng.shuffle(others := whole.get(name, []))
        asked += [Pair(tool, one, other) for (tool, one), other in zip(some, others, strict=False)]
    rng.shuffle(asked)
    by_rule = []
    for complete in completes_of(talks):
        if made := pair_of(complete, rng):
            by_rule.append(Pair(complete.tool, made[1], made[0]))
    rng.shuffle(by_rule)
    found = {"asked in the logs": asked[:most], "by rule": by_rule[:most]}
    return {name: pairs for name, pairs in found.items() if pairs}
