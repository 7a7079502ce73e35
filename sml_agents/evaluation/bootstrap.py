"""Percentile bootstrap over tasks, for any statistic that is a function of sums over dialogues.

Dialogues of one task (samples, or the full and underspecified forms of one problem) are not independent, so whole tasks
are drawn with replacement: a cluster bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sml_agents.errors import InputError

__all__ = ["Floats", "Metric", "newcombe", "percentiles", "resample_sums", "share_of", "tasks_needed", "wilson"]

Floats = NDArray[np.float64]

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
CELLS = 2_000_000
"""Draws made at once: bounds the memory of the bootstrap to some tens of MB for any number of tasks."""


class Metric(BaseModel):
    """A figure with its 95 % interval.

    `value` is None when there was nothing to count: unknown is not zero. `n` is the number of dialogues that had
    something to count; in a difference, the number of tasks that both students had.
    """

    model_config = ConfigDict(frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


def resample_sums(table: Floats, *, seed: int, resamples: int) -> Floats:
    """Sums over draws of the rows of `table` (C, columns), each draw C rows with replacement: (resamples, columns).

    The same `seed` and C draw the same rows, so two tables whose rows are in the same order are resampled in pairs.
    """
    clusters = table.shape[0]
    sums = np.zeros((resamples, table.shape[1]))
    if clusters == 0:
        return sums
    generator = np.random.default_rng(seed)
    step = max(1, CELLS // clusters)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = generator.integers(0, clusters, size=(size, clusters))
        drawn += np.arange(size)[:, None] * clusters
        counts = np.bincount(drawn.ravel(), minlength=size * clusters).reshape(size, clusters)
        sums[start : start + size] = counts @ table
    return sums


def percentiles(values: Floats) -> tuple[float, float] | None:
    """The 2.5th and 97.5th percentile of the values that are defined (not NaN); None when none is."""
    defined = values[~np.isnan(values)]
    if defined.size == 0:
        return None
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a `share` of `n` independent units (Wilson, JASA 22, 1927)."""
    if n == 0:
        return 0.0, 1.0
    centre = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def share_of(count: int, n: int) -> Metric:
    """`count` of `n` independent units with Wilson's interval; of none it is unknown."""
    if not n:
        return Metric()
    low, high = wilson(count / n, n)
    return Metric(value=count / n, low=low, high=high, n=n)


def newcombe(plus: tuple[float, float, float], minus: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of a difference of two figures, each given as (value, low, high): Newcombe's hybrid score method
    (Statistics in Medicine 17, 1998, method 10), which takes the two as independent."""
    difference = plus[0] - minus[0]
    low = difference - math.hypot(plus[0] - plus[1], minus[2] - minus[0])
    high = difference + math.hypot(plus[2] - plus[0], minus[0] - minus[1])
    return low, high


def tasks_needed(effect: float, *, undecided: float = 0.5, power: float = 0.8) -> int:
    """Tasks that two students have to share so that a difference of `effect` in a share of solved tasks shows.

    The normal approximation of McNemar's test, two-sided at 5 % (Connor, Biometrics 43, 1987).

    Args:
        effect: the true difference, between 0 and 1.
        undecided: share of the tasks that one of the two solves and the other does not; at least `effect`. A half is
            what two students have that solve half of the tasks each and know nothing of one another.
        power: chance that the interval of the difference leaves out 0.

    Raises:
        InputError: a number out of its range.
    """
    if not 0 < effect <= 1 or not effect <= undecided <= 1 or not 0.5 <= power < 1:
        raise InputError(
            f"an effect of {effect} with {undecided} of the tasks undecided and a power of {power} cannot be planned "
            "for: effect lies above 0, undecided from effect to 1, power from 0.5 to below 1"
        )
    above = NormalDist().inv_cdf(power)
    spread = Z * math.sqrt(undecided) + above * math.sqrt(undecided - effect**2)
    return math.ceil((spread / effect) ** 2)
