"""Cutting and turning sentences of word problems by rule: clauses, numbers, and questions made of statements."""

from __future__ import annotations

import itertools
import re

__all__ = [
    "LOWER_FIRST",
    "clauses",
    "condition_with",
    "indirect_question",
    "own_clause",
    "statement_of",
    "without_number",
]

LOWER_FIRST_WORDS = (
    "a an the there each every he she it they his her its their in on at after before during for from "
    "this that these those all some one two three four five six seven eight nine ten half with by to of "
    "both another if when "
)
LOWER_FIRST = frozenset(LOWER_FIRST_WORDS.split())
_JOINT = re.compile(
    r"(?:[,;]\s*(?:and|but|while|so|or)\s+|;\s*|,\s+(?=(?:he|she|they|it|the|her|his|[A-Z])\b)|"
    r"\band\s+(?=(?:he|she|they|it|the|each|one|[A-Z][a-z]+)\b))"
)
_OPENING = re.compile(
    r"(?:in|on|at|when|after|before|if|every|for|out|during|while|as|since|because|yesterday|today)\b", re.I
)
_TAIL = re.compile(r"\s+and\s+(?:has|have|had|is|are|was|were|gets?|sells?|sold|\$?\d)\b|[,;]")
_LEAD = re.compile(
    r"^(?:and|but|then|also|so|if|however|additionally|finally|suppose|given|assume|meanwhile|plus)\b,?\s+(?:that\s+)?",
    re.I,
)


def own_clause(sentence: str, start: int, end: int) -> tuple[int, int]:
    """The part of a compound sentence to which the number belongs."""
    before, after = sentence[:start], sentence[end:]
    begin = max((m.end() for m in _JOINT.finditer(before)), default=0)
    joint = _JOINT.search(after) or _TAIL.search(after)
    return begin, end + joint.start() if joint else len(sentence)


def indirect_question(sentence: str, start: int, end: int) -> str:
    """'Weng earns $12 an hour.' -> 'Could you tell me how much Weng earns an hour?' (number fronted, order kept)."""
    begin, finish = own_clause(sentence, start, end)
    sentence, start, end = sentence[begin:finish], start - begin, end - begin
    token, before, after = sentence[start:end], sentence[:start], sentence[end:]
    if token.endswith("%"):
        ask = "what percent"
        rest = after
    elif token.startswith("$"):
        ask, rest = "how much", after
    else:
        noun = re.match(
            r"\s*((?:[a-z-]+\s+){0,1}?[a-z-]+(?:s|people|children|men|women|feet|hours?|minutes?))\b", after
        )
        near = re.match(r"\s*([a-z-]+)\b", after)
        phrase = noun.group(1) if noun and len(noun.group(1)) < 25 else near.group(1) if near else ""
        if phrase:
            rest = after[after.index(phrase) + len(phrase) :]
            ask = f"how many {phrase}"
        else:
            ask, rest = "what number", after
    before = _LEAD.sub("", before).strip()
    first, _, others = before.partition(" ")
    if first.lower() in LOWER_FIRST:
        before = f"{first.lower()} {others}".strip()
    before = re.sub(r"\b(?:about|exactly|only|just|a total of|another|at least)$", "", before.rstrip()).rstrip(" ,")
    body = re.sub(r"\s+", " ", f"{before} {rest}").strip(" .,;!?:")
    return f"Could you tell me {ask} {body}?"


def without_number(sentence: str, start: int, end: int, style: str) -> str | None:
    """The sentence with its number made vague or left out, or None where that would not read."""
    token, before, after = sentence[start:end], sentence[:start], sentence[end:]
    if token.endswith("%") or re.match(
        r"\s*(?:%|percent|times|more|less|fewer|/|-|th|st|nd|rd|of\b|am|pm|:)", after, re.I
    ):
        return None
    if re.search(
        r"(?:\b(?:the|first|last|every|than|by|another|next|per|each|his|her|its|their|my|our|is|are|was|all|only|just|least|most|of|age|level|grade|#)|[/:-])\s*$",
        before,
        re.I,
    ):
        return None
    if token.startswith("$"):
        if not re.match(r"\s*(?:[.,;!?]|$|for|each|per|an?\b|on|to|from|in|and|every|at)", after):
            return None
        return f"{before}a certain amount{after}" if style == "vague" else None
    noun = re.match(r"\s+([a-z-]+)", after)
    if noun is None or not noun.group(1).endswith(("s", "people", "children", "men", "women", "feet")):
        return None
    if style == "vague":
        return f"{before}some{after}"
    return None if before.strip() == "" else f"{before}{after.lstrip()}"


def clauses(sentence: str) -> list[tuple[int, int]]:
    """Spans of clauses that may be cut: after a comma or semicolon, up to the next one, holding their own number."""
    cuts = [m.start() for m in re.finditer(r"[,;](?!\d)", sentence)] + [len(sentence.rstrip(".!"))]
    spans = []
    for begin, finish in itertools.pairwise(cuts):
        body, left, right = sentence[begin + 1 : finish].strip(), sentence[:begin], sentence[finish:].strip(" .,!?")
        if len(left.split()) < 4 or (_OPENING.match(left) and not right):
            continue  # what stays would be no sentence
        if (
            re.match(r"(?:and\s+)?(?:[A-Z][a-z]+|he|she|they|it|each|every|the|his|her|another|\$?\d)\b", body)
            and len(body.split()) > 2
        ):
            spans.append((begin, finish))
    return spans


def condition_with(question: str, start: int, end: int) -> str | None:
    """The 'if ...' part of a question that holds the number, or None: only that can be told as a fact of its own."""
    match = re.match(
        r"(?:If|When|Suppose|Assuming|Given)\b[^?]*?(?=,\s+(?:how|what|calculate|find|then)\b)", question, re.I
    )
    if match is None or not match.start() <= start < end <= match.end():
        return None
    begin, finish = own_clause(match.group(), start, end)
    return match.group()[begin:finish].strip()


def statement_of(removed: str) -> str:
    text = _LEAD.sub("", removed.strip())
    return text[0].upper() + text[1:].rstrip(".,;!? ") + "." if text else text
