"""What a student writes before it decides: every number that it was told, among its words, and whether the question
needs it; then the needed ones alone, with `?` behind them where one is missing.

    <think>
    shelf 4 inches yes, drills 2 holes wall no, mountain 19 peaks no
    4 ?
    </think>

    Question. How long is the board?

The thought is private, and in no later history. With it the decision is looked up in what stands there, where it was a
guess at the first token; and every number of a prompt, not one decision a row, shows what the question is about. What
is marked `no` is not in the last line, so that no calculation takes it. It is written by rule, from what the dialogue
has told so far and the worked solution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sml_agents.text.numbers import ORDINALS, spelled_numbers
from sml_agents.text.thinking import as_thought
from sml_agents.text.words import content_words
from sml_agents.types import Act, Role, Trace, Turn

__all__ = ["inventory", "with_inventories"]

_DIGITS = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?=(?:st|nd|rd|th)?(?!\w))")
_OTHER = {"twice": "2", "double": "2", "thrice": "3", "triple": "3"}
_OTHER |= {word: str(value) for word, value in ORDINALS.items() if value != 1}
_WORDS = re.compile(rf"\b(?:{'|'.join(sorted(_OTHER))})\b", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[.?!;:,](?=\s|$)|\n|\b(?:and|if)\b")
_NAME = re.compile(r"[^\W\d_][\w'-]*")
_NAMING = 2
"""Words of meaning that are written on each side of a number, as far as its clause has them."""
_ANNOTATION = re.compile(r"<<[^<>\n]{0,80}>>")
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_EQUATION = re.compile(
    rf"((?:[$(]*{_NUMBER}[%)]*\s?[-+*/x\u00d7\u00f7]\s?){{1,12}}[$(]*{_NUMBER}[%)]*)\s?=\s?\$?({_NUMBER})"
)


def inventory(told: str, solution: str, untold: Sequence[str] = ()) -> str:
    """The numbers in `told`, in order, each with its words and whether the worked `solution` starts from it; then those
    that are needed, and `?` where it starts from one that is in none of them.

    `untold` are statements that nobody has made yet: a number that is told and happens to be theirs is none of them.
    Empty where the solution shows no calculation, or nothing told is a number.
    """
    needed: set[str] = set()
    results: set[str] = set()
    for left, result in _EQUATION.findall(_ANNOTATION.sub("", solution)):
        needed |= {number.replace(",", "") for number in re.findall(_NUMBER, left)} - results
        results.add(result.replace(",", ""))
    listed = _numbers(told)
    if not needed or not listed:
        return ""
    missing = needed & {value for statement in untold for _, _, value in _numbers(statement)}
    needed -= missing
    marks = []
    for place, (start, end, value) in enumerate(listed):
        before = told[listed[place - 1][1] if place else 0 : start]
        after = told[end : listed[place + 1][0] if place + 1 < len(listed) else len(told)]
        words = [*_names(_CLAUSE_END.split(before)[-1])[-_NAMING:], value]
        words += _names(_CLAUSE_END.split(after)[0])[:_NAMING]
        marks.append(f"{' '.join(words)} {'yes' if value in needed else 'no'}")
    taken = dict.fromkeys(value for _, _, value in listed if value in needed)
    return f"{', '.join(marks)}\n{' '.join([*taken, *(['?'] if missing else [])])}"


def with_inventories(trace: Trace) -> Trace:
    """The trace with an inventory as the thought of every student turn that asks or answers, what was told last first:
    else a small model repeats the inventory of its first turn, and the fact that it was told is not in it.

    Its own thought stays where that is what an inventory says; in place of another one, what was sampled is dropped.
    """
    private = trace.task.private
    told, turns, revealed = list[str](), list[Turn](), set[str]()
    for turn in trace.turns:
        revealed |= set(turn.reveals)
        if turn.role is Role.TEACHER and (not told or turn.reveals):
            told.append(turn.text)
        elif turn.role is Role.STUDENT and turn.act in (Act.CLARIFICATION, Act.INTERROGATION, Act.ANSWER_ATTEMPT):
            untold = [fact.statement for fact in private.facts if fact.name not in revealed]
            found = inventory("\n".join(reversed(told)), private.solution, untold)
            thought = as_thought(found) if found else ""
            if thought.strip() != turn.thought.strip():
                turn = turn.model_copy(update={"thought": thought, "call": None})
        turns.append(turn)
    return trace.model_copy(update={"turns": tuple(turns)})


def _names(clause: str) -> list[str]:
    """The words of meaning, as they are written."""
    return [word for word in _NAME.findall(clause) if content_words(word)]


def _numbers(text: str) -> list[tuple[int, int, str]]:
    """Start, end and value of every number, however it is written. `one` counts nothing: it is an article, too."""
    found = [(one.start(), one.end(), one.group().replace(",", "")) for one in _DIGITS.finditer(text)]
    found += [
        (start, end, str(value.denominator if value.numerator == 1 else value))  # a half: divided by 2
        for start, end, value in spelled_numbers(text)
        if value != 1
    ]
    taken = {at for start, end, _ in found for at in range(start, end)}
    found += [
        (one.start(), one.end(), _OTHER[one.group().lower()])
        for one in _WORDS.finditer(text)
        if one.start() not in taken
    ]
    return sorted(found)
