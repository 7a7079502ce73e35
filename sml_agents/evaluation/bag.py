"""A bag of words: what the words of a request tell, without their order, of whether something is missing.

Words and pairs of neighbouring words, present or not; a ridge regression on them, in its dual form. With the surface
features it is what a figure of asking has to exceed.

    bag = BagOfWords.fit(texts, missing)
    auc(bag.scores(other_texts), other_missing)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sml_agents.errors import InputError
from sml_agents.evaluation.bootstrap import Floats

__all__ = ["BagOfWords"]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_LEAST = 2
"""Texts in which a word or pair has to occur."""
_RIDGE = 1.0


def _grams(text: str) -> set[str]:
    words = _TOKEN.findall(text.lower())
    return {*words, *(f"{one} {other}" for one, other in pairwise(words))}


@dataclass(frozen=True)
class BagOfWords:
    """Fitted on texts of which it is known whether they lack something."""

    places: dict[str, int]
    weights: Floats
    bias: float

    @property
    def threshold(self) -> float:
        """The score from which on it asks: that of a text that tells nothing."""
        return self.bias

    @classmethod
    def fit(cls, texts: Sequence[str], missing: Sequence[bool]) -> BagOfWords:
        """Raises InputError where one of the two kinds is absent."""
        wanted = np.asarray(missing, dtype=np.float64)
        if not 0 < wanted.sum() < len(wanted):
            raise InputError("A bag of words is fitted on texts that lack something and on complete ones: give both.")
        counts = Counter(gram for text in texts for gram in _grams(text))
        places = {gram: place for place, gram in enumerate(g for g, n in counts.items() if n >= _LEAST)}
        table = _table(texts, places)
        bias = float(wanted.mean())
        dual = np.linalg.solve(table @ table.T + _RIDGE * np.eye(len(texts)), wanted - bias)
        return cls(places, table.T @ dual, bias)

    def scores(self, texts: Iterable[str]) -> Floats:
        """For each text, the higher the more it looks as if something were missing; about 0 to 1."""
        found: Floats = _table(list(texts), self.places) @ self.weights + self.bias
        return found

    def asks(self, text: str) -> bool:
        """Whether it would ask."""
        return bool(self.scores([text])[0] >= self.threshold)


def _table(texts: Sequence[str], places: dict[str, int]) -> Floats:
    """Shape (texts, words and pairs), each row of length 1."""
    table = np.zeros((len(texts), len(places)))
    for row, text in enumerate(texts):
        here = [places[gram] for gram in _grams(text) if gram in places]
        table[row, here] = 1 / max(1, len(here)) ** 0.5
    return table
