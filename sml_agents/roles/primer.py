"""Q-priming: write the question that a wrong turn should have been (Cook et al., arXiv 2602.16488).

The writer sees the attempt *and* the private knowledge; only its question enters the public history.
"""

from __future__ import annotations

from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from sml_agents.roles.chat import ask_model, describe_model
from sml_agents.roles.guard import escape
from sml_agents.roles.prompts import checked, source
from sml_agents.types import Reply, Role, stable_hash
from sml_agents.verifiers.call import usual_calls
from sml_agents.views import TeacherView, chat_messages

__all__ = ["ChatPrimer", "OraclePrimer", "Primer"]


NO_TOOL = "None of my tools does that."


class Primer(Protocol):
    """Rewrites a student turn that did not solve the task."""

    settings: dict[str, Any]

    async def rewrite(self, view: TeacherView, *, seed: int) -> Reply | None:
        """The turn to put in place of `view.last`, or None to leave it."""
        ...


class OraclePrimer:
    """Asks for the first missing fact, in the words that the task carries for it; nothing missing, nothing asked.

    With `demonstrate`, a wrong turn with nothing missing becomes the task's worked solution, of a request the right
    call: the way in for a student too weak to solve anything by itself. Such turns are marked as primed like the
    questions are.
    """

    by_rule = True

    def __init__(self, *, demonstrate: bool = False) -> None:
        self.demonstrate = demonstrate
        self.settings: dict[str, Any] = {"model": "oracle", "demonstrate": demonstrate}

    async def rewrite(self, view: TeacherView, *, seed: int = 0) -> Reply | None:
        """The question for a missing fact, the worked solution, or None."""
        if view.untold:
            question = view.untold[0].question
            return Reply(text=question) if question else None
        if not self.demonstrate:
            return None
        if view.tools:
            calls = usual_calls(view.private)
            return Reply(text="" if calls else NO_TOOL, tool_calls=calls or None, at_once=bool(calls))
        return Reply(text=view.private.solution) if view.private.solution else None


class ChatPrimer:
    """The paper's way: the student's own model writes the question, shown its attempt and the private knowledge.

    `system` is its prompt as a Jinja template, which may use `problem`, `attempt`, `private` and `untold`; None takes
    the built-in one. Raises InputError for a template that cannot be used.
    """

    def __init__(self, model: BaseChatModel, *, system: str | None = None) -> None:
        text = source("question_writer") if system is None else system
        self._prompt = checked(text, ("problem", "attempt", "private", "untold"))
        self.model = model
        self.settings: dict[str, Any] = {"model": describe_model(model), "prompt": stable_hash(text)}

    async def rewrite(self, view: TeacherView, *, seed: int) -> Reply | None:
        """A question, or None when the model wrote something else. Raises what the model raises."""
        prompt = self._prompt.render(
            problem=view.history[0][1], attempt=escape(view.last), private=view.private, untold=view.untold
        ).strip()
        reply = await ask_model(self.model, chat_messages(((Role.TEACHER, prompt),), Role.STUDENT), seed=seed)
        return reply if "?" in reply.text else None
