"""Online RL: whole dialogues are sampled from the weights under training, and GRPO learns from how they end.

ST-RL and MT-RL of Cook et al. (arXiv 2602.16488) with TRL's trainer. The dialogues run in the dialogue graph of
`sml_agents.dialogue`; start from a model that already solves some tasks, such as one from Q-primed SFT.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sml_agents.backends.chat_format import ChatFormat
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.backends.text import to_openai
from sml_agents.data.rows import conversation_row
from sml_agents.data.selection import TraceFilter
from sml_agents.dialogue import Cast, DialogueSettings, build_dialogue
from sml_agents.errors import InputError
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher, Teacher, teacher_from
from sml_agents.roles.prompts import render
from sml_agents.training.frame import TrainingFrame
from sml_agents.training.online.curriculum import TaskOrder
from sml_agents.training.online.rollouts import Rollouts
from sml_agents.training.processes import is_main_process, process_count
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.recipes import recipe_named
from sml_agents.training.result import TrainResult
from sml_agents.training.runtime import keeps_bf16, weights_of
from sml_agents.training.settings import GRPOSettings
from sml_agents.training.tokens.masks import DialogueRenderer
from sml_agents.training.tokens.nouns import DataCounts, TokenRow
from sml_agents.training.tokens.rows import tokenize_rows
from sml_agents.types import Role, Task, Trace, stable_hash
from sml_agents.views import chat_messages

if TYPE_CHECKING:
    from sml_agents.training.config import TrainingRun
    from sml_agents.training.dry_run import Preview
    from sml_agents.training.online.policy import PolicyChatModel

__all__ = ["DIALOGUES", "preview_run", "train_grpo", "train_run"]

DIALOGUES = "dialogues.sqlite"


def train_grpo(
    settings: GRPOSettings,
    out: str | Path,
    *,
    system: str | None = None,
    teacher: Teacher | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainResult:
    """Train `settings.model` on dialogues about `settings.tasks`, and save it in the folder `out`.

    The folder is as that of `train_sft`. Its `dialogues.sqlite` holds every dialogue that was sampled, tagged with its
    step; `notes` of the result say how many groups of dialogues taught nothing because all of them ended alike, and
    where the time went. A run that was cut short goes on from its last checkpoint with `settings.resume`.

    Args:
        system: the student's system prompt; None takes the built-in one, "" none.
        teacher: in place of the one that `settings.teacher` names.

    Raises:
        InputError: unusable settings, tasks or output folder; dialogues that cannot fit the model's context.
        SettingsMismatch: resumed with other settings or tasks.
        TrainingError: all dialogues of a step failed, or a loss that is not a number.
    """
    tasks = load_all(settings)
    check_sizes(settings)
    frame = TrainingFrame("grpo", settings, out)
    counts = counted(tasks, settings, frame.tokenizer, frame.max_length, system)

    from sml_agents.training.trainers.grpo import DialogueGRPOTrainer

    arguments = frame.arguments(
        recipe_named("grpo").config_class(),
        max_steps=steps_of(settings, len(tasks), processes=process_count()),
        num_generations=settings.resolved_group,
        max_completion_length=settings.max_tokens,
        temperature=settings.temperature,
        top_p=settings.top_p,
        beta=0.0,
    )
    check_vllm(arguments)
    notes: dict[str, Any] = {}
    store = _Store(frame.out / DIALOGUES) if settings.keep_dialogues else None
    order = TaskOrder(tasks, settings.seed, curriculum=settings.curriculum)
    make_trainer: Callable[..., Any] = partial(
        DialogueGRPOTrainer,
        settings=settings,
        tasks=len(tasks),
        make_rollouts=partial(_rollouts, settings, order, system, teacher, store.keep if store else None),
        # Weights that are in bfloat16 as they are need none.
        bf16_copy=frame.bf16 and not keeps_bf16(settings),
        # What is sampled in bfloat16 is not what the weights in fp32 would say; in fp32 the two are one.
        importance_cap=settings.importance_cap if frame.bf16 else None,
        notes=notes,
    )
    if arguments.beta and settings.method == "full" and weights_of(settings)[1] is not None:
        make_trainer = partial(_with_reference, make_trainer)
    fingerprint = stable_hash([task.model_dump(mode="json") for task in tasks], system)
    try:
        return frame.train(
            make_trainer, arguments, data=counts, fingerprint=fingerprint, progress=progress, notes=notes
        )
    finally:
        if store is not None:
            store.close()


def train_run(run: TrainingRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
    """Train; see `train_grpo`."""
    return train_grpo(run.settings_as(GRPOSettings), run.out, system=run.system, progress=progress)


def preview_run(run: TrainingRun) -> Preview:
    """A dry run: all that `train_grpo` does before the first dialogue; loads no weights.

    The example is a dialogue whose student was told what to say. Memory is that of one pass with gradients, with the
    copy in bfloat16 that generates on a CPU; the states of generation come on top.

    Raises:
        InputError, TrainingError: as `train_grpo` would.
    """
    from sml_agents.training.dry_run import DryRun, stretches

    settings, system = run.settings_as(GRPOSettings), run.system
    tasks = load_all(settings)
    check_sizes(settings)
    dry = DryRun(settings)
    counts = counted(tasks, settings, dry.tokenizer, dry.max_length, system)
    example = _example(tasks[0], settings, dry.renderer, system)
    return dry.plan(
        counts,
        stretches(example, dry.tokenizer),
        steps=steps_of(settings, len(tasks)),
        generating_copy=settings.generator == "own",
    )


def _example(task: Task, settings: GRPOSettings, renderer: DialogueRenderer, system: str | None) -> TokenRow:
    """A dialogue on `task` as token ids, every student turn of it trained."""
    graph = build_dialogue(
        ChatStudent(ScriptedModel(replies=["I do not know."]), system=system),
        OracleTeacher(),
        settings=DialogueSettings(max_turns=settings.max_turns + 1, q_priming=1.0),  # the last turn is never rewritten
        primer=OraclePrimer(demonstrate=True),
    )
    trace = asyncio.run(graph.ainvoke({"task": task}))["trace"]
    conversation = TraceFilter().take(trace)
    assert not isinstance(conversation, str)
    row = conversation_row(conversation, system=system)
    [example, *_], _ = tokenize_rows([row], renderer, max_length=sys.maxsize)
    return example


def load_all(settings: GRPOSettings) -> list[Task]:
    """The tasks of all specs, in order. Raises InputError for a spec that cannot be used or has no task."""
    from sml_agents.rollout.typed import held_tasks

    tasks = [task for spec in settings.tasks for task in held_tasks(spec)]
    if not tasks:
        raise InputError(f"there is no task in {', '.join(settings.tasks)}: GRPO needs at least one")
    return tasks


def check_sizes(settings: GRPOSettings) -> None:
    """Raises InputError when groups do not fill a batch, or parts that exclude each other are asked for."""
    group = settings.resolved_group
    if settings.batch_size % group:
        raise InputError(f"batch_size {settings.batch_size} must be a multiple of group {group}")
    if settings.generator == "own" and settings.trl.get("use_vllm"):
        raise InputError("use_vllm needs generator: trl, the one that knows vLLM")


def check_vllm(arguments: Any) -> None:
    """Raises InputError for ways of vLLM that all processes have to call together: their dialogues take turns apart."""
    alone = arguments.vllm_mode == "colocate" and arguments.vllm_tensor_parallel_size == 1
    if arguments.use_vllm and arguments.world_size > 1 and not alone:
        raise InputError("several processes need vllm_mode: colocate and vllm_tensor_parallel_size: 1")


def steps_of(settings: GRPOSettings, tasks: int, *, processes: int = 1) -> int:
    """Optimiser steps: `max_steps`, or as many as it takes to hold a group on each task in each epoch."""
    groups = settings.batch_size * processes // settings.resolved_group
    return settings.max_steps or max(1, math.ceil(tasks * settings.epochs / groups))


def counted(
    tasks: Sequence[Task], settings: GRPOSettings, tokenizer: Any, max_length: int, system: str | None
) -> DataCounts:
    """What a dialogue may take. Raises InputError when the longest task leaves no room for its turns."""
    writer = ChatFormat(tokenizer, settings.model)

    def size(task: Task) -> int:
        prompt = render("student_tools" if task.tools else "student") if system is None else system
        messages = to_openai(chat_messages(((Role.TEACHER, task.prompt),), Role.STUDENT, prompt))
        return len(writer.encode(messages, list(task.tools) or None))

    longest = max(map(size, tasks))
    turns = settings.max_turns * settings.max_tokens
    whole = longest + turns
    if whole > max_length:
        raise InputError(
            f"a dialogue may take {whole} tokens, more than the {max_length} allowed: the longest task has {longest}, "
            f"and there are {settings.max_turns} turns of {settings.max_tokens}; lower max_turns or max_tokens"
        )
    return DataCounts(rows=len(tasks), rows_as="task", longest=whole, tokens=whole, trained_tokens=turns)


def _with_reference(make_trainer: Callable[..., Any], *, model: Any, **rest: Any) -> Any:
    """The trainer, whose frozen reference is the model as it is: TRL, which loads it by the name of the weights, would
    leave out an adapter that was merged into them."""
    name = model.config._name_or_path
    with TemporaryDirectory(prefix="reference-") as folder:
        model.save_pretrained(folder)
        model.config._name_or_path = folder
        try:
            return make_trainer(model=model, **rest)
        finally:
            model.config._name_or_path = name


def _rollouts(
    settings: GRPOSettings,
    order: TaskOrder,
    system: str | None,
    teacher: Teacher | None,
    keep: Callable[[Sequence[Trace]], None] | None,
    model: PolicyChatModel,
    filler: int,
) -> Rollouts:
    cast = Cast(
        ChatStudent(model, system=system, verbatim=True),
        teacher or teacher_from(settings.teacher),
        DialogueSettings(max_turns=settings.max_turns, guard=settings.guard, seed=settings.seed),
    )
    group, concurrency = settings.resolved_group, settings.concurrency
    return Rollouts(order, cast, group=group, concurrency=concurrency, filler=filler, keep=keep)


class _Store:
    """Writes the dialogues of each step, those of all processes, in one transaction of the first process."""

    def __init__(self, path: Path) -> None:
        from sml_agents.traces import TraceStore

        self._store = TraceStore.open(path) if is_main_process() else None

    def keep(self, traces: Sequence[Trace]) -> None:
        """Every process has to call it."""
        from accelerate.utils import gather_object  # type: ignore[import-untyped]

        from sml_agents.traces.store import Batch

        everyone: list[Trace] = gather_object(list(traces))
        if self._store is not None:
            self._store.write(Batch(done=[self._store.done_row(trace) for trace in everyone]))

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
