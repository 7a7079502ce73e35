"""Figures as people read them: the same words in the terminal and in the report."""

from __future__ import annotations

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.definitions import DEFINITIONS

__all__ = ["UNKNOWN", "change", "figure", "judgement", "percent", "span"]

UNKNOWN = "\u2013"
"""Shown for a figure that is not known, which is not a zero."""
THIN = "\u202f"


def percent(value: float | None) -> str:
    """A share, such as `92 %`. A tenth of a percent is shown only below one."""
    if value is None:
        return UNKNOWN
    return f"{_hundred(value)}{THIN}%"


def figure(name: str, metric: Metric) -> str:
    """The value of a metric in its unit."""
    if metric.value is None:
        return UNKNOWN
    match DEFINITIONS[name].unit:
        case "share":
            return percent(metric.value)
        case "gap":
            return f"{_hundred(metric.value)} points"
        case _:
            return f"{metric.value:.2f}"


def span(name: str, metric: Metric, *, signed: bool = False) -> str:
    """The interval without its unit, such as `89 to 95`; empty when unknown."""
    if metric.low is None or metric.high is None:
        return ""
    plain = DEFINITIONS[name].unit == "mean"
    low, high = (f"{end:.2f}" if plain else _hundred(end) for end in (metric.low, metric.high))
    if signed:
        low, high = _signed(low), _signed(high)
    return f"{low} to {high}"


def change(name: str, metric: Metric) -> str:
    """A difference with its sign, such as `+69 points`."""
    if metric.value is None:
        return UNKNOWN
    if DEFINITIONS[name].unit == "mean":
        return _signed(f"{metric.value:.2f}")
    return f"{_signed(_hundred(metric.value))} points"


def judgement(name: str, metric: Metric) -> str:
    """`better`, `worse`, `unclear` when the interval of the difference holds zero; empty where neither is meant."""
    better = DEFINITIONS[name].better
    if better == "neither" or metric.low is None or metric.high is None:
        return ""
    if metric.low <= 0 <= metric.high:
        return "unclear"
    return "better" if (metric.low > 0) == (better == "higher") else "worse"


def _hundred(value: float) -> str:
    digits = 1 if 0.0005 <= abs(value) < 0.01 else 0
    text = f"{100 * value:.{digits}f}"
    return "0" if text == "-0" else text.replace("-", "\u2212")


def _signed(text: str) -> str:
    zero = not text.strip("0.")
    return text if zero or text.startswith("\u2212") else f"\u2212{text[1:]}" if text.startswith("-") else f"+{text}"
