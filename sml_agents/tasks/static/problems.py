"""Static problems as tasks: one problem of a data set in each form that a spec asks for.

The rules that take a fact out, or deal all facts out, are in `underspecify`. A problem that they refuse gives no task
in that form; the reason is counted in the report.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.static.givens import additive_numbers, given_numbers, numbers_in
from sml_agents.tasks.static.standins import draw_stand_in, spell_numbers
from sml_agents.tasks.static.underspecify import STYLES, Refusal, Underspecified, shard, underspecify
from sml_agents.text.sentences import sentences
from sml_agents.types import Fact, Form, Private, Task, stable_hash

__all__ = ["STATIC_KEYS", "StaticProblem", "make_tasks", "task"]

STATIC_KEYS = ("hide", "full")
"""Keys of the specs of static data: `hide=sentence,vague` names the ways in which a fact may be taken out (all), and
`full=original|restored|either` the complete half of a pair. A *restored* problem has the fact back in another
place: complete, but as odd to read as the one without it, so that a learner cannot go by looks."""
_SPELLED = 0.17
"""Share of the pairs without a number in words in which all plain numbers become words: with those that have some,
three eighths (measured on GSM8K)."""
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|hundred)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class StaticProblem:
    """A fully specified problem of a data set."""

    prompt: str
    answer: str
    solution: str = ""
    """The worked solution that a student is to write, if known."""
    reasoning: str = ""
    """The worked solution as the data set has it: tells which numbers are needed."""
    verifier: str = "math"
    split: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def solution_numbers(self) -> tuple[str, ...]:
        return given_numbers(self.reasoning or self.solution)


def make_tasks(problems: Iterable[StaticProblem], spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """The tasks of each problem past the spec's offset; refused problems and repeated ones are counted and left out."""
    styles, full = _choices(spec)
    seen: set[str] = set()
    for index, problem in enumerate(problems):
        if index < spec.offset:
            continue
        pair = stable_hash(spec.family, "pair", problem.prompt, problem.answer)
        if pair in seen:
            report.refused["the same problem again"] += 1
            continue
        seen.add(pair)
        rng = random.Random(stable_hash(spec.family, spec.seed, pair))
        forms = choose_forms(spec.form, tuple(Form), rng)
        made = _in_forms(problem, forms, spec, pair, rng, styles, full)
        if isinstance(made, Refusal):
            report.refused[made.reason] += 1
        else:
            yield made


def _in_forms(
    problem: StaticProblem,
    forms: tuple[Form, ...],
    spec: TaskSpec,
    pair: str,
    rng: random.Random,
    styles: tuple[str, ...],
    complete: str,
) -> tuple[Task, ...] | Refusal:
    made: list[Task] = []
    balanced: _Pair | None = None
    for form in forms:
        if form is Form.UNDERSPECIFIED:
            cut = underspecify(
                problem.prompt,
                problem.answer,
                problem.solution_numbers,
                rng,
                additive=additive_numbers(problem.reasoning),
                styles=styles,
                solution=problem.reasoning,
            )
            if isinstance(cut, Refusal):
                return cut
            again = complete == "restored" or (complete == "either" and rng.random() < 0.5)
            exchanged = _exchanged(cut, again, spec.splits[0] if spec.splits else "heldout", rng)
            if isinstance(exchanged, Refusal):
                return exchanged
            balanced = exchanged
            meta = {"hidden": cut.style, "numbers": balanced.numbers}
            made.append(task(problem, spec.family, form, pair, balanced.lacking, (cut.fact,), meta))
        elif form is Form.SHARDED:
            dealt = shard(problem.prompt, problem.answer, problem.solution_numbers)
            if isinstance(dealt, Refusal):
                return dealt
            made.append(task(problem, spec.family, form, pair, dealt.prompt, dealt.facts))
        elif balanced is not None:
            made.append(task(problem, spec.family, form, pair, balanced.complete, meta={"numbers": balanced.numbers}))
        else:
            made.append(task(problem, spec.family, form, pair, problem.prompt))
    return tuple(made)


class _Pair(NamedTuple):
    """A problem without a fact and with it, in texts of which no count tells which is which."""

    lacking: str
    complete: str
    numbers: str
    """How both tell their numbers: some in `words`, or all in `digits`."""


def _exchanged(cut: Underspecified, again: bool, split: str, rng: random.Random) -> _Pair | Refusal:
    """The fact exchanged for a stand-in. `again`: the complete form has the fact back in another place, where the other
    form tells the stand-in; with several numbers in what tells the fact, it stays in its own place."""
    again = again and len(numbers_in(cut.fact.statement)) == 1
    token = cut.removed
    if cut.style in ("sentence", "clause"):
        start, end, _ = next(found for found in numbers_in(cut.removed))
        token = cut.removed[start:end]
    alone = again or cut.style == "sentence"
    stand_in = draw_stand_in(
        cut.fact.statement if again else cut.removed if cut.style in ("sentence", "clause") else "",
        token,
        "sentence" if again else cut.style,
        cut.full_prompt,
        "train" if split == "train" else "heldout",
        rng,
    )
    if stand_in is None:
        return Refusal("nothing can stand in for the fact")
    lacking, complete = (sentences(" ".join(text.split())) for text in (cut.prompt, cut.full_prompt))
    if again:
        place = rng.randrange(1, len(lacking)) if len(lacking) > 1 else 0
        complete = [*lacking[:place], cut.fact.statement, *lacking[place:]]
        lacking = [*lacking[:place], _sentence(stand_in.told), *lacking[place:]]
    elif alone:
        lacking = [*lacking[: cut.at], _sentence(stand_in.told), *lacking[cut.at :]]
    elif cut.style == "clause":
        stays = lacking[cut.at]
        lacking[cut.at] = f"{stays.rstrip('.!')}, and {stand_in.told}{stays[len(stays.rstrip('.!')) :] or '.'}"
    else:
        # A sentence that loses its only number is one without a number, and so is the stand-in's in the other form. One
        # that keeps others is not, and then the stand-in joins a sentence with numbers, too.
        hosts = [k for k, part in enumerate(complete) if k != cut.at and part.endswith(".") and numbers_in(part)]
        if len(numbers_in(complete[cut.at])) > 1:
            if not hosts:
                return Refusal("nothing can stand in for the fact")
            place = rng.choice(hosts)
            complete[place] = f"{complete[place][:-1]}, and {stand_in.kept_back}."
            lacking[place] = f"{lacking[place][:-1]}, and {stand_in.told}."
        else:
            place = rng.randrange(len(complete))
            complete = [*complete[:place], _sentence(stand_in.kept_back), *complete[place:]]
            lacking = [*lacking[:place], _sentence(stand_in.told), *lacking[place:]]
    texts = [" ".join(parts) for parts in (lacking, complete)]
    if not any(_NUMBER_WORD.search(text) for text in texts) and rng.random() < _SPELLED:
        texts = [spell_numbers(text) for text in texts]
    numbers = "words" if all(_NUMBER_WORD.search(text) for text in texts) else "digits"
    return _Pair(texts[0], texts[1], numbers)


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _choices(spec: TaskSpec) -> tuple[tuple[str, ...], str]:
    styles = tuple(spec.extra.get("hide", ",".join(STYLES)).split(","))
    if unknown := [style for style in styles if style not in STYLES]:
        raise TaskSpecError(f"hide={unknown[0]!r} in {spec.text!r} is not known: choose from {', '.join(STYLES)}.")
    full = spec.extra.get("full", "original")
    if full not in ("original", "restored", "either"):
        raise TaskSpecError(f"full={full!r} in {spec.text!r} is not known: choose original, restored or either.")
    return styles, full


def task(
    problem: StaticProblem,
    family: str,
    form: Form,
    pair: str,
    prompt: str,
    facts: tuple[Fact, ...] = (),
    meta: dict[str, Any] | None = None,
) -> Task:
    """A task of `problem` with this prompt; `facts` are what the prompt lacks."""
    return Task(
        id=stable_hash(family, form.value, prompt, problem.answer, [fact.statement for fact in facts]),
        family=family,
        form=form,
        prompt=prompt,
        private=Private(answer=problem.answer, facts=facts, solution=problem.solution),
        verifier=problem.verifier,
        split=problem.split,
        pair=pair,
        meta={**problem.meta, **(meta or {})},
    )


def no_column(family: str, names: Iterable[str], columns: Iterable[str]) -> TaskSpecError:
    """The error for a data set whose first row lacks the columns that the spec names."""
    return TaskSpecError(
        f"{family}: no column {', '.join(map(repr, names))} in the data: the columns are {', '.join(columns)}."
    )
