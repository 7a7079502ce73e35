"""The dialogues of one optimiser step: groups on the same task, held together by the dialogue graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sml_agents.dialogue import DialogueGraph
from sml_agents.errors import TrainingError
from sml_agents.training.online.curriculum import TaskOrder
from sml_agents.training.online.trajectories import Episode, episode_of
from sml_agents.types import StopReason, Task, Trace, stable_hash

__all__ = ["Rollouts"]


class Rollouts:
    """Holds `group` dialogues on each of the next tasks.

    Dialogues live on one event loop for the whole of training, so that what a teacher or verifier keeps open there (a
    connection, a worker) serves every step. Their seeds depend on the training seed, the step and their place in it.
    """

    def __init__(
        self,
        order: TaskOrder,
        graph: DialogueGraph,
        *,
        group: int,
        concurrency: int,
        filler: int,
        keep: Callable[[Sequence[Trace]], None] | None = None,
    ) -> None:
        """`filler` is a token for dialogues without any; `keep` is given the traces of each step."""
        self.order = order
        self.graph = graph
        self.group = group
        self.concurrency = concurrency
        self.filler = filler
        self.keep = keep
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Close the event loop and what lives on it."""
        self._runner.close()

    def hold(self, step: int, count: int, *, process: int = 0, processes: int = 1) -> list[Episode]:
        """`count` dialogues, group after group: this process's share of the tasks of step `step`.

        Raises:
            TrainingError: when all of them failed; the message says how the first one did.
        """
        tasks = self.order.next(count * processes // self.group)
        wanted = [(task, sample) for task in tasks for sample in range(self.group)]
        mine = wanted[process * count : (process + 1) * count]
        traces = self._run(self._all(mine, step))
        if all(trace.stop is StopReason.FAILED for trace in traces):
            raise TrainingError(f"every dialogue of step {step + 1} failed, the first one with: {traces[0].error}")
        if self.keep is not None:
            self.keep(traces)
        return [episode_of(trace, self.filler) for trace in traces]

    def _run(self, dialogues: Coroutine[Any, Any, list[Trace]]) -> list[Trace]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._runner.run(dialogues)
        with ThreadPoolExecutor(1) as aside:  # in a notebook, whose own loop is running
            return aside.submit(self._runner.run, dialogues).result()

    async def _all(self, wanted: Sequence[tuple[Task, int]], step: int) -> list[Trace]:
        room = asyncio.Semaphore(self.concurrency)

        async def one(task: Task, sample: int, id: str) -> Trace:
            async with room:
                result: dict[str, Any] = await self.graph.ainvoke({"task": task, "sample": sample, "id": id})
            trace: Trace = result["trace"]
            return trace.model_copy(update={"tags": {"step": step + 1}})

        ids = [
            stable_hash(self.order.seed, "rollout", step, place, task.id, sample)
            for place, (task, sample) in enumerate(wanted)
        ]
        async with asyncio.TaskGroup() as together:
            running = [together.create_task(one(*each, id)) for each, id in zip(wanted, ids, strict=True)]
        return [task.result() for task in running]
