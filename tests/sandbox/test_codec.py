"""Plain values: what travels, and which values are equal."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.sandbox.inside.codec import NotPlain, canonical, decode, encode, same, show

ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
HASHABLE = st.none() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    ATOMS | st.frozensets(HASHABLE),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(HASHABLE, inner),
    max_leaves=12,
)


def has_nan(value: Any) -> bool:
    return "nan" in repr(value)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert type(back) is type(value)
    assert back == value or has_nan(value)
    assert isinstance(show(encode(value)), str)


@given(VALUES, VALUES)
def test_equality_is_pythons_but_for_bools(one: Any, other: Any) -> None:
    if any(word in repr((one, other)) for word in ("True", "False", "nan")):
        return
    assert same(encode(one), encode(other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1, True], [1, 1], False),
        ((1, 2), [1, 2], False),
        ({1, 2}, frozenset({2, 1.0}), True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (1 << 5000, float("inf"), False),
        (10**22, 1e22, True),
        (0.1 + 0.2, 0.3, False),
        (-0.0, 0, True),
        (math.nan, 1.0, False),
        (1 + 0j, 1, True),
        (b"a", "a", False),
        ({}, set(), False),
        (Counter("aab"), {"a": 2, "b": 1}, True),
        ("\ud800", "\ud800", True),
    ],
)
def test_particular_values(one: Any, other: Any, equal: bool) -> None:
    assert same(encode(one), encode(other)) is equal


@pytest.mark.parametrize("tree", [{}, {"x": 1}, {"l": [1], "t": [2]}, {"f": 1}, {"d": [[1]]}, {"s": 3}, {"c": ["1"]}])
def test_what_is_no_tree_has_no_equal(tree: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical(tree)


def test_what_is_too_large_or_too_deep_does_not_travel() -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    for value in (deep, list(range(300_000)), object(), lambda: 1):
        with pytest.raises(NotPlain):
            encode(value)


def test_keys_that_collide_cost_nothing_here() -> None:
    colliding = {"s": [k * (2**61 - 1) for k in range(60_000)]}
    began = time.process_time()
    assert not same(colliding, encode([1]))
    assert show(colliding).startswith("{0, 23058")
    assert time.process_time() - began < 2
