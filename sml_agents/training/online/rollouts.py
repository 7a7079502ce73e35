"""The dialogues of one optimiser step: groups on the same task, held together by the dialogue graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sml_agents.dialogue import Cast
from sml_agents.dialogue.referee import call_seed
from sml_agents.errors import TrainingError
from sml_agents.rollout import Item, run_all
from sml_agents.training.online.curriculum import TaskOrder
from sml_agents.training.online.trajectories import Trajectory, trajectory_of
from sml_agents.types import StopReason, Trace

__all__ = ["Rollouts"]


class Rollouts:
    """Holds `group` dialogues on each of the next tasks; one that failed is tried again once.

    Dialogues live on one event loop for the whole of training, so that what a teacher or verifier keeps open there (a
    connection, a worker) serves every step. Their seeds depend on the training seed, the step and their place in it.
    """

    def __init__(
        self,
        order: TaskOrder,
        cast: Cast,
        *,
        group: int,
        concurrency: int,
        filler: int,
        keep: Callable[[Sequence[Trace]], None] | None = None,
    ) -> None:
        """`filler` is a token for dialogues without any; `keep` is given the traces of each step."""
        self.order = order
        self.cast = cast
        self._graph = cast.graph()
        self.group = group
        self.concurrency = concurrency
        self.filler = filler
        self.keep = keep
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Close the event loop and what lives on it."""
        self._runner.close()

    def run(self, step: int, count: int, *, process: int = 0, processes: int = 1) -> list[Trajectory]:
        """`count` dialogues, group after group: this process's share of the tasks of step `step`.

        Raises:
            TrainingError: when all of them failed; the message says how the first one did.
        """
        tasks = self.order.next(count * processes // self.group)
        seed = call_seed(self.order.seed, "rollout", step)
        wanted = [
            Item(self.cast.dialogue_id(task, place, seed), task, sample, place)
            for place, (task, sample) in enumerate((task, sample) for task in tasks for sample in range(self.group))
        ]
        mine = wanted[process * count : (process + 1) * count]
        traces = self._run(self._all(mine, step))
        if all(trace.stop is StopReason.FAILED for trace in traces):
            raise TrainingError(f"every dialogue of step {step + 1} failed, the first one with: {traces[0].error}")
        if self.keep is not None:
            self.keep(traces)
        return [trajectory_of(trace, self.filler) for trace in traces]

    def _run(self, dialogues: Coroutine[Any, Any, list[Trace]]) -> list[Trace]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._runner.run(dialogues)
        with ThreadPoolExecutor(1) as aside:  # in a notebook, whose own loop is running
            return aside.submit(self._runner.run, dialogues).result()

    async def _all(self, wanted: Sequence[Item], step: int) -> list[Trace]:
        graph = self._graph

        async def dialogue(item: Item, journal: object) -> Trace:
            result: dict[str, Any] = await graph.ainvoke({"task": item.task, "sample": item.sample, "id": item.id})
            trace: Trace = result["trace"]
            return trace

        sink = _Collected(step)
        hold = partial(run_all, dialogue=dialogue, sink=sink, concurrency=self.concurrency, record=self.cast.record)
        await hold(wanted)
        failed = [item for item in wanted if sink.traces[item.position].stop is StopReason.FAILED]
        if len(failed) < len(wanted):  # where none went well, none would
            await hold(failed)
        return [sink.traces[item.position] for item in wanted]


class _Collected:
    """The traces of one step, by their place in it."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.traces: dict[int, Trace] = {}

    async def __aenter__(self) -> _Collected:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def start(self, item: Item) -> None:
        """Nothing is kept of a dialogue that does not end: the step would be sampled anew."""

    async def finish(self, item: Item, trace: Trace) -> None:
        self.traces[item.position] = trace.model_copy(update={"tags": {"step": self.step + 1}})
