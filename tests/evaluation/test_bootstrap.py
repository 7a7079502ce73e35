"""The intervals: do they cover, do they widen where tasks differ, and do they stay honest at 0 and 1?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.errors import InputError
from sml_agents.evaluation.bootstrap import CELLS, newcombe, percentiles, resample_sums, tasks_needed, wilson
from sml_agents.evaluation.metrics import compute
from tests.evaluation.crafted import task, trace


def test_intervals_cover_the_truth_about_as_often_as_they_promise() -> None:
    generator = np.random.default_rng(7)
    truth, runs, covered = 0.3, 200, 0
    for run in range(runs):
        table = np.stack([generator.random(80) < truth, np.ones(80)], axis=1).astype(float)
        sums = resample_sums(table, seed=run, resamples=400)
        low, high = percentiles(sums[:, 0] / sums[:, 1]) or (0.0, 0.0)
        covered += low <= truth <= high
    assert 0.89 <= covered / runs <= 0.99


def test_clusters_are_drawn_whole() -> None:
    """Ten samples of a task that is always or never solved are worth one dialogue, not ten."""
    outcomes = [k % 2 for k in range(20)]
    alike = [trace("r" if outcomes[k] else "1", task(f"t{k}"), sample=s) for k in range(20) for s in range(10)]
    apart = [trace("r" if outcomes[k] else "1", task(f"t{k}-{s}")) for k in range(20) for s in range(10)]
    wide, narrow = compute(alike).success_at["1"], compute(apart).success_at["1"]
    assert wide.value == narrow.value == 0.5
    assert (wide.high or 0) - (wide.low or 0) > 2.5 * ((narrow.high or 0) - (narrow.low or 0))


def test_bootstrap_matches_the_normal_interval_of_a_share() -> None:
    table = np.stack([np.arange(1000) % 5 == 0, np.ones(1000)], axis=1).astype(float)
    sums = resample_sums(table, seed=0, resamples=4000)
    low, high = percentiles(sums[:, 0] / sums[:, 1]) or (0.0, 0.0)
    half = 1.96 * np.sqrt(0.2 * 0.8 / 1000)
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.003)


def test_every_draw_has_as_many_rows_as_the_table_also_in_several_steps() -> None:
    clusters = CELLS // 3 + 1
    sums = resample_sums(np.ones((clusters, 1)), seed=0, resamples=5)
    assert (sums == clusters).all()


def test_the_same_seed_draws_the_same_rows_for_two_tables() -> None:
    table = np.arange(30, dtype=float)[:, None]
    assert (resample_sums(table, seed=3, resamples=50) * 2 == resample_sums(table * 2, seed=3, resamples=50)).all()
    assert (resample_sums(table, seed=3, resamples=50) != resample_sums(table, seed=4, resamples=50)).any()


@pytest.mark.parametrize(("script", "value"), [("r", 1.0), ("1", 0.0)])
def test_unanimous_tasks_do_not_give_certainty(script: str, value: float) -> None:
    few = compute([trace(script, task(f"t{k}")) for k in range(5)]).success_at["1"]
    many = compute([trace(script, task(f"t{k}")) for k in range(100)]).success_at["1"]
    assert few.value == many.value == value
    assert (few.high or 0) - (few.low or 0) == pytest.approx(0.434, abs=0.002)  # Wilson's 0.566 to 1 for 5 of 5
    assert (many.high or 0) - (many.low or 0) == pytest.approx(0.037, abs=0.002)


def test_many_samples_of_one_task_are_one_task() -> None:
    figure = compute([trace("r", sample=k) for k in range(500)]).success_at["1"]
    assert figure.n == 500
    assert figure.low == pytest.approx(wilson(1.0, 1)[0])


def test_figures_made_of_two_shares_are_not_certain_either() -> None:
    perfect = [trace("q+r", task(f"n{k}")) for k in range(10)] + [
        trace("r", task(f"f{k}", form="full")) for k in range(10)
    ]
    metrics = compute(perfect)
    assert metrics.asking_gap.value == metrics.asking_f1.value == 1.0
    assert 0.5 < (metrics.asking_gap.low or 1) < 0.8
    assert 0.7 < (metrics.asking_f1.low or 1) < 0.9
    assert metrics.asking_gap.high == metrics.asking_f1.high == 1.0


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_holds_the_share_and_stays_in_bounds(solved: int, n: int) -> None:
    share = min(solved, n) / n
    low, high = wilson(share, n)
    assert 0.0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1.0


def test_wilson_and_newcombe_give_the_published_figures() -> None:
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    plus, minus = (56 / 70, *wilson(56 / 70, 70)), (48 / 80, *wilson(48 / 80, 80))
    assert newcombe(plus, minus) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_nothing_defined_has_no_interval() -> None:
    assert percentiles(np.array([np.nan, np.nan])) is None
    assert percentiles(np.array([])) is None
    assert (resample_sums(np.zeros((0, 2)), seed=0, resamples=3) == 0).all()


@pytest.mark.parametrize(
    ("effect", "undecided", "power"), [(0.1, 0.5, 0.8), (0.3, 0.4, 0.8), (0.05, 0.2, 0.9), (0.2, 0.2, 0.8), (1, 1, 0.5)]
)
def test_so_many_tasks_show_a_difference_as_often_as_is_asked(effect: float, undecided: float, power: float) -> None:
    """Against 4,000 pairs of students drawn at random, and the test of their differences."""
    n = tasks_needed(effect, undecided=undecided, power=power)
    chances = ((undecided + effect) / 2, (undecided - effect) / 2, 1 - undecided)
    won, lost, _ = np.random.default_rng(0).multinomial(n, chances, size=4000).T
    shown = (won - lost) > 1.96 * np.sqrt(won + lost)
    assert power - 0.08 <= shown.mean()
    assert n == 1 or tasks_needed(effect / 2, undecided=undecided, power=power) > 3 * n


@pytest.mark.parametrize(
    ("effect", "undecided", "power"), [(0, 0.5, 0.8), (0.6, 0.5, 0.8), (-0.1, 0.5, 0.8), (0.1, 1.2, 0.8), (0.1, 0.5, 1)]
)
def test_what_cannot_be_planned_for_is_refused(effect: float, undecided: float, power: float) -> None:
    with pytest.raises(InputError, match="cannot be planned"):
        tasks_needed(effect, undecided=undecided, power=power)
