"""The values of a call out of what was said: the model's words, found in the person's own and read under the schema.

What a model copies for an argument counts as told where the person's messages say it, and where these words are not
another argument's value already: of `the match with FC Aurora`, one of two teams is missing, whatever a small model
writes for both. The answer to a question is first of all the value of what was asked for. Of what a person says of a
wrong call, words that only name arguments, or are denied, are no value: `No, the day is wrong` tells none, `No, for
six` does. An argument that they name there does not get its value again from what was said before. What they give by an
argument's name (`by_name`) is its value, whatever the model copies.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from sml_agents.asker.by_name import Place, by_name, names
from sml_agents.asker.likeness import stems
from sml_agents.asker.pairs import words_in
from sml_agents.asker.prompt import Argument, Said, ToolView, shown
from sml_agents.asker.read import AskerModel
from sml_agents.text.asked_arguments import Askable, asked_arguments
from sml_agents.text.asking import find_questions
from sml_agents.text.schemas import value_at
from sml_agents.text.values import Clock, Kind, Span, find, find_words, mentions, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.forms import formed, kind_by_form, today_in
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import denies, is_denied, listed
from sml_agents.text.words import content_words

__all__ = ["Filled", "Told", "fill", "kept", "told"]


@dataclass(frozen=True)
class Filled:
    """A call as far as it was told."""

    missing: Mapping[str, float]
    """P(missing) of every argument, as the model alone has it."""
    told: Mapping[str, Told]


def fill(model: AskerModel, tool: ToolView, said: Sequence[Said], now: dt.datetime | None = None) -> Filled:
    """What a conversation gives for a call: P(missing) of all arguments, also of those that are not required, and what
    was said for them. Takes several times as long as P(missing) alone.

    Args:
        now: what `tomorrow` is counted from, where no message says what day it is; None: the time by this machine.
    """
    said = [replace(one, text=shown(one)) for one in said]
    reading = model.read(tool, said)
    words = reading.values([one.name for one in tool.arguments])
    return Filled(reading.missing, told(tool, words, reading.missing, said, now))


def kept(before: Filled, now: Filled, tool: ToolView, latest: str) -> Filled:
    """What was told before the latest message stays told after it, unless this names the argument or denies the value:
    a small model that reads an answer may lose sight of what it had seen."""
    missing, found = dict(now.missing), dict(now.told)
    for one in tool.arguments:
        old, new = before.told[one.name], now.told[one.name]
        spoken_of = names(latest, one) or any(is_denied(latest, at) for at in find_words(str(old.value), latest))
        if old.found and not spoken_of and (not new.found or new.value == old.value):
            found[one.name] = old
            missing[one.name] = min(before.missing[one.name], missing[one.name])
    return Filled(missing, found)


@dataclass(frozen=True)
class Told:
    """What was said for an argument."""

    value: Any
    """In the schema's type and form; the model's words where they cannot be read so."""
    found: bool
    """Whether the person's messages say it, in words that are no other argument's."""
    named: bool = False
    """Whether they say it by the argument's name: `zone: the herb corner`."""


def told(
    tool: ToolView,
    words: Mapping[str, str],
    missing: Mapping[str, float],
    said: Sequence[Said],
    now: dt.datetime | None = None,
) -> dict[str, Told]:
    """What was said for each argument.

    Args:
        words: what the model copied, by argument (`Reading.values`).
        missing: P(missing), by argument: of two that take the same words, those are the surer one's.
        now: what `tomorrow` is counted from, where no message says what day it is; None: the time by this machine.
    """
    arguments = tool.arguments
    heard = _Heard.of(said, tool, now)
    answered = list(heard.answers.values())
    found = {}
    for one in sorted(arguments, key=lambda one: (one.name not in answered, missing[one.name])):
        found[one.name] = heard.told(one, words[one.name])
    return {one.name: found[one.name] for one in arguments}


_NOTHING = frozenset(listed("nothing none nobody nowhere"))
"""Words of what is no text's value: `I have nothing to add`."""


_UNSAID = re.compile(
    r"\b(?:un(?:known|said)"
    r"|(?:not|n['\u2019]t|never|nothing|nobody|no one)\b[^.]{0,20}?\b(?:said|told|tell|say|known|given|mention))",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass
class _Heard:
    """What a person said, the latest message first, and which words have been taken."""

    texts: list[str]
    clock: Clock
    refused: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Which of the messages refuse a call, and the values that it had for the arguments that they name."""
    names: frozenset[str] = frozenset()
    """Words of the arguments' names, by their stems: in a refusal they only name these."""
    wish: frozenset[str] = frozenset()
    """Words, by their stems, that ask for the tool by themselves: the `study cards` of `create study cards`."""
    answers: Mapping[int, str] = field(default_factory=dict)
    """Which of the messages answer a question, and the argument that it was for."""
    taken: list[Place] = field(default_factory=list)
    chosen: list[Place] = field(default_factory=list)
    """Words that name a choice: they are that choice's alone, but may be part of a longer value, as in `Red Lion`."""
    named: Mapping[str, Place] = field(default_factory=dict)
    """What is given by an argument's name, the last time: nobody else's."""

    @classmethod
    def of(cls, said: Sequence[Said], tool: ToolView, now: dt.datetime | None) -> _Heard:
        arguments = tool.arguments
        heard = [one for one in said if one.role == "user"][::-1]
        texts = [one.text for one in heard]
        clock = Clock(now or dt.datetime.now())
        if (today := today_in(texts)) is not None:
            place, span, day = today
            # What day it is is nobody's value.
            texts[place] = texts[place][: span.start] + " " * (span.end - span.start) + texts[place][span.end :]
            clock = Clock(dt.datetime.combine(day, dt.time()))
        refused = {
            place: {name.name: value_at(one.refuses, name.name) for name in arguments if names(one.text, name)}
            for place, one in enumerate(heard)
            if one.refuses is not None
        }
        words = stems(" ".join(one.name for one in arguments))
        named = by_name(texts, arguments, clock)
        wish = stems(f"{words_in(tool.name)} {tool.purpose}")
        return cls(texts, clock, refused, words, wish, _answers(said, arguments), named=named)

    def told(self, one: Argument, words: str) -> Told:
        """What was said for an argument: by its name, unless the model's words are found in a later message; else what
        these are found to be."""
        named = self.named.get(one.name)
        if named is not None and not any(place[0] < named[0] for place in self._places(words)):
            number, span = named
            alone = ["" if k != number else _only(text, span) for k, text in enumerate(self.texts)]
            rest = replace(self, texts=alone, named={}, taken=[], chosen=[])
            value = rest._told(one, self.texts[number][span.start : span.end].strip(" '\"\u201c\u201d"))
            if value.found or isinstance(value.value, bool):
                return replace(value, found=True, named=True)
        return self._told(one, words)

    def _told(self, one: Argument, words: str) -> Told:
        kind = kind_by_form(one.schema, one.name.rsplit(".", 1)[-1])
        if kind.sort == "bool":
            return self._yes_or_no(one, kind, words)
        if kind.sort == "enum":
            return self._choice(one, kind, words)
        if one.sort == "array":
            return self._list(one, words)
        if (values := self._formed(kind)) is not None:
            if one.options:  # of numbers, too, some may not be
                members = {str(member): member for member in one.schema.get("enum") or one.options}
                values = [(place, members[str(value)]) for place, value in values if str(value) in members]
            return self._value(
                kind, words, [(place, value) for place, value in values if self._tells(one, place, value)]
            )
        if denies(words) or _NOTHING & {token.plain for token in tokens(words)}:
            return Told(words, False)
        if not self._means(one, words):
            return Told(words, False)
        return Told(words, self._take([place for place in self._places(words) if self._tells(one, place, words)]))

    def _means(self, one: Argument, words: str) -> bool:
        """Whether words may be a text's value: `the ?` stands everywhere, and `a file` or `the window seat` says no
        more than the wish for the tool, the names of arguments and what was chosen for them."""
        if any(not token.text[0].islower() for token in tokens(words)):
            return True
        choices = " ".join(self.texts[number][span.start : span.end] for number, span in self.chosen)
        meant = stems(" ".join(content_words(words)))
        return bool(meant - self.wish - self.names - stems(choices))

    def _tells(self, one: Argument, place: Place, value: Any) -> bool:
        """Whether words may give an argument a value: those of a refusal not if they are denied or only name arguments,
        those before it not if that value was refused by the argument's name."""
        number, span = place
        for said, refused in self.refused.items():
            if said < number and one.name in refused and (refused[one.name] == value or self._unsaid(one, said)):
                return False
        text = self.texts[number]
        words = text[span.start : span.end]
        asked = self.answers.get(number)
        if asked not in (None, one.name) and stems(words) <= stems(words_in(asked)):
            return False
        if number not in self.refused:
            return True
        means = bool(find_numbers(words)) or bool(stems(" ".join(content_words(words))) - self.names)
        return means and not is_denied(text, span) and not denies(words)

    def _unsaid(self, one: Argument, number: int) -> bool:
        """Whether a message says of an argument that nobody gave its value: then nothing before it did."""
        return any(names(part, one) and _UNSAID.search(part) for part in _SENTENCE_END.split(self.texts[number]))

    def _yes_or_no(self, one: Argument, kind: Kind, words: str) -> Told:
        chosen = as_bool(words)
        for place, text in enumerate(self.texts):
            said = [
                value
                for value in (True, False)
                if any(self._tells(one, (place, said.span), value) for said in find(kind, value, text, self.clock))
            ]
            if said:
                return Told(said[0] if len(said) == 1 else chosen, True)
        return Told(words if chosen is None else chosen, False)

    def _choice(self, one: Argument, kind: Kind, words: str) -> Told:
        for place, text in enumerate(self.texts):
            said = [
                member
                for member in mentions(kind, text, self.clock)
                if not member.denied and self._tells(one, (place, member.span), member.value)
            ]
            if said:
                self.chosen += [(place, member.span) for member in said]
                several = len({member.value for member in said}) > 1
                return Told(words if several else said[0].value, True)
        return Told(words, False)

    def _list(self, one: Argument, words: str) -> Told:
        items = one.schema.get("items")
        items = items if isinstance(items, Mapping) else {}
        parts = [part for part in re.split(r"\s*(?:,|;|\band\b)\s*", words) if part]
        values = []
        for part in parts:
            inner = formed(kind_by_form(items, one.name), part, self.clock)
            values.append(inner[0].value if inner else part)
        found = all(any(self._tells(one, place, values) for place in self._places(part)) for part in parts)
        return Told(values, bool(parts) and found)

    def _value(self, kind: Kind, words: str, values: Sequence[tuple[Place, Any]]) -> Told:
        """A value with a form: that which the model's words say; the only one that is left, where they say none."""
        places = list(self._places(words))
        copied = [one.value for one in formed(kind, words, self.clock) or ()]
        meant = [one for one in values if any(_meet(one[0], place) for place in places)]
        meant = meant or [one for one in values if one[1] in copied]
        for place, value in meant:
            if self._take([place]):
                return Told(value, True)
        left = [one for one in values if self._is_free(one[0])]
        if not meant and len(left) == 1:
            self._take([left[0][0]])
            return Told(left[0][1], True)
        return Told(copied[0] if copied else words, False)

    def _formed(self, kind: Kind) -> list[tuple[Place, Any]] | None:
        found = []
        for place, text in enumerate(self.texts):
            if (values := formed(kind, text, self.clock)) is None:
                return None
            found += [((place, one.span), one.value) for one in values]
        return found

    def _places(self, words: str) -> Iterator[Place]:
        for place, text in enumerate(self.texts):
            yield from ((place, span) for span in find_words(words, text))

    def _take(self, places: Sequence[Place]) -> bool:
        """Takes the first of these places that is free; False where none is."""
        free = next(filter(self._is_free, places), None)
        if free is not None:
            self.taken.append(free)
        return free is not None

    def _is_free(self, place: Place) -> bool:
        is_choice = any(place[0] == other[0] and place[1].lies_in(other[1]) for other in self.chosen)
        return not is_choice and not any(_meet(place, other) for other in (*self.taken, *self.named.values()))


def _answers(said: Sequence[Said], arguments: Sequence[Argument]) -> dict[int, str]:
    """By the number of the person's message, the last one first: the one argument that the agent had asked for."""
    found: dict[int, str] = {}
    askable = [Askable.read(one.name, one.schema) for one in arguments]
    number = sum(one.role == "user" for one in said)
    for before, one in pairwise((Said("user", ""), *said)):
        number -= one.role == "user"
        if one.role == "user" and before.role == "assistant":
            asked = asked_arguments(before.text, find_questions(before.text), askable)
            paths = {path for some in asked for path in some}
            if len(paths) == 1:
                found[number] = paths.pop()
    return found


def _only(text: str, span: Span) -> str:
    """The text with nothing but these words in it, each where it stood."""
    return " " * span.start + text[span.start : span.end]


def _meet(one: Place, other: Place) -> bool:
    return one[0] == other[0] and one[1].overlaps(other[1])
