"""Values that are said and not meant: what others said, one of several that were offered, the hour that it is now."""

from __future__ import annotations

import re

from sml_agents.agents.evidence import Piece
from sml_agents.text.values import Span

__all__ = ["is_aside", "is_the_hour"]

_QUOTED = re.compile(
    r"(?<!\bI )(?<!\bich )(?<!\bwe )\b(?:wrote|writes|said|says|told me|texted|schrieb|sagte|sagt"
    r"|meinte|dijo|dice|escribi[o\u00f3]|a dit|dit|a \u00e9crit|ha detto|ha scritto)\b[:,]?\s*"
    r"[\"'\u201c\u201e\u2018\u00ab]\s*(?P<words>[^\"\u201d\u201c\u2019\u00bb]{8,}?)"
    r"[\"'\u201d\u201c\u2019\u00bb](?!\w)",
    re.IGNORECASE,
)
_OR_MORE = re.compile(
    r"(?:\s*,[^,.;:?!\n]{1,40}){0,4},?\s*\b(?:or|oder|ou|o|oppure)\s+(?!(?:do|would|should|shall|can|could|is|are|will|did|not|no"
    r"|another|some|any|else|maybe|how|what|when|where|which|if|m\u00f6cht\w*|soll\w*|woll\w*|etwas|quiere\w*|pr\u00e9f\w*)\w*\b)\w",
    re.IGNORECASE,
)
_OR_BEFORE = re.compile(r"\b(?:or|oder|ou|o|oppure)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
_THE_HOUR = re.compile(
    r"\b(?:it is|it['\u2019]s|es ist|son las|es la|il est|sono le)\s+(?:now |already |only |jetzt |schon |erst |ya )?$",
    re.IGNORECASE,
)


def is_aside(piece: Piece, span: Span) -> bool:
    """Whether a value stands in what the person quotes of others, or in an offer of several that a mere yes leaves
    open."""
    if piece.source == "said":
        return any(one.start("words") <= span.start < one.end("words") for one in _QUOTED.finditer(piece.text))
    if piece.source == "offered":
        return bool(_OR_MORE.match(piece.text, span.end) or _OR_BEFORE.search(piece.text[: span.start]))
    return False


def is_the_hour(piece: Piece, span: Span) -> bool:
    """`It is 8 pm here`, unless that answers a question."""
    return not piece.question and bool(_THE_HOUR.search(piece.text[: span.start]))
