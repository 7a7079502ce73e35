"""Pairs by rule: out of a complete request and its call, the same request with something missing.

A required argument whose value stands literally once can be taken out, with the little words before it, or be replaced
by words that name it and tell nothing. So that no cue but the meaning pays, other things are taken out of requests
that stay complete, numbers are drawn anew, and what is missing is told in a later turn, refused, or asked for in vain.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sml_agents.asker.prompt import Said, ToolView
from sml_agents.asker.rows import Example, Row

__all__ = [
    "Complete",
    "added",
    "continued",
    "evasion",
    "fewer",
    "pair_of",
    "question_about",
    "reply_with",
    "row_of",
    "stands_once",
    "varied",
    "without",
    "words_in",
]

_LEADING = (
    r"(?:\b(?:in|at|for|on|to|from|with|of|by|is|are|as|called|named|titled|about|than|the|a|an|and|between|under|over|"
    r"around|until|till|into|using|id|named)\s+)*[\"'$£€(]*"
)
_TRAILING = (
    r"[\"')]*(?:\s*(?:units?|%|percent|meters?|years?|cm|kg|kilometers?|km|miles?|dollars?|USD|degrees?|minutes?|hours?|"
    r"seconds?))?"
)
_VAGUE = (
    "the {}", "my {}", "a certain {}", "some {}", "the usual {}", "whatever {} fits", "a {}", "that {}", "our {}",
)  # fmt: skip
_ASKED = (
    "What is the {}?", "Which {}?", "Could you tell me the {}?", "Please tell me the {}.", "What {} should I use?",
    "I still need the {}.", "And the {}?",
)  # fmt: skip
_TOLD = ("{}", "{}.", "It is {}.", "{} please", "Let's say {}.", "Make it {}", "Oh, sorry: {}", "{}, thanks")
_EVADED = (
    "I'm not sure yet.", "No idea.", "What do you need it for?", "I don't know, can you check?", "Hm, let me think.",
    "Why do you ask?", "Never mind that, just do it.", "I will tell you later.",
)  # fmt: skip
_OFFERED = ("How about {value}?", "Would {value} work for the {what}?", "I can offer {value}.", "Shall I use {value}?")
_TAKEN = ("Yes, that works.", "Sounds good.", "Yes please.", "Great, do that.", "Fine.", "That's great.")
_ADDED = (
    "The {what} would be {value}.", "{what}: {value}", "{value} is the {what}.", "I'd say {value} for the {what}.",
    "{value} as the {what}.", "Let the {what} be {value}.", "(The {what}: {value}.)", "Go with {value} for the {what}.",
    "By the way, the {what} is {value}.", "I'm thinking of {value} as the {what}.", "My {what} is {value}.",
    "{what} {value}", "With {value} as its {what}.", "And {value} for {what}, if you can.",
    "The {what}, that's {value}.",
)  # fmt: skip
_PUT_OFF = (
    "I still have to find out the {what}.", "The {what} comes later.", "About the {what} I'm not sure.",
    "You'll have the {what} tomorrow.", "The {what} was wrong last time.", "Is there a usual {what}?",
    "My colleague knows the {what}.", "No {what} yet, sorry.", "Let's see about the {what}.",
    "The {what} can't be the old one.",
)  # fmt: skip
_DECLINED = ("No, something else.", "No, not that one.", "I'd rather not.", "Not really.", "No, another one please.")


@dataclass(frozen=True)
class Complete:
    """A request that gives all that a tool requires, with the values of the call."""

    tool: ToolView
    text: str
    values: Mapping[str, str]
    calls: Mapping[str, str] = field(default_factory=dict)
    """Values as the call has them, where the request says them in another form."""
    beside: tuple[ToolView, ...] = ()
    """Other tools among which its author put the right one."""

    @property
    def removable(self) -> tuple[str, ...]:
        """Required arguments whose value stands in the text literally, once, and is no other's."""
        required = {argument.name for argument in self.tool.required}
        held = list(self.values.values())
        return tuple(
            name
            for name, value in self.values.items()
            if name in required and stands_once(value, self.text) and sum(value in other for other in held) == 1
        )


def stands_once(value: str, text: str) -> bool:
    return bool(value.strip()) and len(re.findall(rf"(?<![\w.]){re.escape(value)}(?!\w|\.\d)", text)) == 1


def without(text: str, value: str, instead: str = "") -> str:
    """`text` with `value` and the little words before it taken out, or other words in its place."""
    if instead:
        return re.sub(
            rf"(?:\b(?:a|an|the|my|our)\s+)?[\"']?(?<![\w.]){re.escape(value)}(?!\w)[\"']?",
            lambda _: instead,
            text,
            count=1,
        )
    pattern = rf"\s*{_LEADING}(?<![\w.]){re.escape(value)}(?!\w){_TRAILING}"
    shorter = re.sub(r"\s+", " ", re.sub(pattern, "", text, count=1, flags=re.IGNORECASE))
    return re.sub(r"\s+([.,?!;])", r"\1", re.sub(r"(?:,\s*){2,}", ", ", shorter)).strip(" ,")


def pair_of(complete: Complete, rng: random.Random) -> tuple[Example, Example, str] | None:
    """The request, the request without one argument, and that argument; plain, for measuring. None: nothing to take."""
    if not complete.removable:
        return None
    name = rng.choice(complete.removable)
    values = _required(complete)
    text = without(complete.text, complete.values[name])
    drafts = {one: (complete.calls.get(one, complete.values[one]), True) for one in values}
    whole = Example((Said("user", complete.text),), values, drafts)
    lacking = Example((Said("user", text),), {**values, name: None}, {**drafts, name: (drafts[name][0], False)})
    return whole, lacking, name


def row_of(complete: Complete, others: Sequence[Complete], rng: random.Random) -> Row | None:
    """A row to train on: the request in several forms, all of one tool. `others`: where made-up values come from."""
    if not complete.removable:
        return None
    complete = _renumbered(complete, rng)
    names = list(complete.removable)
    if not names:
        return None
    rng.shuffle(names)
    tool = complete.tool
    values = _required(complete)
    examples = [_whole(complete, values, rng)]
    for name in names[: rng.choice((1, 1, 2, 2, 3))]:
        examples.append(_lacking(complete, values, [name], rng))
    kind = rng.random()
    if kind < 0.25 and len(names) > 1:
        examples.append(_lacking(complete, values, names[:2], rng))
    elif kind < 0.45:
        examples.append(added(_lacking(complete, values, names[:1], rng), complete.values, rng))
    elif kind < 0.65:
        examples.append(_later(complete, values, names, rng))
    examples = [_drafted(example, complete, others, rng) for example in examples]
    return Row(varied(tool, rng), tuple(fewer(example, rng) for example in examples))


def question_about(name: str, rng: random.Random) -> str:
    """How an assistant may ask for an argument."""
    return rng.choice(_ASKED).format(words_in(name))


def reply_with(value: str, rng: random.Random) -> str:
    """How a person may answer with a value."""
    return rng.choice(_TOLD).format(value)


def evasion(rng: random.Random) -> str:
    """How a person may answer without one."""
    return rng.choice(_EVADED)


def _required(complete: Complete) -> dict[str, str | None]:
    return {one.name: complete.values[one.name] for one in complete.tool.required if one.name in complete.values}


def _whole(complete: Complete, values: Mapping[str, str | None], rng: random.Random) -> Example:
    """As it is, or without something that is not required."""
    text = complete.text
    required = {argument.name for argument in complete.tool.required}
    spare = [v for name, v in complete.values.items() if name not in required and stands_once(v, text)]
    if spare and rng.random() < 0.5:
        text = without(text, rng.choice(spare))
    return Example((Said("user", text),), values)


def _lacking(complete: Complete, values: Mapping[str, str | None], names: Sequence[str], rng: random.Random) -> Example:
    text = complete.text
    for name in names:
        instead = rng.choice(_VAGUE).format(words_in(name)) if rng.random() < 0.3 and len(words_in(name)) > 2 else ""
        text = without(text, complete.values[name], instead)
    return Example((Said("user", text),), {**values, **dict.fromkeys(names)})


def _later(complete: Complete, values: Mapping[str, str | None], names: Sequence[str], rng: random.Random) -> Example:
    """Some are missing at first, and then are asked for."""
    lacking = _lacking(complete, values, names[: rng.randint(1, min(3, len(names)))], rng)
    return continued(lacking, complete.values, rng)


def continued(example: Example, values: Mapping[str, str], rng: random.Random) -> Example:
    """The conversation goes on: what is missing is asked for, in part, and told or evaded; or offered, and taken or
    not. `values`: what the person would say for each argument."""
    said, found = list(example.said), dict(example.values)
    open_ = [name for name in example.missing if name in values]
    rng.shuffle(open_)
    for name in open_[: rng.randint(1, max(1, len(open_)))]:
        kind = rng.random()
        if kind < 0.6:
            said += [Said("assistant", question_about(name, rng)), Said("user", reply_with(values[name], rng))]
            found[name] = values[name]
        elif kind < 0.78:
            said += [Said("assistant", question_about(name, rng)), Said("user", evasion(rng))]
        else:
            taken = kind < 0.9
            offer = rng.choice(_OFFERED).format(what=words_in(name), value=values[name])
            said += [Said("assistant", offer), Said("user", rng.choice(_TAKEN if taken else _DECLINED))]
            found[name] = values[name] if taken else None
    return replace(example, said=tuple(said), values=found)


def _drafted(example: Example, complete: Complete, others: Sequence[Complete], rng: random.Random) -> Example:
    """Some arguments with a drafted value: the one that was said; or, where none was, what it was or made up."""
    drafts: dict[str, tuple[str, bool]] = {}
    for name, value in example.values.items():
        if rng.random() > 0.3:
            continue
        called = complete.calls.get(name, complete.values[name])
        if value is not None and rng.random() < 0.85:
            drafts[name] = (called, True)
        elif value is None and rng.random() < 0.6:
            drafts[name] = (called, False)
        else:
            sort = next((one.sort for one in complete.tool.arguments if one.name == name), "")
            pool = [
                other.values[one.name]
                for other in rng.sample(others, min(40, len(others)))
                for one in other.tool.required
                if one.sort == sort and one.name in other.values
            ]
            made_up = [one for one in pool if not stands_once(one, " ".join(said.text for said in example.said))]
            if made_up:
                drafts[name] = (rng.choice(made_up), False)
    return replace(example, drafts=drafts)


def added(example: Example, values: Mapping[str, str], rng: random.Random) -> Example:
    """The message has a sentence more: it tells something that is missing, or speaks of it and does not tell it."""
    open_ = [name for name in example.missing if name in values and len(words_in(name)) > 2]
    if not open_:
        return example
    name = rng.choice(open_)
    told = rng.random() < 0.6
    sentence = rng.choice(_ADDED if told else _PUT_OFF).format(what=words_in(name), value=values[name])
    *before, last = example.said
    parts = [sentence, last.text] if rng.random() < 0.2 else [last.text, sentence]
    said = (*before, replace(last, text=" ".join(parts)))
    return replace(example, said=said, values={**example.values, name: values[name] if told else None})


def fewer(example: Example, rng: random.Random, most: int = 3) -> Example:
    """At most so many arguments, what is missing first: each costs tokens, and a known one teaches little."""
    names = list(example.values)
    rng.shuffle(names)
    names.sort(key=lambda name: example.values[name] is not None)
    kept = set(names[:most])
    return replace(example, values={name: value for name, value in example.values.items() if name in kept})


def varied(tool: ToolView, rng: random.Random) -> ToolView:
    """Now and then without descriptions or purpose."""
    if rng.random() < 0.12:
        return tool.without_descriptions()
    return replace(tool, purpose="") if rng.random() < 0.06 else tool


def _renumbered(complete: Complete, rng: random.Random) -> Complete:
    """With other numbers of the same length, so that none is learned by heart."""
    text, values = complete.text, dict(complete.values)
    for name in complete.removable:
        value = values[name]
        if re.fullmatch(r"\d{1,6}", value) and rng.random() < 0.6:
            low = 10 ** (len(value) - 1)
            fresh = str(rng.randint(max(1, low), low * 10 - 1))
            year = re.fullmatch(r"(?:19|20)\d\d", value)
            fresh = str(rng.randint(1950, 2029)) if year else fresh
            if fresh not in text and fresh not in values.values():
                text = re.sub(rf"(?<![\w.]){value}(?!\w)", fresh, text, count=1)
                values[name] = fresh
    called = {name: value for name, value in complete.calls.items() if values.get(name) == complete.values.get(name)}
    return Complete(complete.tool, text, values, called, complete.beside)


def words_in(name: str) -> str:
    """An argument's name in words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace(".", " ")
    return " ".join(spaced.split()).lower()
