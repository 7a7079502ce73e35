"""What can be told of a task without reading it: surface features, and a classifier on them.

A student that has learnt to see that a fact is missing must do better than a count of numerals. `SurfaceClassifier` is
a logistic regression on fourteen counts of a prompt, fitted on training pairs alone; what it reaches on held-out pairs
is what a figure of asking has to exceed.

    classifier = SurfaceClassifier.fit(training_tasks)
    auc(classifier.scores(tasks), [bool(missing_facts(task)) for task in tasks])

    surface_scores(spec, tasks)     the same for the tasks of a spec, fitted on that family's train split
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sml_agents.errors import InputError
from sml_agents.evaluation.bootstrap import Floats
from sml_agents.evaluation.tally import missing_facts
from sml_agents.text.numbers import NUMBER_WORDS, ORDINALS
from sml_agents.text.sentences import sentences
from sml_agents.types import Form, Task, stable_hash

__all__ = [
    "FEATURES",
    "SurfaceClassifier",
    "SurfaceScores",
    "auc",
    "features_of",
    "surface_scores",
    "training_spec",
    "youden_threshold",
]

_NUMERAL = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_NUMBER_WORD = re.compile(
    rf"\b(?:{'|'.join(sorted({*NUMBER_WORDS, *ORDINALS, 'half', 'twice'}, key=len, reverse=True))})\b", re.IGNORECASE
)
_VAGUE = re.compile(
    r"\b(?:some|something|several|many|few|various|plenty|certain|unknown|another|other|others|again|same|couple|"
    r"amount|sum|usual|long|enough|large|quite|rather|all)\b",
    re.IGNORECASE,
)
_RIDGE = 1.0
_ITERATIONS = 50
_FITTED_ON = 400
"""Problems of the train split, each in both forms."""


def _sentences(text: str) -> list[str]:
    return sentences(text) or [""]


def _words(text: str) -> int:
    return len(text.split())


FEATURES: Mapping[str, Callable[[str], float]] = {
    "numerals": lambda text: len(_NUMERAL.findall(text)),
    "number words": lambda text: len(_NUMBER_WORD.findall(text)),
    "numbers": lambda text: len(_NUMERAL.findall(text)) + len(_NUMBER_WORD.findall(text)),
    "sentences": lambda text: len(_sentences(text)),
    "words": _words,
    "characters": len,
    "question marks": lambda text: text.count("?"),
    "vague words": lambda text: len(_VAGUE.findall(text)),
    "words after the question": lambda text: _words(text.rpartition("?")[2]) if "?" in text else 0,
    "words of the longest sentence": lambda text: max(map(_words, _sentences(text))),
    "words of the shortest sentence": lambda text: min(map(_words, _sentences(text))),
    "words of the last sentence": lambda text: _words(_sentences(text)[-1]),
    "sentences without a number": lambda text: sum(
        not (_NUMERAL.search(part) or _NUMBER_WORD.search(part)) for part in _sentences(text)
    ),
    "commas": lambda text: text.count(","),
}
"""Name and value of each feature of a prompt. None of them needs a word to be understood."""


def features_of(prompts: Iterable[str]) -> Floats:
    """Shape (prompts, features)."""
    rows = [[float(feature(prompt)) for feature in FEATURES.values()] for prompt in prompts]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES))


@dataclass(frozen=True)
class SurfaceClassifier:
    """Logistic regression on standardised features, with a small ridge penalty."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float
    threshold: float
    """The score from which on it asks: where asks minus needless was largest on the tasks it was fitted on."""

    @classmethod
    def fit(cls, tasks: Sequence[Task]) -> SurfaceClassifier:
        """Fit on the two forms of training problems. Raises InputError where one of the two kinds is absent."""
        wanted = np.array([_lacks(task) for task in tasks], dtype=np.float64)
        if not 0 < wanted.sum() < len(wanted):
            raise InputError(
                "A surface classifier is fitted on tasks with a fact missing and on complete ones: give it both."
            )
        table = features_of(task.prompt for task in tasks)
        mean, scale = table.mean(axis=0), table.std(axis=0)
        scale[scale < 1e-9] = 1.0
        rows = np.column_stack([(table - mean) / scale, np.ones(len(table))])
        penalty = np.diag([_RIDGE] * len(FEATURES) + [0.0])
        weights = np.zeros(rows.shape[1])
        for _ in range(_ITERATIONS):  # Newton's method
            chance = _logistic(rows @ weights)
            slope = rows.T @ (chance - wanted) + penalty @ weights
            curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + penalty + 1e-9 * np.eye(len(weights))
            step = np.linalg.solve(curve, slope)
            weights -= step
            if float(np.abs(step).max()) < 1e-8:
                break
        threshold = youden_threshold(_logistic(rows @ weights), wanted)
        return cls(mean, scale, weights[:-1], float(weights[-1]), threshold)

    def scores(self, tasks: Iterable[Task]) -> Floats:
        """For each task the probability, from 0 to 1, that a fact is missing."""
        return self.scores_of(task.prompt for task in tasks)

    def scores_of(self, prompts: Iterable[str]) -> Floats:
        """The same for prompts."""
        chance: Floats = _logistic((features_of(prompts) - self.mean) / self.scale @ self.weights + self.bias)
        return chance

    def asks(self, prompt: str) -> bool:
        """Whether it would ask."""
        return bool(self.scores_of([prompt])[0] >= self.threshold)


class SurfaceScores(NamedTuple):
    """What the classifier makes of some tasks: the chance that a fact is missing, and whether it asks (1 or 0)."""

    scores: Floats
    asks: Floats


def surface_scores(spec: str, tasks: Sequence[Task]) -> SurfaceScores:
    """The classifier on the `tasks` of `spec`, fitted on the family's train split.

    Data without a train split is fitted on one half of its problems and scored on the other, and the other way round:
    nothing is scored by a classifier that has seen the problem. Where a half holds one kind alone, it scores one half
    and never asks.
    """
    if (train := training_spec(spec)) is not None:
        classifier = SurfaceClassifier.fit(_loaded(train))
        scores = classifier.scores(tasks)
        return SurfaceScores(scores, (scores >= classifier.threshold).astype(np.float64))
    scores, asks = np.full(len(tasks), 0.5), np.zeros(len(tasks))
    half = np.array([int(stable_hash("half", task.pair or task.id), 16) % 2 for task in tasks])
    for side in (0, 1):
        try:
            classifier = SurfaceClassifier.fit([task for task, own in zip(tasks, half, strict=True) if own != side])
        except InputError:
            continue
        here = np.flatnonzero(half == side).tolist()
        scores[here] = classifier.scores(tasks[place] for place in here)
        asks[here] = scores[here] >= classifier.threshold
    return SurfaceScores(scores, asks)


def training_spec(spec: str) -> str | None:
    """The pairs of the train split that belong to `spec`; None where its family has no splits."""
    from sml_agents.tasks.families import FAMILIES
    from sml_agents.tasks.spec import parse_spec

    parsed = parse_spec(spec, FAMILIES)
    rules = FAMILIES[parsed.family]
    if not rules.splits or rules.arg or "paired" not in rules.forms:
        return None
    more = "".join(f"&{key}={value}" for key, value in parsed.extra.items())
    return f"{parsed.family}?form=paired&split=train&n={_FITTED_ON}{more}"


@lru_cache(maxsize=8)
def _loaded(spec: str) -> tuple[Task, ...]:
    from sml_agents.tasks import load_tasks

    return tuple(load_tasks(spec))


def auc(scores: Sequence[float] | Floats, wanted: Sequence[bool] | Floats) -> float | None:
    """Probability that a wanted one scores above another, ties counted as half; None where one kind is absent."""
    values, kinds = np.asarray(scores, dtype=np.float64), np.asarray(wanted, dtype=bool)
    above, below = values[kinds], np.sort(values[~kinds])
    if not len(above) or not len(below):
        return None
    lower, equal_or_lower = np.searchsorted(below, above, "left"), np.searchsorted(below, above, "right")
    return float((lower + equal_or_lower).mean() / (2 * len(below)))


def youden_threshold(scores: Sequence[float] | Floats, wanted: Sequence[bool] | Floats) -> float:
    """The score from which on to say yes, where the share of right yeses minus that of wrong ones is largest.

    Halfway between two scores that occur, so that a score at the border falls on the side that it was on.
    """
    values, kinds = np.asarray(scores, dtype=np.float64), np.asarray(wanted, dtype=bool)
    order = np.unique(values)
    cuts = np.concatenate([[order[0] - 1e-6], (order[:-1] + order[1:]) / 2, [order[-1] + 1e-6]])
    above, below = np.sort(values[kinds]), np.sort(values[~kinds])
    right = 1 - np.searchsorted(above, cuts, "left") / max(1, len(above))
    wrong = 1 - np.searchsorted(below, cuts, "left") / max(1, len(below))
    return float(cuts[int(np.argmax(right - wrong))])


def _lacks(task: Task) -> bool:
    return task.form is not Form.FULL and bool(missing_facts(task))


def _logistic(values: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-np.clip(values, -50, 50)))
    return chance
