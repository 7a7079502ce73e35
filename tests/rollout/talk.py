"""A dialogue without a graph, to test what is around it: two model calls, journalled, and a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sml_agents.rollout import Item, run_into_store
from sml_agents.rollout.summary import RunSummary
from sml_agents.traces import TraceStore
from sml_agents.types import Reply, StopReason, Task, Trace
from tests.traces.samples import make_trace

SETTINGS = {"student": {"model": "talk"}}


class Talk:
    """Holds dialogues; `calls` are the model calls made, `trouble(task)` may raise."""

    def __init__(self, *, latency: float = 0.0, trouble: Callable[[Task], None] | None = None) -> None:
        self.latency = latency
        self.trouble = trouble
        self.calls: list[tuple[str, str]] = []
        self.running = self.most = 0

    async def __call__(self, item: Item, journal: Any) -> Trace:
        id, task, sample, _ = item
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            said = [await self.reply(id, key, journal) for key in ("student/0", "teacher/1")]
            if self.trouble is not None:
                self.trouble(task)
        finally:
            self.running -= 1
        return make_trace(task=task, text=" ".join(said), asked=True, turns=2).model_copy(
            update={"id": id, "sample": sample, "settings": SETTINGS}
        )

    async def reply(self, id: str, key: str, journal: Any) -> str:
        known = journal.get(key)
        if known is None:
            self.calls.append((id, key))
            await asyncio.sleep(self.latency)
            known = Reply(text=f"{key} of {id}")
            await journal.put(key, known)
        return str(known.text)


async def hold(tasks: Any, talk: Talk, store: TraceStore, *, resume: bool = False, **options: Any) -> RunSummary:
    """`run_into_store` with defaults."""
    return await run_into_store(tasks, talk, store, SETTINGS, resume=resume, **{"concurrency": 8, **options})


def stops(store: TraceStore) -> dict[str, StopReason]:
    return {trace.task.id: trace.stop for trace in store.traces()}
