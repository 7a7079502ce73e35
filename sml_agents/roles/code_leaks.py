"""Looks for what is private about a code task in a teacher's turn.

solution      a line of a known solution that computes something
expected      what a hidden test wants: a long value anywhere, a short one (`True`, `9`, in figures, words or
              encoded) in a turn that also names the arguments of that test

Not leaks: what the prompt or the student has said already, and the verifier's own diagnosis, which names what the
program did and not what it should have done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sml_agents.roles.leaks import Secret
from sml_agents.types import Case, Code

__all__ = ["CodeSecret"]

_LONG = 7
"""Characters, white space aside, from which on a value says by itself which test it belongs to."""
_LINE = 9
_COMPUTES = re.compile(r"\breturn\b.*\W.|=[^=]|\byield\b|\.append\(")
_NO_CODE = re.compile(r"(?:def|import|from|class|#|@|\"\"\"|''')")


class CodeSecret:
    """The hidden tests and the solution of a code task, and what of them is known already."""

    def __init__(self, code: Code, solution: str, public: Sequence[str] = (), allowed: Sequence[str] = ()) -> None:
        self.entry = code.entry.rpartition(".")[2]
        self.allowed = [statement for statement in allowed if statement.strip()]
        known = _squeezed("\n".join(public))
        self.lines = {line for line in _telling_lines(solution) if line not in known}
        hidden = [case for case in code.cases if not self._is_public(case, known)]
        self.cases = [(_squeezed(case.given), case.expected.strip()) for case in hidden]
        values = {_squeezed(expected) for _, expected in self.cases}
        self.long = {value for value in values if len(value) >= _LONG and value not in known}

    def _is_public(self, case: Case, known: str) -> bool:
        given, expected = _squeezed(case.given), _squeezed(case.expected)
        return any(f"{self.entry}({given}){sign}{expected}" in known for sign in ("", "==", "returns", "->", "=>"))

    def leak_in(self, text: str) -> str | None:
        """The kind of the first leak, or None. Linear in the length of the text, for each hidden test that it names."""
        named = self._named(text)  # in the diagnosis, too
        for statement in self.allowed:
            text = text.replace(statement, " ")
        squeezed = _squeezed(text)
        if any(line in squeezed for line in self.lines):
            return "solution"
        if any(value in squeezed for value in self.long):
            return "expected"
        rests = ((_without(text, given), expected) for given, expected in named)
        return "expected" if any(Secret(expected).leak_in(rest) is not None for rest, expected in rests) else None

    def _named(self, text: str) -> list[tuple[str, str]]:
        """The hidden tests whose arguments `text` names."""
        return [(given, expected) for given, expected in self.cases if given and _without(text, given) != text]

    def blank(self, text: str, mask: str) -> str:
        """Nothing can be blanked out word by word: the guard goes on to whole sentences."""
        return text


def _squeezed(text: str) -> str:
    return "".join(text.split()).replace('"', "'")


def _telling_lines(solution: str) -> Iterator[str]:
    for line in solution.splitlines():
        squeezed = _squeezed(line)
        if len(squeezed) >= _LINE and not _NO_CODE.match(squeezed) and _COMPUTES.search(line):
            yield squeezed


def _without(text: str, given: str) -> str:
    """`text` without the arguments `given`, where they stand as arguments and not as part of another value."""
    pattern = r"\s*".join("['\"]" if letter == "'" else re.escape(letter) for letter in given)
    return re.sub(rf"(?<![\w.]){pattern}(?!\w)", " ", text)
