"""What a log says about a conversation and not in it: when it was, and the tags and metadata of its run.

It goes where a recording has it, to `tags["started"]`, `tags["ended"]` and `tags["run"]`: lists show the date, dates in
what was said are read by it, and `--since` and `--where` choose by it. Metadata is what is flat: names with a short
text, a number, true or false, or a list of these. What a framework adds for itself is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sml_agents.traces.importers.json_text import loaded
from sml_agents.traces.importers.times import moment

__all__ = ["UNTOLD", "About", "about", "own_metadata", "own_tags"]

_FRAMEWORKS = ("lc_", "langgraph_", "checkpoint_", "ls_", "__pregel", "langsmith_", "langchain_")
"""What LangChain, LangGraph and LangSmith put into the metadata of every run begins so."""
_STEP = ":step:"
"""In the tags by which LangChain and LangGraph number the parts of a chain."""
_LONGEST = 1000
"""Characters. A longer text is content, and nobody chooses by it."""
_FIRST_DATE = 946_684_800 * 10**9
"""The year 2000: an earlier time counts from the start of something else, or is a number."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class About:
    """What is known about a conversation, or about one call in it."""

    first: int | None = None
    """The earliest time that is told of it, in nanoseconds since 1970, UTC; None when none is."""
    last: int | None = None
    """The latest one."""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Where parts of a conversation differ, a list of their values."""

    def __bool__(self) -> bool:
        return self.first is not None or bool(self.tags or self.metadata)

    @property
    def times(self) -> tuple[int | None, int | None]:
        """The earliest and the latest."""
        return self.first, self.last

    def joined(self, other: About) -> About:
        """Of both, as parts of one conversation."""
        if not other:
            return self
        if not self:
            return other
        times = [time for time in (*self.times, *other.times) if time is not None]
        metadata = dict(self.metadata)
        for name, value in other.metadata.items():
            metadata[name] = _both(metadata[name], value) if name in metadata else value
        return About(min(times, default=None), max(times, default=None), self._tags_with(other), metadata)

    def within(self, whole: About) -> About:
        """Of a part: with the tags of the `whole`, whose metadata goes before its own (a call's has settings of the
        model among it), and whose times count where it has none."""
        times = (self if self.first is not None else whole).times
        return About(*times, self._tags_with(whole), whole.metadata or self.metadata)

    def _tags_with(self, other: About) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.tags, *other.tags)))

    def as_tags(self) -> dict[str, Any]:
        """As the tags of a trace. A time that stands alone is that of the beginning."""
        found: dict[str, Any] = {}
        if self.first is not None:
            found["started"] = _iso(self.first)
        if self.last is not None and self.last != self.first:
            found["ended"] = _iso(self.last)
        run = {"tags": list(self.tags), "metadata": dict(self.metadata)}
        if told := {name: value for name, value in run.items() if value}:
            found["run"] = told
        return found


UNTOLD = About()


def about(*, times: Iterable[Any] = (), tags: Any = None, metadata: Sequence[Any] = ()) -> About:
    """What a log tells, in whatever form it does.

    Args:
        times: all that are told of one part, in any form that `times.moment` reads; what is no date is passed over.
        tags: a list of texts, also as JSON, or a single text.
        metadata: mappings, also as JSON; of two with one name the first counts. A list `tags` in one is tags, too.
    """
    known = [at for time in times if (at := moment(time)) is not None and at >= _FIRST_DATE and _iso(at)]
    held = [one for one in map(loaded, metadata) if isinstance(one, Mapping)]
    told: dict[str, Any] = {}
    found = own_tags(tags)
    for one in held:
        more = own_tags(one.get("tags"))
        found += more
        for name, value in own_metadata(one).items():
            if (plain := _flat(value)) is not None and not (more and name == "tags"):
                told.setdefault(name, plain)
    return About(min(known, default=None), max(known, default=None), tuple(dict.fromkeys(found)), told)


def own_tags(tags: Any) -> list[str]:
    """The tags that a person gave; those of the framework are left out."""
    held = loaded(tags)
    given = [held] if isinstance(held, str) else held if isinstance(held, list | tuple) else ()
    return [tag for tag in given if isinstance(tag, str) and tag and _STEP not in tag and len(tag) <= _LONGEST]


def own_metadata(metadata: Mapping[Any, Any]) -> dict[str, Any]:
    """The metadata that a person gave, of any form; that of the framework, and the thread's id, are left out."""
    return {
        name: value
        for name, value in metadata.items()
        if isinstance(name, str) and name != "thread_id" and not name.lower().startswith(_FRAMEWORKS)
    }


def _flat(value: Any) -> Any:
    """A value that can be asked for; None for any other."""
    if isinstance(value, str):
        return value if 0 < len(value) <= _LONGEST else None
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple) and value and not any(isinstance(one, list | tuple) for one in value):
        return list(value) if all(_flat(one) is not None for one in value) else None
    return None


def _both(one: Any, other: Any) -> Any:
    values = one if isinstance(one, list) else [one]
    more = [value for value in (other if isinstance(other, list) else [other]) if value not in values]
    return [*values, *more] if more else one


def _iso(at: int) -> str:
    """A time as recordings have it: ISO 8601, UTC, to the millisecond; empty when no calendar has it."""
    try:
        return (_EPOCH + timedelta(microseconds=at // 1000)).isoformat(timespec="milliseconds")
    except OverflowError:
        return ""
