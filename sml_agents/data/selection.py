"""Which dialogues, and which student turns in them, are taken for training or export.

    st_sft      first turns that solve the task: the single-turn baseline
    mt_sft      solved dialogues, every student turn
    q_primed    solved dialogues: questions that brought a fact, and attempts that were right once nothing was missing

These are `PRESETS`, filters by name, the same for `train` and `export`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sml_agents.data.nouns import Tools
from sml_agents.errors import InputError
from sml_agents.types import Act, Form, Role, StopReason, Trace, Turn

__all__ = [
    "PRESETS",
    "Conversation",
    "Preset",
    "TraceFilter",
    "leaks_to_student",
    "preset",
    "system_of",
    "told_facts",
]

LEAKED = "teacher leaked the answer"
UNREVIEWED = "not accepted in a review"
HELD_OUT = "held out to measure on (split: heldout)"
UNJUDGED = "holds no student turn that can be told good from bad"
UNPAIRED = "holds no side of a pair"


class TraceFilter(BaseModel):
    """What to take. Fields left at None let everything through, but of the lessons that `mine` made only those that a
    person accepted (`solved`) and that are not held out to measure on (`splits`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    solved: bool | None = None
    """Only solved, or only not solved dialogues."""
    families: tuple[str, ...] | None = None
    forms: tuple[Form, ...] | None = None
    splits: tuple[str, ...] | None = None
    stops: tuple[StopReason, ...] | None = None
    min_turns: int | None = Field(default=None, ge=1)
    """Student turns that a dialogue has at least."""
    max_turns: int | None = Field(default=None, ge=1)
    primed: bool | None = None
    """Only dialogues with (True) or without (False) a turn that Q-priming wrote."""
    leaks: Literal["cut", "drop", "keep"] = "cut"
    """A teacher turn from which the answer can be read off: cut the dialogue before it, drop it, or keep all."""
    failed: bool = False
    """Take dialogues that ended in an error, too."""
    acts: tuple[Act, ...] | None = None
    """Student turns that do one of these."""
    last_turn: int | None = Field(default=None, ge=1)
    """Student turns up to this one, counted from 1; 1 takes first turns alone. Of a lesson those count that are to be
    learnt, not what went before."""
    wrong_attempts: bool | None = None
    """Take attempts that were scored as not correct. None: not to imitate, but as the worse side of a preference."""
    premature: bool = True
    """Take attempts, right by luck even, that were made while a needed fact had not been told."""
    idle_questions: bool = True
    """Take questions that brought no fact to light."""
    since: datetime | None = None
    """Only conversations that ended at this time or later, by the times of a recording or log (UTC if not said)."""
    where: dict[str, str | tuple[str, ...]] | None = None
    """Only conversations of which a recording or log says this: names and values of the run's metadata, of the trace's
    tags or of the task, in whatever way their words are put together (`userId`, `user_id`); `tag` is any tag of the
    run. Of several values each must be among those that are told."""

    def describe(self) -> str:
        """The fields that differ from their defaults, for messages to the user."""
        changed = self.model_dump(mode="json", exclude_defaults=True)
        return ", ".join(f"{name}: {_shown(value)}" for name, value in changed.items()) or "no filter"

    def take(self, trace: Trace, *, judging: bool = False) -> Conversation | str:
        """The conversation that `trace` is to the student, or in a few words why it is left out.

        `judging`: its turns will be told good from bad, not imitated.
        """
        reason = self._refuses(trace)
        if reason:
            return reason
        turns: list[Turn] = []
        numbers: list[int] = []
        lesson = _is_lesson(trace)
        said, leaked = 0, False
        for turn in trace.turns:
            if turn.role is Role.STUDENT:
                said += turn.trainable or not lesson
            elif leaks_to_student(turn) and self.leaks != "keep":
                if self.leaks == "drop":
                    return LEAKED
                leaked = True
                break
            turns.append(turn)
            numbers.append(said)
        taken = [
            turn.role is Role.STUDENT
            and self._takes_turn(turn, number, judging)
            and self._takes_in_place(trace, turns, at)
            for at, (turn, number) in enumerate(zip(turns, numbers, strict=True))
        ]
        if any(taken):
            return Conversation(trace, tuple(turns), tuple(taken))
        return LEAKED if leaked and not said else "no student turn is taken"

    def _refuses(self, trace: Trace) -> str:
        task = trace.task
        if not self.failed and trace.stop is StopReason.FAILED:
            return "failed"
        if _is_lesson(trace):
            if self.solved is not False and trace.solved is not True:
                return UNREVIEWED
            if task.split == "heldout" and "heldout" not in (self.splits or ()):
                return HELD_OUT
        if self.solved is not None and trace.solved is not self.solved:
            return "not solved" if self.solved else "solved or not scored"
        for wanted, value, reason in (
            (self.families, task.family, "other family"),
            (self.forms, task.form, "other form"),
            (self.splits, task.split, "other split"),
            (self.stops, trace.stop, "other end"),
        ):
            if wanted is not None and value not in wanted:
                return reason
        if self.min_turns is not None or self.max_turns is not None:
            turns = len(trace.student_turns)
            if not (self.min_turns or 0) <= turns <= (self.max_turns or turns):
                return "other number of turns"
        if self.since is not None and (when := _ended(trace)) is not None and when < _utc(self.since):
            return "earlier"
        if self.since is not None and _ended(trace) is None:
            return "no time is known"
        for name, values in (self.where or {}).items():
            told = list(_told(trace, name))
            if not all(any(_is(one, wanted) for one in told) for wanted in _several(values)):
                return f"other {name}"
        if self.primed is not None and any(turn.primed for turn in trace.turns) is not self.primed:
            return "not primed" if self.primed else "primed"
        return ""

    def _takes_turn(self, turn: Turn, number: int, judging: bool) -> bool:
        if not turn.trainable or not (turn.text.strip() or turn.tool_calls):
            return False
        if self.last_turn is not None and number > self.last_turn:
            return False
        if self.acts is not None and turn.act not in self.acts:
            return False
        wrong = turn.verdict is not None and turn.verdict.correct is False
        return not wrong or (judging if self.wrong_attempts is None else self.wrong_attempts)

    def _takes_in_place(self, trace: Trace, turns: Sequence[Turn], at: int) -> bool:
        """What depends on the turns around student turn `turns[at]`."""
        act = turns[at].act
        if act is Act.ANSWER_ATTEMPT and not self.premature:
            return len(told_facts(turns[:at])) == len(trace.task.private.facts)
        if act is Act.CLARIFICATION and not self.idle_questions:
            return at + 1 < len(turns) and bool(turns[at + 1].reveals)
        return True


@dataclass(frozen=True)
class Conversation:
    """The public side of a trace: nothing in it was hidden from the student."""

    trace: Trace
    turns: tuple[Turn, ...]
    taken: tuple[bool, ...]
    """For each turn, whether it is a student turn to train on."""

    @property
    def tools(self) -> Tools:
        """What the student could call."""
        return self.trace.tools

    @property
    def targets(self) -> tuple[int, ...]:
        """Positions in `turns` of the student turns to train on."""
        return tuple(at for at, taken in enumerate(self.taken) if taken)

    def to_last_target(self) -> Conversation:
        """Without what follows the last student turn that is taken."""
        if self.taken and self.taken[-1]:
            return self
        stop = max(self.targets, default=-1) + 1
        return Conversation(self.trace, self.turns[:stop], self.taken[:stop])

    @property
    def is_whole(self) -> bool:
        """Whether every student turn is taken, so that a format without masks can hold it."""
        return all(taken or turn.role is Role.TEACHER for turn, taken in zip(self.turns, self.taken, strict=True))


Preset = Literal["st_sft", "mt_sft", "q_primed"]

PRESETS: dict[str, TraceFilter] = {
    "st_sft": TraceFilter(solved=True, acts=(Act.ANSWER_ATTEMPT,), last_turn=1, wrong_attempts=False),
    "mt_sft": TraceFilter(solved=True, wrong_attempts=True),
    "q_primed": TraceFilter(
        solved=True,
        acts=(Act.CLARIFICATION, Act.ANSWER_ATTEMPT),
        wrong_attempts=False,
        premature=False,
        idle_questions=False,
    ),
}


def preset(name: str) -> TraceFilter:
    """The filter of that name. Raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"there is no selection {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def system_of(trace: Trace, given: str | None = None) -> str | None:
    """The system prompt to train on `trace` with: the one `given`, else of a log the agent's own ("" if it is not
    known), else None, for the students' built-in one."""
    if given is not None:
        return given
    own = trace.system or str(trace.task.meta.get("system") or "")
    return own if own or trace.stop is StopReason.RECORDED or _is_lesson(trace) else None


def _is_lesson(trace: Trace) -> bool:
    return "moment" in trace.tags


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={one}" for name, several in value.items() for one in _several(several))
    if isinstance(value, list | tuple):
        return " or ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ended(trace: Trace) -> datetime | None:
    for name in ("ended", "started"):
        try:
            return _utc(datetime.fromisoformat(trace.tags[name]))
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _told(trace: Trace, name: str) -> Iterator[Any]:
    """What is said about a trace under `name`."""
    run = trace.tags.get("run")
    run = run if isinstance(run, dict) else {}
    if name == "tag":
        yield run.get("tags")
    for told in (run.get("metadata"), run, trace.tags, trace.task.meta):
        if isinstance(told, dict):
            yield from (value for key, value in told.items() if _plain(key) == _plain(name))


def _plain(name: Any) -> str:
    """A name without case and the marks between its words: `userId` and `user_id` are one."""
    return str(name).replace("_", "").replace("-", "").casefold()


def _several(values: str | Sequence[str]) -> Sequence[str]:
    return (values,) if isinstance(values, str) else values


def _is(told: Any, wanted: str) -> bool:
    values = told if isinstance(told, list | tuple) else (told,)
    return any(str(value).casefold() == wanted.casefold() for value in values)


def leaks_to_student(turn: Turn) -> bool:
    """Whether the student could read the answer off this teacher turn; a masked leak did not reach it."""
    return turn.role is Role.TEACHER and turn.leak is not None and not turn.masked


def told_facts(turns: Collection[Turn]) -> frozenset[str]:
    """Names of the facts that teacher turns among `turns` tell."""
    return frozenset(name for turn in turns for name in turn.reveals)
