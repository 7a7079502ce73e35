"""Where a text gives its final answer.

The rule, first that applies:

1. boxed     `\\boxed{12}`; also `<answer>12</answer>`. Neighbours joined by `or`, `and` or a comma count as one.
2. marked    `#### 12`, `The answer is 12.`, `Answer: 12`, `Final answer = 12`, and the like in a few languages.
3. guess     the value of a last question that asks no more than whether it is the answer (`Is it 12?`): see `guesses`.
4. bare      only with `bare=True` (the default): a number that ends an equation in the last sentence (`4 * 3 = 12`);
             or the last number of a last sentence that concludes (`So she pays 12 dollars.`), ends a calculation, or
             is all there is (at most 12 words). Never out of another question.

Of several answers by the same rule the last counts. A marked answer ends with its sentence or before `because`,
`since`, `which`; wrapping (quotes, `$...$`, `**`), a final full stop and `approximately` do not belong to it; currency,
percent sign and unit do. `The answer is unknown` and the like give no answer.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from sml_agents.text.answers.guesses import find_guess
from sml_agents.text.answers.plain import NUMBER
from sml_agents.text.answers.reading import read

__all__ = ["Found", "extract_answer", "find_answer", "find_answers", "numbers_after_equals"]

_LONGEST = 2_000
_SHORT = 12
_MOST = 32


@dataclass(frozen=True)
class Found:
    """A final answer and where it stands."""

    text: str
    span: tuple[int, int]
    """Start and end of the answer, in characters."""
    rule: Literal["boxed", "marked", "guess", "bare"]


_BOXED = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|(?=[\w-]))")
_BARE_BOX = re.compile(r"[\w.-]{1,40}")
_JOINT = re.compile(r"[\s$.,;]*(?:(?:and|or|,|;|\\(?:quad|text\s?\{\s*(?:and|or)\s*\}))[\s$]*)?")
_NOUN = (
    r"(?:answers?|final result|antwort|r\u00e9ponse|respuesta|resposta|risposta|\u043e\u0442\u0432\u0435\u0442"
    r"|\u7b54\u6848|\u7b54\u3048)"
)
_VERB = r"(?:is|are|was|be|equals|must be|ist|lautet|est|es|\u00e8|\u00e9|\u662f|\u4e3a|\u306f)"
_MARK = re.compile(
    rf"####[ \t]*|(?<![a-z]){_NOUN}(?: (?:to|for|of) (?:the|this|your|that) (?:\w{{1,30}} ){{0,2}}\w{{1,30}})?"
    rf"[*_\"')\]]{{0,3}}[ \t]?"
    rf"(?:(?:(?!not |cannot |never )\w{{1,30}} ){{0,2}}?{_VERB}(?![a-z])"
    r"[ \t]?(?:therefore|thus|simply|indeed|then)?[ \t]?[:\uff1a]?"
    r"|[:=\uff1a\u2192]|->|=>)[*_]{0,3}",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?](?=[\s*_\"')\]]|$)|[\u3002\uff01\uff1f]|\n")
_CLAUSE = re.compile(
    r",? (?:because|since|as we|which|where|given that|assuming|after|when|if we|but|however)\b"
    r"|, (?:so|as|and so|for)\b"
    r"|;(?= (?:so|but|this|that|it|we|i|he|she|they|the|then|therefore|thus|hence)\b)| [\u2013\u2014] | \((?=[a-z])",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:un(?:known|clear|determined|available)|missing|impossible|not|cannot|can't|depend|incomplete|undefined yet"
    r"|that|what|how|whether|to be|as follows|the following|given|found|calculated|computed|determined|obtained|needed"
    r"|required|\?)"
    r"(?![a-z]*\d)",
    re.IGNORECASE,
)
_WRAP = " \t\n*_`\"'\u201c\u201d:,;"
_QUANTITY = re.compile(rf"(?<![\w.])(?:-? ?[$\u20ac\u00a3\u00a5] ?-?|-)?{NUMBER}(?: ?/ ?\d+)?(?: ?%)?(?![\d]|\.\d)")
_EQUATION = re.compile(
    rf"[=\u2248] *(?P<value>(?:-? ?[$\u20ac\u00a3\u00a5] ?-?|-)?{NUMBER}(?: ?/ ?\d+)?(?: ?%)?)"
    r"(?![\d(*/+^]|\.\d| [-+*/x\u00d7] ?\d)"
)
_CONCLUDES = re.compile(
    r"\b(?:so|therefore|thus|hence|in total|altogether|in all|finally|this means|total of|left)\b", re.IGNORECASE
)
_HYPOTHETICAL = re.compile(r"\b(?:if|suppose|assum(?:e|ing))\b", re.IGNORECASE)
_UNDECIDED = re.compile(r"\b(?:or|maybe|between|not|cannot|\w+n't|need|missing|know)\b", re.IGNORECASE)
_UNFINISHED = re.compile(
    r"(?:[\w)] [-+*/\u00d7\u00f7] |(?:\d|\)|\b[A-Za-z])[-+*/\u00d7\u00f7])[$\u20ac\u00a3]?[\d.,]+%?$"
)
_ANNOTATION = re.compile(r"<<[^<>\n]{0,80}>>")


def extract_answer(text: str, *, bare: bool = True) -> str | None:
    """The final answer that `text` gives, or None. See the module for the rule."""
    found = find_answer(text, bare=bare)
    return found.text if found else None


def find_answer(text: str, *, bare: bool = True) -> Found | None:
    """The final answer with its place and the rule that found it, or None."""
    answers = find_answers(text, bare=bare)
    return answers[-1] if answers else None


def find_answers(text: str, *, bare: bool = True) -> list[Found]:
    """The answers given by the rule that decides, in order, the last 32 at most; empty when there is none.

    Linear in the length of the text.
    """
    return _boxed(text) or _marked(text) or _guess(text) or (_bare(text) if bare else [])


def _guess(text: str) -> list[Found]:
    span = find_guess(text)
    return [Found(text[slice(*span)], span, "guess")] if span else []


def _boxed(text: str) -> list[Found]:
    spans = _tags(text)
    last = -1
    for opening in deque(_BOXED.finditer(text), _MOST):
        start = opening.end()
        if start <= last:
            continue  # inside the box before
        word = _BARE_BOX.match(text, start)
        end = _closing(text, start) if text[start - 1] == "{" else (word.end() if word else start)
        if text[start:end].strip():
            spans.append((start, end))
            last = end
    return _joined(text, sorted(spans))


def _closing(text: str, start: int) -> int:
    """The place of the brace that closes the one before `start`; -1 when there is none near."""
    depth = 1
    for at in range(start, min(len(text), start + _LONGEST)):
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
    return -1


def _tags(text: str) -> list[tuple[int, int]]:
    """Inside the last `<answer>...</answer>`."""
    lower = text.lower()
    for tag in ("answer", "solution"):
        end = lower.rfind(f"</{tag}>")
        start = lower.rfind(f"<{tag}>", 0, end) if end >= 0 else -1
        if start >= 0 and text[start + len(tag) + 2 : end].strip():
            return [(start + len(tag) + 2, end)]
    return []


def _joined(text: str, spans: list[tuple[int, int]]) -> list[Found]:
    """Answers that stand side by side count as one: `\\boxed{3} or \\boxed{4}`."""
    groups: list[list[tuple[int, int]]] = []
    for start, end in spans:
        if groups:
            gap = text[groups[-1][-1][1] + 1 : start]
            opening = gap.rfind("\\")
            if len(gap) <= 40 and "<" not in gap and _JOINT.fullmatch(gap[: max(opening, 0)]):
                groups[-1].append((start, end))
                continue
        groups.append([(start, end)])
    return [
        Found(", ".join(text[start:end].strip() for start, end in group), (group[0][0], group[-1][1]), "boxed")
        for group in groups
    ]


def _marked(text: str) -> list[Found]:
    answers = []
    for mark in deque(_MARK.finditer(text), _MOST):
        start, end = _value_after(text, mark.end())
        value = text[start:end]
        if value and not _NOTHING.match(value):
            answers.append(Found(value, (start, end), "marked"))
    return answers


def _value_after(text: str, at: int) -> tuple[int, int]:
    """Start and end of the answer that follows a mark."""
    limit = min(len(text), at + _LONGEST)
    while at < limit and text[at] in " \t*_:\n\r":
        at += 1
    for opening, closing in (("\\[", "\\]"), ("$$", "$$")):
        if text.startswith(opening, at):
            end = text.find(closing, at + 2, limit)
            return _trimmed(text, at + 2, end if end >= 0 else limit)
    stop = _SENTENCE_END.search(text, at, limit)
    end = stop.start() if stop else limit
    clause = _CLAUSE.search(text, at + 1, end)
    return _trimmed(text, at, clause.start() if clause else end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without wrapping: quotes, emphasis, `$...$`, `\\(...\\)`."""
    while start < end and text[start] in _WRAP:
        start += 1
    while start < end and text[end - 1] in _WRAP + ".":
        end -= 1
    for opening, closing in (("\\(", "\\)"), ("$", "$")):
        inner = text[start:end]
        if len(inner) > 2 and inner.startswith(opening) and inner.endswith(closing) and inner.count(opening) <= 2:
            return _trimmed(text, start + len(opening), end - len(closing))
    return start, end


def _bare(text: str) -> list[Found]:
    """A number that ends the text's last sentence, by the last rule."""
    body = _ANNOTATION.sub(lambda found: " " * len(found.group()), text).rstrip()
    starts = [found.end() for found in _SENTENCE_END.finditer(body, 0, len(body) - 1) if found.end() < len(body)]
    start = starts[-1] if starts else 0
    sentence = body[start:]
    if not sentence.strip() or sentence.rstrip("*_\"') ").endswith(("?", "\uff1f")):
        return []
    equations = list(_EQUATION.finditer(sentence))
    numbers = list(_QUANTITY.finditer(sentence))
    if equations and not _HYPOTHETICAL.search(sentence):
        begin, end = equations[-1].span("value")
    elif numbers and not equations and _gives_result(body, start, sentence[: numbers[-1].end()], len(numbers)):
        begin, end = numbers[-1].span()
    else:
        return []
    begin, end = _trimmed(text, start + begin, start + end)
    return [Found(text[begin:end], (begin, end), "bare")]


def _gives_result(body: str, start: int, sentence: str, count: int) -> bool:
    """Whether the last number of `sentence`, which begins at `start` of `body`, is a result and not a premise."""
    if _HYPOTHETICAL.search(sentence) or _UNDECIDED.search(sentence) or _UNFINISHED.search(sentence):
        return False
    if start == 0:
        return count == 1 and len(body.split()) <= _SHORT
    return bool(_CONCLUDES.search(body, start)) or _EQUATION.search(body, 0, start) is not None


def numbers_after_equals(text: str) -> set[Fraction]:
    """The values that stand after an equals sign in `text`: the results of its steps."""
    found = (read(match["value"]).value for match in _EQUATION.finditer(_ANNOTATION.sub("", text)))
    return {value for value in found if value is not None}
