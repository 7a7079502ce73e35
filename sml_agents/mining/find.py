"""Rules that find teachable moments in a recorded conversation.

For each request and the agent's turn on it, the first that applies (A is the agent's turn, P the person's next one, B
the agent's turn after that):

asked      A asks (its act is `clarification` or `interrogation`), P does not complain, B goes ahead, and P's
           next words do not correct it
mistake    P corrects, and the value that B changed, or all that P says, had been said by the person before A
corrected  P corrects (`No, ...`), and B goes ahead
late_fact  P does not complain, and B calls the same tool again with an argument that P names
answered   A goes ahead, P does not correct it, and there is nothing of the above

`+argument` in the rule's name: a tool was called again with a changed argument that P names, the strongest sign.
"""

from __future__ import annotations

from sml_agents.mining.moments import Evidence, Kind, Moment
from sml_agents.mining.signals import (
    Change,
    changed,
    corrects,
    failed_call,
    mentions,
    outcome,
    thanks,
    without_marker,
)
from sml_agents.roles.acts import ActLabel, classify
from sml_agents.text.words import content_words, keywords_of
from sml_agents.types import Act, Role, Trace, Turn

__all__ = ["find_moments", "label"]

_ASKING = (Act.CLARIFICATION, Act.INTERROGATION)


def label(turn: Turn) -> ActLabel:
    """What an agent's turn does. One that used tools, or tells something without asking, is an answer."""
    if turn.act is not None:
        return ActLabel(turn.act, turn.act_by, turn.act_span)
    found = classify(turn.text, turn.finish)
    if found.act in _ASKING or found.act in (Act.REFUSE, Act.ANSWER_ATTEMPT):
        return found
    if turn.tool_calls:
        return ActLabel(Act.ANSWER_ATTEMPT, "rule:acted")
    return ActLabel(Act.ANSWER_ATTEMPT, "rule:told") if found.act is Act.DISCUSSION else found


def find_moments(trace: Trace) -> list[Moment]:
    """The moments of one conversation, in order; none where nobody can tell what happened."""
    found: list[Moment] = []
    turns = trace.turns
    at = 1 if turns and turns[0].role is Role.TEACHER else 2
    while at < len(turns):
        moment = _moment(trace, at)
        if moment is not None:
            found.append(moment)
            at = moment.answer
        at += 2
    return found


def _moment(trace: Trace, at: int) -> Moment | None:
    turns = trace.turns
    turn = turns[at]
    act = label(turn).act
    if at > 1 and turns[at - 1].role is Role.TEACHER and _only_thanks(turns[at - 1].text):
        return None  # nothing was asked for
    said = turns[at + 1] if at + 1 < len(turns) else None
    then = turns[at + 2] if at + 2 < len(turns) else None
    if act in _ASKING:
        return _asked(trace, at) if said is not None and then is not None else None
    if act is not Act.ANSWER_ATTEMPT:
        return None
    if said is None or then is None or label(then).act is not Act.ANSWER_ATTEMPT:
        return _answered(trace, at)
    marker = corrects(said.text)
    named = [change for change in changed(turn.tool_calls, then.tool_calls) if mentions(said.text, change.now)]
    if marker is None and not named:
        return _answered(trace, at)
    return _corrected(trace, at, marker, named)


def _corrected(trace: Trace, at: int, marker: str | None, named: list[Change]) -> Moment | None:
    turns = trace.turns
    said = turns[at + 1]
    good, by, sure, evidence = _end_of(trace, at + 2)
    if good is False:
        return None
    quotes = [Evidence(turn=at + 1, quote=said.text[:300], why=marker or "names the changed argument")]
    quotes += [
        Evidence(turn=at + 2, quote=f"{one.argument}: {one.before!r} -> {one.now!r}"[:300], why=f"{one.tool} again")
        for one in named
    ]
    before = "\n".join(turn.text for turn in turns[:at] if turn.role is Role.TEACHER)
    known = bool(named) and all(mentions(before, one.now) for one in named)
    if known or (not named and _says_nothing_new(said.text, before)):
        sure *= 0.75
        return Moment(
            kind=Kind.MISTAKE,
            trace=trace.id,
            at=at,
            answer=at + 2,
            by="rule:said_before",
            outcome_by=by,
            confidence=round(sure, 2),
            evidence=(*quotes, *evidence),
        )
    if named:
        names = [one.argument.replace("_", " ").strip() for one in named]
        fact, question = named[0].argument, _question(names, named[0].now)
        sure = min(1.0, sure * (1.3 if marker else 1.1))
    else:
        words = keywords_of(without_marker(said.text), before)[:3] or tuple(content_words(said.text))[:3]
        if not words:
            return None
        fact, question = "_".join(words), f"Could you tell me more about this: {' '.join(words)}?"
        sure *= 0.6
    rule = "correction" if marker else "late"
    return Moment(
        kind=Kind.CORRECTED if marker else Kind.LATE_FACT,
        trace=trace.id,
        at=at,
        told=at + 1,
        answer=at + 2,
        fact=fact,
        question=question,
        by=f"rule:{rule}{'+argument' if named else ''}",
        outcome_by=by,
        confidence=round(sure, 2),
        evidence=(*quotes, *evidence),
    )


def _asked(trace: Trace, at: int) -> Moment | None:
    turns = trace.turns
    said, then = turns[at + 1], turns[at + 2]
    if corrects(said.text) or label(then).act is not Act.ANSWER_ATTEMPT:
        return None
    good, by, sure, evidence = _end_of(trace, at + 2)
    if good is False:
        return None
    used = [
        name
        for call in then.tool_calls or ()
        for name, value in call.arguments.items()
        if mentions(said.text, value) and not mentions(turns[at - 1].text, value)
    ]
    fact = used[0] if used else "_".join(keywords_of(said.text)[:3]) or "answer"
    sure = min(1.0, sure * (1.3 if used else 1.0))
    quotes = Evidence(turn=at + 1, quote=said.text[:300], why=f"answers, used as {used[0]}" if used else "answers")
    return Moment(
        kind=Kind.ASKED,
        trace=trace.id,
        at=at,
        told=at + 1,
        answer=at + 2,
        fact=fact,
        question=turns[at].text,
        by=f"rule:question{'+argument' if used else ''}",
        outcome_by=by,
        confidence=round(sure, 2),
        evidence=(quotes, *evidence),
    )


def _answered(trace: Trace, at: int) -> Moment | None:
    good, by, sure, evidence = _end_of(trace, at)
    if not good or not trace.turns[at].text.strip() or failed_call(trace.turns[at]):
        return None
    return Moment(
        kind=Kind.ANSWERED,
        trace=trace.id,
        at=at,
        answer=at,
        by="rule:went_ahead",
        outcome_by=by,
        confidence=round(sure, 2),
        evidence=evidence,
    )


def _end_of(trace: Trace, at: int) -> tuple[bool | None, str, float, tuple[Evidence, ...]]:
    """How agent turn `at` went down: by what the person said next, or by how the whole ended if nothing came after."""
    turns = trace.turns
    if at + 1 < len(turns):
        said = turns[at + 1].text
        if marker := corrects(said):
            return False, "rule:correction", 0.8, (Evidence(turn=at + 1, quote=said[:200], why=marker),)
        if marker := thanks(said):
            return True, "rule:thanks", 0.8, (Evidence(turn=at + 1, quote=said[:200], why=f"thanks: {marker}"),)
        if at + 2 < len(turns):
            redone = changed(turns[at].tool_calls, turns[at + 2].tool_calls)
            if any(mentions(said, one.now) for one in redone):
                return False, "rule:done_again", 0.7, ()
        whole = outcome(trace)
        return True, "rule:no_complaint", 0.3 if whole.good is False else 0.6, whole.evidence
    return outcome(trace)


def _question(names: list[str], value: object) -> str:
    """A plain question for tool arguments: `How many guests should it be?`, `Which day should it be?`."""
    counted = len(names) == 1 and names[0].endswith("s") and str(value).isdecimal()
    return f"How many {names[0]} should it be?" if counted else f"Which {' and '.join(names)} should it be?"


def _only_thanks(text: str) -> bool:
    return thanks(text) is not None and "?" not in text and len(text.split()) <= 6


def _says_nothing_new(text: str, before: str) -> bool:
    words = set(content_words(without_marker(text)))
    return bool(words) and words <= set(content_words(before))
