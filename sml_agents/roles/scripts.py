"""Students that read nothing: what a figure has to exceed before it says that somebody learnt anything.

Each plays one trick that a reward or a metric might fall for. None of them understands a word of the problem, so none
may gain from more turns, cover what is missing, or earn more than an honest wrong answer. By spec: `script:bisect`.

bisect     halves an interval, by whatever the teacher seems to say of the last number
probe      the same in questions: `Is it 30?`
repeat     hands the problem back as a question
shotgun    asks for all nouns of the problem at once
volley     a question a noun, three a turn
formulas   answers that are heavy to compare
many       several answers in one turn
echo       asks back whatever the teacher said last
sweep      another number every turn

What `sweep` gains over ten turns is what ten tries are worth where answers are small numbers; informed success does not
count it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sml_agents.text.sentences import sentences
from sml_agents.text.words import content_words
from sml_agents.types import Reply, Role
from sml_agents.views import StudentView

__all__ = ["SCRIPTS", "ScriptStudent"]

_HIGHEST = 128
_MORE = re.compile(r"\b(?:low|lower|small|smaller|less|few|fewer|little|more|larger|higher|greater)\b", re.IGNORECASE)
_LESS = re.compile(r"\b(?:high|large|big|much|many|great|over|above)\b", re.IGNORECASE)
_FORMULAS = (
    r"\boxed{\dbinom{1000000}{500000}}",
    r"\boxed{(a+b+c+d+e+f+g)^{20}}",
    r"\boxed{((((x+1)^{20}+1)^{20}+1)^{20}+1)^{20}}",
    r"\boxed{9^{9^{9^{9}}}}",
    r"\boxed{\int_0^1 \frac{\sin(x^{x})}{x^{x^{x}}} dx}",
)


class ScriptStudent:
    """A student whose turn is made by a rule from what was said, without a model and without chance."""

    settings: dict[str, Any]
    by_rule = True

    def __init__(self, name: str) -> None:
        """Raises KeyError for a name that is not in `SCRIPTS`."""
        self._say = SCRIPTS[name]
        self.settings = {"model": f"script:{name}"}

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """One turn, the same for the same history."""
        return Reply(text=self._say(view))


def _bisect(view: StudentView) -> str:
    return f"The answer is {_middle(view)}."


def _probe(view: StudentView) -> str:
    return f"Is it {_middle(view)}?"


def _repeat(view: StudentView) -> str:
    return view.history[0][1]


def _shotgun(view: StudentView) -> str:
    return f"How many {', '.join(content_words(view.history[0][1]))} are there?"


def _volley(view: StudentView) -> str:
    words = content_words(view.history[0][1]) or ("things",)
    start = 3 * _turn(view)
    return " ".join(f"How many {words[(start + k) % len(words)]}?" for k in range(3))


def _formulas(view: StudentView) -> str:
    return _FORMULAS[_turn(view) % len(_FORMULAS)]


def _many(view: StudentView) -> str:
    start = 12 * _turn(view)
    return f"The answer is {', '.join(map(str, range(start, start + 11)))} or {start + 11}."


def _echo(view: StudentView) -> str:
    return " ".join(f"{sentence.rstrip('.!?')}?" for sentence in sentences(view.history[-1][1]))


def _sweep(view: StudentView) -> str:
    return f"The answer is {_turn(view) + 1}."


def _turn(view: StudentView) -> int:
    return sum(role is Role.STUDENT for role, _ in view.history)


def _middle(view: StudentView) -> int:
    low, high = 0, _HIGHEST
    for role, text in view.history[1:]:
        if role is Role.TEACHER:
            middle = (low + high) // 2
            if _LESS.search(text):
                high = middle - 1
            elif _MORE.search(text):
                low = middle + 1
    return (low + high) // 2


SCRIPTS: dict[str, Callable[[StudentView], str]] = {
    "bisect": _bisect,
    "probe": _probe,
    "repeat": _repeat,
    "shotgun": _shotgun,
    "volley": _volley,
    "formulas": _formulas,
    "many": _many,
    "echo": _echo,
    "sweep": _sweep,
}
"""What each script says, by name."""
