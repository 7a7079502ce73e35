"""Rules that find teachable moments in a recorded conversation.

For each request and the agent's turn on it, the first that applies (A is the agent's turn, P the person's next one, B
the agent's next turn that acts; it may have asked back before):

asked      A asks (its act is `clarification` or `interrogation`), P does not complain, B goes ahead, and P's
           next words do not correct it
mistake    P corrects, and the value that B changed had been said by the person before A
corrected  P corrects (`No, ...`) or a reviewer changed A's call, and the value that was changed had been a guess
late_fact  P does not complain, and B calls the same tool again with an argument that P names
answered   A goes ahead, P does not correct it, and there is nothing of the above; or a reviewer approved it

Values are compared as people say them (`5 May` is `2027-05-05`), nested ones by their path. Where the person had said
what A used and then wants something else, nothing is to be learnt. Nor where it cannot be said what was missing:
without a changed argument only a day or a time that P tells makes a question.
"""

from __future__ import annotations

from typing import Any

from sml_agents.data.arguments import Arguments, Change, leaves
from sml_agents.mining.conversation import as_held
from sml_agents.mining.moments import Evidence, Kind, Moment
from sml_agents.mining.signals import asks_anew, corrects, failed_call, outcome, thanks, without_marker
from sml_agents.roles.acts import ActLabel, classify
from sml_agents.text.values import Kind as ValueKind
from sml_agents.text.values import mentions
from sml_agents.text.words import content_words, keywords_of
from sml_agents.types import Act, Role, ToolCall, Trace, Turn

__all__ = ["candidates", "find_moments", "label"]

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
    """The moments of one conversation, in order; none where nobody can tell what happened. Positions are those in
    `conversation.as_held(trace)`."""
    return [
        moment for moment in candidates(trace) if moment.question or moment.kind not in (Kind.CORRECTED, Kind.LATE_FACT)
    ]


def candidates(trace: Trace) -> list[Moment]:
    """The same with those that lack words for a question: somebody else may find them."""
    if "parent" in trace.tags:  # an agent that works for another one: no person speaks in it
        return []
    return _Finder(as_held(trace)).moments()


class _Finder:
    """One conversation, read from its beginning."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.turns = trace.turns
        self.arguments = Arguments(trace)
        self.reviews = {str(one.get("call")): one for one in trace.tags.get("reviews", ()) if isinstance(one, dict)}

    def moments(self) -> list[Moment]:
        found: list[Moment] = []
        at = 1 if self.turns and self.turns[0].role is Role.TEACHER else 2
        while at < len(self.turns):
            moment = self._moment(at)
            if moment is not None:
                found.append(moment)
                at = moment.answer
            at += 2
        return found

    def _moment(self, at: int) -> Moment | None:
        turns = self.turns
        act = label(turns[at]).act
        if at > 1 and turns[at - 1].role is Role.TEACHER and _only_thanks(turns[at - 1].text):
            return None  # nothing was asked for
        if act in _ASKING:
            return self._asked(at) if at + 2 < len(turns) else None
        if act is not Act.ANSWER_ATTEMPT:
            return None
        if (reviewed := self._edited(at)) is not None:
            return reviewed
        then = self._next_acting(at)
        if then is None:
            return self._answered(at)
        said = self._said(at, then)
        marker = corrects(turns[at + 1].text)
        changes = [
            one
            for one in self.arguments.changed(turns[at].tool_calls, turns[then].tool_calls)
            if self.arguments.says(said, one.tool, one.path, one.now)
        ]
        anew = marker is None and (
            thanks(turns[at + 1].text) or any(asks_anew(turns[at + 1].text, one.tool) for one in changes)
        )
        if anew or (marker is None and not changes):
            return self._answered(at)
        return self._corrected(at, then, marker, changes)

    def _next_acting(self, at: int) -> int | None:
        """The agent's next turn that goes ahead, after a question of its own at most."""
        for then in (at + 2, at + 4):
            if then >= len(self.turns):
                return None
            act = label(self.turns[then]).act
            if act is Act.ANSWER_ATTEMPT:
                return then
            if act not in _ASKING:
                return None
        return None

    def _said(self, at: int, then: int) -> str:
        """What the person said between two agent turns."""
        return "\n".join(turn.text for turn in self.turns[at + 1 : then] if turn.role is Role.TEACHER)

    def _before(self, at: int) -> str:
        """What the person said before an agent turn."""
        return "\n".join(turn.text for turn in self.turns[:at] if turn.role is Role.TEACHER)

    def _knew(self, at: int, tool: str, path: str, value: Any) -> bool:
        """Whether the person, or a tool, had told a value before an agent turn."""
        results = [call.result or "" for turn in self.turns[:at] for call in turn.tool_calls or ()]
        results += [call.result or "" for call in self.turns[at].tool_calls or () if call.name != tool]
        return any(self.arguments.says(text, tool, path, value) for text in (self._before(at), *results))

    def _corrected(self, at: int, then: int, marker: str | None, changes: list[Change]) -> Moment | None:
        good, by, sure, evidence = self._end_of(then)
        if good is False:
            return None
        said = self._said(at, then)
        quotes = [Evidence(turn=at + 1, quote=said[:300], why=marker or "names the changed argument")]
        quotes += [
            Evidence(turn=then, quote=f"{one.path}: {one.before!r} -> {one.now!r}"[:300], why=f"{one.tool} again")
            for one in changes
        ]
        if any(review.get("decision") == "reject" for review in self._reviews_of(at)):
            quotes.append(Evidence(turn=at, quote=said[:200] or "reject", why="a reviewer rejected the call"))
            sure = min(1.0, sure * 1.2)
        before = self._before(at)
        known = bool(changes) and all(self.arguments.says(before, one.tool, one.path, one.now) for one in changes)
        if known or (not changes and _says_nothing_new(said, before)):
            return Moment(
                kind=Kind.MISTAKE,
                trace=self.trace.id,
                at=at,
                answer=then,
                by="rule:said_before",
                outcome_by=by,
                confidence=round(sure * 0.75, 2),
                evidence=(*quotes, *evidence),
            )
        guessed = [one for one in changes if not self._knew(at, one.tool, one.path, one.before)]
        if changes and not guessed:
            return None  # it was as the person had said; now they want something else
        if guessed:
            fact, question = guessed[0].path, self._question(guessed)
            sure = min(1.0, sure * (1.3 if marker else 1.1))
        else:
            fact, question = self._untold(without_marker(said), before)
            sure *= 0.6
        rule = "correction" if marker else "late"
        return Moment(
            kind=Kind.CORRECTED if marker else Kind.LATE_FACT,
            trace=self.trace.id,
            at=at,
            told=then - 1,
            answer=then,
            fact=fact,
            question=question,
            by=f"rule:{rule}{'+argument' if guessed else ''}",
            outcome_by=by,
            confidence=round(sure, 2),
            evidence=(*quotes, *evidence),
        )

    def _question(self, changes: list[Change]) -> str:
        tool = changes[0].tool
        return self.arguments.question(tool, [one.path for one in changes if one.tool == tool], changes[0].now)

    def _untold(self, said: str, before: str) -> tuple[str, str]:
        """The one day or time that is all of `said` and was not said before, and the question for it."""
        found = []
        for sort, question in (("date", "On which date?"), ("time", "At what time?")):
            kind = ValueKind(sort)  # type: ignore[arg-type]
            new = [one for one in mentions(kind, said, self.arguments.clock) if not one.denied]
            rest = said[: new[0].span.start] + said[new[0].span.end :] if new else ""
            if new and len(content_words(rest)) < 2 and not mentions(kind, before, self.arguments.clock):
                found.append((sort, question))
        return found[0] if len(found) == 1 else ("", "")

    def _asked(self, at: int) -> Moment | None:
        turns = self.turns
        said, then = turns[at + 1], turns[at + 2]
        if corrects(said.text) or label(then).act is not Act.ANSWER_ATTEMPT:
            return None
        good, by, sure, evidence = self._end_of(at + 2)
        if good is False:
            return None
        used = [
            path
            for call in then.tool_calls or ()
            for path, value in leaves(call.arguments).items()
            if self.arguments.says(said.text, call.name, path, value)
            and not self.arguments.says(turns[at - 1].text, call.name, path, value)
        ]
        fact = used[0] if used else "_".join(keywords_of(said.text)[:3]) or "answer"
        why = f"answers, used as {used[0]}" if used else "answers"
        return Moment(
            kind=Kind.ASKED,
            trace=self.trace.id,
            at=at,
            told=at + 1,
            answer=at + 2,
            fact=fact,
            question=turns[at].text,
            by=f"rule:question{'+argument' if used else ''}",
            outcome_by=by,
            confidence=round(min(1.0, sure * (1.3 if used else 1.0)), 2),
            evidence=(Evidence(turn=at + 1, quote=said.text[:300], why=why), *evidence),
        )

    def _reviews_of(self, at: int) -> list[dict[str, Any]]:
        return [self.reviews[call.id] for call in self.turns[at].tool_calls or () if call.id in self.reviews]

    def _edited(self, at: int) -> Moment | None:
        """A reviewer wrote other values into a call: these should have been asked for, if nobody had said them."""
        for call in self.turns[at].tool_calls or ():
            review = self.reviews.get(call.id)
            if review is None or review.get("decision") != "edit" or not isinstance(review.get("proposed"), dict):
                continue
            drafted = ToolCall(name=call.name, arguments=review["proposed"])
            changes = [
                one
                for one in self.arguments.changed([drafted], [call])
                if one.now not in (None, "", [])
                and not self._knew(at, one.tool, one.path, one.before)
                and not self._knew(at, one.tool, one.path, one.now)
            ]
            good, by, sure, evidence = self._end_of(at)
            if not changes or good is False:
                return None
            quote = "; ".join(f"{one.path}: {one.before!r} -> {one.now!r}" for one in changes)
            return Moment(
                kind=Kind.CORRECTED,
                trace=self.trace.id,
                at=at,
                answer=at,
                answered=", ".join(str(one.now) for one in changes),
                fact=changes[0].path,
                question=self._question(changes),
                by="rule:reviewer+argument",
                outcome_by=by,
                confidence=round(min(1.0, sure * 1.4), 2),
                evidence=(Evidence(turn=at, quote=quote[:300], why="a reviewer changed the call"), *evidence),
            )
        return None

    def _answered(self, at: int) -> Moment | None:
        good, by, sure, evidence = self._end_of(at)
        turn = self.turns[at]
        if not good or not (turn.text.strip() or turn.tool_calls) or failed_call(turn):
            return None
        reviews = self._reviews_of(at)
        if any(review.get("decision") != "approve" for review in reviews):
            return None
        if reviews:
            sure = min(1.0, sure * 1.4)
            evidence = (*evidence, Evidence(turn=at, quote="approve", why="a reviewer approved the call"))
        return Moment(
            kind=Kind.ANSWERED,
            trace=self.trace.id,
            at=at,
            answer=at,
            by=f"rule:{'approved' if reviews else 'went_ahead'}",
            outcome_by=by,
            confidence=round(sure, 2),
            evidence=evidence,
        )

    def _end_of(self, at: int) -> tuple[bool | None, str, float, tuple[Evidence, ...]]:
        """How agent turn `at` went down: by what the person said next, or if nothing came after by how all ended."""
        turns = self.turns
        if at + 1 < len(turns):
            said = turns[at + 1].text
            if marker := corrects(said):
                return False, "rule:correction", 0.8, (Evidence(turn=at + 1, quote=said[:200], why=marker),)
            if marker := thanks(said):
                return True, "rule:thanks", 0.8, (Evidence(turn=at + 1, quote=said[:200], why=f"thanks: {marker}"),)
            if at + 2 < len(turns):
                redone = self.arguments.changed(turns[at].tool_calls, turns[at + 2].tool_calls)
                if any(
                    self.arguments.says(said, *one[:2], one.now) and not asks_anew(said, one.tool) for one in redone
                ):
                    return False, "rule:done_again", 0.7, ()
            whole = outcome(self.trace)
            return True, "rule:no_complaint", 0.3 if whole.good is False else 0.6, whole.evidence
        return outcome(self.trace)


def _only_thanks(text: str) -> bool:
    return thanks(text) is not None and "?" not in text and len(text.split()) <= 6


def _says_nothing_new(text: str, before: str) -> bool:
    words = set(content_words(without_marker(text)))
    return bool(words) and words <= set(content_words(before))
