"""Requests put in other words: composed from a tool's purpose and its arguments' names, in another tone, with numbers
as words, or with a value that is only implied.

What is taken out of a written sentence leaves a gap that people do not leave; what is composed leaves none.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from sml_agents.asker.prompt import Argument, ToolView
from sml_agents.text.numbers import in_words
from sml_agents.text.values.words import listed

__all__ = ["composed", "in_tone", "spelled", "words_of"]

_WISHES = (
    "I need this: {}.", "Can you help me? {}.", "{}, please.", "Hi! {}.", "I want to {}.", "Could you {}?", "please {}",
    "{}", "I'd like you to {}.", "Can you {} for me?", "Hey, {}", "My boss wants me to {}.", "{}!", "Help me {}.",
)  # fmt: skip
_GIVEN = (
    "The {name} is {value}.", "{name}: {value}", "{value} as the {name}.", "with {name} {value}",
    "The {name} should be {value}.", "{name} = {value}", "Use {value} for the {name}.", "{name} {value}",
    "By the way, the {name} is {value}.",
)  # fmt: skip
_PEOPLE = frozenset(
    listed(
        "people persons guests passengers travelers travellers adults diners visitors participants attendees party "
        "tickets seats riders occupants"
    )
)
_COMPANY = {
    "1": ("for myself", "just me", "I'm going alone"),
    "2": ("me and my wife", "for my husband and me", "the two of us", "it's me and a friend", "for a couple"),
    "3": ("me and my two kids", "for my parents and me", "it's the three of us"),
    "4": ("my wife, our two children and me", "two couples", "the four of us"),
    "5": ("me and four friends", "for the five of us"),
}  # fmt: skip
"""How people imply how many they are."""
_FILLERS = re.compile(
    r"\b(?:the|a|an|please|can you|could you|would you|i want to|i need to|i would like to|i'd like to|for me|"
    r"is|are|of|me|give|tell)\b\s*",
    re.IGNORECASE,
)
_MOST_SPELLED = 100


def words_of(name: str) -> str:
    """The name of an argument or a tool as words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace(".", " ")
    return " ".join(spaced.split()).lower()


def composed(tool: ToolView, values: Mapping[str, str], rng: random.Random) -> tuple[str, dict[str, str]]:
    """A request that gives these values of a tool's arguments and no others, and the values as they are said in it."""
    purpose = re.split(r"(?<=[a-z)])\.\s", " ".join(tool.purpose.split()), maxsplit=1)[0].rstrip(".")
    wish = words_of(tool.name) if not purpose or len(purpose) > 110 or rng.random() < 0.15 else purpose
    wish = wish[:1].lower() + wish[1:]
    parts, said = [], {}
    about = {argument.name: argument for argument in tool.arguments}
    names = list(values)
    rng.shuffle(names)
    template = rng.choice(_GIVEN) if rng.random() < 0.5 else ""
    for name in names:
        implied = _implied(about[name], values[name], rng) if name in about else ""
        said[name] = implied or spelled(values[name], rng)
        pattern = template or rng.choice(_GIVEN)
        parts.append(implied or pattern.format(name=words_of(name), value=said[name]))
    opening = rng.choice(_WISHES).format(wish)
    if parts and rng.random() < 0.4:
        return (
            f"{opening.rstrip('.!?')} {rng.choice((', ', ' ', ' and ')).join(one.rstrip('.') for one in parts)}",
            said,
        )
    sentences = [one[:1].upper() + one[1:] if rng.random() < 0.8 else one for one in parts]
    told = " ".join(one if one.endswith(".") else f"{one}." for one in sentences)
    return (f"{told} {opening}" if rng.random() < 0.2 else f"{opening} {told}").strip(), said


def _implied(argument: Argument, value: str, rng: random.Random) -> str:
    """Words for a number of people that name no number; empty where it is none."""
    spoken = set(words_of(argument.name).split()) | set(words_of(argument.description).split())
    if value not in _COMPANY or not spoken & _PEOPLE or rng.random() < 0.4:
        return ""
    return rng.choice(_COMPANY[value])


def spelled(value: str, rng: random.Random) -> str:
    """A small number as words now and then; a large one with its thousands apart."""
    if re.fullmatch(r"\d{1,2}", value) and int(value) <= _MOST_SPELLED and rng.random() < 0.35:
        return in_words(int(value))
    if re.fullmatch(r"[1-9]\d{3,6}", value) and not re.fullmatch(r"(?:19|20)\d\d", value) and rng.random() < 0.4:
        return f"{int(value):,}"
    return value


def in_tone(text: str, values: Sequence[str], rng: random.Random) -> str:
    """The same request as some people write it: in small letters, without its last mark, or as a telegram. Values that
    stand in it stay in it."""
    kind = rng.random()
    if kind < 0.1:
        return text.lower()
    if kind < 0.2:
        return text.rstrip(".?!")
    if kind < 0.27:
        short = re.sub(r"[,?!]|\.(?=\s|$)", "", _FILLERS.sub("", text)).strip()
        return short if all(value in short for value in values if value in text) else text
    return text
