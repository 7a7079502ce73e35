"""Plain values: what travels, and which values are equal."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple

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
    assert isinstance(show(value), str)


RARE = {
    "a range": (range(3, 9, 2), "range(3, 9, 2)"),
    "keys": ({1: 2, "a": 3}.keys(), "dict_keys([1, 'a'])"),
    "items": ({1: [2]}.items(), "dict_items([(1, [2])])"),
    "a deque": (deque([1, [2]]), "deque([1, [2]])"),
    "changeable bytes": (bytearray(b"\xff1"), "bytearray(b'\\xff1')"),
    "a fraction": (Fraction(-7, 3), "Fraction(-7, 3)"),
    "a decimal": (Decimal("1.10"), "Decimal('1.10')"),
}


@pytest.mark.parametrize(("value", "shown"), RARE.values(), ids=RARE)
def test_rarer_types_travel_as_themselves(value: Any, shown: str) -> None:
    back = decode(json.loads(json.dumps(encode(value))))
    assert (type(back), back) == (type(value), value)
    assert show(value) == shown


class Point(NamedTuple):
    x: int
    y: list[int]


class Always(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Colour(IntEnum):
    RED = 4


class Hidden(list[int]):
    def __iter__(self) -> Any:
        return iter([7])


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Point(1, [2]), (1, [2])),
        (Always(3), 3),
        (Colour.RED, 4),
        (Hidden([1, 2]), [1, 2]),
        (OrderedDict(b=1), {"b": 1}),
        (defaultdict(list, {1: [2]}), {1: [2]}),
        (type("S", (str,), {"__str__": lambda self: "other"})("mine"), "mine"),
        (type("B", (bytes,), {})(b"ab"), b"ab"),
        (type("F", (float,), {})(0.5), 0.5),
    ],
)
def test_a_subclass_is_the_content_that_it_holds_whatever_its_methods_say(value: Any, plain: Any) -> None:
    assert same(encode(value), encode(plain))
    assert type(decode(encode(value))) is type(plain)
    if type(value) is Always:
        assert not same(encode(value), encode(4))


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
        (b"a", bytearray(b"a"), True),
        (Fraction(1, 2), 0.5, True),
        (Fraction(1, 10), 0.1, False),
        (Decimal("2.50"), 2.5, True),
        (Decimal("0.1"), 0.1, False),
        (Decimal("1e5000"), Decimal("1e5000"), True),
        (Fraction(6, 3), 2, True),
        (range(0, 3), range(0, 3, 1), True),
        (range(3), [0, 1, 2], False),
        ({1: 2}.keys(), {1}, True),
        ({1: 2}.items(), {(1, 2)}, True),
        ({1: 2}.values(), [2], False),
        (deque([1]), [1], False),
        ({}, set(), False),
        (Counter("aab"), {"a": 2, "b": 1}, True),
        ("\ud800", "\ud800", True),
    ],
)
def test_particular_values(one: Any, other: Any, equal: bool) -> None:
    assert same(encode(one), encode(other)) is equal


@pytest.mark.parametrize(
    "tree",
    [{}, {"x": 1}, {"l": [1], "t": [2]}, {"f": 1}, {"o": 0}, {"r": ["a", 1, 1]}, {"d": [[1]]}, {"s": 3}, {"c": ["1"]}],
)
def test_what_is_no_tree_has_no_equal(tree: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical(tree)


def test_what_is_too_deep_or_no_value_does_not_travel() -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    itself: list[Any] = []
    itself.append(itself)
    for value in (deep, itself, object(), lambda: 1, iter([1]), [object()], {1: {2: print}}):
        with pytest.raises(NotPlain):
            encode(value)


def test_large_values_travel() -> None:
    for value in (
        [[k, str(k)] for k in range(80_000)],
        list(range(250_000)),
        ["a,b"] * 250_000,
        {k: 0.5 for k in range(99_999)},
    ):
        tree = encode(value)
        assert len(decode(tree)) == len(value) and canonical(tree) == canonical(encode(value))
        assert len(show(value)) <= 120
