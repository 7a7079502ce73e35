"""Where the asker draws its lines beside a rule."""

from __future__ import annotations

from sml_agents.asker.threshold import _together

Side = list[tuple[float, bool]]
PASSED: list[Side] = [[(0.1, False), (0.3, False)]] * 95 + [[(0.85, False)]] * 5
"""Complete calls that the rule lets through."""


def test_few_of_the_complete_calls_that_pass_the_rule_are_asked_about() -> None:
    lacking: list[Side] = [[(0.95, False)], [(0.6, True)]] * 50
    assert _together([(lacking, PASSED)])[0] == 0.4
    many: list[Side] = PASSED[:90] + [[(0.85, False)]] * 10
    assert _together([(lacking, many)])[0] == 0.9


def test_what_the_rule_asks_about_anyway_does_not_hide_needless_objections() -> None:
    asked: list[Side] = [[(0.97, True), (0.85, False)]] * 900
    many: list[Side] = PASSED[:90] + [[(0.85, False)]] * 10
    assert _together([([[(0.95, False)]], many + asked)])[0] == 0.9


def test_hardly_an_incomplete_call_counts_as_told() -> None:
    lacking: list[Side] = [[(0.6, True)]] * 95 + [[(0.15, True)]] * 5
    assert _together([(lacking, PASSED)])[2] == 0.1
    assert _together([([[(0.0, True)]] * 10, PASSED)])[2] == 0.0
