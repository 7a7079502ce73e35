"""Which arguments a person speaks of and leaves open: `the colour matters`, `I told you the branch last time`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sml_agents.asker.prompt import Argument
from sml_agents.text.values import find_words, tokens
from sml_agents.text.values.forms import kind_by_form
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import label
from sml_agents.text.words import content_words, stem

__all__ = ["left_open"]

_CLAUSES = re.compile(r"(?<=[.!?;])\s|,\s|\n")
_ABOUT = re.compile(r"[.;(,]")
"""Where the part of a description ends that says what an argument is."""
_GIVES = re.compile(r"[:=\"\u201c]")
_DECIDED = ("enum", "date", "time", "datetime", "pattern")
"""Kinds whose values are told from other words: one that is found is meant."""


def left_open(argument: Argument, words: str, found: bool, texts: Sequence[str]) -> bool:
    """Whether a clause names an argument and gives it nothing: no figure, no name in capitals or quotation marks, none
    of the words that were read for it; and neither a later message has these, nor are they a clause of their own.

    Args:
        words: what was read for the argument.
        found: whether a person's words say it.
        texts: what the person said, the latest message first.
    """
    kind = kind_by_form(argument.schema, argument.name.rsplit(".", 1)[-1])
    if kind.sort == "bool" or (found and kind.sort in _DECIDED):  # to name a yes-or-no is to give it
        return False
    called = [label(argument.name), label("", _ABOUT.split(argument.description)[0])]
    for number, text in enumerate(texts):
        if found and any(find_words(words, later) for later in texts[:number]):
            return False
        clauses = _CLAUSES.split(text)
        if found and any(_is_all(words, clause) for clause in clauses):
            return False
        if any(_is_open(clause, words if found else "", called) for clause in clauses):
            return True
    return False


def _is_all(words: str, clause: str) -> bool:
    """Whether a clause is the words and nothing else: the answer to a question, or what was named before, as `York` in
    `the same city, York`."""
    return [one.plain for one in tokens(words)] == [one.plain for one in tokens(clause)]


def _is_open(clause: str, words: str, called: Sequence[frozenset[str]]) -> bool:
    said = frozenset(map(stem, content_words(clause)))
    if not any(name and name <= said for name in called) or _GIVES.search(clause) or find_numbers(clause):
        return False
    if words and find_words(words, clause):
        return False
    return not any(_is_capital(token.text) for token in tokens(clause)[1:])


def _is_capital(word: str) -> bool:
    return word[0].isupper() and word != "I" and not word.startswith(("I'", "I\u2019"))
