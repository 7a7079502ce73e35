"""What a student writes before it decides: every number that it was told, whether the question needs it, and what is
calculated with those, `?` for what nobody has told.

    <think>
    4 inches yes, 2 holes no, 19 peaks no
    ? / 4
    </think>

    Question. How long is the board?

The thought is private, and in no later history. With it the decision is looked up in what stands there, where it was a
guess at the first token; and every number of a prompt, not one decision a row, shows what the question is about. It is
written by rule, from what the dialogue has told so far and the worked solution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sml_agents.text.numbers import ORDINALS, spelled_numbers
from sml_agents.text.thinking import as_thought
from sml_agents.types import Act, Role, Trace, Turn

__all__ = ["inventory", "with_inventories"]

_DIGITS = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?=(?:st|nd|rd|th)?(?!\w))")
_OTHER = {"twice": "2", "double": "2", "thrice": "3", "triple": "3"}
_OTHER |= {word: str(value) for word, value in ORDINALS.items()}
_WORDS = re.compile(rf"\b(?:{'|'.join(sorted(_OTHER))})\b", re.IGNORECASE)
_NAMED = re.compile(r"(?:\s+[A-Za-z'-]+){0,2}")
"""What a number counts, in the words after it."""
_ANNOTATION = re.compile(r"<<[^<>\n]{0,80}>>")
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_EQUATION = re.compile(
    rf"((?:[$(]*{_NUMBER}[%)]*\s?[-+*/x\u00d7\u00f7]\s?){{1,12}}[$(]*{_NUMBER}[%)]*)\s?=\s?\$?({_NUMBER})"
)


def inventory(told: str, solution: str, untold: Sequence[str] = ()) -> str:
    """The numbers in `told`, in order, and whether the worked `solution` starts from them; then what it calculates.

    `untold` are statements that nobody has made yet: a number that is told and happens to be theirs is none of them.
    Empty where the solution shows no calculation, or nothing told is a number.
    """
    unknown = {value for statement in untold for _, _, value in _numbers(statement)}
    results: set[str] = set()
    needed: set[str] = set()
    planned = []
    for left, result in _EQUATION.findall(_ANNOTATION.sub("", solution)):
        numbers = {number.replace(",", "") for number in re.findall(_NUMBER, left)}
        needed |= numbers - results
        planned.append(
            re.sub(_NUMBER, lambda one: "?" if one.group().replace(",", "") in unknown else one.group(), left)
        )
        results.add(result.replace(",", ""))
        if numbers & unknown:
            unknown.add(result.replace(",", ""))
    if not needed or not (listed := _numbers(told)):
        return ""
    needed -= unknown
    marks = []
    for _, end, value in listed:
        named = _NAMED.match(told, end)
        assert named is not None
        marks.append(f"{value}{' '.join(['', *named.group().split()])} {'yes' if value in needed else 'no'}")
    return f"{', '.join(marks)}\n{', '.join(planned)}"


def with_inventories(trace: Trace) -> Trace:
    """The trace with an inventory as the thought of every student turn that asks or answers.

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
            found = inventory("\n".join(told), private.solution, untold)
            thought = as_thought(found) if found else ""
            if thought.strip() != turn.thought.strip():
                turn = turn.model_copy(update={"thought": thought, "call": None})
        turns.append(turn)
    return trace.model_copy(update={"turns": tuple(turns)})


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
