"""Students."""

from __future__ import annotations

from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from sml_agents.roles.chat import ask_model, describe_model
from sml_agents.roles.prompts import render
from sml_agents.types import Reply, Role, stable_hash
from sml_agents.views import StudentView, chat_messages

__all__ = ["ChatStudent", "Student"]


class Student(Protocol):
    """Whoever solves the task. Sees a `StudentView` and nothing else."""

    settings: dict[str, Any]
    """JSON-able identity: goes into the run's settings and every trace."""

    async def reply(self, view: StudentView, *, seed: int) -> Reply: ...


class ChatStudent:
    """A chat model as the student.

    `system` is its system prompt; None takes the built-in one, "" none at all.
    """

    def __init__(self, model: BaseChatModel, *, system: str | None = None) -> None:
        self.model = model
        self.system = render("student") if system is None else system
        self.settings: dict[str, Any] = {"model": describe_model(model), "prompt": stable_hash(self.system)}

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """One turn. Raises what the model raises."""
        return await ask_model(self.model, chat_messages(view.history, Role.STUDENT, self.system), seed=seed)
