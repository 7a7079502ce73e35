"""Teach language models to learn from a conversation.

A `Task` becomes a dialogue between a student and a teacher who knows more; the dialogue becomes a `Trace`, the trace
training rows, and the fine-tuned model goes back in as the student. The names below are the whole way round; each is
loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.backends import resolve
    from sml_agents.data.export import export
    from sml_agents.dialogue import DialogueSettings, build_dialogue
    from sml_agents.errors import SmlError
    from sml_agents.evaluation.report import write_report
    from sml_agents.evaluation.run import evaluate
    from sml_agents.roles import ChatStudent, ChatTeacher, HumanTeacher, OracleTeacher
    from sml_agents.rollout import run_dialogues, run_dialogues_sync
    from sml_agents.tasks import load_tasks
    from sml_agents.traces import TraceStore
    from sml_agents.training import train_sft, training_rows
    from sml_agents.types import Act, Fact, Form, Private, StopReason, Task, Trace, Turn

__version__ = "0.1.0"

__all__ = [
    "Act",
    "ChatStudent",
    "ChatTeacher",
    "DialogueSettings",
    "Fact",
    "Form",
    "HumanTeacher",
    "OracleTeacher",
    "Private",
    "SmlError",
    "StopReason",
    "Task",
    "Trace",
    "TraceStore",
    "Turn",
    "build_dialogue",
    "evaluate",
    "export",
    "load_tasks",
    "resolve",
    "run_dialogues",
    "run_dialogues_sync",
    "train_sft",
    "training_rows",
    "write_report",
]

_HOME = {
    "backends": ("resolve",),
    "dialogue": ("DialogueSettings", "build_dialogue"),
    "errors": ("SmlError",),
    "evaluation.report": ("write_report",),
    "evaluation.run": ("evaluate",),
    "roles": ("ChatStudent", "ChatTeacher", "HumanTeacher", "OracleTeacher"),
    "rollout": ("run_dialogues", "run_dialogues_sync"),
    "tasks": ("load_tasks",),
    "traces": ("TraceStore",),
    "data.export": ("export",),
    "training": ("train_sft", "training_rows"),
    "types": ("Act", "Fact", "Form", "Private", "StopReason", "Task", "Trace", "Turn"),
}
_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
