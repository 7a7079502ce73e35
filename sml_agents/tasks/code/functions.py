"""Small Python functions with hidden tests: a list goes through one to three rules (keep some, change each, return).

The rules are in `banks/functions/steps.toml`. The underspecified form leaves one rule open, and the teacher tells it
when asked; in its stead it tells something that no function needs, which the full form keeps back. So neither length
nor numbers nor vague words tell the forms apart. The sharded form deals out one rule a turn. The examples in the
prompt, the same in all forms, do not settle the rule that may be left open; where every example would, there are none.
The hidden tests settle every rule: with another limit, factor or order in any of them, some test fails.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from types import CodeType
from typing import Any

from sml_agents.tasks.code.published import ASK, as_solution
from sml_agents.tasks.generated.naming import choose_keywords
from sml_agents.tasks.generated.schemas import load_bank
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.text.numbers import in_words
from sml_agents.types import Case, Code, Fact, Form, Private, Task, stable_hash

__all__ = ["Aside", "Function", "Step", "asides_bank", "make", "steps_bank"]

_NAMES = ("solve", "compute", "process", "handle", "work_out")
_KINDS = ("keep", "change", "end")
_TESTS = 8
_EXAMPLES = 2
_INPUTS = 40
_SPELLED, _GOLDEN = 0.5, 0.6180339887498949
"""Share of the functions whose numbers are written as words, so that with those without any it is three eighths; and
the step by which these are spread evenly."""
_ASIDE_WORDS = ("north", "amber", "delta", "silver", "maple", "orbit", "violet", "harbor")
_WORDED = {  # what a word in {n} is in code
    "parity": {"even": "0", "odd": "1"},
    "extreme": {"largest": "max", "smallest": "min"},
    "reverse": {"largest": "True", "smallest": "False"},
    "rewritten": {"capital letters": ".upper()", "reverse": "[::-1]"},
}


@dataclass(frozen=True)
class Step:
    """One rule, with its value drawn or still open."""

    name: str
    on: str
    kind: str
    split: str
    say: str
    code: str
    values: tuple[Any, ...] = ()
    """What may stand for {n}; empty when the rule has nothing to leave open."""
    vague: str = ""
    fact: str = ""
    ask: tuple[str, ...] = ()
    value: Any = None

    @property
    def told_as(self) -> str:
        """What an aside tells in its stead: a `number` or a `word`."""
        return "number" if isinstance(self.value, int) else "word"

    def filled(self, text: str, *, spell: bool = False) -> str:
        """The text with the value put in; `spell`: a number as a word."""
        worded = {key: words.get(self.value, "") for key, words in _WORDED.items()}
        value = in_words(self.value) if spell and isinstance(self.value, int) else self.value
        return text.format(n=value, **worded)


@dataclass(frozen=True)
class Aside:
    """A sentence that no function needs."""

    split: str
    kind: str
    say: str
    vague: str


@dataclass(frozen=True)
class Told:
    """How a function is put into words: what stands in for the rule that may be left open, and where."""

    stand_in: str
    kept_back: str
    """The same without its number or word."""
    after: bool
    """After the rules, not before them."""
    spell: bool


@dataclass(frozen=True)
class Function:
    """A function before it is given a form."""

    name: str
    on: str
    steps: tuple[Step, ...]

    @property
    def template(self) -> str:
        return f"{self.on}:{'+'.join(step.name for step in self.steps)}"

    @property
    def source(self) -> str:
        *before, last = (step.filled(step.code) for step in self.steps)
        lines = [f"    {self.on} = {_over(code, self.on)}" for code in before]
        return "\n".join([f"def {self.name}({self.on}):", *lines, f"    return {_over(last, self.on)}"])

    def run(self, given: list[Any]) -> Any:
        """What it returns. The source is made of the bank's rules: nothing foreign is run here."""
        value: Any = given
        for code in _compiled(self):
            value = eval(code, {"v": value})
        return value


@lru_cache(maxsize=64)
def _compiled(function: Function) -> tuple[CodeType, ...]:
    return tuple(compile(step.filled(step.code), "<rule>", "eval") for step in function.steps)


def _over(code: str, name: str) -> str:
    """An expression over the list v as one over the list `name`."""
    return re.sub(r"\bv\b", name, code)


@cache
def _bank() -> dict[str, list[dict[str, Any]]]:
    text = (files("sml_agents.tasks") / "banks" / "functions" / "steps.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def asides_bank() -> tuple[Aside, ...]:
    """All sentences that no function needs."""
    return tuple(Aside(**row) for row in _bank()["aside"])


@cache
def steps_bank() -> tuple[Step, ...]:
    """All rules."""
    made = []
    for row in _bank()["step"]:
        row = dict(row)
        low_high, pick = row.pop("n", None), row.pop("pick", ())
        values = tuple(range(low_high[0], low_high[1] + 1)) if low_high else tuple(pick)
        made.append(Step(**{**row, "ask": tuple(row.get("ask", ())), "values": values}))
    return tuple(made)


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """Tasks without end; seeded; a repeated one is passed over."""
    seen: set[str] = set()
    index = spec.offset
    while True:
        rng = random.Random(stable_hash("functions", spec.splits, spec.seed, index))
        index += 1
        split = rng.choice(spec.splits)
        drawn = _draw(split, rng)
        if drawn is None:
            continue
        function, missing, *_ = drawn
        told = _told(function, missing, split, (index + spec.seed) * _GOLDEN % 1 < _SPELLED, rng)
        tasks = tuple(_task(*drawn, told, split, form, rng) for form in choose_forms(spec.form, tuple(Form), rng))
        if tasks[0].id not in seen:
            seen.add(tasks[0].id)
            report.read += 1
            yield tasks


def _draw(split: str, rng: random.Random) -> tuple[Function, Step, list[list[Any]], list[list[Any]]] | None:
    """A function, the rule that may be left open, its public examples and its hidden tests; None for a poor one."""
    on = rng.choice(("numbers", "words"))
    pool = [step for step in steps_bank() if step.on == on and (split == "heldout" or step.split == "train")]
    kinds = rng.sample(_KINDS, rng.choices((1, 2, 3), (4, 4, 2))[0])
    chosen = [rng.choice([step for step in pool if step.kind == kind]) for kind in _KINDS if kind in kinds]
    open_ones = [step for step in chosen if step.values]
    if not open_ones or (split == "heldout" and all(step.split == "train" for step in chosen)):
        return None
    steps = tuple(replace(step, value=rng.choice(step.values)) if step.values else step for step in chosen)
    function = Function(rng.choice(_NAMES), on, steps)
    missing = rng.choice([step for step in steps if step.values])
    others = [_with_another(function, step, rng) for step in steps if step.values]
    rival = _with_another(function, missing, rng)
    inputs = _inputs(on, rng)
    examples = [given for given in inputs if len(given) > 1 and function.run(given) == rival.run(given)][:_EXAMPLES]
    hidden = [given for given in inputs if given not in examples]
    telling = [[given for given in hidden if function.run(given) != other.run(given)] for other in others]
    if not all(telling):
        return None
    tests = [rng.choice(found) for found in telling] + [[]]
    tests += [given for given in hidden if given not in tests][: _TESTS - len(tests)]
    if len({repr(function.run(given)) for given in tests}) < 3:
        return None
    return function, missing, examples, tests


def _told(function: Function, missing: Step, split: str, spell: bool, rng: random.Random) -> Told:
    """A stand-in that tells the same kind of thing as the rule."""
    aside = rng.choice([one for one in asides_bank() if (one.split, one.kind) == (split, missing.told_as)])
    if missing.told_as == "number":
        taken = {step.value for step in function.steps}
        number = rng.choice([number for number in range(2, 13) if number not in taken])
        value = in_words(number) if spell else str(number)
    else:
        value = rng.choice(_ASIDE_WORDS)
    return Told(aside.say.format(n=value), aside.vague, after=rng.random() < 0.5, spell=spell)


def _with_another(function: Function, step: Step, rng: random.Random) -> Function:
    """The function with another value in one rule."""
    other = replace(step, value=rng.choice([value for value in step.values if value != step.value]))
    return replace(function, steps=tuple(other if each is step else each for each in function.steps))


def _inputs(on: str, rng: random.Random) -> list[list[Any]]:
    words = load_bank("lists", "train").words
    if on == "numbers":
        return [[rng.randint(0, 12) for _ in range(rng.randint(1, 6))] for _ in range(_INPUTS)]
    return [rng.sample(words, rng.randint(1, 5)) for _ in range(_INPUTS)]


def _task(
    function: Function,
    missing: Step,
    examples: Sequence[list[Any]],
    tests: Sequence[list[Any]],
    told: Told,
    split: str,
    form: Form,
    rng: random.Random,
) -> Task:
    facts = _facts(function, rng)
    hidden: tuple[Fact, ...] = ()
    left_open: tuple[Step, ...] = ()
    if form is Form.UNDERSPECIFIED:
        left_open, hidden = (missing,), (facts[missing.name],)
    elif form is Form.SHARDED:
        left_open, hidden = function.steps, tuple(facts.values())
    prompt = _prompt(function, left_open if form is not Form.SHARDED else None, examples, told)
    numbered = any(isinstance(step.value, int) for step in function.steps)
    meta = {"steps": len(function.steps), "numbers": "words" if told.spell and numbered else "digits"}
    cases = tuple(Case(given=repr(given), expected=repr(function.run(given))) for given in tests)
    return Task(
        id=stable_hash("functions", form.value, prompt, function.source, [fact.statement for fact in hidden]),
        family="functions",
        form=form,
        prompt=prompt,
        private=Private(
            answer=function.source,
            facts=hidden,
            solution=as_solution(function.source),
            code=Code(entry=function.name, cases=cases),
        ),
        verifier="code",
        split=split,
        template=function.template,
        pair=stable_hash("functions", "pair", function.source, repr(examples), told.stand_in),
        meta={**meta, **({"missing": missing.name} if form is Form.UNDERSPECIFIED else {})},
    )


def _facts(function: Function, rng: random.Random) -> dict[str, Fact]:
    asks = {step.name: step.ask or (f"What do I have to {step.kind} in the {step.on}?",) for step in function.steps}
    facts = {}
    for step in function.steps:
        others = tuple(question for name, known in asks.items() if name != step.name for question in known)
        statement = step.filled(step.fact) if step.fact else f"In the end, {step.say}."
        keywords = choose_keywords(asks[step.name], others)
        question = rng.choice(asks[step.name])
        facts[step.name] = Fact(name=step.name, statement=statement, keywords=keywords, question=question)
    return facts


def _prompt(function: Function, left_open: tuple[Step, ...] | None, examples: Sequence[list[Any]], words: Told) -> str:
    """The public statement. `left_open` rules are told in vague words; None: no rule is told."""
    parts = [f"Write a Python function `{function.name}({function.on})` that takes a list of {_WHAT[function.on]}."]
    if left_open is not None:
        told = [
            step.vague if step in left_open else step.filled(step.say, spell=words.spell) for step in function.steps
        ]
        if function.steps[-1].kind != "end":
            told.append("return the list")
        rules, aside = f"t has to {_listed(told)}", (words.stand_in if left_open else words.kept_back).rstrip(".")
        # In one sentence: a sentence with or without a number would tell which of the two is kept back.
        parts.append(f"I{rules}; {aside[0].lower()}{aside[1:]}." if words.after else f"{aside}, and i{rules}.")
    shown = [f"`{function.name}({given!r})` returns `{function.run(given)!r}`" for given in examples]
    parts += [f"For example, {' and '.join(shown)}."] if shown else []
    parts.append(ASK)
    return " ".join(parts)


_WHAT = {"numbers": "whole numbers", "words": "words"}


def _listed(parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{', then '.join(parts[:-1])}, and then {parts[-1]}"
