"""Folded texts: what a pattern in lower case finds in them is what it finds in the text without regard for case."""

from __future__ import annotations

import re
import sys

import pytest

from sml_agents.text.letters import folded, words_in

EVERY = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
NAMED = "abcdefghijklmnopqrstuvwxyz\u00e9\u00e8\u00f9\u00e1\u043e\u0442\u0432\u0435"
"""The letters that patterns for folded texts name."""


def test_every_letter_is_taken_for_what_patterns_take_it_for() -> None:
    lower = folded(EVERY)
    assert len(lower) == len(EVERY)
    taken = list(re.finditer(f"[{NAMED}]", EVERY, re.IGNORECASE))
    assert [found.start() for found in taken] == [found.start() for found in re.finditer(f"[{NAMED}]", lower)]
    for found in taken:
        assert re.fullmatch(lower[found.start()], found.group(), re.IGNORECASE)


@pytest.mark.parametrize("kind", [r"\w+", r"\d+", r"\s+"])
def test_folding_moves_no_word_and_no_space(kind: str) -> None:
    runs = [found.span() for found in re.finditer(kind, EVERY)]
    assert [found.span() for found in re.finditer(kind, folded(EVERY))] == runs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Half of 84", {"half", "of"}),
        ("step-by-step", {"step", "by"}),
        ("5times", {"times"}),
        ("m\u00e1s", {"m", "s"}),
        ("\u017fIX \u212aILOS", {"six", "kilos"}),
        ("42 + 7", set()),
    ],
)
def test_words(text: str, words: set[str]) -> None:
    assert words_in(folded(text)) == words
