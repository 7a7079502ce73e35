"""What English words mean, by a dictionary: that a concert is a performance and has to do with music.

is_known(word)             a concert hall is a word of two
is_kind_of(word, what)     a concert is an event
speaks_of(word, value)     a concert speaks of music: by what it is, or by its definition

The words are nouns and adjectives of WordNet 3.0 (Fellbaum, 1998; its licence lies beside them), no names, boiled down
by `build`, and what everyday choices are called besides (`choices.txt`).
"""

from __future__ import annotations

import lzma
from bisect import bisect_left
from functools import cache, lru_cache
from pathlib import Path

from sml_agents.text.words import family

__all__ = ["WORDS", "forms_of", "is_kind_of", "is_known", "joined", "speaks_of"]

WORDS = Path(__file__).with_name("words.xz")
"""A line a word: the word, what it is, what defines it."""
_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""))


def is_known(word: str) -> bool:
    """Whether the dictionary has a word, or two that are one: `concert hall`."""
    return bool(_entry(joined(word))[0])


def is_kind_of(word: str, what: str) -> bool:
    """Whether a dictionary says that a `word` is a kind of `what`, or the same.

    Example: `is_kind_of("games", "event")`, and `is_kind_of("lobster", "food")`, since it is a solid food
    """
    wanted = joined(what)
    return any(one == wanted or one.endswith(f"_{wanted}") for one in _entry(joined(word))[0])


def speaks_of(word: str, value: str) -> bool:
    """Whether a dictionary says that a `word` is a kind of `value`, or defines it by that.

    Args:
        word: one word, or a few that are one (`rock concert`), in whatever number.
        value: the same; another form of it in the definition will do.

    Example: `speaks_of("concert", "Music")` and `speaks_of("pizza", "Italian")`, but not `speaks_of("pizza", "Thai")`
    """
    is_a, defined_by = _entry(joined(word))
    wanted = joined(value)
    return bool(wanted) and (wanted in is_a or family(wanted) in defined_by or family(wanted) in map(family, is_a))


def joined(words: str) -> str:
    """One word or several as the file has them: `Sci-Fi` as `sci_fi`."""
    return "_".join(words.casefold().replace("-", " ").split())


def forms_of(word: str) -> set[str]:
    """A word and what may be its singular."""
    return {word, *(word[: -len(end)] + singular for end, singular in _ENDINGS if word.endswith(end))}


@cache
def _lines() -> list[bytes]:
    return lzma.decompress(WORDS.read_bytes()).splitlines()


@lru_cache(4096)
def _entry(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a word is, and the families of the words that define it, in the singular, too; nothing of an unknown one."""
    is_a, defined_by = set[str](), set[str]()
    for form in forms_of(word):
        key = f"{form}\t".encode()
        at = bisect_left(_lines(), key)
        if at < len(_lines()) and (line := _lines()[at]).startswith(key):
            _, above, definition = line.decode().split("\t")
            is_a.update((form, *above.split()))
            defined_by.update(map(family, definition.split()))
    return frozenset(is_a), frozenset(defined_by)
