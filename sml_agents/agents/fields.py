"""Has the person told a field? Rules by the field's type, without a model, for English words."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from langchain_core.messages import ToolCall, ToolMessage
from pydantic.fields import FieldInfo

from sml_agents.agents.asking import AgentView, Question
from sml_agents.errors import InputError
from sml_agents.text.questions import content_words, stem

__all__ = ["check_field", "is_told", "question_for"]

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_NTH = r"(?:st|nd|rd|th)"
_DATE = re.compile(
    rf"\b\d{{4}}-\d{{1,2}}-\d{{1,2}}\b|\b\d{{1,2}}[./]\d{{1,2}}(?:[./]\d{{2,4}})?\b|\b{_DAY}\b"
    rf"|\b\d{{1,2}}{_NTH}?(?: of)? {_MONTH}\b|\b{_MONTH} \d{{1,2}}{_NTH}?\b|\bthe \d{{1,2}}{_NTH}\b"
    r"|\b(?:today|tonight|tomorrow|(?:this|next) (?:week|month|weekend))\b"
    r"|\bin (?:an?|\d+|two|three|four) (?:day|week|month)s?\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b\d{1,2}[:.]\d{2}\b(?:\s?[ap]\.?m\b)?|\b\d{1,2}\s?[ap]\.?m\b|\b\d{1,2} o'?clock\b|\b(?:noon|midday|midnight)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?\b|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;!?\n]\s+|,\s+|\n|\band\b|\bwith\b", re.IGNORECASE)


def _pattern(field: FieldInfo) -> str | None:
    return next((part.pattern for part in field.metadata if getattr(part, "pattern", None)), None)


def _members(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(member) for member in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(str(member.value) for member in annotation)
    return ()


def check_field(name: str, field: FieldInfo) -> None:
    """Raises InputError for a field whose value no rule can find."""
    known = (str, int, float, Decimal, dt.date, dt.datetime, dt.time)
    if field.annotation not in known and not _members(field.annotation):
        raise InputError(
            f"No rule tells whether `{name}` was said: use str, int, float, a date, a time, a Literal or an enum, "
            "or give RequiredFields an `extract`."
        )


def question_for(name: str, field: FieldInfo) -> Question:
    """What to ask for a field."""
    extra = field.json_schema_extra
    text = extra.get("question") if isinstance(extra, dict) else None
    if not isinstance(text, str):
        what = (field.description or name.replace("_", " ")).strip().rstrip(".")
        what = what if what[:2].isupper() else what[:1].lower() + what[1:]
        text = f"What is {what}?" if what.startswith(("the ", "your ", "a ")) else f"What is the {what}?"
    return Question(text=text, about=name, options=_members(field.annotation))


def is_told(name: str, field: FieldInfo, view: AgentView, calls: Sequence[ToolCall], alone: bool) -> bool:
    """Whether the conversation tells the field's value. `alone`: it is the only number that is asked for."""
    given = [call["args"][name] for call in calls if call["args"].get(name) not in (None, "", [])]
    if given and all(_said(value, view) for value in given):
        return True
    if field.annotation is str and _pattern(field) is None:
        if not calls:
            raise InputError(
                f"Whether `{name}` was said can only be judged by a tool call: give it a `pattern` or a Literal type, "
                "or give RequiredFields an `extract`."
            )
        return False
    return _found(name, field, view.told, alone)


def _said(value: Any, view: AgentView) -> bool:
    """Whether a call's argument stands in the person's words or in what a tool returned."""
    results = [message.text for message in view.messages if isinstance(message, ToolMessage)]
    text = " ".join("\n".join([view.told, *results]).casefold().split())
    wanted = " ".join(str(value).casefold().split())
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None


def _found(name: str, field: FieldInfo, text: str, alone: bool) -> bool:
    kind = field.annotation
    if members := _members(kind):
        return any(re.search(rf"(?<!\w){re.escape(member)}(?!\w)", text, re.IGNORECASE) for member in members)
    if (pattern := _pattern(field)) is not None:
        return re.search(pattern.removeprefix("^").removesuffix("$"), text) is not None
    if kind is dt.date:
        return _DATE.search(text) is not None
    if kind is dt.time:
        return _TIME.search(text) is not None
    if kind is dt.datetime:
        return _DATE.search(text) is not None and _TIME.search(text) is not None
    plain = _TIME.sub(" ", _DATE.sub(" ", text))
    if alone:
        return _NUMBER.search(plain) is not None
    names = {stem(word) for word in content_words(f"{name.replace('_', ' ')} {field.description or ''}")}
    clauses = [part for part in _CLAUSE.split(plain) if _NUMBER.search(part)]
    return any(names & {stem(word) for word in content_words(part)} for part in clauses)
