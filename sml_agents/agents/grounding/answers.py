"""What only an answer may mean: `5` is five o'clock where a time was asked for, `yes` a flag that was asked about."""

from __future__ import annotations

import re
from typing import Any

from sml_agents.agents.replies import accepts, answers_nothing
from sml_agents.text.values import Clock, Kind, fold, mentions, same, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.dates import as_date
from sml_agents.text.words import stem

__all__ = ["answer_is", "holds_an_answer", "names_it"]


def names_it(kind: Kind, question: str) -> bool:
    """Whether a question of the agent's names the thing: `Would you like trip protection?`"""
    return bool(kind.name) and kind.name <= {stem(token.plain) for token in tokens(question)}


def holds_an_answer(kind: Kind, text: str, clock: Clock) -> bool:
    """Whether an answer holds a value of the kind, if only in a form that an answer may have."""
    if answers_nothing(text):
        return False
    if not kind.has_mentions or mentions(kind, text, clock):
        return True
    if kind.sort in ("time", "number"):
        return bool(re.search(r"\d", text)) or bool(mentions(Kind("number"), text, clock))
    return kind.sort == "date" and bool(re.search(r"\b\d{1,2}(?:st|nd|rd|th|\.)?\b", text))


def answer_is(kind: Kind, value: Any, text: str, clock: Clock) -> bool:
    """Whether an answer to a question about the argument means the value."""
    words = [token.plain for token in tokens(text)]
    if not words or answers_nothing(text):
        return False
    if kind.sort == "bool":
        said = {"yes": True, "no": False}.get(accepts(text), as_bool(words[0]))
        return said is not None and said == as_bool(value)
    if kind.sort == "enum":
        return " ".join(words) == " ".join(token.plain for token in tokens(str(value).replace("_", " ")))
    if kind.sort == "time":
        hours = [f"at {one.value:g}" for one in mentions(Kind("number"), text, clock)]
        return any(same(kind, one.value, value, clock) for hour in hours for one in mentions(kind, hour, clock))
    if kind.sort == "date":
        found = re.search(r"\b(\d{1,2})(?:st|nd|rd|th|\.)?(?=\W*$)", text)
        days = mentions(kind, f"the {found[1]}th", clock) if found else ()
        return any(one.value.fits(day, clock) for one in days for day in as_date(value, clock))
    if kind.sort == "text":
        return fold(str(value)).strip(" .!") == fold(text).strip(" .!")
    return False
