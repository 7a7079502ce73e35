"""LaTeX as it is written in answers -> the same mathematics in few signs, by matching braces; nothing is dropped.

    \\dfrac{1}{2^{55}}   (1/(2^55))       3\\tfrac12          (3+1/2)
    \\text{ cm}          cm               0.1\\overline{6}    (1/6)
    {n \\choose 2}       \\binom{n}{2}     a \\cdot b \\le c    a * b <= c

What has no plainer form keeps its command (`\\sqrt{2}`, `\\angle ABC`). Linear in the length of the text.
"""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["without_latex"]

_MAX_DEPTH = 24
_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_FRACTION = {"frac", "dfrac", "tfrac", "cfrac"}
_BINOMIAL = {"binom", "dbinom", "tbinom"}
_WORDS = {"text", "textbf", "textit", "textrm", "textsf", "mathrm", "mathbf", "mathit", "mathsf", "mbox", "emph"}
_WORDS |= {"operatorname", "boxed", "fbox", "underline"}
_REPEATING = {"overline", "bar", "dot", "overset"}
_DROPPED = {"left", "right", "displaystyle", "textstyle", "limits", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "!"}
_DROPPED |= {"(", ")", "[", "]", "rm", "bf", "it", "mathstrut"}
_SPACES = {",", ";", ":", " ", "\n", "quad", "qquad", "thinspace", "enspace"}
_PLAINER = {
    **dict.fromkeys(("cdot", "times", "ast"), "*"),
    **dict.fromkeys(("le", "leq", "leqslant"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("lor", "vee"), " or "),
    **dict.fromkeys(("ldots", "dots", "cdots"), "..."),
    **dict.fromkeys(("vert", "lvert", "rvert"), "|"),
    **{sign: sign for sign in "$%&#_"},
    **{"lt": "<", "gt": ">", "div": "/", "approx": "~", "degree": " degrees ", "prime": "'", "land": " and "},
    **{"lbrace": "\\{", "rbrace": "\\}", "bmod": " mod ", "infin": "\\infty"},
}
_COMMAND_END = re.compile(r"\\[A-Za-z]+$")
_LETTERS = re.compile(r"[A-Za-z ]*")
_SIGNED = re.compile(r"-?(?:\d+|[A-Za-z])")
_DECIMAL = re.compile(r"(?<![\w.])(\d*)\.(\d{0,30})$")
_WHOLE = re.compile(r"(?<![\w.,^_)}])\d+ ?$")


def without_latex(text: str) -> str:
    """`text` with its LaTeX in plainer signs."""
    return _Spelling(text).between(0, len(text), 0)


def _closings(text: str) -> dict[int, int]:
    """Where each brace, bracket or parenthesis that is closed closes, in one pass."""
    found: dict[int, int] = {}
    open_ones: dict[str, list[int]] = {"}": [], "]": [], ")": []}
    partner = {"{": "}", "[": "]", "(": ")"}
    escaped = False
    for at, letter in enumerate(text):
        if not escaped and letter in partner:
            open_ones[partner[letter]].append(at)
        elif not escaped and letter in open_ones and open_ones[letter]:
            found[open_ones[letter].pop()] = at
        escaped = letter == "\\" and not escaped
    return found


class _Spelling:
    def __init__(self, text: str) -> None:
        self.text = text
        self.closing = _closings(text)

    def between(self, at: int, end: int, depth: int) -> str:
        """The plainer spelling of a part of the text; what is nested too deeply stays as it is."""
        if depth > _MAX_DEPTH:
            return self.text[at:end]
        out = ""
        while at < end:
            letter = self.text[at]
            if letter == "\\" and (command := _COMMAND.match(self.text, at, end)):
                out, at = self._command(command[1], command.end(), end, depth, out)
            elif letter == "{" and at in self.closing:
                inside = self._group(at, depth)
                apart = " " if inside[:1].isalnum() and _COMMAND_END.search(out) else ""
                out, at = out + apart + inside, self.closing[at] + 1
            elif letter == "~":
                out, at = out + (" " if self.text[at + 1 : at + 2].isalpha() else "~"), at + 1
            elif letter in "^_" and at + 1 < end:
                script, at = self._argument(at + 1, end, depth)
                out = out.rstrip(" ") + _script(letter, script)
            else:
                out, at = out + letter, at + 1
        return out

    def _group(self, at: int, depth: int) -> str:
        inside = self.between(at + 1, self.closing[at], depth + 1)
        above, chosen, below = inside.partition("\\choose")
        if chosen:
            return f"\\binom{{{above.strip()}}}{{{below.strip()}}}"
        if inside.strip() == "," or _LETTERS.fullmatch(inside):
            return inside.strip() if "," in inside else inside
        return f"{{{inside}}}" if "," in inside else f"({inside})"

    def _argument(self, at: int, end: int, depth: int) -> tuple[str, int]:
        """What a command or script applies to, and where it ends: a group, a command, or one letter or digit."""
        while at < end and self.text[at] == " ":
            at += 1
        if at >= end:
            return "", end
        if self.text[at] == "{" and at in self.closing:
            return self.between(at + 1, self.closing[at], depth + 1).strip(), self.closing[at] + 1
        if self.text[at] == "\\" and depth < _MAX_DEPTH and (command := _COMMAND.match(self.text, at, end)):
            return self._command(command[1], command.end(), end, depth + 1, "")
        if (signed := re.compile(r"-\d+").match(self.text, at, end)) is not None:
            return signed[0], signed.end()
        return self.text[at], at + 1

    def _command(self, name: str, at: int, end: int, depth: int, before: str) -> tuple[str, int]:
        """What was written `before` with the command behind it, and where its arguments end."""
        if name in _FRACTION:
            above, at = self._argument(at, end, depth)
            below, at = self._argument(at, end, depth)
            whole = _WHOLE.search(before)
            if whole and above.isdigit() and below.isdigit():
                return f"{before[: whole.start()]}({whole[0].strip()}+{above}/{below})", at
            return f"{before}({_operand(above)}/{_operand(below)})", at
        if name in _BINOMIAL:
            above, at = self._argument(at, end, depth)
            below, at = self._argument(at, end, depth)
            return f"{before}\\binom{{{above}}}{{{below}}}", at
        if name == "sqrt":
            return self._root(at, end, depth, before)
        if name in ("begin", "end") and at in self.closing and self.closing[at] < end:
            return f"{before}\\{name}{self.text[at : self.closing[at] + 1]}", self.closing[at] + 1
        if name in ("pmod", "mod"):
            inside, at = self._argument(at, end, depth)
            return f"{before} (mod {inside})", at
        if name in _REPEATING and (decimal := _DECIMAL.search(before)):
            digits, at = self._argument(at, end, depth)
            if digits.isdigit() and len(digits) <= 30:
                return before[: decimal.start()] + _repeating(decimal[1], decimal[2], digits), at
            return f"{before}\\{name}{{{digits}}}", at
        if name in _WORDS:
            inside, at = self._argument(at, end, depth)
            return before + (inside if len(inside) == 1 else f" {inside} "), at
        if name in _DROPPED:
            return before, at
        if name in _SPACES:
            return before + ("," if name == "," and re.match(r"\d{3}(?!\d)", self.text[at:end][:4]) else " "), at
        return before + _PLAINER.get(name, f"\\{name}"), at

    def _root(self, at: int, end: int, depth: int, before: str) -> tuple[str, int]:
        degree = ""
        if self.text.startswith("[", at) and at in self.closing and self.closing[at] < end:
            degree, at = f"[{self.between(at + 1, self.closing[at], depth + 1)}]", self.closing[at] + 1
        spot = at + len(self.text[at:end]) - len(self.text[at:end].lstrip(" ")) if self.text.startswith(" ", at) else at
        if self.text.startswith("(", spot) and spot in self.closing and self.closing[spot] < end:
            inside, at = self.between(spot + 1, self.closing[spot], depth + 1), self.closing[spot] + 1
        else:
            inside, at = self._argument(at, end, depth)
        return f"{before}\\sqrt{degree}{{{inside}}}", at


def _operand(text: str) -> str:
    return text if text.isdigit() else f"({text})"


def _script(sign: str, script: str) -> str:
    if sign == "^" and script in ("\\circ", " degrees "):
        return " degrees "
    if sign == "^" and script and not script.strip("'"):
        return script
    return f"{sign}{script}" if _SIGNED.fullmatch(script) else f"{sign}{{{script}}}"


def _repeating(whole: str, fixed: str, digits: str) -> str:
    """The fraction of a decimal whose last digits repeat: 0.1 and 6 make 1/6."""
    start = Fraction(int((whole or "0") + fixed), 10 ** len(fixed))
    return f"({start + Fraction(int(digits), (10 ** len(digits) - 1) * 10 ** len(fixed))})"
