"""Letters without regard for case, told apart once for a text and not again by every pattern.

folded(text)       lower case, sign for sign: a pattern in lower case finds in it what it would find in `text` with
                   `re.IGNORECASE`, at the same places and in a part of the time
words_in(folded)   its runs of ASCII letters: where none of a pattern's words is among them, the pattern finds nothing
"""

from __future__ import annotations

import re

__all__ = ["folded", "words_in"]

_AS_PATTERNS_DO = str.maketrans(
    {
        "\u0130": "i",
        "\u0131": "i",
        "\u017f": "s",
        "\u1c80": "\u0432",
        "\u1c82": "\u043e",
        "\u1c84": "\u0442",
        "\u1c85": "\u0442",
    }
)
"""Letters that `re.IGNORECASE` takes for another whose lower case they are not, of those that our patterns name."""
_RUN = re.compile(r"[a-z]+")


def folded(text: str) -> str:
    """`text` in lower case, as long as it was."""
    return text.lower() if text.isascii() else text.translate(_AS_PATTERNS_DO).lower()


def words_in(folded: str) -> set[str]:
    """The runs of ASCII letters of a folded text. `\\bword\\b` is one of them wherever it matches."""
    return set(_RUN.findall(folded))
