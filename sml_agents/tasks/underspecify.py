"""Static problems become interactive: take one needed fact out of a word problem, or deal its facts out one a turn.

By rule, with no model. A *given* is a number in the problem that the worked solution uses. `underspecify` takes the
sentence, clause or number that carries one given out of the prompt and keeps it as a `Fact`; `shard` keeps only the
question and deals out the rest. Whatever cannot be done safely is refused with a reason:

- the answer must need the fact: the number is an operand of the solution, and stands nowhere else in the prompt;
- the rest must still read: no pronoun may lose the noun it stands for, and a question must remain.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sml_agents.questions import asked_facts, content_words, keywords_of
from sml_agents.types import Fact

__all__ = [
    "STYLES",
    "Refusal",
    "Sharded",
    "Underspecified",
    "additive_numbers",
    "given_numbers",
    "shard",
    "underspecify",
]

STYLES = ("sentence", "clause", "vague", "drop")
"""How a fact is taken out: its whole sentence, its clause, its number made vague, its number left out."""


@dataclass(frozen=True)
class Underspecified:
    """A problem with one needed fact missing. `full_prompt` is the same problem with the fact in place."""

    prompt: str
    fact: Fact
    full_prompt: str
    style: str


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


_NUMBER = re.compile(r"(?<![\w.])\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\d/]|,\d|\.\d)%?")
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
_WORD_NUMBER = re.compile(r"\b(?:" + "|".join(w for w in _WORDS if w != "one") + r")\b", re.IGNORECASE)
_OPERAND = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\.\d+")
_ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>]*)>>")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]*[A-Z0-9$])")
_ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|vs|etc|a\.m|p\.m|No)\.)$")
_PRONOUNS_WORDS = "he she it they his her its their them him this that these those both each "
_PRONOUNS = frozenset(_PRONOUNS_WORDS.split())
_LOWER_FIRST_WORDS = (
    "a an the there each every he she it they his her its their in on at after before during for from "
    "this that these those all some one two three four five six seven eight nine ten half with by to of "
    "both another if when "
)
_LOWER_FIRST = frozenset(_LOWER_FIRST_WORDS.split())
_ADVERBS_WORDS = "then also another more next first second third last however today yesterday later finally "
_ADVERBS = frozenset(_ADVERBS_WORDS.split())
_JOINT = re.compile(
    r"(?:[,;]\s*(?:and|but|while|so|or)\s+|;\s*|,\s+(?=(?:he|she|they|it|the|her|his|[A-Z])\b)|"
    r"\band\s+(?=(?:he|she|they|it|the|each|one|[A-Z][a-z]+)\b))"
)
_OPENING = re.compile(
    r"(?:in|on|at|when|after|before|if|every|for|out|during|while|as|since|because|yesterday|today)\b", re.I
)
_TAIL = re.compile(r"\s+and\s+(?:has|have|had|is|are|was|were|gets?|sells?|sold|\$?\d)\b|[,;]")
_LEAD = re.compile(
    r"^(?:and|but|then|also|so|if|however|additionally|finally|suppose|given|assume|meanwhile|plus)\b,?\s+(?:that\s+)?",
    re.I,
)


def sentences(text: str) -> list[str]:
    """Split at sentence ends; abbreviations and decimal points do not count."""
    parts: list[str] = []
    for piece in _SENTENCE_END.split(" ".join(text.split())):
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    return [part for part in parts if part]


def _value(token: str) -> str:
    """The number a token stands for, as digits without currency, separators or trailing zeros."""
    token = token.lower().strip("$%").replace(",", "")
    if token in _WORDS:
        return str(_WORDS[token])
    return token.rstrip("0").rstrip(".") if "." in token else token.lstrip("0") or "0"


def numbers_in(text: str) -> list[tuple[int, int, str]]:
    """(start, end, value) of every number written in digits or as a word."""
    found = [(m.start(), m.end(), _value(m.group())) for m in _NUMBER.finditer(text)]
    found += [(m.start(), m.end(), _value(m.group())) for m in _WORD_NUMBER.finditer(text)]
    return sorted(found)


def given_numbers(solution: str) -> tuple[str, ...]:
    """The numbers that a worked solution takes from the problem: operands that no earlier step computed.

    Reads GSM8K's `<<expression=result>>` annotations, or `expression = result` equations where there are none.
    """
    steps = _ANNOTATION.findall(solution) or re.findall(
        r"([\d.,$%+\-*/x\u00d7\u00f7() ]*\d[^=\n.]*)=\s*\$?([\d.,]+)", solution
    )
    computed: set[str] = set()
    given: list[str] = []
    for expression, result in steps:
        for operand in _OPERAND.findall(expression):
            value = _value(operand)
            if value not in computed and value not in given:
                given.append(value)
        computed.add(_value(result.strip().strip("$%").rstrip(".")))
    return tuple(given)


def additive_numbers(solution: str) -> frozenset[str]:
    """The given numbers that the solution only adds or subtracts."""
    added: set[str] = set()
    other: set[str] = set()
    for expression, _ in _ANNOTATION.findall(solution):
        for match in _OPERAND.finditer(expression):
            around = expression[: match.start()].rstrip("( $")[-1:] + expression[match.end() :].lstrip(") %")[:1]
            (other if set(around) & set("*/x") else added).add(_value(match.group()))
    return frozenset(added - other)


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
    names = set(re.findall(r"(?<=[a-z,;] )[A-Z][a-z]+|^[A-Z][a-z]+", removed)) - {w.capitalize() for w in _LOWER_FIRST}
    if any(re.search(rf"\b{name}", rest) is None for name in names if name.lower() not in _ADVERBS):
        return False
    remaining = set(content_words(rest))
    words = [word for word in content_words(removed) if word not in _ADVERBS]
    kept = sum(word in remaining for word in words)
    return kept >= (0.6 if additive else 0.34) * len(words)


def _own_clause(sentence: str, start: int, end: int) -> tuple[int, int]:
    """The part of a compound sentence to which the number belongs."""
    before, after = sentence[:start], sentence[end:]
    begin = max((m.end() for m in _JOINT.finditer(before)), default=0)
    joint = _JOINT.search(after) or _TAIL.search(after)
    return begin, end + joint.start() if joint else len(sentence)


def _indirect_question(sentence: str, start: int, end: int) -> str:
    """'Weng earns $12 an hour.' -> 'Could you tell me how much Weng earns an hour?' (number fronted, order kept)."""
    begin, finish = _own_clause(sentence, start, end)
    sentence, start, end = sentence[begin:finish], start - begin, end - begin
    token, before, after = sentence[start:end], sentence[:start], sentence[end:]
    if token.endswith("%"):
        ask = "what percent"
        rest = after
    elif token.startswith("$"):
        ask, rest = "how much", after
    else:
        noun = re.match(
            r"\s*((?:[a-z-]+\s+){0,1}?[a-z-]+(?:s|people|children|men|women|feet|hours?|minutes?))\b", after
        )
        near = re.match(r"\s*([a-z-]+)\b", after)
        phrase = noun.group(1) if noun and len(noun.group(1)) < 25 else near.group(1) if near else ""
        if phrase:
            rest = after[after.index(phrase) + len(phrase) :]
            ask = f"how many {phrase}"
        else:
            ask, rest = "what number", after
    before = _LEAD.sub("", before).strip()
    first, _, others = before.partition(" ")
    if first.lower() in _LOWER_FIRST:
        before = f"{first.lower()} {others}".strip()
    before = re.sub(r"\b(?:about|exactly|only|just|a total of|another|at least)$", "", before.rstrip()).rstrip(" ,")
    body = re.sub(r"\s+", " ", f"{before} {rest}").strip(" .,;!?:")
    return f"Could you tell me {ask} {body}?"


def _without_number(sentence: str, start: int, end: int, style: str) -> str | None:
    """The sentence with its number made vague or left out, or None where that would not read."""
    token, before, after = sentence[start:end], sentence[:start], sentence[end:]
    if token.endswith("%") or re.match(
        r"\s*(?:%|percent|times|more|less|fewer|/|-|th|st|nd|rd|of\b|am|pm|:)", after, re.I
    ):
        return None
    if re.search(
        r"(?:\b(?:the|first|last|every|than|by|another|next|per|each|his|her|its|their|my|our|is|are|was|all|only|just|least|most|of|age|level|grade|#)|[/:-])\s*$",
        before,
        re.I,
    ):
        return None
    if token.startswith("$"):
        if not re.match(r"\s*(?:[.,;!?]|$|for|each|per|an?\b|on|to|from|in|and|every|at)", after):
            return None
        return f"{before}a certain amount{after}" if style == "vague" else None
    noun = re.match(r"\s+([a-z-]+)", after)
    if noun is None or not noun.group(1).endswith(("s", "people", "children", "men", "women", "feet")):
        return None
    if style == "vague":
        return f"{before}some{after}"
    return None if before.strip() == "" else f"{before}{after.lstrip()}"


def _clauses(sentence: str) -> list[tuple[int, int]]:
    """Spans of clauses that may be cut: after a comma or semicolon, up to the next one, holding their own number."""
    cuts = [m.start() for m in re.finditer(r"[,;](?!\d)", sentence)] + [len(sentence.rstrip(".!"))]
    spans = []
    for begin, finish in itertools.pairwise(cuts):
        body, left, right = sentence[begin + 1 : finish].strip(), sentence[:begin], sentence[finish:].strip(" .,!?")
        if len(left.split()) < 4 or (_OPENING.match(left) and not right):
            continue  # what stays would be no sentence
        if (
            re.match(r"(?:and\s+)?(?:[A-Z][a-z]+|he|she|they|it|each|every|the|his|her|another|\$?\d)\b", body)
            and len(body.split()) > 2
        ):
            spans.append((begin, finish))
    return spans


def _candidates(
    parts: Sequence[str], given: set[str], additive: Collection[str], styles: Sequence[str]
) -> list[tuple[str, int, str | None, int, int, str]]:
    """Every safe removal as (style, sentence index, what stays of it, number's start and end, removed text)."""
    found: list[tuple[str, int, str | None, int, int, str]] = []
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
            and len(numbers) <= 2
            and _reads_without(parts, index)
            and _is_felt(sentence, rest, additive=needed[0][2] in additive)
        ):
            found.append(("sentence", index, None, needed[0][0], needed[0][1], sentence))
        if "clause" in styles:
            for begin, finish in _clauses(sentence):
                inside = [n for n in needed if begin <= n[0] < finish]
                if (
                    len(inside) == 1
                    and len([n for n in numbers if begin <= n[0] < finish]) == 1
                    and "?" not in sentence[begin:finish]
                ):
                    stays, cut = sentence[:begin] + sentence[finish:], sentence[begin + 1 : finish].strip()
                    if _is_felt(cut, f"{stays} {rest}", additive=inside[0][2] in additive):
                        found.append(("clause", index, stays, inside[0][0], inside[0][1], cut))
        for style in ("vague", "drop"):
            if style in styles:
                for start, end, _ in needed:
                    stays_or_none = _without_number(sentence, start, end, style)
                    told = _condition(sentence, start, end) if question else sentence
                    if stays_or_none is not None and told is not None:
                        stays_or_none = stays_or_none[0].upper() + stays_or_none[1:]
                        found.append((style, index, stays_or_none, start, end, told))
    return found


def _condition(question: str, start: int, end: int) -> str | None:
    """The 'if ...' part of a question that holds the number, or None: only that can be told as a fact of its own."""
    match = re.match(
        r"(?:If|When|Suppose|Assuming|Given)\b[^?]*?(?=,\s+(?:how|what|calculate|find|then)\b)", question, re.I
    )
    if match is None or not match.start() <= start < end <= match.end():
        return None
    begin, finish = _own_clause(match.group(), start, end)
    return match.group()[begin:finish].strip()


def _statement(removed: str) -> str:
    text = _LEAD.sub("", removed.strip())
    return text[0].upper() + text[1:].rstrip(".,;!? ") + "." if text else text


def underspecify(
    prompt: str,
    answer: str,
    solution_numbers: Sequence[str],
    rng: random.Random,
    *,
    additive: Collection[str] = (),
    styles: Sequence[str] = STYLES,
) -> Underspecified | Refusal:
    """Take one needed fact out of `prompt`.

    `solution_numbers` are the numbers that the solution takes from the problem (`given_numbers`), `additive` those of
    them that it only adds or subtracts (`additive_numbers`): such a fact is harder to miss. One of the safe
    removals is drawn with `rng`, styles first, so that no style crowds out the others. Facts in the question itself
    lose their number only. Returns a `Refusal` when nothing can be taken out safely.
    """
    parts = sentences(prompt)
    if len(parts) < 2:
        return Refusal("one sentence only")
    if not parts[-1].endswith("?") and "?" not in prompt:
        return Refusal("no question found")
    given = {_value(number) for number in solution_numbers}
    if not given:
        return Refusal("no worked solution to tell which facts are needed")
    candidates = _candidates(parts, given, additive, styles)
    if not candidates:
        return Refusal("no needed fact can be taken out safely")
    style = rng.choice(sorted({candidate[0] for candidate in candidates}))
    style, index, stays, start, end, removed = rng.choice([c for c in candidates if c[0] == style])
    rest = [*parts[:index], *([stays] if stays is not None else []), *parts[index + 1 :]]
    remaining = " ".join(" ".join(rest).split())
    if answer and any(value == _value(answer) for _, _, value in numbers_in(remaining)):
        return Refusal("the answer stands in the problem")
    statement = _statement(removed)
    clause_at = parts[index].find(removed)
    question = _indirect_question(removed, start - clause_at, end - clause_at)
    fact = Fact(name="missing", statement=statement, keywords=_names(statement, question, remaining), question=question)
    return Underspecified(remaining, fact, " ".join(parts), style)


def _names(statement: str, question: str, rest: str) -> tuple[str, ...]:
    """The words that name a fact: those that single it out, if its question has them; else the words of the question."""
    keywords = keywords_of(statement, rest)
    if keywords and asked_facts(question, [Fact(name="", statement=statement, keywords=keywords)]):
        return keywords
    return tuple(dict.fromkeys(content_words(question)))[:4] or keywords


def shard(prompt: str, answer: str, solution_numbers: Sequence[str]) -> Sharded | Refusal:
    """Keep the question and deal the other sentences out as facts, one a turn, in their order."""
    parts = sentences(prompt)
    questions = [part for part in parts if "?" in part]
    facts = [part for part in parts if "?" not in part]
    if len(questions) != 1:
        return Refusal("not exactly one question")
    if len(facts) < 2:
        return Refusal("fewer than two facts beside the question")
    given = {_value(number) for number in solution_numbers}
    if not any(value in given for part in facts for _, _, value in numbers_in(part)):
        return Refusal("no needed fact outside the question")
    made = tuple(
        Fact(
            name=f"part{index}",
            statement=part,
            keywords=keywords_of(part, " ".join(p for p in parts if p != part)),
            question=_indirect_question(part, *numbers_in(part)[0][:2]) if numbers_in(part) else "",
        )
        for index, part in enumerate(facts, start=1)
    )
    return Sharded(questions[0], made, " ".join(parts))
