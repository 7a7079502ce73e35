"""The guard on drafted calls with conversations, by authors who knew neither its rules nor its tests.

    python benchmarks/guard_sentences.py [--show] [--out benchmarks/results/guard_sentences.json]
    python benchmarks/guard_sentences.py --set 4 --asker asker: [--cells FILE --seconds 300]

Sets 1 to 3 are 390 calls: half are right, in natural words of all sorts; of the others half hold a value that nobody
gave, and half one that was said of something else: of another person, the past, a limit, an alternative, something
taken back. Each set was written in one go before it was run; what one found was mended before the next was written. So
a set is held-out only for the code before its own findings were mended: of the third set those figures stand in the
results, too, as `set 3, held out` and `set 3, before any of these rules`; docs/clarify.md has all of them. Set 4 are
the written requests of the one author whose tools the asker was neither trained nor chosen on, and whose sentences
nobody read who worked on the rules: each with its right call, and without one value, the call holding what misleads.
Set 5, by one author more, is about choices alone: 120 right calls, of which 90 tell the choice by another word, and 120
in which a word has to do with it and does not choose it. It was read while the rules for such words, and for choices
in passing, were made. Set 6, by another author, is about choices by their own names, told and in passing; it was
written before it was run, and three of its findings were mended. Set 7 are the written requests of eleven authors
who came when all these rules were there: a part of what the rules asked of them needlessly was looked through, and
seven kinds of it were mended (`set 7, held out` is before). Set 8 are those of a twelfth, which nobody looked at. Sets
9 to 11 are those of the twelve after them, of six, of five and of one: two thirds everyday requests. Part of what was
asked needlessly of set 9 was looked through, and kinds of it mended (`set 10, held out` is with these); then of set 10.
Set 11 came after all of this, and nobody looked at it.
Beside the guard stand a comparison by letter and, with `--asker`, the guard with the asker. 95 % Wilson intervals.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from guard_data import Case, KeptAsker, asked_with, by_letter, is_open
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from shares import share

import sml_agents.asker
from sml_agents.agents.asker import AskerDecider
from sml_agents.asker import Asker, load_asker
from sml_agents.text.values import Clock

CLOCK = Clock(dt.datetime(2026, 11, 26, 12))
SENTENCES = Path(__file__).with_suffix(".jsonl")
WRITTEN = Path(sml_agents.asker.__file__).parent / "written" / "requests.jsonl"
AUTHORS = {
    4: frozenset("e"),
    7: frozenset("jkmnopqrstu"),
    8: frozenset("l"),
    9: frozenset(("v", "w", "y", "z", "aa", "bb")),
    10: frozenset(("x", "dd", "ee", "hh", "ii")),
    11: frozenset(("cc",)),
}
"""Sets that are written requests of the package, by their authors: of the one who is held out of everything, of eleven
who wrote when the rules were there, of one who was read by nobody, and of twelve later ones."""
FIRST = (1, 2, 3)
"""Those of which the figures are also given together."""
SETS = (*FIRST, 4, 5, 6, 7, 8, 9, 10, 11)


def cases(sets: Collection[int]) -> Iterator[Case]:
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["set"] in sets:
            yield Case(
                row["set"], row["tool"], row["call"], _in_turn(row["messages"]), frozenset(row["missing"]), CLOCK
            )
    for number, authors in AUTHORS.items():
        if number in sets and WRITTEN.is_file():
            yield from (replace(case, number=number) for case in written(authors.__contains__))


def asked_for(tool: Mapping[str, Any], call: Mapping[str, Any], said: Sequence[str]) -> set[str]:
    """The arguments that the guard alone asks for. `said`: the person and the agent in turn."""
    return {one.about for one in asked_with(None, tool, call, _in_turn(said), CLOCK)}


def _in_turn(said: Sequence[str]) -> list[BaseMessage]:
    return [AIMessage(text) if k % 2 else HumanMessage(text) for k, text in enumerate(said)]


def written(wanted: Callable[[str], bool]) -> Iterator[Case]:
    """The written requests of the authors that are wanted: each right call, then the one that lacks a value."""
    tool: Any = None
    author = ""
    for line in WRITTEN.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "tool" in row:
            tool, author = row["tool"], row.get("by", "")
        elif wanted(author):
            day = row.get("today")
            clock = Clock(dt.datetime.fromisoformat(f"{day or '2026-05-12'}T12:00"), known=bool(day))
            right, guessed = row["call"], {**row["call"], row["missing"]: row["guess"]}
            yield Case(0, tool, right, _talk(row["full"]), frozenset(), clock)
            yield Case(0, tool, guessed, _talk(row["lack"]), frozenset({row["missing"]}), clock)


def _talk(given: str | Sequence[Sequence[str]]) -> list[BaseMessage]:
    turns = [("user", given)] if isinstance(given, str) else given
    return [AIMessage(text) if role == "assistant" else HumanMessage(text) for role, text in turns]


def measure(show: bool = False, sets: Collection[int] = FIRST, asker: Asker | None = None) -> dict[str, Any]:
    """Shares by set and rule."""
    hits: dict[str, list[bool]] = defaultdict(list)
    decider = AskerDecider(asker, drafts_only=True) if asker is not None else None
    for case in cases(sets):
        found = {"": asked_with(None, case.tool, case.call, case.said, case.clock)}
        if decider is not None:
            found[", with the asker"] = asked_with(decider, case.tool, case.call, case.said, case.clock)
        if case.number in AUTHORS:
            found[", by letter"] = by_letter(case.tool, dict(case.call), case.said, case.clock)
        for rule, questions in found.items():
            asked = {one.about for one in questions}
            named = {one.replace("[]", "").split(".")[0] for one in asked} | asked
            if case.missing:
                told = {"let through": not asked, "names all that is missing": case.missing <= named}
            else:
                told = {"asks needlessly": bool(asked), "asks needlessly, a yes not enough": is_open(questions)}
            together = case.number in FIRST and set(FIRST) <= set(sets)
            for name in (f"set {case.number}", *["sets 1 to 3"] * together):
                for what, hit in told.items():
                    hits[f"{name}{rule}, {what}"].append(hit)
            if show and not rule and ((case.missing and not case.missing <= named) or (asked and not case.missing)):
                said = " / ".join(one.text for one in case.said)
                print(sorted(case.missing), sorted(asked), case.call, said, sep=" | ")
    return {name: share(values) for name, values in sorted(hits.items())}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--show", action="store_true", help="every case that went wrong")
    options.add_argument("--set", type=int, action="append", choices=SETS, help="only this one")
    options.add_argument("--asker", default="", help="beside it, the guard with this asker, such as asker:")
    options.add_argument("--cells", type=Path, help="file for what the asker has read, from which it goes on")
    options.add_argument("--seconds", type=float, help="stop after so many of the processor's time")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    asker = None
    if given.asker:
        asker = KeptAsker(given.asker, given.cells, given.seconds) if given.cells else load_asker(given.asker)
    found = measure(given.show, given.set or SETS, asker)
    for name, one in found.items():
        print(
            f"{name:52} {100 * one['value']:.0f} % ({100 * one['low']:.0f} to {100 * one['high']:.0f}), n = {one['n']}"
        )
    if given.out:
        kept = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
        given.out.write_text(json.dumps(dict(sorted((kept | found).items())), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
