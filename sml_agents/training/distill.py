"""Self-distillation: the student learns to say at once what it would say if it already knew how the teacher replies.

SDFT (arXiv 2601.19897) with the teacher's feedback as the privileged context, as SDPO (arXiv 2601.20802) uses it. The
model is its own teacher: given the same history and a hint, it says which tokens of the student's own new turn it
would have preferred. The trainer is TRL's, still experimental there.

A hint never holds a fact that the student lacks, or the student would learn to guess it: where one is missing, the
hint is the question to ask; otherwise it is the teacher's reply to the turn that went wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sml_agents.data.nouns import LeftOut
from sml_agents.data.pairs import ASKING
from sml_agents.data.rows import messages_of
from sml_agents.data.selection import Conversation, TraceFilter, told_facts
from sml_agents.errors import InputError, TrainingError
from sml_agents.training.frame import TrainingFrame
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.recipes import recipe_named
from sml_agents.training.result import TrainResult
from sml_agents.training.runtime import weights_of
from sml_agents.training.settings import DistillSettings
from sml_agents.training.tokens.nouns import DataCounts
from sml_agents.types import Act, Role, Trace, Turn, stable_hash

if TYPE_CHECKING:
    from sml_agents.training.config import TrainingRun
    from sml_agents.training.dry_run import Preview

__all__ = ["Hindsight", "hindsights", "preview_run", "train_run", "train_sdft"]


_NO_BETTER = "holds no student turn that a hint makes better"
_TWICE = "places that say the same as another one"


@dataclass(frozen=True)
class Hindsight:
    """A place where a student's turn could have been better, and the hint that would have made it so."""

    history: tuple[Turn, ...]
    hint: str
    missing: bool
    """Whether a needed fact was untold there."""
    pair: str = ""
    """`Task.pair` of the dialogue."""


def hindsights(
    traces: Iterable[Trace], filters: TraceFilter | None = None, *, left_out: LeftOut | None = None
) -> list[Hindsight]:
    """The places in `traces` to learn from, each with one hint; places that say the same are taken once.

    Args:
        left_out: counts the dialogues without such a place, by reason.

    Raises:
        TrainingError: there is none.
    """
    filters = filters or TraceFilter()
    left_out = Counter() if left_out is None else left_out
    found: dict[str, Hindsight] = {}
    for trace in traces:
        conversation = filters.take(trace, judging=True)
        places = [] if isinstance(conversation, str) else list(_of(conversation))
        for one in places:
            key = stable_hash(trace.task.id, [(turn.role, turn.text) for turn in one.history], one.hint)
            left_out[_TWICE] += key in found
            found.setdefault(key, one)
        if not places:
            left_out[conversation if isinstance(conversation, str) else _NO_BETTER] += 1
    if not found:
        raise TrainingError(
            f"no student turn could have been better, with {filters.describe()}: self-distillation learns from turns "
            "with a fact missing, and from wrong attempts and needless questions that the teacher replied to"
        )
    return list(found.values())


def _of(conversation: Conversation) -> Iterator[Hindsight]:
    task = conversation.trace.task
    for at in conversation.targets:
        turn, history = conversation.turns[at], conversation.turns[:at]
        told = told_facts(history)
        untold = [fact for fact in task.private.facts if fact.name not in told]
        place = partial(Hindsight, history, missing=bool(untold), pair=task.pair)
        if untold:
            yield place(hint=f"Something needed is missing. Ask: {untold[0].question or untold[0].name}")
            continue
        wrong = turn.act is Act.ANSWER_ATTEMPT and turn.verdict is not None and turn.verdict.correct is False
        reply = conversation.turns[at + 1 : at + 2]
        if (wrong or turn.act in ASKING) and reply and reply[0].role is Role.TEACHER:
            yield place(hint=f"Nothing is missing. Your last try got this reply: {reply[0].text}")


def train_sdft(
    places: Sequence[Hindsight],
    settings: DistillSettings,
    out: str | Path,
    *,
    system: str | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
    read: DataCounts | None = None,
) -> TrainResult:
    """Distil what the model says with a hint into what it says without.

    Args:
        places: see `hindsights`.
        system: the student's system prompt: None takes the built-in one, "" none.
        read: as in `train_sft`.

    The rest, and what is raised, as in `sml_agents.training.sft.train_sft`.
    """
    frame = TrainingFrame("sdft", settings, out)
    check_teacher(settings)
    rows, counts = rows_of(places, frame, system)
    counts.count_read(read)

    arguments = frame.arguments(
        recipe_named("sdft").config_class(),
        rows=len(rows),
        num_generations=1,
        max_prompt_length=None,
        max_completion_length=settings.max_tokens,
        temperature=settings.temperature,
    )

    from sml_agents.training.trainers.distill import SelfDistillationTrainer
    from sml_agents.training.trainers.preference import as_dataset

    columns = {name: [row[name] for row in rows] for name in ("prompt", "privileged_context")}
    return frame.train(
        partial(SelfDistillationTrainer, train_dataset=as_dataset(columns)),
        arguments,
        data=counts,
        fingerprint=stable_hash(columns),
        progress=progress,
    )


def _places(run: TrainingRun) -> list[Hindsight]:
    return run.sample(hindsights(run.traces(), run.filter, left_out=run.left_out))


def train_run(run: TrainingRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
    """Train; see `train_sdft`."""
    places = _places(run)
    settings = run.settings_as(DistillSettings)
    return train_sdft(places, settings, run.out, system=run.system, progress=progress, read=run.counts)


def preview_run(run: TrainingRun) -> Preview:
    """A dry run; its example is the prompt with the hint, and what is sampled after it is trained."""
    from sml_agents.training.dry_run import DryRun

    settings = run.settings_as(DistillSettings)
    check_teacher(settings)
    dry = DryRun(settings)
    rows, counts = rows_of(_places(run), dry, run.system)
    prompt, hint = rows[0]["prompt"][-1]["content"], rows[0]["privileged_context"]
    shown = f"{prompt}\n\n[hint, for the teaching copy alone: {hint}]\n"
    example = [(shown, False), (f"up to {settings.max_tokens} tokens, sampled while training", True)]
    return dry.plan(counts, example, forward_rows=2, reference=settings.trl.get("teacher_model_kind") != "live")


def check_teacher(settings: DistillSettings) -> None:
    """Raises InputError where TRL would load another model as the teacher than the one that is trained."""
    merged = weights_of(settings)[1] is not None
    if merged and settings.method == "full" and settings.trl.get("teacher_model_kind", "base") != "live":
        raise InputError(
            "the teacher of self-distillation would be loaded without the adapter: set method: lora, or under trl: "
            "teacher_model_kind: live"
        )


def rows_of(places: Sequence[Hindsight], frame: Any, system: str | None) -> tuple[list[dict[str, Any]], DataCounts]:
    """What TRL reads, and what it comes to: a row is a prompt with its hint and the longest turn that may be sampled.

    `frame` is a `TrainingFrame` or a `DryRun`.
    """
    settings: DistillSettings = frame.settings
    counts = DataCounts(rows_as="turn")
    rows: list[dict[str, Any]] = []
    for place in places:
        messages = messages_of(place.history, [False] * len(place.history), system)
        prompt = frame.renderer.format.plain([message.as_chat() for message in messages])
        hint = frame.renderer.format.escaped(place.hint)
        hinted = [*prompt[:-1], {"role": "user", "content": f"{prompt[-1]['content']}\n\n{hint}"}]
        ids = frame.tokenizer.apply_chat_template(hinted, add_generation_prompt=True, tokenize=True, return_dict=True)[
            "input_ids"
        ]
        length = len(ids) + settings.max_tokens
        if length > frame.max_length and settings.too_long == "error":
            raise TrainingError(
                f"a prompt with its hint and a turn of {settings.max_tokens} tokens takes {length}, more than the "
                f"{frame.max_length} allowed: lower max_tokens, or leave long ones out with too_long='drop'"
            )
        if length > frame.max_length:
            counts.too_long += 1
            continue
        rows.append({"prompt": prompt, "privileged_context": hint})
        counts.tokens += length
        counts.longest = max(counts.longest, length)
    if not rows:
        raise TrainingError(f"all {len(places)} prompts are longer than {frame.max_length} tokens with their hint")
    counts.rows = counts.trained_turns = len(rows)
    counts.trained_tokens = len(rows) * settings.max_tokens
    return rows, counts
