"""The dry run of online RL: sizes, memory, and a dialogue as it would be trained on, without the model's weights."""

from __future__ import annotations

import asyncio

from sml_agents.backends.scripted import ScriptedModel
from sml_agents.data.rows import conversation_row
from sml_agents.data.selection import TraceFilter
from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher
from sml_agents.training.dry_run import DryRun, Preview, stretches
from sml_agents.training.grpo import check_sizes, counted, load_all, steps_of
from sml_agents.training.settings import GRPOSettings
from sml_agents.training.tokens.masks import DialogueRenderer
from sml_agents.training.tokens.nouns import TokenRow
from sml_agents.training.tokens.rows import IGNORED
from sml_agents.types import Task

__all__ = ["preview_grpo"]


def preview_grpo(settings: GRPOSettings, *, system: str | None = None) -> Preview:
    """Do all that `train_grpo` does before the first dialogue; loads no weights.

    The example is a dialogue whose student was told what to say. Memory is that of one pass with gradients, with the
    copy in bfloat16 that generates on a CPU; the states of generation come on top.

    Raises:
        InputError, TrainingError: as `train_grpo` would.
    """
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
    rendered = renderer.render(conversation_row(conversation, system=system).messages)
    labels = [token if kept else IGNORED for token, kept in zip(rendered.ids, rendered.mask, strict=True)]
    return TokenRow(rendered.ids, labels)
