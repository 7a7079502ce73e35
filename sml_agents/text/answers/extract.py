"""Where a text gives its final answer.

The rule, first that applies:

1. boxed     `\\boxed{12}`; also `<answer>12</answer>`. Neighbours joined by `or`, `and` or a comma count as one.
2. marked    `#### 12`, `The answer is 12.`, `Answer: 12`, `Final answer = 12`, and the like in a few languages; also
             on a line of its own under a heading `Answer`, as a bullet, or in a code block.
3. guess     the value of a last question that asks no more than whether it is the answer (`Is it 12?`): see `guesses`.
4. bare      only with `bare=True` (the default): a number that ends an equation in the last sentence (`4 * 3 = 12`);
             or the last number of a last sentence that concludes (`So she pays 12 dollars.`), ends a calculation, or
             is all there is (at most 12 words); or a line of its own after a colon. Never out of another question.
             Closing courtesies (`I hope that helps.`) are passed over.

Of several answers by the same rule the last counts. A marked answer ends with its sentence or before `because`,
`since`, `which`; wrapping (quotes, `$...$`, `**`), a final full stop and `approximately` do not belong to it; currency,
percent sign and unit do, and an alternative that follows (`12 (or 13)`). `The answer is unknown` and the like give no
answer, nor does one that is only supposed (`Suppose the answer is 12`), denied, or taken back (`12? No, that is
wrong`). Of a very long text only the end is read.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from sml_agents.text.answers.guesses import find_guess
from sml_agents.text.answers.phrases import changes_a_number
from sml_agents.text.answers.plain import NUMBER
from sml_agents.text.answers.reading import Kind, read
from sml_agents.text.answers.stance import is_courtesy, is_supposed, is_taken_back, multiplies, with_alternative
from sml_agents.text.letters import folded
from sml_agents.text.numbers import spelled_numbers

__all__ = ["Found", "extract_answer", "find_answer", "find_answers", "numbers_after_equals"]

_LONGEST = 2_000
_READ = 40_000
"""Characters at the end of a text in which an answer is looked for: read in less than a tenth of a second."""
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
_VERB = (
    r"(?:is|are|was|be|equals|must be|isn't [^.\n]{1,60}? but(?: rather)?"
    r"|ist|lautet|est|es|\u00e8|\u00e9|\u662f|\u4e3a|\u306f)"
)
_MARK = re.compile(
    rf"####[ \t]*|(?<![a-z]){_NOUN}(?: (?:to|for|of) (?:the|this|your|that) (?:\w{{1,30}} ){{0,2}}\w{{1,30}})?"
    rf"[*_\"')\]]{{0,3}}[ \t]?"
    rf"(?:(?:(?!not |cannot |never )\w{{1,30}} ){{0,2}}?{_VERB}(?![a-z])"
    r"[ \t]?(?:therefore|thus|simply|indeed|then)?[ \t]?[:\uff1a]?"
    r"|[:=\uff1a\u2192]|->|=>)[*_]{0,3}"
)
_MARK_CUES = (
    *("####", "answer", "final result", "antwort", "r\u00e9ponse", "respuesta", "resposta", "risposta"),
    *("\u043e\u0442\u0432\u0435\u0442", "\u7b54\u6848", "\u7b54\u3048"),
)
"""Of a folded text that has a mark or a heading: one of these stands in it."""
_HEADING = re.compile(
    rf"^[#*_> \t]{{0,8}}(?:(?:the|final|my|correct) ){{0,2}}{_NOUN}[*_:# \t]{{0,8}}\r?\n", re.MULTILINE
)
_BULLET = re.compile(r"[ \t]*(?:[-*+\u2022\u2013] |\d{1,2}[.)] )[ \t]*(\S[^\n]{0,200})")
_FENCE = re.compile(r"```[\w+-]{0,20}[ \t]*\n?|~~~\n?")
_NOT_BUT = re.compile(r"not [^.!?\n]{1,60}?,? but (?:rather |instead )?", re.IGNORECASE)
_CHANGED = re.compile(
    r" ?(?:squared|cubed|factorial|!|hundred|thousand|million|billion|trillion|dozen|and an? (?:half|quarter)|[kMB]\b"
    r"|percent|per cent)(?![a-z])",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\b(?:is|are|was|equals|makes|gives|leaves|has|have|gets?|pays?|costs?|needs?)\b", re.IGNORECASE)
_SAYS_NEXT = re.compile(rf"{_SAYS.pattern}(?: (?:about|exactly|only|just|a total of))?\s+$", re.IGNORECASE)
_BREAK = re.compile(r"[,;:(]|\b(?:which|that|because|since|so|as)\b", re.IGNORECASE)
_SIGN_BEFORE = re.compile(r"(?<![\w)])[-\u2212]\s?\\(?:boxed|fbox)\s*\{?$")
_BEHIND_BOX = re.compile(
    r"[$\s)\\]{0,4}(?:\^[^$]{1,12}|(?:squared|cubed|factorial|hundred|thousand|million|billion|dozen)\b)"
)
_DISPLAY = re.compile(r"(?:\$\$|\\\[)\s*(?P<inside>[^$\n]{1,400}?)\s*(?:\$\$|\\\])\W*$")
_LAST_LINE = re.compile(r":[ \t*_]*\n\s*(?P<inside>[^\n]{1,80})$")
_SENTENCE_END = re.compile(r"[.!?](?=[\s*_\"')\]]|$)|[\u3002\uff01\uff1f]|\n")
_CLAUSE = re.compile(
    r",? (?:because|since|as we|which|where|given that|assuming|after|when|if we|but|however)\b"
    r"|,? (?:and|but) (?:that|this|it|i)\b|,? (?:and )?(?:not|rather than|instead of)\b"
    r"|, (?:so|as|and so|for)\b"
    r"|;(?= (?:so|but|this|that|it|we|i|he|she|they|the|then|therefore|thus|hence)\b)"
    r"| [\u2013\u2014] (?!\d)| \((?=[a-z])",
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
_QUANTITY = re.compile(
    rf"(?=[-$\u20ac\u00a3\u00a5. \d])(?<![\w.])(?:-? ?[$\u20ac\u00a3\u00a5] ?-?|-)?{NUMBER}"
    r"(?: ?/ ?\d+)?(?: ?%)?(?![\d]|\.\d)"
)
_EQUATION = re.compile(
    rf"[=\u2248] *(?P<value>(?:-? ?[$\u20ac\u00a3\u00a5] ?-?|-)?{NUMBER}(?: ?/ ?\d+)?(?: ?%)?)"
    r"(?![\d(*/+^]|\.\d| [-+*/x\u00d7] ?\d)"
)
_CONCLUDES = re.compile(
    r"\b(?:so|therefore|thus|hence|in total|altogether|in all|in the end|finally|this means|total of|left)\b",
    re.IGNORECASE,
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


@lru_cache(maxsize=64)  # the act, the verdict and the leak guard read the same reply, one after the other
def find_answers(text: str, *, bare: bool = True) -> tuple[Found, ...]:
    """The answers given by the rule that decides, in order, the last 32 at most; empty when there is none.

    Linear in the length of the text, of which the last 40,000 characters are read.
    """
    offset = max(len(text) - _READ, 0)
    end = text[offset:] if offset else text
    for rule in (_boxed, _marked, _guess, _bare) if bare else (_boxed, _marked, _guess):
        answers = [found for found in rule(end) if not is_supposed(end[: found.span[0]])]
        if answers and not is_taken_back(end, answers[-1].span[1]):
            if not offset:
                return tuple(answers)
            return tuple(Found(a.text, (a.span[0] + offset, a.span[1] + offset), a.rule) for a in answers)
    return ()


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
        if text[start:end].strip() and not multiplies(text[: opening.start()]):
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
    if "</" not in text:
        return []
    lower = folded(text)
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
    found = []
    for group in groups:
        end = with_alternative(text, group[-1][1], len(text))
        sign = "-" if _SIGN_BEFORE.search(text, max(0, group[0][0] - 12), group[0][0]) else ""
        if (behind := _BEHIND_BOX.match(text, group[-1][1] + 1)) is not None:
            end = max(end, behind.end())
        said = sign + ", ".join(text[one:other].strip() for one, other in group)
        found.append(Found(said + text[group[-1][1] : end].replace("}", " ", 1), (group[0][0], end), "boxed"))
    return found


def _marked(text: str) -> list[Found]:
    lower = folded(text)
    if not any(cue in lower for cue in _MARK_CUES):
        return []
    answers: dict[int, Found] = {}
    for mark in deque(_MARK.finditer(lower), _MOST):
        found = _after(text, mark.end())
        if found is not None:
            answers[found.span[0]] = found
    for heading in deque(_HEADING.finditer(lower), _MOST):
        found = _after(text, heading.end())
        if found is not None and (len(found.text) <= 40 or found.text.startswith("\\")):
            answers.setdefault(found.span[0], found)
    return [answers[start] for start in sorted(answers)]


def _after(text: str, at: int) -> Found | None:
    """The answer that follows a mark, if one does."""
    limit = min(len(text), at + _LONGEST)
    line = at
    while line < limit and text[line] in " \t*_:\r":
        line += 1
    if line < limit and text[line] == "\n" and (bullets := _bullets(text, line, limit)):
        spans = [_trimmed(text, *span) for span in bullets]
        return Found(", ".join(text[start:end] for start, end in spans), (spans[0][0], spans[-1][1]), "marked")
    start, end = _value_after(text, at, limit)
    value = text[start:end]
    return Found(value, (start, end), "marked") if value and not _NOTHING.match(value) else None


def _bullets(text: str, at: int, limit: int) -> list[tuple[int, int]]:
    """The entries of the list that begins on the lines after `at`."""
    found = []
    while at < limit:
        while at < limit and text[at] in "\r\n":
            at += 1
        bullet = _BULLET.match(text, at, limit)
        if bullet is None:
            break
        found.append(bullet.span(1))
        at = bullet.end()
    return found


def _value_after(text: str, at: int, limit: int) -> tuple[int, int]:
    """Start and end of the answer that follows a mark."""
    while at < limit:
        if text[at] in " \t*_:\n\r":
            at += 1
        elif (fence := _FENCE.match(text, at, limit)) is not None:
            at = fence.end()
        else:
            break
    for opening, closing in (("\\[", "\\]"), ("$$", "$$")):
        if text.startswith(opening, at):
            end = text.find(closing, at + 2, limit)
            return _trimmed(text, at + 2, end if end >= 0 else limit)
    if (denied := _NOT_BUT.match(text, at, limit)) is not None:
        at = denied.end()
    stop = _SENTENCE_END.search(text, at, limit)
    end = stop.start() if stop else limit
    clause = _CLAUSE.search(text, at + 1, end)
    if clause is not None and not (clause[0] == " (" and changes_a_number(text[clause.end() : end])):
        end = clause.start()
    start, end = _trimmed(text, at, end)
    return (start, with_alternative(text, end, limit)) if end > start else (start, end)


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
    body = _FENCE.sub(_blank, _ANNOTATION.sub(_blank, text)).rstrip()
    starts = [0, *(m.end() for m in _SENTENCE_END.finditer(body, 0, max(len(body) - 1, 0)) if m.end() < len(body))]
    for _ in range(3):
        if len(starts) > 1 and is_courtesy(body[starts[-1] :]):
            body = body[: starts.pop()].rstrip()
            starts = [start for start in starts if start < len(body)]
    start = starts[-1] if starts and body[: starts[-1]].strip() else 0
    sentence = body[start:]
    if not sentence.strip() or sentence.rstrip("*_\"') ").endswith(("?", "\uff1f")):
        return []
    if (line := _DISPLAY.search(body, max(len(body) - 500, 0)) or _LAST_LINE.search(body)) is not None:
        begin, end = _trimmed(text, *line.span("inside"))
        if read(text[begin:end]).kind in (Kind.VALUE, Kind.FORMULA):
            return [Found(text[begin:end], (begin, end), "bare")]
    equations = list(_EQUATION.finditer(sentence))
    numbers = [found.span() for found in _QUANTITY.finditer(sentence)]
    if not numbers:
        numbers = [(one, other) for one, other, value in spelled_numbers(sentence) if value != 1]
        if numbers and not (
            _SAYS_NEXT.search(sentence[: numbers[-1][0]]) or (start == 0 and _is_named(sentence, numbers))
        ):
            numbers = []
    if equations and not _HYPOTHETICAL.search(sentence):
        begin, end = equations[-1].span("value")
    elif numbers and not equations and _gives_result(body, start, sentence[: numbers[-1][1]], len(numbers)):
        begin, end = numbers[-1]
    else:
        return []
    unit = _CHANGED.match(sentence, end)
    end = unit.end() if unit else end
    before = "" if equations else _SAYS.split(sentence[:begin])[-1]
    if changes_a_number(before) or _goes_on(sentence, end):
        return []
    begin, end = _trimmed(text, start + begin, start + end)
    return [Found(text[begin:end], (begin, end), "bare")]


def _goes_on(sentence: str, end: int) -> bool:
    """Whether the words behind a number change it or give another: `7 short of ten`, `12 or thirteen`."""
    behind = _BREAK.split(sentence[end : end + 200])[0]
    return (
        changes_a_number(behind, behind=True)
        or any(value != 1 for _, _, value in spelled_numbers(behind))
        or with_alternative(sentence, end, len(sentence)) > end
    )


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found.group())


def _is_named(sentence: str, numbers: list[tuple[int, int]]) -> bool:
    """Whether a sentence says no more than a spelled number: `Twelve.`, `Twelve pens.`"""
    start, end = numbers[-1]
    return len(numbers) == 1 and not sentence[:start].strip(_WRAP) and len(sentence[end:].split()) <= 1


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
