"""The same store on a real PostgreSQL server, started for these tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sml_agents.errors import InputError, MissingExtra, SettingsMismatch, StoreError
from sml_agents.traces import AsyncWriter, Counts, TraceStore
from sml_agents.types import Reply, StopReason
from tests.rollout.talk import Talk, hold
from tests.traces.samples import make_task, make_trace

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(postgres: str, request: pytest.FixtureRequest) -> str:
    """A store of this test's own on the server."""
    return f"{postgres}&store={request.node.originalname}"[:200]


def test_traces_come_back_equal_and_in_order(url: str) -> None:
    traces = [make_trace(number, turns=1 + number % 3, text="NUL \x00 and 5 € \U0001f600") for number in range(600)]
    with TraceStore.open(url) as store:
        for trace in reversed(traces[:10]):
            store.add_started(trace.id, trace.task, position=int(trace.id, 16))
        for trace in traces:
            store.add(trace)
        assert list(store.traces()) == traces
        assert list(store.traces(solved=True, family="arithmetic", form="underspecified", stop="solved")) == traces
        assert store.get(f"{7:016x}") == traces[7]
        assert store.counts().tokens == sum(5 * len(trace.student_turns) for trace in traces)
        assert store.verify() == []
    with TraceStore.open(url, read_only=True) as store:
        assert len(store.finished_ids()) == 600


def test_text_that_postgresql_does_not_hold(url: str) -> None:
    with TraceStore.open(url) as store:
        store.add(make_trace(1, text="\ud800", task=make_task(1, family="nul \x00")))
        store.put_reply("id \x00", "key \ud800", Reply(text="\x00"))
        assert next(store.traces()).student_turns[0].text == "\ufffd"
        assert store.replies_of("id \ufffd") == {"key \ufffd": Reply(text="\x00")}


def test_resume_and_replies(url: str) -> None:
    with TraceStore.open(url) as store:
        store.start_run({"seed": 1})
        store.put_reply(f"{1:016x}", "student/0", Reply(text="hm"))
        store.add(make_trace(1, stop=StopReason.FAILED))
    with TraceStore.open(url) as store:
        with pytest.raises(InputError, match="already holds a run"):
            store.start_run({"seed": 1})
        with pytest.raises(SettingsMismatch, match="seed"):
            store.start_run({"seed": 2}, resume=True)
        store.start_run({"seed": 1}, resume=True)
        assert store.get_reply(f"{1:016x}", "student/0") == Reply(text="hm")
        store.add(make_trace(1))
        assert store.ids_with_replies() == set()
        assert store.counts() == Counts(1, 0, solved=1, tokens=5, stops={"solved": 1})


def test_a_run_that_goes_on_is_joined_and_one_that_ended_is_resumed(url: str) -> None:
    with TraceStore.open(url) as first, TraceStore.open(url) as second, TraceStore.open(url) as third:
        first.start_run({"seed": 1})
        with pytest.raises(SettingsMismatch, match="seed"):
            second.start_run({"seed": 2})
        second.start_run({"seed": 1})
        second.add(make_trace())
        first.close()
        third.start_run({"seed": 1})
        second.close()
        third.close()
    with TraceStore.open(url) as late:
        with pytest.raises(InputError, match="--resume"):
            late.start_run({"seed": 1})
        with TraceStore.open(url) as other:
            with pytest.raises(InputError, match="--resume"):
                other.start_run({"seed": 1})  # one that was refused keeps nobody out, nor lets anybody in
            other.start_run({"seed": 1}, resume=True)
        late.start_run({"seed": 1}, resume=True)


def test_stores_on_one_server_are_apart(postgres: str) -> None:
    with TraceStore.open(f"{postgres}&store=one") as one, TraceStore.open(f"{postgres}&store=two") as two:
        one.add(make_trace(1))
        assert two.finished_ids() == set()
        one.start_run({})
        two.start_run({})


def test_many_may_make_the_same_store_at_once(postgres: str) -> None:
    ready = threading.Barrier(6)

    def make(place: str) -> None:
        ready.wait()
        TraceStore.open(place).close()

    with ThreadPoolExecutor(6) as threads:
        for number in range(10):
            assert list(threads.map(make, [f"{postgres}&store=made_{number}"] * 6)) == [None] * 6


async def test_writes_from_asyncio_are_grouped_and_durable(url: str) -> None:
    with TraceStore.open(url) as store, TraceStore.open(url, read_only=True) as other:
        writer = AsyncWriter(store)
        await asyncio.gather(*(writer.put_reply("a", str(key), Reply(text="x")) for key in range(200)))
        assert len(other.replies_of("a")) == 200
        await writer.drain()


async def test_a_run(url: str) -> None:
    tasks = [make_task(number) for number in range(60)]
    with TraceStore.open(url) as store:
        assert (await hold(tasks[:20], Talk(), store)).solved == 20
    with TraceStore.open(url) as store:
        talk = Talk(latency=0.001)
        summary = await hold(tasks, talk, store, resume=True, concurrency=16)
        assert (summary.n, summary.resumed, len(talk.calls)) == (60, 20, 80)
        assert [trace.task.id for trace in store.traces()] == [task.id for task in tasks]


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'sml-agents[postgres]'")
    with pytest.raises(StoreError) as caught:
        TraceStore.open("postgres://ada:hunter2-secret@127.0.0.1:1/db")
    assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value)
    assert "the store failed" in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"sml-agents\[postgres\]"):
        TraceStore.open("postgresql://localhost/db")


@pytest.mark.parametrize("name", ["a-b", "1a", "a;drop", "%22"])
def test_a_name_that_is_no_word_is_refused(name: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'sml-agents[postgres]'")
    with pytest.raises(InputError, match="one word"):
        TraceStore.open(f"postgresql://localhost/db?store={name}")


def server(url: str, *command: str) -> None:
    """Run pg_ctl on the server of these tests, as the user that it belongs to."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    user: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    given = ["pg_ctl", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options, "-w", *command]
    subprocess.run(given, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)


def end_connections(url: str) -> None:
    with TraceStore.open(url) as other, other._transaction() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.exec_driver_sql(ended)


@pytest.mark.parametrize("how", ["connection", "fast", "immediate"])
def test_a_server_that_comes_back_costs_nothing(url: str, how: str) -> None:
    url = f"{url}_{how}"
    with TraceStore.open(url) as store:
        store.start_run({"seed": 1})
        store.put_reply("a", "student/0", Reply(text="hm"))
        for use in (
            lambda: store.add(make_trace(1)),
            lambda: store.replies_of("a"),
            lambda: store.finished(),
            lambda: list(store.traces()),
            lambda: store.counts(),
        ):
            end_connections(url) if how == "connection" else server(url, "-m", how, "restart")
            use()
        assert store.finished_ids() == {f"{1:016x}"}
        assert store.get_reply("a", "student/0") == Reply(text="hm")
        with TraceStore.open(url) as second:
            with pytest.raises(SettingsMismatch, match="seed"):
                second.start_run({"seed": 2})
            second.start_run({"seed": 1})  # the run that came back is going on, and can be joined


async def test_a_run_goes_on_over_a_restart(url: str) -> None:
    tasks = [make_task(number) for number in range(60)]
    with TraceStore.open(url) as store:
        run = asyncio.create_task(hold(tasks, Talk(latency=0.02), store, concurrency=4))
        for _ in range(2):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server, url, "-m", "immediate", "restart")
        summary = await run
        assert (summary.n, summary.solved) == (60, 60)
        assert [trace.task.id for trace in store.traces()] == [task.id for task in tasks]
        assert store.verify() == []


def test_a_server_that_stays_away_names_the_way_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sml_agents.traces.connection.RECONNECT_SECONDS", 0.5)
    with TraceStore.open(url) as store:
        store.start_run({"seed": 1})
        store.add(make_trace(1))
        server(url, "-m", "fast", "stop")
        try:
            with pytest.raises(StoreError) as caught:
                store.add(make_trace(2))
            assert "--resume" in str(caught.value) and "\n" not in str(caught.value)
            with pytest.raises(StoreError, match="--resume"):
                store.add(make_trace(2))
        finally:
            server(url, "start")
    with TraceStore.open(url) as store:
        store.start_run({"seed": 1}, resume=True)
        assert store.finished_ids() == {f"{1:016x}"}
