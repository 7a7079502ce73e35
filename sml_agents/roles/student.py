"""Students."""

from __future__ import annotations

from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from sml_agents.errors import InputError
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

    `system` is its system prompt; None takes the built-in one, "" none at all. With `verbatim` each turn's prompt
    continues the token ids of the turn before it, as they were read and sampled, in place of rendering the history
    anew: what is trained on is then exactly what was sampled, also where a template drops earlier reasoning. Needs a
    model that takes tokens, as those that run in this process do.
    """

    def __init__(self, model: BaseChatModel, *, system: str | None = None, verbatim: bool = False) -> None:
        if verbatim and not getattr(model, "takes_tokens", False):
            raise InputError(f"{type(model).__name__} takes no token ids, so verbatim=True needs another model")
        self.model = model
        self.system = render("student") if system is None else system
        self.verbatim = verbatim
        self.settings: dict[str, Any] = {"model": describe_model(model), "prompt": stable_hash(self.system)}
        if verbatim:
            self.settings["verbatim"] = True

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        """One turn. Raises what the model raises."""
        messages = chat_messages(view.history, Role.STUDENT, self.system)
        return await ask_model(self.model, messages, seed=seed, tokens=view.tokens if self.verbatim else ())
