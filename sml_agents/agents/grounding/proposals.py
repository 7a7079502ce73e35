"""What the agent proposes: a number in its own offer, for the one argument that takes one."""

from __future__ import annotations

import re

from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.pieces import Piece
from sml_agents.text.values import Span, find, fold, mentions, tokens
from sml_agents.text.values.counts import counts_in
from sml_agents.text.values.words import clause_of, listed, split_name

__all__ = ["PREPOSITIONS", "is_proposed"]

PREPOSITIONS = frozenset(listed("to at in on from by with under is please and"))
"""Behind a number that stands without a unit."""
_PROPOSES = re.compile(
    r"(?:(?:so|ok|okay|then|well|great|also|and|und|yes|right|perfect|is|that'?s|that is|that would be)[,:]? )*"
    r"(?:(?:(?:shall|should|may|can|could) (?:i|we) |(?:soll|darf|kann) ich |sollen wir "
    r"|i (?:would|will|can) |i'(?:ll|d) |i'?m going to |do you want (?:me )?to |would you like (?:me )?to )"
    r"(?:(?:now|then|just) )?(?:[^\W\d_]+ )?)?(?:(?:it|them|her|him|you|up|down|to|the|exactly|ihm|ihr|es|auf) )*"
)
"""What stands before a number that the agent proposes: `Shall I send`, `So`."""
_ARTICLE = frozenset(listed("a an of in on at within with after by from for until than row number"))


def is_proposed(draft: Draft, k: int, piece: Piece, span: Span) -> bool:
    """Whether an offer proposes a number for the one argument that takes one: `Shall I send 25 euros?`, `amount: 25`.

    Not `one such hotel`, `with 1 transfer`, `a fee of 2 euros`, nor one of two, nor where the reply has another."""
    kind, text = draft.kinds[k], piece.text
    here = {one.value for one in mentions(kind, text, draft.clock)}
    if any(
        one.value not in here
        for _, reply in draft.said
        if reply.at == piece.at
        for one in mentions(kind, reply.text, draft.clock)
    ):
        return False
    name = " ".join(split_name(draft.fills[k].slot.own_name))
    before = fold(text[: span.start]).rstrip("$\u20ac\u00a3 ") + " "
    named = re.search(
        rf"(?:^|[^\w\s]\s*|\b(?:an?|the|is|your|and|so) ){re.escape(name)}(?: of| is| to| ?[:=]) $", before
    )
    if named and named.group().endswith((": ", "= ")):
        return True
    if draft.rivals(k) or len(here) != 1:
        return False
    if named or before.endswith(": "):
        return bool(named)
    clause = clause_of(text, span)
    values = [
        one.span
        for j, fill in enumerate(draft.fills)
        if j != k and fill.given
        for one in find(draft.kinds[j], fill.value, text, draft.clock)
    ]
    words = [
        one.plain
        for one in tokens(text)
        if clause.start <= one.start < span.start and not any(at.overlaps(Span(one.start, one.end)) for at in values)
    ]
    found = _PROPOSES.fullmatch("".join(f"{word} " for word in words))
    if found is None or (words and words[-1] in _ARTICLE):
        return False
    after = [one for one in tokens(text) if one.start >= span.end][:1]
    ends = not after or not text[span.end : after[0].start].isspace() or after[0].plain in PREPOSITIONS
    return (
        ends
        or kind.counts_things
        or counts_in(kind, after[0].plain)
        or any(at.start == after[0].start for at in values)
    )
