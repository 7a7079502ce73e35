"""Preference pairs: two student turns at the same public history, one better than the other.

Where a fact is missing, asking for it is better than guessing; where none is, answering is better than asking. Both
sides are one turn long, because a preference loss trains the whole of `chosen`, and a teacher's words are not the
student's to learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sml_agents.questions import asked_facts
from sml_agents.traces.selection import Conversation, told_facts
from sml_agents.types import Act, Turn, stable_hash

__all__ = ["ASKING", "Pair", "PairMaker"]

ASKING = frozenset({Act.CLARIFICATION, Act.INTERROGATION})


@dataclass(frozen=True)
class Pair:
    history: tuple[Turn, ...]
    chosen: str
    rejected: str
    source: str
    """`primed`: a question that Q-priming put in place of a wrong attempt. `asked_over_guessed` and
    `answered_over_asked`: from two samples of one task, where a fact was missing and where none was."""
    trace: str
    """Id of the trace of the chosen turn."""


@dataclass
class _Candidates:
    history: tuple[Turn, ...]
    needed: bool
    good: dict[str, str] = field(default_factory=dict)
    """Text to trace id, in the order of appearance; a dictionary drops repeats."""
    bad: dict[str, str] = field(default_factory=dict)


class PairMaker:
    """Makes pairs out of conversations, given in any order.

    Pairs from one trace come at once; those from several samples of a task come at the end, so the distinct first
    turns of each task are held in memory (about 1 KB for each).

    Args:
        per_history: pairs made at most at one history, so that a few often-sampled tasks do not crowd out others.
    """

    def __init__(self, *, per_history: int = 4) -> None:
        self.per_history = per_history
        self._candidates: dict[str, _Candidates] = {}

    def add(self, conversation: Conversation) -> Iterator[Pair]:
        """The pairs that this conversation holds in itself; what it has to compare is kept for `rest`."""
        for at in conversation.targets:
            turn, history = conversation.turns[at], conversation.turns[:at]
            if turn.primed and turn.replaced and turn.replaced != turn.text:
                yield Pair(history, turn.text, turn.replaced, "primed", conversation.trace.id)
            self._compare(conversation, at, history)

    def rest(self) -> Iterator[Pair]:
        """Pairs from different samples, in the order in which their histories were first met."""
        for found in self._candidates.values():
            source = "asked_over_guessed" if found.needed else "answered_over_asked"
            sides = zip(found.good.items(), found.bad.items(), strict=False)
            for number, ((chosen, trace), (rejected, _)) in enumerate(sides):
                if number >= self.per_history:
                    break
                yield Pair(found.history, chosen, rejected, source, trace)

    def _compare(self, conversation: Conversation, at: int, history: tuple[Turn, ...]) -> None:
        turn, task = conversation.turns[at], conversation.trace.task
        told = told_facts(history)
        untold = [fact for fact in task.private.facts if fact.name not in told]
        correct = turn.verdict.correct if turn.verdict is not None else None
        asks, attempts = turn.act in ASKING, turn.act is Act.ANSWER_ATTEMPT
        if untold:
            answer = conversation.turns[at + 1 : at + 2]
            good = asks and (bool(asked_facts(turn.text, untold)) or bool(told_facts(answer)))
            bad = attempts and correct is False
        else:
            good, bad = attempts and correct is True, asks
        if good or bad:
            key = stable_hash(task.id, [(one.role, one.text) for one in history])
            found = self._candidates.setdefault(key, _Candidates(history, bool(untold)))
            (found.good if good else found.bad).setdefault(turn.text, conversation.trace.id)


def make_pairs(conversations: Iterable[Conversation], *, per_history: int = 4) -> Iterator[Pair]:
    """All pairs of `conversations`; see `PairMaker`."""
    maker = PairMaker(per_history=per_history)
    for conversation in conversations:
        yield from maker.add(conversation)
    yield from maker.rest()
