"""From traces to small counts: one row of sums per task, so that memory does not grow with the length of dialogues."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sml_agents.errors import one_line
from sml_agents.evaluation.definitions import ASKING
from sml_agents.roles.acts import MANY, classify
from sml_agents.text.asking import find_questions
from sml_agents.text.questions import asked_facts
from sml_agents.traces.record import solved_alone
from sml_agents.types import Act, Fact, Form, Role, StopReason, Task, Trace, Turn
from sml_agents.verifiers import is_unscored

__all__ = ["COLUMNS", "MAX_K", "Tally", "first_act", "missing_facts", "setting", "solved_within"]

MAX_K = 10
"""The largest k of success@k and of the curves by turn."""

COLUMNS: tuple[str, ...] = (
    *(f"solved_{k}" for k in range(1, MAX_K + 1)),
    *(f"question_{k}" for k in range(1, MAX_K + 1)),
    *(f"turn_{k}" for k in range(1, MAX_K + 1)),
    "scored",
    "unscored",
    "solved",
    "attempts_made",
    "informed",
    "informable",
    "dialogues",
    "needed_asks",
    "needed",
    "needless",
    "not_needed",
    "covered",
    "coverable",
    "nameable",
    "asked_for",
    "asked_rightly",
    "to_ask",
    "calls",
    "guessed_calls",
    "ready_calls",
    "exact_calls",
    "wrong_tools",
    "premature",
    "attempts",
    "questions",
    "turns",
    "corrected",
    "repeated",
    "wrong",
    "leaks",
    "feedback",
    "faults",
    "replies",
    "repeated_tasks",
    "aptitude",
    "unreliability",
    *(f"{cost}_{role}" for role in ("student", "teacher") for cost in ("calls", "tokens", "metered")),
)
"""What is summed up by task."""
LONGEST_ERROR = 240
"""Characters of an error's words that are kept."""
ERROR_KINDS = 20
"""Kinds of errors told apart; the rest are counted as `other`."""


def setting(trace: Trace, name: str) -> Any:
    """A dialogue setting of `trace`, wherever the run put it: at the top or under `dialogue`; None when absent."""
    if name in trace.settings:
        return trace.settings[name]
    inner = trace.settings.get("dialogue")
    return inner.get(name) if isinstance(inner, dict) else None


def missing_facts(task: Task) -> tuple[Fact, ...]:
    """The facts that the student has to get from the teacher: none on a fully specified task."""
    return () if task.form is Form.FULL else task.private.facts


def act_of(turn: Turn, task: Task) -> Act | None:
    """What the student itself did: of a primed turn, what Q-priming replaced, not the question that it put there."""
    if not turn.primed:
        return turn.act
    code = task.private.code
    entry = None if code is None else code.entry
    calls = () if task.tools else None
    return classify(turn.replaced or "", None, entry=entry, heard=(task.prompt,), calls=calls).act


def first_act(trace: Trace) -> Act | None:
    """The act of the first student turn; None when there is none or it was not classified."""
    turns = trace.student_turns
    return act_of(turns[0], trace.task) if turns else None


def solved_within(trace: Trace) -> int | None:
    """Student turns used to solve the task; 0 when it was not solved, None when that is not known.

    Not known: nobody knows the answer (verifier `none`), the dialogue failed or was ended by a person, the verifier
    could not score an attempt that ended it, none of its attempts could be scored, or Q-priming wrote the right answer.
    A dialogue that used up its turns without any attempt is known not to be solved.
    """
    turns = trace.student_turns
    if trace.stop in (StopReason.FAILED, StopReason.UNSCORED, StopReason.RECORDED):
        return None
    if trace.solved is None and (trace.stop is StopReason.TEACHER_STOPPED or is_unscored(trace.task.verifier)):
        return None
    if trace.solved:
        return (trace.solved_at or len(turns)) if solved_alone(trace) else None
    if trace.solved is None and any(turn.act is Act.ANSWER_ATTEMPT for turn in turns):
        return None
    return 0


def normal_answer(turn: Turn) -> str:
    """The answer of an attempt, written so that the same answer looks the same; the whole text when none was found."""
    extracted = turn.verdict.extracted if turn.verdict is not None else None
    text = unicodedata.normalize("NFKC", turn.text if extracted is None else extracted).casefold()
    text = re.sub(r"\s+", " ", text).strip(" .$€£%")
    bare = re.sub(r"(?<=\d)[, ](?=\d{3}\b)", "", text)
    try:
        return str(Decimal(bare).normalize()) if len(bare) < 50 else text
    except InvalidOperation:
        return text


class Tally:
    """Sums of one student's dialogues, by task. Add traces one at a time; nothing of them is kept but counts.

    Failed dialogues count in `failed` and `errors` and in no rate; of the first the words are kept.
    """

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.cells = array("f")
        self.n: Counter[str] = Counter()
        self.dialogues = 0
        self.failed = 0
        self.unscored = 0
        self.masked_leaks = 0
        self.errors: Counter[str] = Counter()
        self.first_error = ""
        self.seeds: set[int] = set()
        self.limits: set[int] = set()
        self.longest = 0
        self.tries: dict[str, list[int]] = {}
        """By task id, since the forms of a problem share a row: the row, how many were scored, and solved."""

    def add(self, trace: Trace) -> None:
        """Count one dialogue in."""
        self.dialogues += 1
        seed = setting(trace, "seed")
        if isinstance(seed, int):
            self.seeds.add(seed)
        limit = setting(trace, "max_turns")
        if isinstance(limit, int) and limit > 0:
            self.limits.add(limit)
        if trace.stop is StopReason.FAILED:
            self.failed += 1
            kind = trace.error.kind[:60] if trace.error is not None else "unknown"
            self.errors[kind if kind in self.errors or len(self.errors) < ERROR_KINDS else "other"] += 1
            self.first_error = self.first_error or one_line(trace.error or "unknown", LONGEST_ERROR)
            return
        counts = self._count(trace)
        for name in {name for name, count in counts.items() if count} & {
            "dialogues",
            "informable",
            "solved",
            "needed",
            "not_needed",
            "coverable",
            "nameable",
            "to_ask",
            "calls",
            "ready_calls",
            "attempts",
            "turns",
            "wrong",
            "feedback",
            "scored",
            "replies",
            "metered_student",
            "metered_teacher",
        }:
            self.n[name] += 1
        row = self._put(f"{trace.task.family}\x1f{trace.task.pair or trace.task.id}", counts)
        if counts["scored"]:
            tried = self.tries.setdefault(trace.task.id, [row, 0, 0])
            tried[1] += 1
            tried[2] += counts["solved"]
            self.n["repeated_tasks"] += tried[1] == 2

    def extend(self, traces: Iterable[Trace]) -> Tally:
        for trace in traces:
            self.add(trace)
        return self

    @property
    def horizon(self) -> int:
        """The largest k at which every dialogue could have been solved, 10 at most."""
        return min(MAX_K, min(self.limits) if self.limits else self.longest)

    def _put(self, key: str, counts: Counter[str]) -> int:
        row = self.rows.setdefault(key, len(self.rows))
        if (row + 1) * len(COLUMNS) > len(self.cells):
            self.cells.extend([0.0] * len(COLUMNS))
        for name, count in counts.items():
            self.cells[row * len(COLUMNS) + POSITION[name]] += count
        return row

    def _count(self, trace: Trace) -> Counter[str]:
        counts: Counter[str] = Counter(dialogues=1)
        solved = solved_within(trace)
        if solved is None:
            self.unscored += 1
            counts["unscored"] = 1
        else:
            counts["scored"] = 1
            counts.update(_informed(trace))
            for k in range(solved, MAX_K + 1) if solved else ():
                counts[f"solved_{k}"] = 1
            if solved:
                counts["solved"] = 1
                counts["attempts_made"] = sum(turn.verdict is not None for turn in trace.student_turns[:solved])
        self._count_first_turn(trace, counts)
        self._count_turns(trace, counts)
        self._count_questions(trace, counts)
        self._count_calls(trace, counts)
        _count_corrections(trace, counts)
        _count_costs(trace, counts)
        return counts

    def _count_first_turn(self, trace: Trace, counts: Counter[str]) -> None:
        turns = trace.student_turns
        act = first_act(trace)
        if not turns or act is None:
            return
        asks = act in ASKING
        if trace.task.form is Form.FULL:
            counts["not_needed"] = 1
            counts["needless"] = int(asks)
            return
        counts["needed"] = 1
        counts["needed_asks"] = int(asks)
        if trace.task.private.facts:
            counts["nameable"] = 1
        if asks and trace.task.private.facts:
            counts["coverable"] = 1
            said = turns[0].replaced if turns[0].primed else turns[0].text
            counts["covered"] = int(
                bool(asked_facts(said or "", trace.task.private.facts, (trace.task.prompt,), trace.task.tools))
            )

    def _count_questions(self, trace: Trace, counts: Counter[str]) -> None:
        """What is asked for in the whole dialogue, a student's own questions alone, against what is missing; and
        whether the teacher answers as the simulated person is meant to."""
        missing = {fact.name: fact for fact in missing_facts(trace.task)}
        heard = [trace.task.prompt]
        counts["to_ask"] += len(missing)
        simulated = bool(missing) and not trace.task.tools
        named: tuple[Fact, ...] = ()
        asked = 0
        for turn in trace.turns[1:]:
            if turn.role is Role.TEACHER:
                if simulated:
                    told = [name for name in turn.reveals if name in missing]
                    counts["replies"] += 1
                    counts["faults"] += _is_fault(told, missing, named if asked < MANY else (), trace.task.form)
                missing = {name: fact for name, fact in missing.items() if name not in turn.reveals}
                heard.append(turn.text)
                continue
            named, asked = (), 0
            if turn.act in ASKING:
                named = asked_facts(turn.text, tuple(missing.values()), heard, trace.task.tools) if missing else ()
                asked = len(find_questions(turn.text, heard))
                if not turn.primed:
                    counts["asked_for"] += max(1, len(named), asked)
                    counts["asked_rightly"] += len(named)

    def _count_calls(self, trace: Trace, counts: Counter[str]) -> None:
        """Attempts that call a tool, the student's own."""
        missing = {fact.name for fact in missing_facts(trace.task)}
        for turn in trace.turns:
            missing -= set(turn.reveals)
            if turn.primed or not turn.tool_calls or turn.verdict is None or turn.verdict.correct is None:
                continue
            counts["calls"] += 1
            counts["guessed_calls"] += int(bool(turn.verdict.guessed))
            kinds = {fault.partition(":")[0] for fault in turn.verdict.faults}
            counts["wrong_tools"] += int(bool(kinds & {"tool", "unknown"}))
            if not missing:
                counts["ready_calls"] += 1
                counts["exact_calls"] += int(turn.verdict.correct)

    def _count_turns(self, trace: Trace, counts: Counter[str]) -> None:
        required = {fact.name for fact in missing_facts(trace.task)}
        told: set[str] = set()
        index = 0
        guarded = setting(trace, "guard") != "off"
        for turn in trace.turns:
            if turn.role is Role.TEACHER:
                told.update(turn.reveals)
                self.masked_leaks += int(turn.leak is not None and turn.masked)
                if index and guarded:
                    counts["feedback"] += 1
                    counts["leaks"] += int(turn.leak is not None and not turn.masked)
                continue
            index += 1
            act = act_of(turn, trace.task)
            if act is None:
                continue
            counts["turns"] += 1
            counts["questions"] += int(act in ASKING)
            if index <= MAX_K:
                counts[f"turn_{index}"] += 1
                counts[f"question_{index}"] += int(act in ASKING)
            if required and act is Act.ANSWER_ATTEMPT:
                counts["attempts"] += 1
                counts["premature"] += int(not required <= told)
        self.longest = max(self.longest, index)


def _informed(trace: Trace) -> Counter[str]:
    """Whether the first attempt of the student's own after the last missing fact was told is right."""
    missing = {fact.name for fact in missing_facts(trace.task)}
    for turn in trace.turns:
        if turn.role is Role.TEACHER:
            missing -= set(turn.reveals)
        elif not missing and not turn.primed and turn.verdict is not None:
            correct = turn.verdict.correct
            return Counter() if correct is None else Counter(informed=int(correct), informable=1)
    return Counter(informable=1)


def _is_fault(told: Sequence[str], missing: Mapping[str, Fact], named: Sequence[Fact], form: Form) -> bool:
    """Whether a simulated person's reply breaks its rules: it tells one missing fact at most; on an underspecified task
    the one asked for, and none unasked; on a sharded one always one, as long as any is left."""
    if len(told) > 1:
        return True
    if form is Form.SHARDED:
        return bool(missing) and not told
    return bool(told) != bool(named) or (bool(told) and told[0] not in {fact.name for fact in named})


def _count_costs(trace: Trace, counts: Counter[str]) -> None:
    """Calls of models and the tokens that they read and wrote, where the backend tells."""
    for turn in trace.turns[1:]:
        if turn.call is not None and (usage := turn.call.usage) is not None:
            counts[f"calls_{turn.role}"] += 1 + turn.call.redrawn
            counts[f"tokens_{turn.role}"] += usage.prompt_tokens + usage.completion_tokens
            counts[f"metered_{turn.role}"] = 1


def _count_corrections(trace: Trace, counts: Counter[str]) -> None:
    """Each scored wrong attempt with a later student turn, against the next scored attempt."""
    turns = trace.student_turns
    for index, turn in enumerate(turns[:-1]):
        if turn.primed or turn.verdict is None or turn.verdict.correct is not False:
            continue
        following = next((t for t in turns[index + 1 :] if not t.primed and t.verdict is not None), None)
        if following is not None and following.verdict is not None and following.verdict.correct is None:
            continue
        counts["wrong"] += 1
        if following is None or following.verdict is None:
            continue
        counts["corrected"] += int(following.verdict.correct is True)
        same = following.verdict.correct is False and normal_answer(following) == normal_answer(turn)
        counts["repeated"] += int(same)


POSITION = {name: index for index, name in enumerate(COLUMNS)}
