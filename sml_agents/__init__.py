"""Teach language models to learn from a conversation.

A `Task` becomes a dialogue between a student and a teacher who knows more; the dialogue becomes a `Trace`, the trace
training rows, and the fine-tuned model goes back in as the student. The names below are the whole way round; each is
loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.agents import (
        AgentStudent,
        AgentView,
        ClarifyMiddleware,
        Question,
        TraceRecorder,
        ask_user,
        clarify_graph,
        clarify_node,
    )
    from sml_agents.backends import resolve
    from sml_agents.data.export import export
    from sml_agents.dialogue import Cast, DialogueSettings, build_dialogue
    from sml_agents.errors import InputError, SmlError
    from sml_agents.evaluation.report import write_report
    from sml_agents.evaluation.run import evaluate
    from sml_agents.mining import mine
    from sml_agents.roles import ChatPrimer, ChatStudent, ChatTeacher, HumanTeacher, OraclePrimer, OracleTeacher
    from sml_agents.rollout import RunOptions, run_dialogues, run_dialogues_sync
    from sml_agents.tasks import load_tasks
    from sml_agents.traces import TraceStore
    from sml_agents.training import (
        GRPOSettings,
        LoraSettings,
        SFTSettings,
        balanced,
        load_run,
        train_grpo,
        train_run,
        train_sft,
        training_rows,
    )
    from sml_agents.types import Act, Fact, Form, Private, Reply, StopReason, Task, Trace, Turn, Verdict
    from sml_agents.views import StudentView, TeacherView

__version__ = "0.2.0"

__all__ = [
    "Act",
    "AgentStudent",
    "AgentView",
    "Cast",
    "ChatPrimer",
    "ChatStudent",
    "ChatTeacher",
    "ClarifyMiddleware",
    "DialogueSettings",
    "Fact",
    "Form",
    "GRPOSettings",
    "HumanTeacher",
    "InputError",
    "LoraSettings",
    "OraclePrimer",
    "OracleTeacher",
    "Private",
    "Question",
    "Reply",
    "RunOptions",
    "SFTSettings",
    "SmlError",
    "StopReason",
    "StudentView",
    "Task",
    "TeacherView",
    "Trace",
    "TraceRecorder",
    "TraceStore",
    "Turn",
    "Verdict",
    "ask_user",
    "balanced",
    "build_dialogue",
    "clarify_graph",
    "clarify_node",
    "evaluate",
    "export",
    "load_run",
    "load_tasks",
    "mine",
    "resolve",
    "run_dialogues",
    "run_dialogues_sync",
    "train_grpo",
    "train_run",
    "train_sft",
    "training_rows",
    "write_report",
]

_JOURNEYS: dict[str, dict[str, tuple[str, ...]]] = {
    "dialogue": {
        "backends": ("resolve",),
        "dialogue": ("Cast", "DialogueSettings", "build_dialogue"),
        "roles": ("ChatPrimer", "ChatStudent", "ChatTeacher", "HumanTeacher", "OraclePrimer", "OracleTeacher"),
        "tasks": ("load_tasks",),
        "types": ("Act", "Fact", "Form", "Private", "Reply", "StopReason", "Task", "Trace", "Turn", "Verdict"),
        "views": ("StudentView", "TeacherView"),
    },
    "run": {"rollout": ("RunOptions", "run_dialogues", "run_dialogues_sync"), "traces": ("TraceStore",)},
    "learn": {
        "data.export": ("export",),
        "mining": ("mine",),
        "training": (
            "GRPOSettings",
            "LoraSettings",
            "SFTSettings",
            "balanced",
            "load_run",
            "train_grpo",
            "train_run",
            "train_sft",
            "training_rows",
        ),
    },
    "measure": {"evaluation.report": ("write_report",), "evaluation.run": ("evaluate",)},
    "agents": {
        "agents": (
            "AgentStudent",
            "AgentView",
            "ClarifyMiddleware",
            "Question",
            "TraceRecorder",
            "ask_user",
            "clarify_graph",
            "clarify_node",
        ),
    },
    "errors": {"errors": ("InputError", "SmlError")},
}
"""The public names by what one is about, and the module that each comes from."""
_MODULE_OF = {
    name: f"{__name__}.{module}" for homes in _JOURNEYS.values() for module, names in homes.items() for name in names
}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
