"""Answer loss by turn: does what the teacher says make the right answer likelier to the student?

After each teacher turn the model is asked how surprising the reference answer would be as its next words: the mean
negative log-likelihood of the answer's tokens, in nats, given the public history. Cook et al. (arXiv 2602.16488) report
that it falls from turn to turn for models trained in dialogue, and shows no trend for the model they came from. The
answer to a request is the right call, as the model's own template writes it.

Only dialogues that went on reach a later turn, and the solved ones end early, so the plain mean by turn mixes two
things. `change_by_turn` takes the change within each dialogue and is the figure to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sml_agents.evaluation.bootstrap import Floats, Metric, percentiles, resample_sums
from sml_agents.evaluation.tally import MAX_K
from sml_agents.types import Role, StopReason, Task, ToolCall, Trace
from sml_agents.verifiers.call import usual_calls
from sml_agents.views import chat_messages, in_words

if TYPE_CHECKING:
    from sml_agents.backends.chat_format import ChatFormat

__all__ = ["AnswerLoss", "answer_loss", "losses_of"]

LEAD = "The answer is"
"""Said for the student before the answer, so that only the answer itself is measured."""


class AnswerLoss(BaseModel):
    """Nats per token of the reference answer, by teacher turn: "1" is the opening."""

    model_config = ConfigDict(frozen=True)

    by_turn: dict[str, Metric] = Field(default_factory=dict)
    change_by_turn: dict[str, Metric] = Field(default_factory=dict)
    """Loss after this teacher turn minus loss after the one before, in the same dialogue; from "2" on."""


def answer_loss(
    traces: Iterable[Trace],
    model: str | Path,
    *,
    system: str | None = None,
    batch_size: int = 8,
    max_tokens: int = 4096,
    dtype: Literal["auto", "fast", "float32", "bfloat16", "float16"] = "auto",
    seed: int = 0,
    resamples: int = 2000,
) -> AnswerLoss:
    """The answer loss of `model` (a folder or hub name) on dialogues, its own or another's.

    `system` is the student's system prompt (None: the built-in one, "": none). Histories of more than `max_tokens`
    tokens end a dialogue's measurements. Failed dialogues are left out. `dtype`: as in `LocalSettings`. Intervals are
    bootstrapped over tasks. Raises BackendSpecError when the model cannot be loaded or has no chat template,
    MissingExtra without torch.
    """
    from sml_agents.backends import LocalSettings
    from sml_agents.backends.chat_format import ChatFormat
    from sml_agents.errors import MissingExtra

    try:
        from sml_agents.backends.loading import load_model

        network, tokenizer = load_model(str(model), str(model), LocalSettings(dtype=dtype))
    except ModuleNotFoundError as error:
        raise MissingExtra("Answer loss", "local") from error
    form = ChatFormat(tokenizer, str(model))
    rows: dict[str, Floats] = {}
    for trace in traces:
        if trace.stop is StopReason.FAILED or not trace.task.private.answer:
            continue
        losses = losses_of(trace, network, form, system=system, batch_size=batch_size, max_tokens=max_tokens)
        row = rows.setdefault(f"{trace.task.family}\x1f{trace.task.pair or trace.task.id}", np.zeros((4, MAX_K)))
        for turn, loss in enumerate(losses[:MAX_K]):
            row[0, turn] += loss
            row[1, turn] += 1
            if turn:
                row[2, turn] += loss - losses[turn - 1]
                row[3, turn] += 1
    table = np.stack([row.ravel() for row in rows.values()]) if rows else np.zeros((0, 4 * MAX_K))
    drawn = resample_sums(table, seed=seed, resamples=resamples).reshape(-1, 4, MAX_K)
    total = table.sum(axis=0).reshape(1, 4, MAX_K)
    return AnswerLoss(by_turn=_means(total, drawn, 0), change_by_turn=_means(total, drawn, 2))


def losses_of(
    trace: Trace, network: Any, form: ChatFormat, *, system: str | None, batch_size: int = 8, max_tokens: int = 4096
) -> list[float]:
    """The loss after each public teacher turn of one dialogue, the opening first."""
    from sml_agents.backends.text import to_openai
    from sml_agents.roles.prompts import render

    tools = list(trace.task.tools)
    prompt = render("student_tools" if tools else "student") if system is None else system
    lead, answer = _reference(form, trace.task)
    sequences = []
    history: list[tuple[Role, str]] = []
    calls: list[tuple[int, tuple[ToolCall, ...]]] = []
    for turn in trace.turns:
        if turn.tool_calls:
            calls.append((len(history), turn.tool_calls))
        history.append((turn.role, turn.text))
        if turn.role is Role.TEACHER:
            messages = to_openai(chat_messages(history, Role.STUDENT, prompt, tuple(calls)))
            ids = [*form.encode(messages, tools), *lead, *answer]
            if len(ids) > max_tokens:
                break
            sequences.append((ids, len(answer)))
    found: list[float] = []
    for start in range(0, len(sequences), batch_size):
        found += _losses(network, sequences[start : start + batch_size])
    return found


def _reference(form: ChatFormat, task: Task) -> tuple[list[int], list[int]]:
    """Token ids of what comes before the answer, and of the answer."""
    made = usual_calls(task.private)
    if not made:
        return _continuation(form, task.private.answer)
    text = in_words("", made)
    if form.takes_tools:
        from sml_agents.backends.text import to_openai

        talk = ((Role.TEACHER, "."), (Role.STUDENT, ""))
        asked, reply, *_ = to_openai(chat_messages(talk, Role.STUDENT, "", ((1, made),)))
        tools = list(task.tools)
        prompt = form.write(form.plain([asked]), tools, opened=True)
        whole = form.write(form.plain([asked, reply]), tools)
        text = whole.removeprefix(prompt) if whole.startswith(prompt) else text
    return [], form.tokenizer(text, add_special_tokens=False)["input_ids"]


def _continuation(form: ChatFormat, answer: str) -> tuple[list[int], list[int]]:
    """Token ids of the lead and of the answer after it, split where the tokens of both are still the same."""
    lead = form.tokenizer(LEAD, add_special_tokens=False)["input_ids"]
    whole = form.tokenizer(f"{LEAD} {answer}", add_special_tokens=False)["input_ids"]
    same = 0
    while same < min(len(lead), len(whole) - 1) and lead[same] == whole[same]:
        same += 1
    return whole[:same], whole[same:]


def _losses(network: Any, sequences: Sequence[tuple[list[int], int]]) -> list[float]:
    """Mean loss of the last tokens of each sequence, given as (ids, how many of the last)."""
    import torch

    # Padded on the left, so that all answers end together and only their logits have to be kept.
    length = max(len(ids) for ids, _ in sequences)
    keep = 1 + max(count for _, count in sequences)
    ids_BT = torch.zeros(len(sequences), length, dtype=torch.long)
    mask_BT = torch.zeros_like(ids_BT)
    for row, (ids, _) in enumerate(sequences):
        ids_BT[row, length - len(ids) :] = torch.tensor(ids)
        mask_BT[row, length - len(ids) :] = 1
    position_BT = (mask_BT.cumsum(-1) - 1).clamp(min=0)
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits_BKV = network(
            input_ids=ids_BT.to(device),
            attention_mask=mask_BT.to(device),
            position_ids=position_BT.to(device),
            logits_to_keep=keep,
        ).logits
    found = []
    for row, (ids, count) in enumerate(sequences):
        predicted = logits_BKV[row, keep - count - 1 : keep - 1].float()
        wanted = torch.tensor(ids[-count:], device=device)
        found.append(float(torch.nn.functional.cross_entropy(predicted, wanted)))
    return found


def _means(total: Floats, drawn: Floats, of: int) -> dict[str, Metric]:
    """Means by turn of the sums in row `of` over the counts in the next one."""
    found = {}
    for turn in range(MAX_K):
        n = int(total[0, of + 1, turn])
        if n:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = drawn[:, of, turn] / drawn[:, of + 1, turn]
            value = float(total[0, of, turn]) / n
            low, high = percentiles(values) or (value, value)
            found[str(turn + 1)] = Metric(value=value, low=min(low, value), high=max(high, value), n=n)
    return found
