"""Requests that were written by hand, in pairs: one that gives all that a tool requires, and one that lacks a value.

    {"tool": {...}}                                            # then its pairs, then the next tool
    {"full": "...", "lack": "...", "call": {...}, "said": {...}, "missing": "day", "kind": "vague", "guess": "..."}

`full` and `lack` are a text, or turns as `["user", text]`; `said` holds the words in which a value was said where it
does not stand in `full` as the call has it; `guess` is what a careless assistant would put in for `missing`.
`WRITTEN` is the file that comes with the package; the README beside it says how it was made.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from sml_agents.asker.generated import one_optional
from sml_agents.asker.pairs import varied
from sml_agents.asker.prompt import Argument, Said, ToolView, value_text
from sml_agents.asker.rows import CHOICES, Choice, Example, Pair, Row, RowOf, choice_among
from sml_agents.errors import InputError

__all__ = ["OUTSIDE", "WRITTEN", "WrittenPair", "read_written", "written_rows"]

WRITTEN = Path(__file__).parent / "written" / "requests.jsonl"
OUTSIDE = ("e", "l", "s", "dd")
"""Authors of the package's file whose tools are neither trained nor chosen on: a check like somebody else's."""
_LONGEST = 900
"""Characters of a row's conversations from which on it gets no further pair: tokens are what training costs."""
_ARGUMENTS = 3
"""Arguments of one conversation that are trained: the one that tells a pair apart, and some of the others."""


@dataclass(frozen=True)
class WrittenPair:
    """A request in two forms, both with the call as drafted: in the form that lacks something, with the guess."""

    pair: Pair
    missing: tuple[str, ...]
    """What the one form lacks: one argument, or what is inside it."""
    kind: str
    """How it comes that the value is not given: `vague`, `negated`, `other_person` ..."""
    misleads: Mapping[str, str]
    """The guess, where it is also wrong in the form that lacks nothing, and can be seen to be."""
    author: str = ""
    """Of several whose requests are in one file, by the `by` of the tool's line."""


def read_written(path: Path = WRITTEN) -> list[WrittenPair]:
    """The pairs in a file, tool by tool.

    Raises InputError where a line is not as it should be.
    """
    found: list[WrittenPair] = []
    tool, author = None, ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the written requests in {path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "tool" in row:
                tool, author = ToolView.read(row["tool"]), str(row.get("by", ""))
            elif tool is None:
                raise ValueError("the first line holds a tool")
            else:
                found.append(replace(_pair(tool, row), author=author))
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise InputError(
                f"Line {number} of {path} is no written request ({type(error).__name__}: {error}): a tool has its own "
                "line, and a pair full, lack, call, missing, kind and guess."
            ) from error
    return found


def written_rows(pairs: Sequence[WrittenPair]) -> list[RowOf]:
    """Draws of rows, one for each author, so that all are drawn from equally often, however much they wrote: a row
    begins with one pair, and has another one of the same tool where they fit. In some, the tool is chosen among others
    of these requests."""
    rows: dict[str, list[RowOf]] = {}
    tools = list({one.pair.tool.name: one.pair.tool for one in pairs}.values())
    for _, some in groupby(pairs, key=lambda one: (one.author, one.pair.tool.name)):
        group = list(some)
        rows.setdefault(group[0].author, []).extend(partial(_row, one, group, tools) for one in group)
    return [partial(_any_of, drawn) for drawn in rows.values()]


def _any_of(rows: Sequence[RowOf], rng: random.Random) -> Row | Choice | None:
    return rng.choice(rows)(rng)


def _pair(tool: ToolView, row: Mapping[str, Any]) -> WrittenPair:
    """Raises ValueError, KeyError or TypeError where the row is not as it should be."""
    called, guessed = _leaves(row["call"]), _leaves({row["missing"]: row["guess"]})
    required = [argument for argument in tool.required if argument.name in called]
    missing = tuple(one.name for one in required if _within(one.name, row["missing"]))
    lost = [one.name for one in tool.required if one.name not in called and not _optional(one.name, row["call"])]
    if not missing or lost:
        raise ValueError(f"the call lacks {lost[0]!r}" if lost else f"{row['missing']!r} is not required")
    phrases = row.get("said") or {}
    sides = []
    for form, gone in (("full", ()), ("lack", missing)):
        said = _conversation(row[form])
        values = {one.name: _told(one, called[one.name], phrases, said) for one in required if one.name not in gone}
        kept: dict[str, str | None] = {name: value for name, value in values.items() if value is not None}
        drafts = {one.name: (value_text(called[one.name]), True) for one in required if one.name not in gone}
        drafts |= {name: (value_text(guessed[name]), False) for name in gone if name in guessed}
        spare = {
            one.name: _told(one, called[one.name], phrases, said) if one.name in called else None
            for one in tool.arguments
            if not one.required
        }
        told = {name: value for name, value in spare.items() if value is not None or name not in called}
        sides.append(Example(said, {**kept, **dict.fromkeys(gone)}, drafts, told))
    if sides[0].said == sides[1].said:
        raise ValueError("both forms are the same")
    wrong = {name: value_text(guessed[name]) for name in missing if name in guessed and "today" not in row}
    misleads = {name: text for name, text in wrong.items() if text.casefold() != value_text(called[name]).casefold()}
    return WrittenPair(Pair(tool, sides[1], sides[0]), missing, str(row["kind"]), misleads)


def _row(one: WrittenPair, group: Sequence[WrittenPair], tools: Sequence[ToolView], rng: random.Random) -> Row | Choice:
    if rng.random() < CHOICES:
        return choice_among(one.pair.tool, rng.choice((one.pair.whole, one.pair.lacking)).said, tools, rng)
    taken = [one]
    others = [other for other in group if other is not one]
    if others and _length(one) + _length(other := rng.choice(others)) < _LONGEST:
        taken.append(other)
    examples = [example for pair in taken for example in _examples(pair, rng)]
    return Row(varied(one.pair.tool, rng), tuple(examples))


def _examples(written: WrittenPair, rng: random.Random) -> Iterator[Example]:
    """Both sides with few arguments: the one that tells them apart always, as a value and often as drafted."""
    for side in (written.pair.whole, written.pair.lacking):
        others = [name for name in side.values if name not in written.missing]
        kept = {*written.missing, *rng.sample(others, min(len(others), _ARGUMENTS - 1))}
        drafts = {
            name: draft
            for name, draft in side.drafts.items()
            if rng.random() < (0.7 if name in written.missing else 0.15)
        }
        if side is written.pair.whole and rng.random() < 0.4:
            drafts |= {name: (value, False) for name, value in written.misleads.items()}
        values = {name: value for name, value in side.values.items() if name in kept}
        yield one_optional(replace(side, values=values, drafts=drafts), rng)


def _conversation(given: str | Sequence[Sequence[str]]) -> tuple[Said, ...]:
    turns = [("user", given)] if isinstance(given, str) else given
    said = tuple(Said("assistant" if role == "assistant" else "user", text) for role, text in turns)
    if not said or said[-1].role != "user" or not all(one.text.strip() for one in said):
        raise ValueError("a conversation ends with what the person says")
    return said


def _told(argument: Argument, value: Any, phrases: Mapping[str, str], said: Sequence[Said]) -> str | None:
    """A value as a conversation has it; of those that are chosen from a list, the choice. None: it is not known how."""
    if argument.options or isinstance(value, bool):
        return value_text(value)
    text = "\n".join(one.text for one in said)
    for words in (value_text(value), phrases.get(argument.name)):
        if words and (place := text.casefold().find(words.casefold())) >= 0:
            return text[place : place + len(words)]
    if isinstance(value, list) and all(str(one).casefold() in text.casefold() for one in value):
        return ", ".join(map(str, value))
    return None


def _leaves(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values by path, those of objects one by one."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found[f"{above}{name}"] = value
        if isinstance(value, Mapping):
            found |= _leaves(value, f"{above}{name}.")
    return found


def _within(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


def _optional(path: str, call: Mapping[str, Any]) -> bool:
    """Whether a path lies in an object that the call does not have."""
    return "." in path and path.split(".")[0] not in call


def _length(written: WrittenPair) -> int:
    return sum(len(one.text) for side in (written.pair.lacking, written.pair.whole) for one in side.said)
