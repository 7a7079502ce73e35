"""Rows out of generated tool requests (`requests`): pairs that only the schema tells apart."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from sml_agents.asker.pairs import added, continued, fewer, varied
from sml_agents.asker.prompt import Said, ToolView
from sml_agents.asker.rows import Choice, Example, Row, choice_among
from sml_agents.tasks import iter_tasks
from sml_agents.types import Form, Task

__all__ = ["choice_of", "generated_pairs", "generated_row", "one_optional"]

_OPTIONAL = 0.4


def generated_pairs(split: str, n: int, seed: int = 0) -> Iterator[tuple[Task, Task]]:
    """`n` pairs of the same request, incomplete and complete."""
    made = iter_tasks(f"requests?form=paired&split={split}&n={n}&seed={seed}")
    for _, group in groupby(made, key=lambda task: task.pair):
        tasks = {task.form: task for task in group}
        if Form.FULL in tasks and Form.UNDERSPECIFIED in tasks:
            yield tasks[Form.UNDERSPECIFIED], tasks[Form.FULL]


def tool_of(task: Task) -> ToolView:
    """The tool that serves a request."""
    name = task.private.calls[0].name
    return next(view for view in map(ToolView.read, task.tools) if view.name == name)


def example_of(task: Task) -> Example:
    """What a generated request tells of each argument."""
    words, told = words_of(task), set(task.meta["told"])
    values: tuple[dict[str, str | None], dict[str, str | None]] = ({}, {})
    for argument in tool_of(task).arguments:
        name = argument.name
        if name not in told or name in words:
            values[not argument.required][name] = words[name] if name in told else None
    return Example((Said("user", task.prompt),), values[0], optional=values[1])


def words_of(task: Task) -> dict[str, str]:
    """Each value in the person's words; of what is chosen from a list, the choice."""
    said, called = task.meta["said"], called_values(task)
    chosen = {one.name for one in tool_of(task).arguments if one.options or one.sort in ("boolean", "bool")}
    ways = {name: (called, said) if name in chosen else (said, called) for name in {**said, **called}}
    return {name: words for name, (one, other) in ways.items() if (words := one.get(name) or other.get(name))}


def generated_row(pair: tuple[Task, Task], others: Sequence[str], rng: random.Random) -> Row:
    """Both sides of a pair, and what becomes of the incomplete one when it is asked about."""
    lacking, whole = pair
    one, other = example_of(lacking), example_of(whole)
    examples = [other, one]
    said = words_of(lacking)
    if one.missing and rng.random() < 0.6:
        start = one if rng.random() < 0.5 else _forgetful(lacking, one, rng)
        examples.append(rng.choice((added, continued))(start, said, rng))
    return Row(
        varied(tool_of(lacking), rng),
        tuple(one_optional(fewer(_drafted(example, lacking, others, rng), rng), rng) for example in examples),
    )


def one_optional(example: Example, rng: random.Random) -> Example:
    """Now and then with one argument that is not required, told or not: so that a call can be written, too."""
    taken = rng.sample(list(example.optional), 1) if example.optional and rng.random() < _OPTIONAL else []
    return replace(example, optional={name: example.optional[name] for name in taken})


def _forgetful(task: Task, example: Example, rng: random.Random) -> Example:
    """A request that opens with the first sentence alone, or a bare wish for the tool."""
    purpose = tool_of(task).purpose.rstrip(".")
    wish = rng.choice(("I need this: {}.", "Can you help me? {}", "{}, please.", "Hi! {}"))
    text = wish.format(purpose[:1].lower() + purpose[1:])
    return Example((Said("user", text),), dict.fromkeys(example.values))


def _drafted(example: Example, task: Task, others: Sequence[str], rng: random.Random) -> Example:
    """Some arguments with a drafted value, as it was said or as a call has it; or with one that nobody gave."""
    drafts = {}
    said, called = task.meta["said"], called_values(task)
    text = " ".join(one.text for one in example.said)
    for name, value in example.values.items():
        if rng.random() > 0.35:
            continue
        if value is not None and rng.random() < 0.8:
            drafts[name] = (called.get(name, value) if rng.random() < 0.6 else value, True)
        else:
            own = called.get(name, said.get(name)) if value is None and rng.random() < 0.6 else None
            made_up = own or rng.choice(others)
            if (made_up not in text and made_up not in (value, called.get(name))) or (own and value is None):
                drafts[name] = (made_up, False)
    return replace(example, drafts=drafts)


def with_call(example: Example, task: Task) -> Example:
    """With the call that serves the request as the drafted one."""
    called = called_values(task)
    drafts = {name: (called[name], value is not None) for name, value in example.values.items() if name in called}
    return replace(example, drafts=drafts)


def called_values(task: Task) -> dict[str, str]:
    """The arguments of the call that serves a request, by path, as text."""
    found: dict[str, str] = {}
    for name, values in task.private.calls[0].arguments.items():
        value = values[0]
        inner = value.items() if isinstance(value, dict) else ()
        found |= {f"{name}.{key}": str(one) for key, one in inner if not isinstance(one, dict | list)}
        if not isinstance(value, dict | list):
            found[name] = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    return found


def choice_of(pair: tuple[Task, Task], others: Sequence[tuple[Task, Task]], rng: random.Random) -> Choice:
    """Which of the tools serves a request, among those of some other requests."""
    task, right = rng.choice(pair), tool_of(pair[0])
    beside = [view for view in map(ToolView.read, task.tools) if view.name != right.name]
    return choice_among(right, (Said("user", task.prompt),), [tool_of(other) for other, _ in others], rng, beside)
