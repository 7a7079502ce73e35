"""Static problems become interactive: take one needed fact out of a word problem, or deal its facts out one a turn.

By rule, with no model. A *given* is a number in the problem that the worked solution uses. `underspecify` takes the
sentence, clause or number that carries one given out of the prompt and keeps it as a `Fact`; `shard` keeps only the
question and deals out the rest. Whatever cannot be done safely is refused with a reason:

- the answer must need the fact: the number is an operand of the solution, the answer changes with it, it stands nowhere
  else in the prompt, and it does not follow from the rest;
- the rest must still read: no pronoun may lose the noun it stands for, and a question must remain;
- a question for the fact must come out that reads.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sml_agents.tasks.static.givens import follows_from, is_needed, number_value, numbers_in
from sml_agents.tasks.static.surgery import (
    LOWER_FIRST,
    clauses,
    condition_with,
    indirect_question,
    statement_of,
    without_number,
)
from sml_agents.text.questions import asked_facts
from sml_agents.text.sentences import sentences
from sml_agents.text.words import content_words, keywords_of
from sml_agents.types import Fact

__all__ = ["STYLES", "Refusal", "Sharded", "Underspecified", "shard", "underspecify"]

STYLES = ("sentence", "clause", "vague", "drop")
"""How a fact is taken out: its whole sentence, its clause, its number made vague, its number left out."""


@dataclass(frozen=True)
class Underspecified:
    """A problem with one needed fact missing. `full_prompt` is the same problem with the fact in place."""

    prompt: str
    fact: Fact
    full_prompt: str
    style: str
    at: int
    """Which sentence of the full prompt it is about."""
    removed: str
    """What was taken out of that sentence, or the whole of it; with a style that takes the number alone, the number."""


@dataclass(frozen=True)
class Sharded:
    """A problem of which only the question is told; `facts` are the rest, in order."""

    prompt: str
    facts: tuple[Fact, ...]
    full_prompt: str


@dataclass(frozen=True)
class Refusal:
    """Why a problem could not be changed safely: one of a few fixed phrases, so that refusals can be counted."""

    reason: str


_PRONOUNS_WORDS = "he she it they his her its their them him this that these those both each "
_PRONOUNS = frozenset(_PRONOUNS_WORDS.split())
_ADVERBS_WORDS = "then also another more next first second third last however today yesterday later finally "
_ADVERBS = frozenset(_ADVERBS_WORDS.split())


def _reads_without(parts: Sequence[str], index: int) -> bool:
    """Whether the text still reads when sentence `index` is taken out: what follows must not lean on it."""
    following = parts[index + 1]
    first = re.match(r"[\"'(]*(\w+)", following)
    word = first.group(1).lower() if first else ""
    if word in {"and", "but", "so", "then", "also", "however"} and index == 0:
        return False
    earlier = " ".join(parts[:index])
    names = set(re.findall(r"(?<=[a-z,;] )[A-Z][a-z]+|^[A-Z][a-z]+", parts[index]))
    if index == 0 and re.search(r"\b(?:he|she|they|his|her|their|it|its|him|them)\b", following, re.I):
        return any(name in following for name in names)
    return not (word in _PRONOUNS and not earlier)


def _is_felt(removed: str, rest: str, *, additive: bool) -> bool:
    """Whether a reader of `rest` can notice that `removed` is missing: what it speaks of must be spoken of elsewhere.

    A number that is only added or subtracted is missed only if nearly all it speaks of is still there; otherwise
    the rest is a smaller but complete problem ("Ivy then drops 60 pennies in").
    """
    names = set(re.findall(r"(?<=[a-z,;] )[A-Z][a-z]+|^[A-Z][a-z]+", removed)) - {w.capitalize() for w in LOWER_FIRST}
    if any(re.search(rf"\b{name}", rest) is None for name in names if name.lower() not in _ADVERBS):
        return False
    remaining = set(content_words(rest))
    words = [word for word in content_words(removed) if word not in _ADVERBS]
    kept = sum(word in remaining for word in words)
    return kept >= (0.6 if additive else 0.34) * len(words)


@dataclass(frozen=True)
class _Removal:
    style: str
    index: int
    stays: str | None
    """What stays of the sentence."""
    start: int
    end: int
    """Of the number, in the sentence."""
    removed: str
    """What tells the fact."""
    value: str


def _candidates(
    parts: Sequence[str], given: set[str], additive: Collection[str], styles: Sequence[str]
) -> list[_Removal]:
    """Every removal after which the rest still reads, and of what the rest speaks of."""
    found: list[_Removal] = []
    everywhere = [value for part in parts for _, _, value in numbers_in(part)]
    for index, sentence in enumerate(parts):
        last = index == len(parts) - 1
        question = "?" in sentence or last
        numbers = numbers_in(sentence)
        needed = [(s, e, v) for s, e, v in numbers if v in given and everywhere.count(v) == 1]
        if not needed:
            continue
        rest = " ".join([*parts[:index], *parts[index + 1 :]])
        if (
            "sentence" in styles
            and not question
            and len(numbers) == 1
            and _reads_without(parts, index)
            and _is_felt(sentence, rest, additive=needed[0][2] in additive)
        ):
            found.append(_Removal("sentence", index, None, *needed[0][:2], sentence, needed[0][2]))
        if "clause" in styles:
            for begin, finish in clauses(sentence):
                inside = [n for n in needed if begin <= n[0] < finish]
                if (
                    len(inside) == 1
                    and len([n for n in numbers if begin <= n[0] < finish]) == 1
                    and "?" not in sentence[begin:finish]
                ):
                    stays, cut = sentence[:begin] + sentence[finish:], sentence[begin + 1 : finish].strip()
                    if _is_felt(cut, f"{stays} {rest}", additive=inside[0][2] in additive):
                        found.append(_Removal("clause", index, stays, *inside[0][:2], cut, inside[0][2]))
        for style in ("vague", "drop"):
            if style in styles:
                for start, end, value in needed:
                    stays_or_none = without_number(sentence, start, end, style)
                    told = condition_with(sentence, start, end) if question else sentence
                    if stays_or_none is not None and told is not None:
                        stays_or_none = stays_or_none[0].upper() + stays_or_none[1:]
                        found.append(_Removal(style, index, stays_or_none, start, end, told, value))
    return found


def underspecify(
    prompt: str,
    answer: str,
    solution_numbers: Sequence[str],
    rng: random.Random,
    *,
    additive: Collection[str] = (),
    styles: Sequence[str] = STYLES,
    solution: str = "",
) -> Underspecified | Refusal:
    """Take one needed fact out of `prompt`.

    `solution_numbers` are the numbers that the solution takes from the problem (`given_numbers`), `additive` those of
    them that it only adds or subtracts (`additive_numbers`): such a fact is harder to miss. `solution`, annotated,
    shows on which numbers the answer rests. One of the safe removals is drawn with `rng`, styles first, so that no
    style crowds out the others. Facts in the question itself lose their number only. Returns a `Refusal` when nothing
    can be taken out safely.
    """
    parts = sentences(" ".join(prompt.split()))
    if len(parts) < 2:
        return Refusal("one sentence only")
    if not parts[-1].endswith("?") and "?" not in prompt:
        return Refusal("no question found")
    given = {number_value(number) for number in solution_numbers}
    if not given:
        return Refusal("no worked solution to tell which facts are needed")
    candidates = _candidates(parts, given, additive, styles)
    if not candidates:
        return Refusal("no needed fact can be taken out safely")
    safe = []
    for cut in candidates:
        rest = " ".join([*parts[: cut.index], *([cut.stays] if cut.stays is not None else []), *parts[cut.index + 1 :]])
        clause_at = parts[cut.index].find(cut.removed)
        question = indirect_question(cut.removed, cut.start - clause_at, cut.end - clause_at)
        if question and is_needed(cut.value, solution) and not follows_from(cut.value, rest):
            safe.append((cut, " ".join(rest.split()), question))
    if not safe:
        return Refusal("no fact is needed, missed when it is gone, and asked for by a question that reads")
    style = rng.choice(sorted({cut.style for cut, _, _ in safe}))
    cut, remaining, question = rng.choice([one for one in safe if one[0].style == style])
    if answer and any(value == number_value(answer) for _, _, value in numbers_in(remaining)):
        return Refusal("the answer stands in the problem")
    statement = statement_of(cut.removed)
    fact = Fact(name="missing", statement=statement, keywords=_names(statement, question, remaining), question=question)
    removed = cut.removed if style in ("sentence", "clause") else parts[cut.index][cut.start : cut.end]
    return Underspecified(remaining, fact, " ".join(parts), style, cut.index, removed)


def _names(statement: str, question: str, rest: str) -> tuple[str, ...]:
    """The words that name a fact: those that single it out if its question has them, else the question's own."""
    keywords = keywords_of(statement, rest)
    if keywords and asked_facts(question, [Fact(name="", statement=statement, keywords=keywords)]):
        return keywords
    return tuple(dict.fromkeys(content_words(question)))[:4] or keywords


def shard(prompt: str, answer: str, solution_numbers: Sequence[str]) -> Sharded | Refusal:
    """Keep the question and deal the other sentences out as facts, one a turn, in their order."""
    parts = sentences(" ".join(prompt.split()))
    questions = [part for part in parts if "?" in part]
    facts = [part for part in parts if "?" not in part]
    if len(questions) != 1:
        return Refusal("not exactly one question")
    if len(facts) < 2:
        return Refusal("fewer than two facts beside the question")
    given = {number_value(number) for number in solution_numbers}
    if not any(value in given for part in facts for _, _, value in numbers_in(part)):
        return Refusal("no needed fact outside the question")
    made = tuple(
        Fact(
            name=f"part{index}",
            statement=part,
            keywords=keywords_of(part, " ".join(p for p in parts if p != part)),
            question=indirect_question(part, *numbers_in(part)[0][:2]) if numbers_in(part) else "",
        )
        for index, part in enumerate(facts, start=1)
    )
    return Sharded(questions[0], made, " ".join(parts))
