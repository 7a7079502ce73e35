"""Suites: what to run, with whom and for how many turns, under the name of what it shows.

parts_of(text, tasks)   the parts of a suite named by a spec such as `lost-in-conversation:FILE?n=20`
SUITES                  all of them, by name
Part                    dialogues of one kind: tasks, teacher, turns, and the figures that say most of them

A suite adds nothing to the tasks of a family and to the dialogue: it chooses among what both offer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from sml_agents.errors import InputError
from sml_agents.specs import Spec, read_spec
from sml_agents.tasks.static.lost_in_conversation import SIMULATIONS

__all__ = ["SUITES", "Figure", "Part", "Suite", "parts_of", "takes_tasks", "usage"]

LONGEST = 1000
"""Turns at most where the tasks themselves say how many there are."""


class Figure(NamedTuple):
    """A metric to show, by its name, and the turn of one that has turns: the last where it is empty."""

    name: str
    turn: str = ""


ASKING = tuple(map(Figure, ("asks_when_needed", "needless_questions", "success_at")))
_UNDERSPECIFIED = tuple(
    map(Figure, ("asks_when_needed", "needless_questions", "coverage", "premature_attempts", "success_at"))
)
_FEEDBACK = (Figure("success_at", "1"), *map(Figure, ("success_at", "correction", "repeat", "leak_rate")))
_REQUESTS = tuple(
    map(Figure, ("asks_when_needed", "needless_questions", "names_missing", "guessed_arguments", "exact_call"))
)
_LOST = tuple(map(Figure, ("averaged_performance", "aptitude", "unreliability", "premature_attempts")))


@dataclass(frozen=True)
class Part:
    """Dialogues of one kind in an evaluation."""

    title: str
    spec: str
    """Of its tasks."""
    teacher: str = ""
    """Who answers, where the suite is about that; empty: whoever the evaluation says."""
    person: str = ""
    """Who answers where the evaluation names nobody; empty: the oracle."""
    max_turns: int | None = None
    """None: as many as the evaluation says."""
    last_turn_decides: bool = False
    figures: tuple[Figure, ...] = ASKING


@dataclass(frozen=True)
class Suite:
    """What a suite may be given, and how it becomes parts."""

    meaning: str
    parts: Callable[[Spec, Sequence[str]], list[Part]]
    file: str = ""
    """What may stand after the colon, in words; empty when nothing may. In brackets: it may be left out."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Settings of its own beside n, seed and offset, and what they mean."""
    takes_tasks: bool = False
    """Whether it can be about tasks that are named apart."""


_COMMON = ("n", "seed", "offset")


def parts_of(text: str, tasks: Sequence[str] = ()) -> list[Part]:
    """The parts of the suite that `text` names, about `tasks` (specs) where it takes some.

    Raises InputError, one sentence that names what there is.
    """
    spec = read_spec(text)
    suite = SUITES.get(spec.name)
    if suite is None:
        raise InputError(f"There is no suite {spec.name!r}: choose one of {', '.join(map(usage, SUITES))}.")
    if (bool(spec.arg) and not suite.file) or (not spec.arg and suite.file and not suite.file.startswith("[")):
        raise InputError(f"The suite {text!r} cannot be used: write {usage(spec.name)}.")
    keys = (*_COMMON, *suite.keys)
    if unknown := [key for key in spec.values if key not in keys]:
        raise InputError(f"The suite {spec.name} has no key {unknown[0]!r}: choose from {', '.join(keys)}.")
    if tasks and spec.values:
        raise InputError(f"The tasks are named apart, so {text!r} takes no settings: put them into the task specs.")
    return suite.parts(spec, tasks)


def takes_tasks(text: str) -> bool:
    """Whether the suite that `text` names is about any tasks; true of an unknown one, which `parts_of` refuses."""
    suite = SUITES.get(read_spec(text).name)
    return suite is None or suite.takes_tasks


def usage(name: str) -> str:
    """How a suite is written."""
    file = SUITES[name].file
    return f"{name}{file}" if file.startswith("[") else f"{name}:{file}" if file else name


def _tasks(spec: Spec, family: str, *leave_out: str, **more: str) -> str:
    """The task spec of a suite's file or family, with the settings that it hands on."""
    kept = {key: value for key, value in spec.values.items() if key not in leave_out}
    settings = "&".join(f"{key}={quote(value, safe=',:/-_.~')}" for key, value in {**more, **kept}.items())
    # Percent signs and question marks of a path would be taken for signs of the grammar.
    name = f"{family}:{quote(spec.arg, safe='/:~ -_.,=@+')}" if spec.arg else family
    return f"{name}?{settings}" if settings else name


def _of_problems(form: str, **how: Any) -> Callable[[Spec, Sequence[str]], list[Part]]:
    """Parts about any tasks: those given, else a file of GSM8K's format, else generated arithmetic."""

    def parts(spec: Spec, tasks: Sequence[str]) -> list[Part]:
        if not tasks:
            tasks = [_tasks(spec, "gsm8k" if spec.arg else "arithmetic", form=form, split="heldout")]
        return [Part(f"{spec.name}: {one}", one, **how) for one in tasks]

    return parts


def _requests(spec: Spec, tasks: Sequence[str]) -> list[Part]:
    """Generated requests, or a file in a form that `tools-jsonl` reads."""
    split = {} if spec.arg else {"split": "heldout"}
    one = _tasks(spec, "tools-jsonl" if spec.arg else "requests", form="paired", **split)
    return [Part(f"{spec.name}: {one}", one, figures=_REQUESTS)]


def _lost(spec: Spec, tasks: Sequence[str]) -> list[Part]:
    chosen = spec.values.get("simulations", ",".join(SIMULATIONS)).split(",")
    if unknown := [name for name in chosen if name not in SIMULATIONS]:
        raise InputError(f"There is no simulation {unknown[0]!r}: choose from {', '.join(SIMULATIONS)}.")
    return [_simulated(spec, name) for name in dict.fromkeys(chosen)]


def _simulated(spec: Spec, name: str) -> Part:
    one = _tasks(spec, "lost-in-conversation", "simulations", simulation=name)
    title = f"{spec.name}: {name}"
    if name in ("full", "concat", "shuffle-concat"):
        return Part(title, one, max_turns=1, figures=_LOST)
    person = f"shards?simulation={name}"
    fixed = {"person": person} if name == "sharded" else {"teacher": person}
    return Part(title, one, max_turns=LONGEST, last_turn_decides=name == "recap", figures=_LOST, **fixed)


def _file(family: str, **more: str) -> Callable[[Spec, Sequence[str]], list[Part]]:
    def parts(spec: Spec, tasks: Sequence[str]) -> list[Part]:
        return [Part(spec.name, _tasks(spec, family, **more), figures=_UNDERSPECIFIED)]

    return parts


SUITES: dict[str, Suite] = {
    "single-turn": Suite(
        "Complete problems, one turn: what the student can do alone.",
        _of_problems("full", max_turns=1, figures=(Figure("success_at", "1"), Figure("needless_questions"))),
        file="[:FILE]",
        takes_tasks=True,
    ),
    "feedback": Suite(
        "Complete problems, up to ten turns: what it makes of being told that it is wrong.",
        _of_problems("full", figures=_FEEDBACK),
        file="[:FILE]",
        takes_tasks=True,
    ),
    "underspecified": Suite(
        "Problems with a fact missing beside complete ones: does it ask for that, and only then?",
        _of_problems("paired", figures=_UNDERSPECIFIED),
        file="[:FILE]",
        takes_tasks=True,
    ),
    "autodidact": Suite(
        "Complete problems, the student's own model as its critic, which knows no more; its last turn counts.",
        _of_problems("full", teacher="self", max_turns=4, last_turn_decides=True, figures=_FEEDBACK),
        file="[:FILE]",
        takes_tasks=True,
    ),
    "requests": Suite(
        "Requests to an agent with tools, with a value missing and complete: ask, or call?", _requests, file="[:FILE]"
    ),
    "questbench": Suite(
        "QuestBench's word problems, which lack one fact, beside the completed ones.",
        _file("questbench", form="paired"),
        file="FILE",
    ),
    "askbench": Suite(
        "AskBench's AskMind: problems made vague, beside the originals.", _file("askbench", form="paired"), file="FILE"
    ),
    "in3": Suite(
        "IN3's tasks for agents, vague and clear; only the asking is scored.",
        _file("in3"),
        file="FILE",
        keys={"importance": "from which importance on a missing detail counts (1)"},
    ),
    "lost-in-conversation": Suite(
        "The simulations of Lost in Conversation: the same problem in one turn, or dealt out over many.",
        _lost,
        file="FILE",
        keys={"simulations": f"which of {', '.join(SIMULATIONS)} (all), separated by commas"},
    ),
}
"""Every suite, by name."""
