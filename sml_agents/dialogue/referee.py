"""Judges a student turn: what it does, whether it is right, and whether Q-priming rewrites it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sml_agents.dialogue.state import DialogueSettings
from sml_agents.roles.acts import ActLabel, classify
from sml_agents.text.tools import NOT_RUN, find_calls, tool_names
from sml_agents.types import Act, Form, Reply, Role, Task, ToolCall, Turn, Verdict, stable_hash
from sml_agents.verifiers import Attempt, Verifier, get_verifier, is_unscored
from sml_agents.verifiers.call import effective, said_of
from sml_agents.views import TeacherView, in_words

__all__ = ["Classifier", "Referee", "call_seed", "student_turn", "teacher_view", "with_calls"]


class Classifier(Protocol):
    """Decides a turn's act by other means than the rules, for instance with a model."""

    async def label(self, text: str, finish: str | None) -> ActLabel: ...


def call_seed(*parts: object) -> int:
    """The seed of one model call: 31 bits, the same for the same dialogue, role and turn."""
    return int(stable_hash(*parts, length=8), 16) & 0x7FFFFFFF


@dataclass(frozen=True)
class Referee:
    """Labels and scores student turns."""

    verifier: Verifier | None = None
    """None: the one that the task names."""
    classifier: Classifier | None = None
    """None: the rules."""

    def scores(self, task: Task) -> bool:
        """Whether anybody can tell a right answer to `task`."""
        return self.verifier is not None or not is_unscored(task.verifier)

    async def judge(self, task: Task, reply: Reply, turns: Sequence[Turn] = ()) -> tuple[ActLabel, Verdict | None]:
        """The act of a student's reply after `turns` and, if it is an attempt, the verdict on it."""
        label = await self._label(task, reply, turns)
        if label.act is not Act.ANSWER_ATTEMPT or not self.scores(task):
            return label, None
        verifier = self.verifier or get_verifier(task.verifier)
        # Not isinstance: of a protocol that costs more than a verdict.
        if (verify_attempt := getattr(verifier, "verify_attempt", None)) is not None:
            verdict: Verdict = await verify_attempt(task, _attempt(reply, turns))
            return label, verdict
        return label, await verifier.verify(task, reply.text)

    async def _label(self, task: Task, reply: Reply, turns: Sequence[Turn]) -> ActLabel:
        code, calls = task.private.code, effective(task, reply.tool_calls or ()) if task.tools else None
        if self.classifier is not None and not calls:
            label = await self.classifier.label(reply.text, reply.finish)
        else:
            heard = [turn.text for turn in turns if turn.role is Role.TEACHER]
            entry = None if code is None else code.entry
            label = classify(reply.text, reply.finish, entry=entry, heard=heard, calls=calls)
        if calls is not None and not task.private.calls and label.act in _WORDS:
            return ActLabel(Act.ANSWER_ATTEMPT, "rule:words")  # no tool serves: to say so is the answer
        return label


_WORDS = (Act.DISCUSSION, Act.HEDGE, Act.REFUSE)


def with_calls(task: Task, reply: Reply) -> Reply:
    """A reply whose calls are written in its text, with the calls apart from the words: whoever the student is."""
    found = find_calls(reply.text, tool_names(task.tools)) if task.tools else None
    if found is None or not found.made:
        return reply
    written = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in found.made)
    calls = (*(reply.tool_calls or ()), *written)
    return reply.model_copy(update={"text": found.rest, "tool_calls": calls, "at_once": True})


def _attempt(reply: Reply, turns: Sequence[Turn]) -> Attempt:
    """A reply after `turns` as verifiers see it."""
    made = [call for turn in turns for call in turn.tool_calls or ()]
    own = reply.tool_calls or ()
    heard = [turn.text for turn in turns if turn.role is Role.TEACHER]
    return Attempt(
        reply.text,
        own,
        [*heard, *(call.result for call in (*made, *own) if call.result and not call.result.startswith(NOT_RUN))],
        frozenset(name for turn in turns for name in turn.reveals),
        tuple(call for call in made if call.result is not None),
    )


def rewrites(settings: DialogueSettings, dialogue_id: str, turn: int) -> bool:
    """Whether Q-priming rewrites student turn `turn` (from 0), drawn with P_Q(t) = base^t."""
    if settings.q_priming is None:
        return False
    chance = settings.q_priming ** (turn + settings.q_priming_start)
    return random.Random(call_seed(settings.seed, dialogue_id, "q-priming", turn)).random() < chance


DECLINED = f"{NOT_RUN}the user did not agree."
"""What comes back of a call that the verifier found wrong."""


def student_turn(reply: Reply, label: ActLabel, verdict: Verdict | None, replaced: str | None = None) -> Turn:
    """The full record of a student's turn. Calls that nothing ran get a result: refused, where they are wrong."""
    calls = reply.tool_calls
    if calls and reply.at_once and not (verdict is not None and verdict.correct):
        calls = tuple(call.model_copy(update={"result": DECLINED}) for call in calls)
    return Turn(
        role=Role.STUDENT,
        text=reply.text,
        # What the writer of a Q-priming question thought is full of private knowledge.
        thought=reply.thought if replaced is None else "",
        act=label.act,
        act_by=label.by,
        act_span=label.span,
        trainable=True,
        verdict=verdict,
        primed=replaced is not None,
        replaced=replaced,
        tool_calls=calls,
        at_once=reply.at_once,
        call=reply.call,
    )


def teacher_view(task: Task, turns: Sequence[Turn], last: Turn) -> TeacherView:
    """What the teacher sees when the student has just said `last`."""
    told_names = {name for turn in turns for name in turn.reveals}
    public = [(turn.role, in_words(turn.text, turn.tool_calls)) for turn in (*turns, last)]
    return TeacherView(
        history=tuple(public),
        private=task.private,
        act=last.act or Act.MISSING,
        verdict=last.verdict,
        untold=tuple(fact for fact in task.private.facts if fact.name not in told_names),
        told=tuple(fact for fact in task.private.facts if fact.name in told_names),
        one_a_turn=task.form is Form.SHARDED,
        tools=task.tools,
        said=said_of(task),
    )
