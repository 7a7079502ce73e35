"""One model call of a guarded agent: what the builder chose, and the conversation as the guard reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from langchain.agents.middleware import ModelRequest
from langchain_core.messages import BaseMessage, ToolCall

from sml_agents.agents.asking import Limits, asked_by
from sml_agents.agents.delivery import Delivery
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import Ground
from sml_agents.agents.pieces import Piece
from sml_agents.agents.view import AgentView
from sml_agents.errors import InputError

__all__ = ["OnTrouble", "Terms", "Turn", "Unanswered", "WhenUnknown"]

WhenUnknown = Literal["ask", "block", "let_go"]
OnTrouble = Literal["block", "let_go"]
Unanswered = Literal["refuse", "end"] | Callable[..., Any] | None


@dataclass(frozen=True)
class Terms:
    """How a builder wants the person to be asked, and what becomes of a call that may not run.

    See ClarifyMiddleware for each. Raises InputError for a word that none of them knows.
    """

    delivery: Delivery = "end_turn"
    limits: Limits = field(default_factory=Limits)
    when_unknown: WhenUnknown = "ask"
    on_limit: OnTrouble = "block"
    on_error: OnTrouble = "block"
    on_repeat: OnTrouble = "block"
    on_unanswered: Unanswered = None
    policy: str | None = None
    own_model: bool = True
    """The agent's own model may ask."""

    def __post_init__(self) -> None:
        words = {"delivery": Delivery, "when_unknown": WhenUnknown}
        words |= dict.fromkeys(("on_limit", "on_error", "on_repeat"), OnTrouble)
        for name, known in words.items():
            if (value := getattr(self, name)) not in get_args(known):
                raise InputError(f"{name} is one of {', '.join(get_args(known))}, not {value!r}.")
        if self.on_unanswered not in (None, "refuse", "end") and not callable(self.on_unanswered):
            raise InputError(f"on_unanswered is refuse, end, a callable or None, not {self.on_unanswered!r}.")

    @property
    def somebody_answers(self) -> bool:
        """A person, or a callable in their place."""
        return self.on_unanswered not in ("refuse", "end")

    def left(self, talk: Request, messages: Sequence[BaseMessage]) -> int:
        """How many questions may be asked now."""
        limits = self.limits
        if talk.withdrawn or talk.went_on or talk.rounds >= limits.per_request:
            return 0
        left = limits.per_run
        if limits.per_thread is not None:
            left = min(left, limits.per_thread - sum(len(asked_by(message)) for message in messages))
        return max(0, left)


@dataclass(frozen=True)
class Turn:
    """The conversation before a model call, and what may be asked now."""

    request: ModelRequest[Any]
    talk: Request
    tools: Mapping[str, Any]
    outside: tuple[Piece, ...]
    may_ask: int

    def view(
        self, calls: tuple[ToolCall, ...] = (), grounds: Mapping[str, tuple[Ground, ...]] | None = None
    ) -> AgentView:
        """What a decider sees."""
        request = self.request
        state = cast(Mapping[str, Any], request.state)
        store = getattr(request.runtime, "store", None)
        system = request.system_message.text if request.system_message else ""
        return AgentView(tuple(request.messages), calls, bool(calls), self.tools, grounds or {}, state, store, system)
