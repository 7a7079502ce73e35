"""Traces as training rows: which turns each kind of supervised fine-tuning takes.

A filter says what is taken (`sml_agents.data.selection` has presets); `balanced` then mixes dialogues in which a fact
was missing with those in which none was, because a model that only ever sees questions rewarded learns to ask always.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

from sml_agents.data.nouns import LeftOut, Message, Tools, TrainingRow
from sml_agents.data.selection import Conversation, Preset, TraceFilter, preset, system_of, told_facts
from sml_agents.errors import InputError, TrainingError
from sml_agents.roles.inventory import with_inventories
from sml_agents.text.thinking import as_thought
from sml_agents.text.tools import ASKING_TOOL, call_text, result_text, tools_text
from sml_agents.types import AcceptedCall, Call, Form, Role, Trace, Turn, stable_hash

__all__ = [
    "balanced",
    "conversation_row",
    "decision_messages",
    "messages_of",
    "over_limit",
    "teacher_row",
    "tools_in_text",
    "training_rows",
    "whole_pairs",
    "with_thoughts",
]


def training_rows(
    traces: Iterable[Trace],
    select: Preset | TraceFilter = "mt_sft",
    *,
    system: str | None = None,
    discount: float | None = None,
    world_model: bool = False,
    think: bool = False,
    left_out: LeftOut | None = None,
) -> list[TrainingRow]:
    """Rows for `train_sft`.

    Args:
        select: the name of a selection, or a filter of your own.
        system: the student's system prompt, which has to be the one it will have in use: None takes of a log the
            agent's own, else the built-in one of `ChatStudent`; "" none at all.
        discount: weight a dialogue that was solved in student turn k by discount^(k-1), the discounted return.
        world_model: add a row with the teacher's turns for each dialogue that has some; see `teacher_row`.
        think: put private reasoning before each trained turn that has none; see `with_thoughts`.
        left_out: counts the dialogues that become no row, by reason, in the words that `export` uses.

    Raises:
        InputError: an unknown selection.
        TrainingError: when nothing is left, with the reasons.
    """
    filters = preset(select) if isinstance(select, str) else select
    rows: list[TrainingRow] = []
    left_out = Counter() if left_out is None else left_out
    for trace in traces:
        conversation = filters.take(trace)
        if isinstance(conversation, str):
            left_out[conversation] += 1
            continue
        if think:
            conversation = with_thoughts(conversation)
        rows.append(conversation_row(conversation, system=system, discount=discount))
        if world_model and (row := teacher_row(conversation)) is not None:
            rows.append(row)
    if not rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())) or "no trace was given"
        raise TrainingError(f"no training row is left with {filters.describe()}: {reasons}")
    return rows


def conversation_row(
    conversation: Conversation, *, system: str | None = None, discount: float | None = None
) -> TrainingRow:
    """One conversation as a row in which the taken student turns are trainable; what follows the last is left off."""
    trace = conversation.trace
    whole = conversation.to_last_target()
    messages = messages_of(whole.turns, whole.taken, system_of(trace, system))
    weight = 1.0
    if discount is not None and trace.solved_at is not None:
        weight = discount ** (trace.solved_at - 1)
    missing = trace.task.form is not Form.FULL
    return TrainingRow(messages, trace.id, missing, weight, trace.task.pair, tools=trace.tools)


def teacher_row(conversation: Conversation) -> TrainingRow | None:
    """The world-model objective: the teacher's turns as the model's own, given the public history alone.

    Roles change places: what the student says is the user's, the statement of the problem stands before its first
    turn. A model trained so can be asked for the feedback that a teacher would give (RL2F, arXiv 2602.16066). None when
    the teacher says nothing after the student's first turn.
    """
    opening, *rest = conversation.turns
    while rest and rest[-1].role is Role.STUDENT:
        rest.pop()
    if not rest:
        return None
    messages = [Message("system", _prompt("critic"))]
    for at, turn in enumerate(rest):
        if turn.role is Role.TEACHER:
            messages.append(Message("assistant", turn.text, trainable=True))
        else:
            messages.append(Message("user", turn.text if at else f"{opening.text}\n\n{turn.text}"))
    trace = conversation.trace
    return TrainingRow(tuple(messages), trace.id, trace.task.form is not Form.FULL, pair=trace.task.pair)


def messages_of(turns: Sequence[Turn], taken: Sequence[bool], system: str | None) -> tuple[Message, ...]:
    """Turns as the student's chat; those `taken` are trainable, what tools returned never.

    Calls that were made at once are one message with the text beside them. Those of other turns come before its text,
    one call and its result after the other: that order is possible whether they ran one by one or together. A question
    that a tool asked (`ask_user`) is text, as its answer is. `system`: None takes the built-in prompt, "" none.
    """
    prompt = _prompt("student") if system is None else system
    messages = [Message("system", prompt)] if prompt else []
    for turn, trained in zip(turns, taken, strict=True):
        if turn.role is Role.TEACHER:
            messages.append(Message("user", turn.text))
            continue
        turn, thought = _spoken(turn), turn.thought if trained else ""
        if turn.at_once and turn.tool_calls:
            calls = tuple(
                call.model_copy(update={"id": call.id or f"call_{len(messages)}_{k}"})
                for k, call in enumerate(turn.tool_calls)
            )
            messages.append(replace(_text(turn, trained, thought), calls=calls))
            messages += [Message("tool", call.result or "", call_id=call.id) for call in calls]
            continue
        for call in turn.tool_calls or ():
            call = call.model_copy(update={"id": call.id or f"call_{len(messages)}"})
            messages.append(Message("assistant", "", calls=(call,), trainable=trained, thought=thought))
            messages.append(Message("tool", call.result or "", call_id=call.id))
            thought = ""
        if turn.text or not turn.tool_calls:
            messages.append(_text(turn, trained, thought))
    return tuple(messages)


def decision_messages(
    history: Sequence[Turn], turns: Sequence[Turn], system: str | None
) -> tuple[tuple[Message, ...], list[Message]]:
    """The prompt that all of `turns` answer, and of each the one message in which it is good or bad.

    That is the first in which they differ, else their text; of a turn alone its last call, or its text where it calls
    nothing. Equal calls before it belong to the prompt, with their results.
    """
    turns = [_spoken(turn) for turn in turns]
    longest = max(turns, key=lambda turn: len(turn.tool_calls or ()))
    shared = 0 if any(turn.at_once for turn in turns) else _shared(turns, longest)
    given = list(history)
    if shared:
        before = (longest.tool_calls or ())[:shared]
        given.append(longest.model_copy(update={"text": "", "tool_calls": before}))
    prompt = messages_of(given, [False] * len(given), system)
    sides = []
    for turn in turns:
        rest = (turn.tool_calls or ())[shared:] or None
        sides.append(messages_of([turn.model_copy(update={"tool_calls": rest})], [True], "")[0])
    return prompt, sides


def _shared(turns: Sequence[Turn], longest: Turn) -> int:
    calls = [[(call.name, call.arguments) for call in turn.tool_calls or ()] for turn in turns]
    most = len(longest.tool_calls or ())
    if len(turns) > 1 and all(one == calls[0] for one in calls):
        return most
    for k in range(max(most - 1, 0)):
        if len({stable_hash(one[k]) for one in calls if len(one) > k}) > 1:
            return k
    return max(most - 1, 0)


def tools_in_text(messages: Sequence[Message], tools: Tools) -> list[Message]:
    """For a chat template without tools: they stand in the system prompt, a call and its result in the text."""
    if not (tools or any(message.calls for message in messages)):
        return list(messages)
    written = []
    for message in messages:
        if message.calls:
            calls = [call_text(call.name, call.arguments) for call in message.calls]
            text = "\n\n".join(filter(None, (message.content, "\n".join(calls))))
            written.append(replace(message, content=text, calls=()))
        elif message.role == "tool":
            written.append(replace(message, role="user", content=result_text(message.content)))
        else:
            written.append(message)
    if not tools:
        return written
    told = tools_text(tools)
    if written and written[0].role == "system":
        return [replace(written[0], content=f"{written[0].content}\n\n{told}"), *written[1:]]
    return [Message("system", told), *written]


def with_thoughts(conversation: Conversation) -> Conversation:
    """The think-then-decide format: before each taken turn every number that was told, and whether it is needed.

    Where tools serve the task: each argument of the call with its value, in the words in which it was said where the
    task knows them, and `?` where nobody gave it. Written by rule from what the dialogue knows (see `roles.inventory`);
    a problem that no calculation solves gets none.
    """
    trace, turns = conversation.trace, list(conversation.turns)
    calls, facts = trace.task.private.calls, trace.task.private.facts
    counted = with_inventories(trace.model_copy(update={"turns": conversation.turns})).turns
    for at in conversation.targets:
        if turns[at].thought:
            continue
        if calls:
            names = told_facts(turns[:at])
            missing = [fact.name for fact in facts if fact.name not in names]
            thought = as_thought(_arguments_known(calls[0], missing, trace.task.meta.get("said") or {}))
        else:
            thought = counted[at].thought
        turns[at] = turns[at].model_copy(update={"thought": thought, "call": None})
    return replace(conversation, turns=tuple(turns))


def _arguments_known(call: AcceptedCall, missing: Collection[str], said: Mapping[str, str]) -> str:
    """A line for each argument that the call has to have."""
    values = {
        name: "?" if name in missing else said.get(name) or accepted[0] for name, accepted in call.arguments.items()
    }
    lines = (
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
        if name not in call.optional
    )
    return "\n".join(lines)


class _Kind(Protocol):
    @property
    def missing(self) -> bool | None: ...

    @property
    def pair(self) -> str: ...


R = TypeVar("R", bound=_Kind)


def balanced(
    rows: Sequence[R],
    *,
    missing: float = 0.5,
    limit: int | None = None,
    seed: int = 0,
    left_out: LeftOut | None = None,
) -> list[R]:
    """The largest shuffled subset in which a share `missing` of the rows lacked a fact at the start.

    Rows of one underlying problem are kept or left together as far as the share allows, those of problems that have
    both kinds first: only they show what tells the two apart. Of the rest each row gets one of the other kind as a mate
    (they then share a `pair`), so that no batch holds one kind alone.

    Args:
        missing: between 0 and 1, both excluded.
        limit: at most so many rows.
        left_out: counts the rows that are left out, by reason.

    Raises:
        InputError: `missing` out of range.
        TrainingError: when one of the two kinds is absent.
    """
    if not 0 < missing < 1:
        raise InputError(f"missing={missing} must lie between 0 and 1, both excluded")
    generator = random.Random(seed)
    kinds: dict[str, set[bool]] = {}
    for index, row in enumerate(rows):
        if row.missing is not None:
            kinds.setdefault(_pair(rows, index), set()).add(row.missing)
    drawn = {pair: generator.random() for pair in kinds}
    order = sorted(
        (index for index, row in enumerate(rows) if row.missing is not None),
        key=lambda index: (-len(kinds[_pair(rows, index)]), drawn[_pair(rows, index)]),
    )
    lacking = [rows[index] for index in order if rows[index].missing]
    complete = [rows[index] for index in order if not rows[index].missing]
    if not lacking or not complete:
        absent = "with a fact missing" if not lacking else "with nothing missing"
        raise TrainingError(
            f"no row {absent} among {len(rows)}: add tasks or lessons of that kind, or take all (missing: null)"
        )
    most = min(len(lacking) / missing, len(complete) / (1 - missing))
    mixed, wanted = (
        (max(1, round(total * missing)), max(1, round(total * (1 - missing))))
        for total in (most, min(most, limit or most))
    )
    kept = [*lacking[: wanted[0]], *complete[: wanted[1]]]
    if left_out is not None:
        sides = (("with something missing", lacking, mixed[0]), ("with nothing missing", complete, mixed[1]))
        for side, those, fit in sides:
            left_out[f"{side}, more than missing: {missing:g} takes"] += max(0, len(those) - fit)
        left_out["of which it is not known whether something was missing"] += len(rows) - len(order)
        left_out[over_limit(limit)] += min(mixed[0], len(lacking)) + min(mixed[1], len(complete)) - len(kept)
    generator.shuffle(kept)
    return _with_mates(kept)


def over_limit(limit: int | None) -> str:
    """The reason for which rows beyond `limit` are left out."""
    return f"more than limit: {limit} takes"


def whole_pairs(rows: Sequence[R]) -> list[R]:
    """The rows of problems of which both forms are there, the one that lacked a fact and the complete one."""
    kinds: dict[str, set[bool | None]] = {}
    for row in rows:
        kinds.setdefault(row.pair, set()).add(row.missing)
    return [row for row in rows if row.pair and {True, False} <= kinds[row.pair]]


def _with_mates(rows: list[R]) -> list[R]:
    """Rows that are alone of their problem get one of the other kind as a mate, by sharing a `pair`.

    Questions are shorter than answers. In batches of rows of like length they would come apart, and the student would
    swing between asking always and never, whatever it is asked.
    """
    count = Counter(row.pair for row in rows)
    alone: dict[bool, list[int]] = {True: [], False: []}
    for index, row in enumerate(rows):
        if not row.pair or count[row.pair] == 1:
            alone[bool(row.missing)].append(index)
    for number, mates in enumerate(zip(alone[True], alone[False], strict=False)):
        for index in mates:
            rows[index] = replace(cast(Any, rows[index]), pair=f"mates {number}")
    return rows


def _pair(rows: Sequence[_Kind], index: int) -> str:
    return rows[index].pair or f"row {index}"


def _spoken(turn: Turn) -> Turn:
    """Without the call of a tool that asks the person, where the text holds its question and a turn its answer."""
    calls = turn.tool_calls or ()
    kept = tuple(call for call in calls if not ASKING_TOOL.search(call.name))
    if len(kept) == len(calls) or not turn.text.strip():
        return turn
    return turn.model_copy(update={"tool_calls": kept or None})


def _text(turn: Turn, taken: bool, thought: str) -> Message:
    call = turn.call or Call()
    return Message(
        "assistant",
        turn.text,
        trainable=taken,
        thought=thought,
        sampled=call.completion_ids,
        # What Q-priming wrote answers a prompt with private knowledge in it, which the student must never see.
        prompt=None if turn.primed else call.prompt_ids,
        ended=call.finish != "length",
    )


def _prompt(name: str) -> str:
    from sml_agents.roles.prompts import render

    return render(name)
