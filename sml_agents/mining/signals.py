"""What the person's words and the agent's tool calls say of how it went. Rules for English; names are theirs.

corrects(text)       `No, Saturday.`, `That's wrong`, `I meant the blue one`: the marker, or None
thanks(text)         `Perfect, thanks!`: the marker, or None
asks_anew(text)      `Now book another for Bob`: a request of its own, not a word on the last one
without_marker(text) `No, I meant Saturday.` as the answer to a question: `Saturday.`
without_apology(text) `Sorry about that! It will rain.` as if nothing had gone wrong: `It will rain.`
outcome(trace)       whether a whole conversation went well, by scores or by its last words
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sml_agents.mining.moments import Evidence
from sml_agents.text.tools import is_unparsed
from sml_agents.text.values.words import split_name
from sml_agents.types import Role, Trace, Turn

__all__ = ["Outcome", "asks_anew", "corrects", "failed_call", "outcome", "thanks", "without_apology", "without_marker"]

_CORRECTS = re.compile(
    r"^\W*(?:no\b(?! (?:problem|worries|need|thanks|more|further|rush|idea))(?=[\s,.!;:\u2014-]|$)|nope\b|wrong\b"
    r"|wait\b|not (?:that|this|the|what|on|at|for|in|quite|correct|right)\b|(?:oh |oops |sorry,? |hmm,? )*"
    r"actually\b|(?:sorry,? )?i (?:meant|said|asked (?:for|about)|wanted)\b|that(?:'s| is| was) not\b"
    r"|that isn't\b|this is not\b|should(?:n't)? (?:be|have been)\b)"
    r"|\b(?:that|this|it|which)(?:'s| is| was) (?:wrong|incorrect|not (?:right|correct|what i))\b|\bi meant\b"
    r"|\byou (?:got|have) (?:it|that|this) wrong\b|\byou (?:forgot|missed|misunderstood|ignored)\b|\btry again\b"
    r"|\b(?:instead|rather)\b(?!\?)|\bnot what i (?:asked|wanted|meant|said)\b|\b(?:it|that) should (?:be|have been)\b",
    re.IGNORECASE,
)
_ANEW = re.compile(
    r"\b(?:also|another|as well|in addition|additionally|one more|a second one|after that|by the way|and then"
    r"|what about|how about)\b|\btoo\s*(?:[,.!?]|$)|\bnext,? (?:please|can|could|i)\b",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\b(?:thanks|thank you|thx|cheers|perfect|great|awesome|excellent|wonderful|brilliant|exactly|lovely"
    r"|(?:that|it) (?:works|worked|helps|helped)|(?:that|this)(?:'s| is) (?:it|right|correct|great|good|perfect))\b",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:\W*(?:no|nope|wrong|wait|actually|sorry|oh|oops|hmm|but|well|that(?:'s| is) (?:wrong|incorrect|not right"
    r"|not what i (?:meant|wanted|asked for))|i (?:meant|said|wanted|asked for)|it should (?:be|have been)"
    r"|should (?:be|have been)|not (?:that|this)(?: one)?)\b[\s,.!;:\u2014-]*)+",
    re.IGNORECASE,
)
_OF_WHAT = r"(?:,? (?:about|for) [^.!?,;:\n]{1,60})?"
_APOLOGY = re.compile(
    rf"^(?:\W*(?:(?:oh|oops|ah|ouch|hmm|my mistake|my bad|good catch|you(?:'re| are) (?:absolutely |quite )?right"
    rf"|(?:(?:i(?:'m| am) )?(?:so |very |really )?sorry|(?:my )?apologies|i apologi[sz]e){_OF_WHAT})\b"
    r"|(?:fixed|corrected|updated|changed)(?: it| that)?(?=\W*$|[.!:;,\u2014])))+[\s,.!;:\u2014-]*",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\b(?:error|exception|traceback|failed|failure|not found|invalid|denied|timed? ?out)\b", re.IGNORECASE
)
_LONGEST = 2_000
"""Characters of a message that are looked at: complaints stand at the beginning."""


class Outcome(NamedTuple):
    good: bool | None
    """None: nobody can tell."""
    by: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()


def corrects(text: str) -> str | None:
    """The words by which a person says that the last answer was wrong."""
    found = _CORRECTS.search(text[:_LONGEST])
    return found.group().strip() if found else None


def thanks(text: str) -> str | None:
    """The words by which a person says that it was right."""
    if corrects(text):
        return None
    found = _THANKS.search(text[:_LONGEST])
    return found.group() if found else None


def asks_anew(text: str, tool: str) -> bool:
    """Whether the person asks for another piece of work: says so, asks a question, or names again what `tool` does."""
    if text.strip().endswith("?"):
        return True
    verb = split_name(tool)[0]
    again = len(verb) > 2 and re.search(rf"\b{re.escape(verb)}(?!\s+(?:it|that|this)\b)", text, re.IGNORECASE)
    return bool(again or _ANEW.search(text[:_LONGEST]))


def without_marker(text: str) -> str:
    """A correction as the plain answer to a question; the text itself when nothing else would be left."""
    rest = _LEADING.sub("", text).strip()
    return rest[0].upper() + rest[1:] if len(rest) > 1 else text


def without_apology(text: str) -> str:
    """A corrected answer without the words before it that only make sense after a mistake; empty when it has no others.

    Args:
        text: an agent's answer.
    """
    rest = _APOLOGY.sub("", text).strip()
    return rest if rest == text.strip() else rest[:1].upper() + rest[1:]


def failed_call(turn: Turn) -> bool:
    """Whether a tool of this turn gave back what reads as an error, or was called with what is no JSON."""
    return any(
        is_unparsed(call.arguments) or _FAILED.search((call.result or "")[:200]) for call in turn.tool_calls or ()
    )


def outcome(trace: Trace) -> Outcome:
    """How the whole conversation ended: by scores first, then by the person's last words."""
    scores = [score for score in trace.tags.get("scores", ()) if isinstance(score, dict)]
    values = [score["value"] for score in scores if isinstance(score.get("value"), int | float)]
    people = [score["value"] for score in scores if score.get("source") == "person"] or values
    if people:
        mean = sum(people) / len(people)
        quote = ", ".join(f"{score.get('name')}: {score.get('value')}" for score in scores)
        return Outcome(mean >= 0.5, "rule:score", 0.9, (Evidence(turn=-1, quote=quote, why="score"),))
    if trace.solved is not None:
        return Outcome(trace.solved, "rule:logged", 0.95)
    if trace.error or not trace.turns:
        return Outcome(False if trace.error else None, "rule:error", 0.8)
    last = trace.turns[-1]
    at = len(trace.turns) - 1
    words = [(n, turn.text) for n, turn in enumerate(trace.turns) if turn.role is Role.TEACHER and n]
    if words and (marker := thanks(words[-1][1])) and words[-1][0] >= at - 1:
        evidence = Evidence(turn=words[-1][0], quote=words[-1][1][:200], why=f"thanks: {marker}")
        return Outcome(True, "rule:thanks", 0.8, (evidence,))
    if last.role is Role.TEACHER and (marker := corrects(last.text)):
        return Outcome(False, "rule:correction", 0.8, (Evidence(turn=at, quote=last.text[:200], why=marker),))
    if last.role is Role.STUDENT and failed_call(last):
        return Outcome(False, "rule:tool_error", 0.6, (Evidence(turn=at, quote=last.text[:200], why="tool error"),))
    return Outcome(True, "rule:no_complaint", 0.5) if last.role is Role.STUDENT else Outcome(None, "rule:open", 0.5)
