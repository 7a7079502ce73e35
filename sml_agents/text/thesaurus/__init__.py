"""What English words mean, by a dictionary: that a concert is a performance and has to do with music.

is_known(word)             a concert hall is a word of two
is_kind_of(word, what)     a concert is an event
speaks_of(word, value)     a concert speaks of music: by what it is, or by its definition

The words are those of WordNet 3.0 (Fellbaum, 1998; its licence lies beside them), boiled down by `build`; nouns and
adjectives, no names.
"""

from __future__ import annotations

import lzma
from bisect import bisect_left
from functools import cache, lru_cache
from pathlib import Path

from sml_agents.text.words import family

__all__ = ["WORDS", "is_kind_of", "is_known", "speaks_of"]

WORDS = Path(__file__).with_name("words.xz")
"""A line a word: the word, what it is, what defines it."""
_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""))


def is_known(word: str) -> bool:
    """Whether the dictionary has a word, or two that are one: `concert hall`."""
    return bool(_entry(_joined(word))[0])


def is_kind_of(word: str, what: str) -> bool:
    """Whether a dictionary says that a `word` is a kind of `what`, or the same.

    Example: `is_kind_of("games", "event")`, and `is_kind_of("lobster", "food")`, since it is a solid food
    """
    wanted = _joined(what)
    return any(one == wanted or one.endswith(f"_{wanted}") for one in _entry(_joined(word))[0])


def speaks_of(word: str, value: str) -> bool:
    """Whether a dictionary says that a `word` is a kind of `value`, or defines one of them by the other.

    Args:
        word: one word, or two that are one (`rock concert`), in whatever number.
        value: the same; another form of it in the definition will do.

    Example: `speaks_of("concert", "Music")` and `speaks_of("pizza", "Italian")`, but not `speaks_of("pizza", "Thai")`
    """
    return _is_in(value, word) or family(_joined(word)) in _entry(_joined(value))[1]


def _is_in(value: str, word: str) -> bool:
    """Whether a dictionary's entry of a word has the value."""
    is_a, defined_by = _entry(_joined(word))
    wanted = _joined(value)
    return bool(wanted) and (wanted in is_a or family(wanted) in defined_by or family(wanted) in map(family, is_a))


def _joined(words: str) -> str:
    return "_".join(words.casefold().split())


@cache
def _lines() -> list[bytes]:
    return lzma.decompress(WORDS.read_bytes()).splitlines()


@lru_cache(4096)
def _entry(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a word is, and the families of the words that define it, in the singular, too; nothing of an unknown one."""
    forms = {word, *(word[: -len(end)] + singular for end, singular in _ENDINGS if word.endswith(end))}
    is_a, defined_by = set[str](), set[str]()
    for form in forms:
        key = f"{form}\t".encode()
        at = bisect_left(_lines(), key)
        if at < len(_lines()) and (line := _lines()[at]).startswith(key):
            _, above, definition = line.decode().split("\t")
            is_a.update((form, *above.split()))
            defined_by.update(map(family, definition.split()))
    return frozenset(is_a), frozenset(defined_by)
