"""Task specs: a short string that names tasks, such as `arithmetic?form=paired&split=heldout&n=200&seed=1`.

Keys of every family (the grammar is that of `sml_agents.specs`):
    form    full | underspecified | sharded; paired = each problem underspecified and, beside it, full; mixed = a
            seeded mixture, half of it full. A family offers the forms that it can make.
    n       how many problems (paired gives two tasks for each); generators default to 100, files to all of them
    seed    of everything drawn (0); files keep their own order
    offset  how many problems to pass over first (0)
    split   train | dev | heldout | all (train): of generators which templates, of `requests` which tools, of gsm8k in
            which words a fact that nobody needs stands in for one that is kept back; dev, for choosing a threshold,
            not everywhere
    steps   `arithmetic` only: the most steps that a solution takes (4)
    largest `arithmetic` only: the largest number that may be told or come up (mostly 200)
    unserved  of requests: percent of the full ones that no tool serves (12 in `mixed`, 0 in `full`); of `tools-jsonl`
            100 where no row has a call
    distractors  of `requests`: how many other tools stand beside the right one at most (4)
    arguments  of `requests`: how many arguments the right tool has at most (those that it has), at least 2
    simulation  of `lost-in-conversation`: full, concat, shuffle-concat, sharded, recap or snowball, in place of a form
    importance  of `in3`: from which importance on a missing detail counts (1)
    answers, balance   of `tools-jsonl`, see `tasks.tools.functions`

Families add keys of their own, listed in `families.FAMILIES`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from sml_agents.errors import TaskSpecError
from sml_agents.specs import Spec, read_spec
from sml_agents.types import Form

__all__ = ["FormChoice", "LoadReport", "TaskSpec", "choose_forms", "parse_spec"]

FormChoice = Literal["full", "underspecified", "sharded", "paired", "mixed"]
_COMMON = ("form", "n", "seed", "offset")


@dataclass(frozen=True)
class TaskSpec:
    """A parsed spec, checked against the family that it names."""

    text: str
    family: str
    arg: str
    form: FormChoice
    n: int | None
    seed: int
    offset: int
    splits: tuple[str, ...]
    extra: Mapping[str, str]

    def integer(self, key: str, least: int) -> int | None:
        """A key of the family's own as a whole number, None where the spec does not give it. Raises TaskSpecError."""
        return _integer(dict(self.extra), key, least) if key in self.extra else None


@dataclass
class LoadReport:
    """What became of the rows that a spec read; counts, by reason, of what was left out."""

    read: int = 0
    made: int = 0
    """Tasks, so two for a pair."""
    bad: Counter[str] = field(default_factory=Counter)
    """Rows that could not be understood."""
    refused: Counter[str] = field(default_factory=Counter)
    """Sound problems that could not safely be put into the form asked for."""

    @property
    def left_out(self) -> int:
        return self.bad.total() + self.refused.total()

    def __str__(self) -> str:
        text = f"{self.read} problems read, {self.made} tasks made"
        for word, counts in (("bad rows", self.bad), ("refused", self.refused)):
            if counts:
                reasons = ", ".join(f"{reason}: {count}" for reason, count in counts.most_common())
                text += f", {counts.total()} {word} ({reasons})"
        return text


@dataclass(frozen=True)
class FamilyRules:
    """What a spec of one family may say."""

    name: str
    arg: str
    """What stands after the colon, in words; empty when nothing may."""
    forms: tuple[str, ...]
    splits: tuple[str, ...] = ()
    """The splits of its templates; empty where it has none."""
    keys: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        return f"{self.name}:{self.arg}" if self.arg else self.name


def parse_spec(text: str, rules: Mapping[str, FamilyRules]) -> TaskSpec:
    """Read a spec. Raises TaskSpecError, one sentence that names what is valid."""
    spec = read_spec(text, TaskSpecError)
    name, arg = spec.name, spec.arg
    family = rules.get(name)
    if family is None:
        valid = ", ".join(rule.usage for rule in rules.values())
        raise TaskSpecError(f"There is no task family {name!r} (in {text!r}): choose one of {valid}.")
    if bool(arg) != bool(family.arg):
        need = f"write {family.usage}" if family.arg else f"write {name} without ':{arg}'"
        raise TaskSpecError(f"The task spec {text!r} is not complete: {need}.")
    values = _checked(spec, family)
    return TaskSpec(
        text=text,
        family=name,
        arg=arg,
        form=_form(values.pop("form", family.forms[0]), family),
        n=_integer(values, "n", 1) if "n" in values else None,
        seed=_integer(values, "seed", 0) if "seed" in values else 0,
        offset=_integer(values, "offset", 0) if "offset" in values else 0,
        splits=_splits(values.pop("split", "train"), family.splits) if family.splits else (),
        extra=values,
    )


def _checked(spec: Spec, family: FamilyRules) -> dict[str, str]:
    keys = (*_COMMON, *(("split",) if family.splits else ()), *family.keys)
    if unknown := [key for key in spec.values if key not in keys]:
        raise TaskSpecError(
            f"{family.name} has no key {unknown[0]!r} (in {spec.text!r}): choose from {', '.join(keys)}."
        )
    if missing := [key for key in family.required if key not in spec.values]:
        asked = ", ".join(missing)
        raise TaskSpecError(f"{family.usage} needs the keys {asked}: add ?{missing[0]}=NAME to {spec.text!r}.")
    return dict(spec.values)


def _form(word: str, family: FamilyRules) -> FormChoice:
    if word in family.forms:
        return next(choice for choice in get_args(FormChoice) if choice == word)
    raise TaskSpecError(f"{family.name} has no form {word!r}: choose one of {', '.join(family.forms)}.")


def _integer(values: dict[str, str], key: str, least: int) -> int:
    word = values.pop(key)
    whole = word.isascii() and word.isdigit()
    if whole and len(word) > 15:
        raise TaskSpecError(f"{key}={word[:40]!r} in a task spec is too large: it has at most 15 digits.")
    if not whole or int(word) < least:
        raise TaskSpecError(f"{key}={word!r} in a task spec must be a whole number of at least {least}.")
    return int(word)


def _splits(word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if word not in (*known, "all"):
        raise TaskSpecError(f"There is no split {word!r}: choose one of {', '.join((*known, 'all'))}.")
    return known if word == "all" else (word,)


def choose_forms(choice: FormChoice, possible: tuple[Form, ...], rng: random.Random) -> tuple[Form, ...]:
    """The forms to make of one problem. `mixed` draws: half full, three eighths underspecified, an eighth sharded."""
    if choice == "paired":
        return (Form.UNDERSPECIFIED, Form.FULL)
    if choice != "mixed":
        return (Form(choice),)
    weights = {Form.FULL: 4, Form.UNDERSPECIFIED: 3, Form.SHARDED: 1}
    return tuple(rng.choices(possible, [weights[form] for form in possible]))
