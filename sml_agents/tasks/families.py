"""The task families by name, and how a spec becomes tasks. Loaders are imported when their family is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.spec import FamilyRules, LoadReport, TaskSpec, parse_spec
from sml_agents.tasks.static.problems import STATIC_KEYS
from sml_agents.types import Task

__all__ = ["FAMILIES", "check_held", "count_generated", "iter_tasks", "load_tasks"]

Maker = Callable[[TaskSpec, LoadReport], Iterator[tuple[Task, ...]]]
"""Yields the tasks of one problem at a time, already past the offset."""

_ALL_FORMS = ("full", "underspecified", "sharded", "paired", "mixed")
_WITH_DEV = ("train", "dev", "heldout")

_COLUMNS = ("prompt", "answer", "solution", "verifier", *STATIC_KEYS)

FAMILIES: dict[str, FamilyRules] = {
    rules.name: rules
    for rules in (
        FamilyRules("arithmetic", "", _ALL_FORMS, splits=_WITH_DEV, keys=("steps", "largest")),
        FamilyRules("lists", "", _ALL_FORMS, splits=_WITH_DEV),
        FamilyRules("gsm8k", "PATH", _ALL_FORMS, splits=("train", "heldout"), keys=STATIC_KEYS),
        FamilyRules("questbench", "PATH", ("underspecified", "full", "paired", "mixed")),
        FamilyRules("lost-in-conversation", "PATH", ("sharded", "full", "mixed"), keys=("simulation",)),
        FamilyRules("askbench", "PATH", ("underspecified", "full", "paired", "mixed")),
        FamilyRules("in3", "PATH", ("mixed", "full", "underspecified"), keys=("importance",)),
        FamilyRules("jsonl", "PATH", _ALL_FORMS, keys=_COLUMNS, required=("prompt", "answer")),
        FamilyRules(
            "hf", "NAME_OR_PATH", _ALL_FORMS, keys=(*_COLUMNS, "subset", "split"), required=("prompt", "answer")
        ),
        FamilyRules("tasks", "PATH", ("mixed",)),
        FamilyRules("reasoning-gym", "FAMILY", ("full",)),
        FamilyRules("functions", "", _ALL_FORMS, splits=("train", "heldout")),
        FamilyRules("requests", "", _ALL_FORMS, splits=_WITH_DEV, keys=("unserved", "distractors", "arguments")),
        FamilyRules(
            "tools-jsonl",
            "PATH",
            ("full", "underspecified", "paired", "mixed"),
            keys=("answers", "unserved", "balance"),
        ),
        FamilyRules("sgd", "PATH", ("mixed", "full", "underspecified")),
        FamilyRules("humaneval", "PATH", ("full",)),
        FamilyRules("mbpp", "PATH", ("full",)),
        FamilyRules("livecodebench", "PATH", ("full",)),
    )
}
"""What a spec may say, by family; the first form is the default."""

_MAKERS = {
    "arithmetic": "generated.arithmetic",
    "lists": "generated.lists",
    "gsm8k": "static.gsm8k",
    "questbench": "static.questbench",
    "lost-in-conversation": "static.lost_in_conversation",
    "askbench": "static.askbench",
    "in3": "static.in3",
    "jsonl": "static.tables",
    "hf": "static.tables",
    "tasks": "frozen",
    "reasoning-gym": "reasoning",
    "functions": "code.functions",
    "requests": "tools.requests",
    "tools-jsonl": "tools.functions",
    "sgd": "tools.sgd",
    "humaneval": "code.published",
    "mbpp": "code.published",
    "livecodebench": "code.published",
}

_GENERATED = 100
"""Problems that a generator makes when the spec does not say how many."""
_MOST_HELD = 1_000_000
"""Problems of a generator that are held in memory together."""


def iter_tasks(spec: str, *, report: LoadReport | None = None) -> Iterator[Task]:
    """The tasks that `spec` names, one after the other, never all in memory.

    `report` is filled while the tasks are read; without one, rows left out are logged as a warning at the end.
    Raises TaskSpecError at once for a spec that cannot be read, and at the end when its data made no task at all.
    """
    parsed = parse_spec(spec, FAMILIES)
    maker: Maker = import_module(f"sml_agents.tasks.{_MAKERS[parsed.family]}").make
    return _run(parsed, maker, report)


def count_generated(spec: str) -> int | None:
    """How many tasks a generator gives, without making them; None for the families that read data.

    Raises TaskSpecError for a spec that cannot be read.
    """
    parsed = parse_spec(spec, FAMILIES)
    if FAMILIES[parsed.family].arg:
        return None
    return (parsed.n or _GENERATED) * (2 if parsed.form == "paired" else 1)


def check_held(spec: str) -> None:
    """Raises TaskSpecError where the tasks of a generator are too many to be held together."""
    parsed = parse_spec(spec, FAMILIES)
    if (parsed.n or 0) > _MOST_HELD and not FAMILIES[parsed.family].arg:
        raise TaskSpecError(
            f"{spec!r} gives more tasks than are held in memory together: ask for at most {_MOST_HELD:,} here; "
            "sml-agents run and iter_tasks make them one at a time."
        )


def _run(spec: TaskSpec, maker: Maker, report: LoadReport | None) -> Iterator[Task]:
    counts = LoadReport() if report is None else report
    endless = not FAMILIES[spec.family].arg
    most = spec.n or (_GENERATED if endless else None)
    for tasks in islice(maker(spec, counts), most):
        counts.made += len(tasks)
        yield from tasks
    if not counts.made:
        raise TaskSpecError(f"{spec.text!r} gives no task: {counts}.")
    if counts.left_out and report is None:
        logging.getLogger(__name__).warning("%s: %s", spec.text, counts)


def load_tasks(spec: str, *, report: LoadReport | None = None) -> list[Task]:
    """All tasks that `spec` names; see `iter_tasks`. Of a generator at most a million problems."""
    check_held(spec)
    return list(iter_tasks(spec, report=report))
