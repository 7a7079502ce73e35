"""Guesses in the form of a question: `30?`, `Is it 30?`, `Would 30 dollars be correct?`, `I think it's 30, am I right?`

They are answers, and judged as such: whoever asks whether a value is the answer has given it.
"""

from __future__ import annotations

import re

from sml_agents.text.answers.plain import NUMBER
from sml_agents.text.languages import united
from sml_agents.text.letters import folded
from sml_agents.text.numbers import spelled_numbers
from sml_agents.text.sentences import sentence_spans

__all__ = ["find_guess", "guess_in"]

_LAST = 4
_LONGEST = 200
_EMPTY = re.compile(united("empty"), re.IGNORECASE)
_MARKED = re.compile(r"[?\uff1f\u061f]")
_CONFIRM = re.compile(r"\b(?:confirm|check) (?:that|if|whether|it)\b")
_TAKES_BACK = re.compile(r"\b(?:no|nope|not|wrong|instead|cannot|\w+n't|unsure|nein|non|nee)\b|\d", re.IGNORECASE)
_ONE = rf"-?[$\u20ac\u00a3]? ?{NUMBER}(?:\s?/\s?\d+)?(?: ?%)?"
_VALUE = re.compile(rf"(?=[-$\u20ac\u00a3 .\d])(?<![a-zA-Z\d.]){_ONE}(?:(?:\s*,\s*|\s+(?:or|and)\s+){_ONE})*(?!\d)")
_UNIT = re.compile(r"\s?[^\W\d_]{1,20}")
_NAMED = re.compile(
    r"\b(?:is|was|be|that|if|whether|est|ist|es|\u00e8|\u00e9)\s+(?:the|la|le|die|das|il|a|o)\s+(?:final |correct )?"
    r"(?:answer|result|solution|antwort|ergebnis|r\u00e9ponse|respuesta|risposta|resposta)\b"
    r"(?: (?:is|be|would be))?[\s:]+"
    r"(?P<value>[^?\n]{1,120}?)(?:,? (?:right|correct))?\s*[?.]?$"
)
_NOUNS = (
    *("answer", "result", "solution", "antwort", "ergebnis", "r\u00e9ponse", "respuesta", "risposta", "resposta"),
)
_OPEN = re.compile(
    r"(?:what|which|how|who|when|where|why|that|not|to|in|of|for|on|by|with|known|given|correct|right|wrong)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]")


def find_guess(text: str) -> tuple[int, int] | None:
    """Start and end of the value of which `text` asks in the end whether it is the answer; None when it does not.

    Such a question holds one value; all its other words say nothing about it, or it calls the value the answer.
    Whatever is said after it must not take it back.
    """
    plain = text.replace("\u2019", "'")
    if not _asks(plain):
        return None
    for start, end in reversed(sentence_spans(plain)[-_LAST:]):
        sentence = plain[start:end]
        if (found := guess_in(sentence)) is not None:
            return start + found[0], start + found[1]
        if _MARKED.search(sentence) or _TAKES_BACK.search(sentence):
            return None
    return None


def guess_in(sentence: str) -> tuple[int, int] | None:
    """Start and end of the guessed value in one sentence."""
    if len(sentence) > _LONGEST or not _asks(sentence):
        return None
    values = [found.span() for found in _VALUE.finditer(sentence)]
    values = values or [(start, end) for start, end, _ in spelled_numbers(sentence)]
    if len(values) == 1:
        start, end = values[0]
        unit = _UNIT.match(sentence, end)
        for stop in (end, unit.end() if unit else end):
            rest = f"{sentence[:start]} | {sentence[stop:]}"
            if not _WORD.search(_EMPTY.sub(" ", rest)):
                return start, stop
    lower = folded(sentence)
    named = _NAMED.search(lower) if any(noun in lower for noun in _NOUNS) else None
    if named is None or _OPEN.match(named["value"]) or _WORD.search(_EMPTY.sub(" ", sentence[: named.start()])):
        return None
    return named.span("value")


def _asks(text: str) -> bool:
    return _MARKED.search(text) is not None or _CONFIRM.search(folded(text)) is not None
