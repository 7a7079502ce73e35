"""Student turns judged by what the dialogue knows, and preference pairs of them.

Where a fact is missing, asking for it is better than guessing; where none is, answering is better than asking, and
after a wrong attempt a repaired one is better than the same error again. Both sides of a pair are one turn long and
answer the same public history, because a preference loss trains the whole of `chosen`, and a teacher's words are not
the student's to learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from sml_agents.data.nouns import Tools
from sml_agents.data.selection import Conversation, system_of, told_facts
from sml_agents.text.questions import asked_facts
from sml_agents.text.tools import CallsFound, find_calls
from sml_agents.types import Act, Role, ToolCall, Trace, Turn, stable_hash
from sml_agents.views import in_words

__all__ = ["ASKING", "Judged", "Pair", "PairMaker", "judged_turns", "make_pairs", "replaced_calls", "replaced_turn"]

ASKING = frozenset({Act.CLARIFICATION, Act.INTERROGATION})

Reason = Literal["asked", "answered", "repaired", "guessed", "asked_needlessly", "repeated", "replaced"]


@dataclass(frozen=True)
class Judged:
    """One student turn that was good or bad at its place."""

    history: tuple[Turn, ...]
    turn: Turn
    good: bool
    reason: Reason
    """Good: `asked` for what was missing; `answered` rightly with nothing missing; `repaired` an earlier error so. Bad:
    `guessed` wrongly with a fact missing; `asked_needlessly`; `repeated` the same error; `replaced` by Q-priming."""
    missing: bool
    """Whether a needed fact was untold."""
    trace: str
    pair: str = ""
    """`Task.pair` of the dialogue."""
    system: str | None = None
    """The agent's own system prompt; None for the students' built-in one."""
    tools: Tools = ()


@dataclass(frozen=True)
class Pair:
    """Two turns at one history, the chosen better than the rejected."""

    history: tuple[Turn, ...]
    chosen: Turn
    rejected: Turn
    source: str
    """`primed`: a question that Q-priming put in place of a wrong attempt. `asked_over_guessed` and
    `answered_over_asked`: from two samples of one task, where a fact was missing and where none was.
    `repaired_over_repeated`: a right attempt after a wrong one, over the same error said again."""
    trace: str
    """Id of the trace of the chosen turn."""
    missing: bool = True
    """Whether a needed fact was untold."""
    pair: str = ""
    """`Task.pair` of the dialogue."""
    system: str | None = None
    """As in `Judged`."""
    tools: Tools = ()


@dataclass
class _Candidates:
    history: tuple[Turn, ...]
    good: dict[str, Judged] = field(default_factory=dict)
    """By text, in the order of appearance; a dictionary drops repeats."""
    bad: dict[str, Judged] = field(default_factory=dict)


def judged_turns(conversation: Conversation) -> Iterator[Judged]:
    """The taken student turns that can be told good from bad; an attempt that was right by luck is neither."""
    task, trace, system = conversation.trace.task, conversation.trace.id, system_of(conversation.trace)
    for at in conversation.targets:
        turn, history = conversation.turns[at], conversation.turns[:at]
        told = told_facts(history)
        untold = [fact for fact in task.private.facts if fact.name not in told]
        missing = bool(untold)

        judged = partial(
            Judged,
            history,
            missing=missing,
            trace=trace,
            pair=task.pair,
            system=system,
            tools=conversation.tools,
        )
        attempt = replaced_turn(conversation.trace, turn) if turn.primed else None
        if attempt is not None and not _same_words(attempt, turn):
            yield judged(turn=attempt, good=False, reason="replaced")
        asks, attempts = turn.act in ASKING, turn.act is Act.ANSWER_ATTEMPT
        correct = turn.verdict.correct if turn.verdict is not None else None
        errors = _errors(history)
        if missing:
            answer = conversation.turns[at + 1 : at + 2]
            if asks and (bool(asked_facts(turn.text, untold, tools=conversation.tools)) or bool(told_facts(answer))):
                yield judged(turn=turn, good=True, reason="asked")
            elif attempts and (correct is False or (turn.verdict is not None and turn.verdict.guessed)):
                yield judged(turn=turn, good=False, reason="guessed")
        elif attempts and correct is True:
            yield judged(turn=turn, good=True, reason="repaired" if errors else "answered")
        elif attempts and correct is False and any(_same_error(turn, error) for error in errors):
            yield judged(turn=turn, good=False, reason="repeated")
        elif asks:
            yield judged(turn=turn, good=False, reason="asked_needlessly")


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
        self._alone: set[str] = set()

    @property
    def unpaired(self) -> int:
        """How many conversations gave no side of a pair; known after `rest`."""
        return len(self._alone)

    def add(self, conversation: Conversation) -> Iterator[Pair]:
        """The pairs that this conversation holds in itself; what it has to compare is kept for `rest`."""
        task = conversation.trace.task.id
        self._alone.add(conversation.trace.id)
        for one in judged_turns(conversation):
            if one.reason == "replaced":
                self._alone.discard(one.trace)
                yield _pair(conversation.turns[len(one.history)], one, "primed")
                continue
            if one.reason == "repaired":
                self._alone.discard(one.trace)
                error = _errors(one.history)[-1]
                yield _pair(one.turn, replace(one, turn=error, good=False, reason="repeated"))
            self._keep(task, one)

    def rest(self) -> Iterator[Pair]:
        """Pairs from different samples, in the order in which their histories were first met."""
        for found in self._candidates.values():
            sides = zip(found.good.values(), found.bad.values(), strict=False)
            for number, (good, bad) in enumerate(sides):
                if number >= self.per_history:
                    break
                self._alone -= {good.trace, bad.trace}
                yield _pair(good.turn, bad, trace=good.trace)

    def _keep(self, task: str, one: Judged) -> None:
        key = stable_hash(task, [(turn.role, _words(turn)) for turn in one.history])
        found = self._candidates.setdefault(key, _Candidates(one.history))
        (found.good if one.good else found.bad).setdefault(_words(one.turn), one)


def make_pairs(conversations: Iterable[Conversation], *, per_history: int = 4) -> Iterator[Pair]:
    """All pairs of `conversations`; see `PairMaker`."""
    maker = PairMaker(per_history=per_history)
    for conversation in conversations:
        yield from maker.add(conversation)
    yield from maker.rest()


_SOURCES = {
    "guessed": "asked_over_guessed",
    "asked_needlessly": "answered_over_asked",
    "repeated": "repaired_over_repeated",
}


def _pair(chosen: Turn, bad: Judged, source: str = "", trace: str = "") -> Pair:
    return Pair(
        bad.history,
        chosen,
        bad.turn,
        source or _SOURCES[bad.reason],
        trace or bad.trace,
        bad.missing,
        bad.pair,
        bad.system,
        bad.tools,
    )


def replaced_calls(trace: Trace) -> tuple[ToolCall, ...]:
    """The calls of the attempt that a lesson's question replaced."""
    kept = trace.tags.get("replaced_calls")
    return tuple(ToolCall.model_validate(call) for call in kept) if isinstance(kept, list) else ()


def replaced_turn(trace: Trace, turn: Turn) -> Turn | None:
    """The attempt that Q-priming replaced; None where nothing is known of it.

    A dialogue keeps it as text, with its calls in it; a lesson of a log keeps the calls beside the text.
    """
    if calls := replaced_calls(trace):
        return Turn(role=Role.STUDENT, text=turn.replaced or "", tool_calls=calls)
    if not turn.replaced:
        return None
    found = find_calls(turn.replaced) if trace.tools else CallsFound(turn.replaced)
    made = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in found.made)
    return Turn(role=Role.STUDENT, text=found.rest, tool_calls=made or None, at_once=bool(made))


def _words(turn: Turn) -> str:
    return in_words(turn.text, turn.tool_calls)


def _same_words(one: Turn, other: Turn) -> bool:
    return _words(one) == _words(other)


def _errors(history: tuple[Turn, ...]) -> list[Turn]:
    """The student's attempts in `history` that were scored as wrong."""
    return [turn for turn in history if turn.verdict is not None and turn.verdict.correct is False]


def _same_error(turn: Turn, error: Turn) -> bool:
    """Whether both give the same wrong answer, or where none can be found, say the same."""
    answers = [one.verdict.extracted if one.verdict is not None else None for one in (turn, error)]
    if None in answers:
        return _words(turn).strip() == _words(error).strip()
    return answers[0] == answers[1]
