"""A task list that several processes share through their store: each dialogue is run by one of them.

Each process goes through the whole list and takes what nobody has. What others run it comes back to now and then, and
at the end until all is done: a dialogue whose process died is taken by another, with the replies that it had got.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from itertools import islice

from sml_agents.rollout.engine import Item
from sml_agents.traces import AsyncWriter, Finished

__all__ = ["SharedItems"]

_LOOK_AHEAD = 32
"""Dialogues to ask for at least in one go: most may be others'."""
_POLLS_PER_LEASE = 10
_LONGEST_PAUSE = 2.0


class SharedItems(AsyncIterator[Item]):
    """Those of `items` that no other process runs, each as it is taken.

    Used as a context manager it holds on to them while they run, and leaves to others at once what did not end.
    """

    def __init__(
        self,
        items: Iterator[Item],
        writer: AsyncWriter,
        *,
        lease: float,
        again: Mapping[str, str],
        on_done: Callable[[Finished], None],
    ) -> None:
        """`lease`: seconds for which one is taken, renewed as long as this process lives. `again`: see
        `TraceStore.claim`. `on_done` is told of each that another process finished."""
        self._items = items
        self._writer = writer
        self._lease = lease
        self._again = again
        self._on_done = on_done
        self._next: deque[Item] = deque()
        self._taken: deque[Item] = deque()
        self._elsewhere: dict[str, Item] = {}
        self._hungry = 0
        self._asking = asyncio.Lock()
        self._looked_at = asyncio.get_running_loop().time()
        """When what others run was asked for last."""

    async def __aenter__(self) -> SharedItems:
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._renewing.cancel()
        if self._writer.failure is None:
            await self._writer.release_claims()

    async def __anext__(self) -> Item:
        self._hungry += 1
        try:
            async with self._asking:
                while not self._taken:
                    await self._take()
                return self._taken.popleft()
        finally:
            self._hungry -= 1

    def give_up(self, item: Item) -> None:
        """Another process has taken `item` over: see to it that it is finished by someone."""
        self._elsewhere[item.id] = item

    async def _take(self) -> None:
        size = max(self._hungry, _LOOK_AHEAD)
        self._next.extend(islice(self._items, max(0, size - len(self._next))))
        clock = asyncio.get_running_loop().time
        pause = self._lease if self._next else min(self._lease / _POLLS_PER_LEASE, _LONGEST_PAUSE)
        wait = self._looked_at + pause - clock()
        if self._elsewhere and (wait <= 0 or not self._next):
            await asyncio.sleep(max(0.0, wait))
            asked, self._elsewhere, self._looked_at = list(self._elsewhere.values()), {}, clock()
        elif self._next:
            asked = [self._next.popleft() for _ in range(min(size, len(self._next)))]
        else:
            raise StopAsyncIteration
        found = await self._writer.claim(
            [(item.id, item.task, item.position) for item in asked],
            self._hungry,
            seconds=self._lease,
            again=self._again,
        )
        left: list[Item] = []
        for item in asked:
            if item.id in found.mine:
                self._taken.append(item)
            elif item.id in found.done:
                self._on_done(found.done[item.id])
            elif item.id in found.others:
                self._elsewhere[item.id] = item
            else:
                left.append(item)
        self._next.extendleft(reversed(left))

    async def _renew(self) -> None:
        while self._writer.failure is None:
            await asyncio.sleep(self._lease / 3)
            await self._writer.renew_claims(self._lease)
