"""Keywords for facts: the words by which a question names one fact and none of its neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from sml_agents.text.words import content_words, stem

__all__ = ["choose_keywords"]

_MOST_CANDIDATES = 9
_EMPTY = frozenset(
    [
        *("a", "an", "and", "are", "at", "does", "did", "do", "for", "has", "have", "his", "her", "how", "in", "is"),
        *("it", "many", "much", "of", "the", "to", "what", "was", "were", "will"),
    ]
)
_WORD = re.compile(r"[a-z]{2,}")


@lru_cache(maxsize=1 << 14)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _WORD.findall(text.lower()))


@lru_cache(maxsize=1 << 14)
def choose_keywords(questions: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """One to four lower-case words: at least half of them occur in each of `questions`, less than half in each of
    `others` where that can be had.

    `questions` ask for the fact; `others` ask for the other facts of the problem. The set with the widest margin wins.
    """
    own = [_stems(question) for question in questions]
    foreign = [_stems(question) for question in others]
    words: dict[str, str] = {}
    for text in questions:
        for word in _WORD.findall(text.lower()):
            if word not in _EMPTY:
                words.setdefault(stem(word), word)
    useful = [form for form in words if any(form in stems for stems in own)]
    useful.sort(key=lambda form: -_share(form, own) + _share(form, foreign))
    useful = useful[:_MOST_CANDIDATES]
    for word in ("number", "amount"):
        # A word that no question here has: it raises the bar, so that one shared word alone names nothing.
        if not any(stem(word) in stems for stems in (*own, *foreign)):
            useful.append(stem(word))
            words[stem(word)] = word
            break
    best: tuple[float, tuple[str, ...]] | None = None
    content = {stem(word) for text in questions for word in content_words(text)}
    for size in (1, 2, 3, 4):
        for forms in combinations(useful, size):
            hit = min(_hits(forms, stems) for stems in own)
            missed = max((_hits(forms, stems) for stems in foreign), default=0.0)
            if hit < 0.5:
                continue
            empty = sum(form not in content for form in forms) / size
            mean = sum(_hits(forms, stems) for stems in own) / len(own)
            score = hit + mean - 1.5 * missed - 0.6 * empty - (0.4 if size == 1 else 0) - (2.0 if missed >= 0.5 else 0)
            if best is None or score > best[0] + 1e-9:
                best = (score, forms)
    return tuple(words[form] for form in best[1]) if best else tuple(words[form] for form in useful[:3])


def _share(form: str, questions: Sequence[frozenset[str]]) -> float:
    return sum(form in stems for stems in questions) / max(1, len(questions))


def _hits(forms: Sequence[str], stems: frozenset[str]) -> float:
    return sum(form in stems for form in forms) / len(forms)
