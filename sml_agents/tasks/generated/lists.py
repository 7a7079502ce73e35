"""Exercises on lists and words: reverse, sort, remove, repeat, replace. Answers are words or comma-separated lists."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from sml_agents.tasks.generated.plan import Value
from sml_agents.tasks.generated.problems import Family
from sml_agents.tasks.generated.program import Result, Unfit
from sml_agents.tasks.generated.schemas import Bank, FactTemplate

__all__ = ["LISTS", "OPERATIONS", "ListProgram", "make"]


def _items(text: Value) -> list[str]:
    return str(text).split(", ")


def _numbers(text: Value) -> list[int]:
    return [int(item) for item in _items(text)]


def _joined(items: list[str]) -> str:
    if not items:
        raise Unfit
    return ", ".join(items)


def _at(items: list[str] | str, place: Value) -> int:
    if not 1 <= int(place) <= len(items):
        raise Unfit
    return int(place) - 1


def _new(items: Value, item: Value) -> None:
    if str(item) in _items(items):
        raise Unfit


def add_each(items: Value, amount: Value) -> str:
    return _joined([str(number + int(amount)) for number in _numbers(items)])


def subtract_each(items: Value, amount: Value) -> str:
    if min(_numbers(items)) <= int(amount):
        raise Unfit
    return _joined([str(number - int(amount)) for number in _numbers(items)])


def multiply_each(items: Value, factor: Value) -> str:
    return _joined([str(number * int(factor)) for number in _numbers(items)])


def reverse(items: Value) -> str:
    return _joined(_items(items)[::-1])


def reverse_word(word: Value) -> str:
    return str(word)[::-1]


def remove_at(items: Value, place: Value) -> str:
    found = _items(items)
    del found[_at(found, place)]
    return _joined(found)


def put_at_end(items: Value, item: Value) -> str:
    _new(items, item)
    return _joined([*_items(items), str(item)])


def put_in_front(items: Value, item: Value) -> str:
    _new(items, item)
    return _joined([str(item), *_items(items)])


def insert_after(items: Value, place: Value, item: Value) -> str:
    found = _items(items)
    found.insert(_at(found, place) + 1, str(item))
    return _joined(found)


def sort(items: Value, order: Value) -> str:
    return _joined([str(number) for number in sorted(_numbers(items), reverse=order == "largest")])


def sort_words(items: Value) -> str:
    return _joined(sorted(_items(items)))


def take_first(items: Value, count: Value) -> str:
    found = _items(items)
    if int(count) >= len(found):
        raise Unfit
    return _joined(found[: int(count)])


def take_last(items: Value, count: Value) -> str:
    found = _items(items)
    if int(count) >= len(found):
        raise Unfit
    return _joined(found[-int(count) :])


def larger_than(items: Value, bound: Value) -> str:
    kept = [number for number in _numbers(items) if number > int(bound)]
    if len(kept) == len(_items(items)) or int(bound) in _numbers(items):
        raise Unfit
    return _joined([str(number) for number in kept])


def repeat(word: Value, times: Value, mark: Value) -> str:
    return {"dashes": "-", "dots": ".", "plus signs": "+", "slashes": "/"}[str(mark)].join([str(word)] * int(times))


def replace(word: Value, old: Value, new: Value) -> str:
    if str(old) not in str(word) or str(new) in str(word):
        raise Unfit
    return str(word).replace(str(old), str(new))


def drop_letter(word: Value, letter: Value) -> str:
    if str(letter) not in str(word):
        raise Unfit
    return str(word).replace(str(letter), "")


def letter_at(word: Value, place: Value) -> str:
    return str(word)[_at(str(word), place)]


def initials(items: Value) -> str:
    return "".join(word[0] for word in _items(items))


def glue(first: Value, second: Value) -> str:
    return f"{first}{second}"


def rotate(items: Value, count: Value) -> str:
    found = _items(items)
    if int(count) >= len(found):
        raise Unfit
    return _joined([*found[int(count) :], *found[: int(count)]])


OPERATIONS: Mapping[str, Callable[..., str]] = {
    operation.__name__: operation
    for operation in (
        *(add_each, subtract_each, multiply_each, reverse, reverse_word, remove_at, put_at_end, put_in_front),
        *(insert_after, sort, sort_words, take_first, take_last, larger_than, repeat, replace, drop_letter),
        *(letter_at, initials, glue, rotate),
    )
}
"""Pure functions on values as they are written in a prompt: `4, 9, 2`, `garden`, 3."""


@dataclass(frozen=True)
class ListProgram:
    source: str
    names: tuple[str, ...]
    tree: ast.expr

    def run(self, values: Mapping[str, Value]) -> Result:
        """Answer and intermediate results for `values`. Raises Unfit where an operation makes no sense."""
        steps: list[str] = []
        answer = self._evaluate(self.tree, values, steps)
        return Result(str(answer), tuple(steps))

    def _evaluate(self, node: ast.expr, values: Mapping[str, Value], steps: list[str]) -> Value:
        if isinstance(node, ast.Name):
            return values[node.id]
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        taken = [self._evaluate(argument, values, steps) for argument in node.args]
        made = OPERATIONS[node.func.id](*taken)
        steps.append(f"{taken[0]} -> {made}")
        return made


@cache
def compile_program(source: str) -> ListProgram:
    """Read nested calls such as `reverse(add_each(items, amount))`. Raises ValueError for anything else."""
    tree = ast.parse(source, mode="eval").body
    names: list[str] = []

    def check(node: ast.expr) -> None:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OPERATIONS:
            for argument in node.args:
                check(argument)
        elif isinstance(node, ast.Name):
            if node.id not in names:
                names.append(node.id)
        else:
            raise ValueError(f"The program {source!r} may only hold operations of {__name__} and fact names.")

    check(tree)
    return ListProgram(source, tuple(names), tree)


def _draw(fact: FactTemplate, bank: Bank, rng: random.Random) -> Value:
    if fact.pick:
        found = rng.choice(fact.pick)
        return found if isinstance(found, int) else str(found)
    if fact.kind == "word":
        return rng.choice(bank.words)
    if fact.kind == "words":
        return ", ".join(rng.sample(bank.words, rng.randint(*fact.size)))
    if fact.kind == "numbers":
        return ", ".join(str(number) for number in rng.sample(range(fact.n[0], fact.n[1] + 1), rng.randint(*fact.size)))
    return rng.randint(*fact.n)


LISTS = Family("lists", "exact", compile_program, _draw)
make = LISTS.make
