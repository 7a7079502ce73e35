"""From what a person wants and what they tell to the words of a request."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sml_agents.tasks.tools.bank import Argument, Style
from sml_agents.tasks.tools.values import Manner, Said

__all__ = ["Voice", "draw_voice", "question_for", "statement_of"]

_SLOT = re.compile(r"\{(\w[\w.]*):([^{}]*)\}")
_NO_PREPOSITION = re.compile(r"\bon (?=(?:tomorrow|yesterday|the day after|next |this |last ))", re.IGNORECASE)
_SELF = re.compile(r"I\b")
_MOST_INLINE = 3
_HINTED = 0.25
"""Share of the requests that speak of something that they do not tell."""


@dataclass(frozen=True)
class Voice:
    """How one request is put: drawn once for all of its forms."""

    style: Style
    goal: str
    frame: str
    opener: str
    closer: str
    today: str
    today_first: bool
    form: bool
    """Arguments as a list of `noun: value`."""
    inline: int
    """How many arguments are told within the request."""
    fronted: bool
    """The first of them goes before the request."""
    phrases: Mapping[str, int]
    """Which of an argument's phrases, by path."""
    templates: tuple[float, ...]
    """By place: below 0.4, a value that is told by itself gets a sentence around its phrase, else one with its noun."""
    hint: str
    """A sentence that speaks of what is not told; empty for none."""
    first_template: int
    """Which of the sentences the first place gets; the following ones follow."""

    def told(self, arguments: Sequence[Argument], values: Mapping[str, Said], untold: Argument | None = None) -> str:
        """The request with the values of these arguments told, in this order; `untold` may be spoken of."""
        slots = {path for path, _ in _SLOT.findall(self.goal)}
        goal = _SLOT.sub(
            lambda found: values[found[1]].words if any(a.path == found[1] for a in arguments) else found[2], self.goal
        )
        inline, alone = [], []
        for place, argument in enumerate(arguments):
            if argument.path in slots:
                continue
            phrase = self._phrase(argument, values[argument.path])
            if self.form:
                alone.append(_listed(argument, values[argument.path], phrase))
            elif phrase.endswith("."):
                alone.append(_upper(phrase))
            elif place < self.inline:
                inline.append(phrase)
            else:
                alone.append(self._sentence(argument, values[argument.path], phrase, place))
        before = inline.pop(0) if self.fronted and inline and re.match(r"(?:on|at|for|from|in) ", inline[0]) else ""
        main = _framed(self.frame, " ".join([goal.removeprefix("?"), *inline]))
        if before:
            main = f"{_upper(before)}, {main if _SELF.match(main) else _lower(main)}"
        if self.form and alone:
            alone = [f"{_upper(', '.join(alone))}."]
        if untold is not None and self.hint:
            alone.append(self.hint.format(noun=untold.noun))
        if main[-1] not in ".?!" and (alone or self.closer):
            main += "."
        parts = [self.opener, main, *alone, self.closer]
        parts.insert(0 if self.today_first else len(parts), self.today)
        return " ".join(part for part in parts if part)

    def _phrase(self, argument: Argument, said: Said) -> str:
        return phrase_of(argument, said, self.phrases[argument.path])

    def _sentence(self, argument: Argument, said: Said, phrase: str, place: int) -> str:
        pool: Sequence[str] = self.style.phrases
        if argument.kind.sort != "bool" and not (self.templates[place % len(self.templates)] < 0.4 and " " in phrase):
            pool = self.style.sentences
        template = pool[(self.first_template + place) % len(pool)]
        fields = {"noun": argument.noun, "Noun": _upper(argument.noun), "v": _quoted(argument, said)}
        return template.format(**fields, phrase=phrase, Phrase=_upper(phrase))


def phrase_of(argument: Argument, said: Said, choice: int) -> str:
    """The value within a request: `for four people`, `without breakfast`."""
    phrase = argument.phrases[choice % len(argument.phrases)]
    if argument.kind.sort == "bool":
        yes, _, no = phrase.partition("//")
        return (yes if said.value else no).strip()
    return _NO_PREPOSITION.sub("", phrase.replace("{}", said.words))


def draw_voice(goals: Sequence[str], arguments: Sequence[Argument], style: Style, manner: Manner, rng: random.Random,
               *, dated: bool) -> Voice:  # fmt: skip
    """`dated`: a day is among what may be told, so the day it is matters."""
    goal = rng.choice(goals)
    form = rng.random() < 0.1
    today = ""
    if manner.today is not None and dated:
        template = rng.choice(style.today)
        today = template.format(today=f"{manner.today:%A}, {manner.today.day} {manner.today:%B} {manner.today.year}")
    return Voice(
        style=style,
        goal=goal,
        frame=rng.choice(style.questions if goal.startswith("?") else style.frames),
        opener=rng.choice(style.openers) if rng.random() < 0.25 else "",
        closer=rng.choice(style.closers) if rng.random() < 0.2 else "",
        today=today,
        today_first=rng.random() < 0.6,
        form=form,
        inline=rng.randint(1, _MOST_INLINE),
        fronted=rng.random() < 0.12,
        phrases={argument.path: rng.randrange(60) for argument in arguments},
        templates=tuple(rng.random() for _ in range(8)),
        hint=rng.choice(style.hints) if rng.random() < _HINTED else "",
        first_template=rng.randrange(1000),
    )


def statement_of(argument: Argument, said: Said) -> str:
    """The value as a sentence that stands alone."""
    if argument.kind.sort == "bool":
        return f"{_upper(phrase_of(argument, said, 0))}, please."
    return f"The {argument.noun} is {_quoted(argument, said)}."


def question_for(argument: Argument, template: str) -> str:
    """A question for the value."""
    question = template.format(noun=argument.noun, Noun=_upper(argument.noun))
    if argument.kind.sort == "bool":
        yes, _, no = argument.phrases[0].partition("//")
        return f"{question.rstrip('?.')}: {yes.strip()} or {no.strip()}?"
    return question


def _listed(argument: Argument, said: Said, phrase: str) -> str:
    return phrase.rstrip(".") if argument.kind.sort == "bool" else f"{argument.noun}: {_quoted(argument, said)}"


def _quoted(argument: Argument, said: Said) -> str:
    """The words for a value; a text that is quoted in the argument's phrases is quoted everywhere."""
    return f'"{said.words}"' if '"{}"' in argument.phrases[0] else said.words


def _framed(frame: str, text: str) -> str:
    return frame.format(goal=text, Goal=_upper(text), q=text, Q=_upper(text))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
