"""Which expressions algebra can read, and how they are handed to it.

An expression is handed on only if each of its signs is known here: what algebra would drop (`\\angle`, `A'`, words,
`11 \\to 12`, `1 2`) is never read by it. What no honest answer needs is too much: long digit runs, deep braces, towers
of powers, large binomials.
"""

from __future__ import annotations

import re

from sml_agents.text.answers.plain import NUMBER, number

__all__ = ["for_algebra", "too_much_for_algebra"]

_MAX_CHARS = 400
_MAX_BRACES = 12
_MAX_POWER = 1_000
_MAX_POWER_OF_SUM = 40
_DIGITS = re.compile(r"\d{60}")
_POWER = re.compile(r"([)}\]]?)\s*\^\s*[{(]?\s*-?\s*(\d+)")
_TOWER = re.compile(r"\^[^+\-*/=,;&]{0,40}\^|\*\*[^+\-*/=,;&]{0,40}\*\*")
_FACTORIAL = re.compile(r"(?:\d{4,}|[)}\]])\s*!|!\s*!|\^[^!]{0,40}!")
_BINOMIAL = re.compile(r"\\binom\{[^{}]*\d{4}|\\binom\{[^{}]*\}\{[^{}]*\d{4}|\\binom\{[^{}]*\{")
_HEAVY = re.compile(r"\\(?:int|sum|prod|lim)(?![a-z])")

_FUNCTIONS = (
    *("arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln"),
    "exp",
)
_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi"),
    *("rho", "sigma", "tau", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Sigma", "Phi", "Omega", "pi"),
)
_COMMANDS = {f"\\{name}" for name in (*_FUNCTIONS, *_GREEK, "sqrt", "binom", "infty")}
_NAMED = re.compile(rf"(?<![\\A-Za-z])({'|'.join((*_FUNCTIONS, 'pi', 'sqrt'))})(?![A-Za-z])")
_DEGREES = re.compile(rf"({NUMBER}) degrees")
_TOKEN = re.compile(
    rf"(?P<number>{NUMBER})|(?P<command>\\[A-Za-z]+)|(?P<letters>[A-Za-z]+)|(?P<sign>[-+*/^_!(){{}}\[\]|])|\s+"
)
_MOST_LETTERS = 3
"""More letters in a row are a word and no product."""


def too_much_for_algebra(spelled: str) -> bool:
    """Whether an expression asks more of algebra than an answer can need. Linear, and without computing anything."""
    if len(spelled) > _MAX_CHARS or _depth(spelled) > _MAX_BRACES:
        return True
    if any(pattern.search(spelled) for pattern in (_DIGITS, _TOWER, _FACTORIAL, _BINOMIAL, _HEAVY)):
        return True
    return any(int(power[:9]) > (_MAX_POWER_OF_SUM if sum_ else _MAX_POWER) for sum_, power in _POWER.findall(spelled))


def for_algebra(spelled: str) -> str | None:
    """LaTeX that says all that `spelled` (in the spelling of `plain`) says; None when a sign of it is not known."""
    spelled = _DEGREES.sub(r"(\1*\\pi/180)", _NAMED.sub(r"\\\1", spelled))
    out: list[str] = []
    at, last = 0, ""
    while at < len(spelled):
        token = _TOKEN.match(spelled, at)
        if token is None:
            return None
        kind, text, at = token.lastgroup or "", token.group(), token.end()
        if not kind:
            continue
        if kind == "number":
            value = number(text)
            if value is None or last in ("number", "letters"):
                return None  # 1 2 is no number, and x2 no product
            text = text if value.denominator == 1 and text.isdigit() else f"({value})"
            if out and out[-1] in ("^", "_"):
                text, kind = f"{{{text}}}", "script"
        elif kind == "command" and text not in _COMMANDS:
            return None
        elif kind == "letters":
            if len(text) > _MOST_LETTERS:
                return None
            if out and out[-1] in ("^", "_"):
                at -= len(text) - 1
                text, kind = f"{{{text[0]}}}", "script"
            else:
                text = f" {text} "
        elif text == "^" and spelled.startswith("-", at):
            minus = re.compile(r"-(\d+|[A-Za-z])").match(spelled, at)
            if minus is None:
                return None
            out, text, at, kind = [*out, "^"], f"{{{minus[0]}}}", minus.end(), "sign"
        elif (text == "[" and (not out or out[-1] != "\\sqrt")) or (text == "_" and last == "number"):
            return None
        out.append(text)
        last = kind
    return _braced("".join(out)) if last else None


def _braced(latex: str) -> str | None:
    """With braces in place of the parentheses after `^` and `\\sqrt`; None when brackets do not match."""
    stack: list[str] = []
    out: list[str] = []
    for place, letter in enumerate(latex):
        if letter in "({[":
            before = latex[:place].rstrip()
            swap = letter == "(" and (before.endswith(("^", "\\sqrt")))
            stack.append("}" if swap else {"(": ")", "{": "}", "[": "]"}[letter])
            out.append("{" if swap else letter)
        elif letter in ")}]":
            if not stack or (stack[-1] != letter and not (letter == ")" and stack[-1] == "}")):
                return None
            out.append(stack.pop())
        else:
            out.append(letter)
    return "".join(out) if not stack else None


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        if letter in "{([":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "})]":
            depth -= 1
    return deepest
