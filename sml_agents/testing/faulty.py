"""A chat model that fails on purpose."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field

from sml_agents.backends import describe
from sml_agents.backends.base import LeanChatModel
from sml_agents.errors import BackendError
from sml_agents.types import stable_hash

__all__ = ["FaultyModel"]


class FaultyModel(LeanChatModel):
    """Passes calls on to `model`, but lets some fail, some answer nothing, and all wait.

    Which ones depends only on the conversation, the call's seed and `seed`: the same call fares the same every time,
    whatever runs beside it.
    """

    model: BaseChatModel
    fail: float = Field(default=0.0, ge=0, le=1)
    """Share of calls that raise `BackendError`."""
    empty: float = Field(default=0.0, ge=0, le=1)
    """Share of calls that answer with an empty text."""
    delay: float = Field(default=0.0, ge=0)
    """Longest wait before an answer, in seconds; each call waits a share of it."""
    seed: int = 0

    @property
    def _llm_type(self) -> str:
        return "sml-faulty"

    def describe(self) -> dict[str, Any]:
        faults = {"fail": self.fail, "empty": self.empty, "seed": self.seed}
        return {"backend": "faulty", "model": describe(self.model), **faults}

    def _draw(self, what: str, messages: list[BaseMessage], seed: int | None) -> float:
        """A number in [0, 1) that belongs to this conversation."""
        said = [[message.type, message.text] for message in messages]
        return int(stable_hash(self.seed, what, seed, said), 16) / 16**16

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        seed = kwargs.get("seed")
        if self.delay:
            await asyncio.sleep(self.delay * self._draw("delay", messages, seed))
        if self._draw("fail", messages, seed) < self.fail:
            raise BackendError("The model failed on purpose (FaultyModel).")
        if self._draw("empty", messages, seed) < self.empty:
            return AIMessage(content="", response_metadata={"model_name": "faulty", "finish_reason": "stop"})
        if not getattr(self.model, "takes_seed", False):
            kwargs.pop("seed", None)
        return await self.model.ainvoke(messages, stop=stop, **kwargs)
