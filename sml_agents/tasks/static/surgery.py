"""Cutting and turning sentences of word problems by rule: clauses, numbers, and questions made of statements."""

from __future__ import annotations

import itertools
import re

from sml_agents.text.numbers import NUMBER_WORDS

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
    "this that these those all some half with by to of "
    "both another if when "
)
LOWER_FIRST = frozenset(LOWER_FIRST_WORDS.split()) | NUMBER_WORDS
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


_LEAD_IN = re.compile(r"^(?:[^,]{1,40}),\s+")
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would|gets?|got|takes?|took|costs?|read|went|spent|made|"
    r"sold|bought|gave|ran|drove|ate|paid|left|caught|found|won|lost|kept|sent|brought|grew|built|wrote|drank|earn|need|want|"
    r"buy|sell|make|eat|give|find|use|work|pay|spend|\w+ed|\w+s)\b"
)
_HANGS = re.compile(
    r"\b(?:a|an|the|of|for|and|or|but|with|to|by|than|in|on|at|from|is|are|was|were|who|which|that)$|"
    r"\b(?:of|for|with|by|to|from|at) (?:of|for|with|by|to|from|at|in|on|per|each|up)\b|"
    r"\bthat (?:costs?|weighs?|has|have|is|are) ?(?:each)?$|\bthat \w+ (?:him|her|them|it)\b|"
    r"\b(?:with|of|for) \w+ed\b|\b(\w+) \1\b"
)
_LONGEST_QUESTION = 18
"""Words."""


def indirect_question(sentence: str, start: int, end: int) -> str:
    """'Weng earns $12 an hour.' -> 'Could you tell me how much Weng earns an hour?' (number fronted, order kept).

    Only the clause around the number is asked about. Empty where no question comes out that reads: nothing but a noun,
    no verb, a second clause, or an end that hangs.
    """
    begin, finish = own_clause(sentence, start, end)
    sentence, start, end = sentence[begin:finish], start - begin, end - begin
    lead_in = _LEAD_IN.match(sentence[:start])
    if lead_in is not None:
        sentence, start, end = sentence[lead_in.end() :], start - lead_in.end(), end - lead_in.end()
    token, before, after = sentence[start:end], sentence[:start], sentence[end:]
    if token.endswith("%"):
        ask, rest = "what percent", after
    elif token.startswith("$"):
        ask, rest = "how much", after
    else:
        noun = re.match(
            r"\s*((?:[a-z-]+\s+){0,1}?(?:[a-z-]*[a-rt-z]s|people|children|men|women|feet|hours?|minutes?))\b"
            r"(\s+of\s+(?:the\s+|his\s+|her\s+|their\s+)?[a-z-]+)?",
            after,
        )
        if noun is None or len(noun.group().strip()) > 40:
            return ""
        ask, rest = f"how many {noun.group().strip()}", after[noun.end() :]
        if noun.group(2) and re.fullmatch(r"\s*[a-z-]+s[.,!]?", rest):
            return ""  # `packs of baseball cards`: the noun goes on
    before = _LEAD.sub("", before).strip()
    first, _, others = before.partition(" ")
    if first.lower() in LOWER_FIRST:
        before = f"{first.lower()} {others}".strip()
    price = " for" if token.startswith("$") and before.endswith(" for") else ""
    before = re.sub(r"\b(?:about|exactly|only|just|a total of|another|at least|for)$", "", before.rstrip()).rstrip(" ,")
    body = re.sub(r"\s+", " ", f"{before} {rest}").strip(" .,;!?:")
    return "" if _garbled(ask, body) else f"Could you tell me {ask} {body}{price}?"


def _garbled(ask: str, body: str) -> bool:
    """Whether a question of these two parts would not read."""
    words = body.split()
    return (
        len(words) < 2
        or len(words) + len(ask.split()) > _LONGEST_QUESTION
        or re.search(r"[\d\"();:$%\u201c\u201d]|, ", body) is not None
        or re.search(r"\b(?:and|but|if|when|while|because|so|how|what|who|which|where)\b", body) is not None
        or re.match(r"(?:more|less|fewer|old|long|per|times|of|on|in|at|by|to|from|for|with)\b", body) is not None
        or _VERB.search(body) is None
        or _HANGS.search(body) is not None
        or re.search(r" (?:less|more|fewer|times|half)$", ask) is not None
    )


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
