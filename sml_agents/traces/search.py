"""Which dialogues of a store are wanted, as one SQL question: the trace is read for those of one page alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import JSON, ColumnElement, Select, and_, cast, or_, type_coerce

from sml_agents.traces.schema import dialogues

__all__ = ["Query", "Version", "matching", "ordered"]

Version = int
"""Of a stored trace: the checksum of its text. Another one means that somebody has written it since."""


@dataclass(frozen=True)
class Query:
    """What is looked for; None and empty let everything through."""

    words: str = ""
    """Each of these occurs somewhere in the trace, private parts included, in small letters or in capitals."""
    family: str | None = None
    form: str | None = None
    stop: str | None = None
    outcome: Literal["solved", "unsolved", "open"] | None = None
    """Of a lesson: accepted, rejected, not decided."""
    moment: str | None = None
    """The kind of moment that a lesson was mined from."""
    order: Literal["run", "unsure"] = "run"
    """As they were written, or lessons that mining was least sure of first."""


def matching(query: Query, *, is_server: bool) -> ColumnElement[bool]:
    """The condition on finished dialogues."""
    of = dialogues.c
    found: list[ColumnElement[bool]] = [of.status == "done"]
    for column, value in ((of.family, query.family), (of.form, query.form), (of.stop, query.stop)):
        if value is not None:
            found.append(column == value)
    if query.outcome is not None:
        found.append(of.solved.is_({"solved": True, "unsolved": False, "open": None}[query.outcome]))
    if query.moment is not None:
        found.append(_moment(is_server)["kind"].as_string() == query.moment)
    for word in query.words.split():
        forms = (word,) if word.isascii() else (word, word.lower(), word.upper(), word.capitalize())
        spellings = {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
        contains = [of.trace.icontains(spelling, autoescape=True) for spelling in sorted(spellings)]
        found.append(or_(*contains))
    return and_(*found)


def ordered(wanted: Select[Any], query: Query, *, is_server: bool) -> Select[Any]:
    """`wanted`, in the order that the query asks for."""
    place = (dialogues.c.position, dialogues.c.id)
    if query.order == "unsure":
        return wanted.order_by(_moment(is_server)["confidence"].as_float().nulls_last(), *place)
    return wanted.order_by(*place)


def _moment(is_server: bool) -> Any:
    """The moment of a lesson, inside its trace's text."""
    column = cast(dialogues.c.trace, JSON) if is_server else type_coerce(dialogues.c.trace, JSON)
    return column["tags"]["moment"]
