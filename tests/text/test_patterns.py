"""Patterns that may take for ever."""

from __future__ import annotations

import pytest

from sml_agents.text.values.patterns import repeats_repeats


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "([a-z]+)*", r"([\w-]+-)+", "((a)+)+", "(a|b+)*", "(?:a{2,})+", "(x+x+)+y", "(-a*|b*)+"]
)
def test_a_repetition_of_repetitions_may(pattern: str) -> None:
    assert repeats_repeats(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"[A-Z]{2}-\d{4}", "[a-z]+(-[a-z]+)*", r"(\w+\.)+\w+", r"(\d{3}-)?\d+",
        "[(+]+", r"(\d+)?", "()+", "(", "[", ")+", "",
        r"[\w.]+@([\w-]+\.)+\w{2,}", r"(\d{1,3}\.){3}\d{1,3}", r"(?:[A-Z]{2}|\d{3})+",
    ],
)  # fmt: skip
def test_codes_slugs_and_addresses_do_not(pattern: str) -> None:
    assert not repeats_repeats(pattern)
