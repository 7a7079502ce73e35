"""Writes from asyncio: durable when awaited, grouped, and one bad write takes no other with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.errors import StoreError
from sml_agents.traces import AsyncWriter, TraceStore
from sml_agents.traces.store import Batch
from sml_agents.types import Reply
from tests.traces.samples import make_task, make_trace


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TraceStore]:
    with TraceStore.open(tmp_path / "traces.db") as store:
        yield store


def count_transactions(store: TraceStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the transactions, as they happen."""
    sizes: list[int] = []
    write = store.write

    def counted(batch: Batch) -> None:
        write(batch)
        sizes.append(len(batch.started) + len(batch.replies) + len(batch.done))

    monkeypatch.setattr(store, "write", counted)
    return sizes


async def test_what_was_awaited_is_durable(store: TraceStore, tmp_path: Path) -> None:
    writer = AsyncWriter(store)
    with TraceStore.open(tmp_path / "traces.db", read_only=True) as other:
        await writer.start(f"{1:016x}", make_task(1), 0)
        assert other.counts().unfinished == 1
        await writer.journal(f"{1:016x}").put("student/0", Reply(text="hm"))
        assert other.get_reply(f"{1:016x}", "student/0") == Reply(text="hm")
        await writer.finish(make_trace(1), 0)
        assert other.finished_ids() == {f"{1:016x}"} and other.ids_with_replies() == set()


async def test_writes_of_one_moment_are_one_transaction(store: TraceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = count_transactions(store, monkeypatch)
    writer = AsyncWriter(store)
    await asyncio.gather(*(writer.finish(make_trace(number), number) for number in range(50)))
    assert sizes == [50]
    await writer.finish(make_trace(50), 50)
    assert sizes == [50, 1]


async def test_a_journal_knows_what_an_earlier_process_left(store: TraceStore) -> None:
    store.put_reply("a", "student/0", Reply(text="kept"))
    journal = AsyncWriter(store).journal("a")
    assert journal.get("student/0") == Reply(text="kept")
    assert journal.get("teacher/1") is None


async def test_a_bad_write_fails_alone(store: TraceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = AsyncWriter(store)
    write = store.write

    def choosy(batch: Batch) -> None:
        if any(row["key"] == "bad" for row in batch.replies):
            raise StoreError("a record is larger than SQLite allows")
        write(batch)

    monkeypatch.setattr(store, "write", choosy)
    keys = ["good", "bad", "fine"]
    results = await asyncio.gather(
        *(writer.put_reply("a", key, Reply(text=key)) for key in keys), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["NoneType", "StoreError", "NoneType"]
    assert set(store.replies_of("a")) == {"good", "fine"}
    assert str(writer.failure) == "a record is larger than SQLite allows"


async def test_cancelling_one_writer_disturbs_no_other(store: TraceStore) -> None:
    writer = AsyncWriter(store)
    tasks = [asyncio.create_task(writer.finish(make_trace(number), number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await writer.drain()
    assert tasks[1].cancelled() and {f"{0:016x}", f"{2:016x}"} <= store.finished_ids()


async def test_drain_waits_for_what_is_under_way(store: TraceStore) -> None:
    writer = AsyncWriter(store)
    task = asyncio.create_task(writer.finish(make_trace(1), 0))
    await asyncio.sleep(0)
    await writer.drain()
    assert store.counts().finished == 1
    await task


async def test_the_loop_is_not_held_up(store: TraceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A durable reply costs the event loop less than a millisecond of its time."""
    writer = AsyncWriter(store)
    spent = []
    write = store.write

    def timed(batch: Batch) -> None:
        began = time.thread_time()
        write(batch)
        spent.append(time.thread_time() - began)

    monkeypatch.setattr(store, "write", timed)

    async def dialogue(number: int) -> None:
        for turn in range(30):
            await writer.put_reply(str(number), str(turn), Reply(text="x" * 500))
            await asyncio.sleep(0.001 * (number % 7))

    await asyncio.gather(*(dialogue(number) for number in range(64)))
    assert sum(spent) / (64 * 30) < 0.001
    assert sorted(spent)[len(spent) // 2] < 0.01
