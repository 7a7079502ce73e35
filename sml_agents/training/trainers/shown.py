"""Dialogues beside the curves: in TensorBoard as text, in trackio as a table, whichever `report_to` names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sml_agents.types import Role, Trace

__all__ = ["show", "written"]

_AT_MOST = 4
"""Dialogues of a step that are shown: enough to see what the curves are made of."""
_NAMES = {Role.STUDENT: "student", Role.TEACHER: "teacher"}


def show(callbacks: Sequence[Any], step: int, traces: Sequence[Trace]) -> None:
    """Write some dialogues of a step: the first of each task, so that they are not all alike."""
    chosen = list({trace.task.id: trace for trace in reversed(traces)}.values())[::-1][:_AT_MOST]
    for callback in callbacks:
        writer = getattr(callback, "tb_writer", None)
        if writer is not None:
            for place, trace in enumerate(chosen):
                writer.add_text(f"dialogues/{place}", written(trace), step)
        elif (trackio := getattr(callback, "_trackio", None)) is not None and getattr(callback, "_initialized", False):
            import datasets

            rows = [
                {"step": step, "task": one.task.id, "solved": one.solved, "dialogue": written(one)} for one in chosen
            ]
            trackio.log({"dialogues": trackio.Table(dataframe=datasets.Dataset.from_list(rows).to_pandas())})


def written(trace: Trace) -> str:
    """A dialogue in Markdown; what the student thought is part of it, what the teacher alone knows is not."""
    said = [f"**{_NAMES.get(turn.role, str(turn.role))}:** {turn.thought}{turn.text}" for turn in trace.turns]
    return "\n\n".join([*said, f"*{trace.stop}, {len(trace.student_turns)} turns*"])
