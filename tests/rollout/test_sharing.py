"""Several processes on one PostgreSQL store: each dialogue is run by one of them, whoever dies on the way."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import shlex
import signal
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func

from sml_agents.errors import InputError
from sml_agents.testing.loopback import Exchange, completion, serve
from sml_agents.traces import AsyncWriter, TraceStore
from sml_agents.traces.claims import ClaimLost, claims, take
from sml_agents.types import Reply, StopReason, Trace
from tests.cli.conftest import run_forked
from tests.rollout.talk import SETTINGS, Talk, hold
from tests.traces.samples import make_task, make_trace

pytestmark = pytest.mark.postgres

TASKS = [make_task(number) for number in range(120)]


@pytest.fixture
def url(postgres: str) -> str:
    return f"{postgres}&store=shared"


class LoggedTalk(Talk):
    """Writes each model call that begins or ends to a file that several processes append to."""

    def __init__(self, log: Path, latency: float) -> None:
        super().__init__(latency=latency)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def reply(self, id: str, key: str, journal: Any) -> str:
        known = journal.get(key) is not None
        if not known:
            os.write(self.log, f"begin {os.getpid()} {id} {key}\n".encode())
        said = await super().reply(id, key, journal)
        if not known:
            os.write(self.log, f"end {os.getpid()} {id} {key}\n".encode())
        return said


def live(url: str, log: Path, latency: float, ready: Any) -> None:
    """A process of its own."""
    with TraceStore.open(url) as store:
        ready.wait()
        summary = asyncio.run(hold(TASKS, LoggedTalk(log, latency), store))
    assert (summary.n, summary.solved) == (len(TASKS), len(TASKS))


def calls(log: Path, what: str) -> list[tuple[int, str]]:
    lines = (line.split(" ", 2) for line in log.read_text().splitlines())
    return [(int(pid), call) for begun, pid, call in lines if begun == what]


def run_out(url: str, pid: int) -> None:
    """As when the minute is over for which the claims of this process hold."""
    with TraceStore.open(url) as store, store._transaction() as connection:
        its = claims.c.owner.contains(f"/{pid}/")
        assert connection.execute(claims.update().where(its).values(expires=func.now())).rowcount > 0


def test_four_processes_one_of_them_killed(url: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.rollout.test_sharing"])
    log = tmp_path / "log"
    ready = context.Barrier(4)
    started = [context.Process(target=live, args=(url, log, 0.2, ready), daemon=True) for _ in range(4)]
    for process in started:
        process.start()
    victim = started[0]
    while not (log.exists() and sum(pid == victim.pid for pid, _ in calls(log, "end")) >= 8):
        assert all(process.is_alive() for process in started)
        time.sleep(0.02)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    run_out(url, victim.pid)
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [-signal.SIGKILL, 0, 0, 0]
    with TraceStore.open(url) as store:
        assert [trace.task for trace in store.traces()] == TASKS, "none lost, none twice, in the order of the tasks"
        assert store.verify() == [] and store.ids_with_replies() == set() and store.counts().unfinished == 0
    ended = calls(log, "end")
    assert {pid for pid, _ in ended} == {process.pid for process in started}
    lost = Counter(call for pid, call in calls(log, "begin") if pid == victim.pid)
    lost.subtract(call for pid, call in ended if pid == victim.pid)
    # A reply may have come, and not been committed, at the moment of the kill.
    in_flight = {call for call, count in lost.items() if count} | {
        call for pid, call in ended[-64:] if pid == victim.pid
    }
    again = [call for call, count in Counter(call for _, call in calls(log, "begin")).items() if count > 1]
    assert set(again) <= in_flight | {call for pid, call in ended if pid == victim.pid}
    assert len(again) <= 8, "of each dialogue that it was running at most one call"


async def test_processes_in_step_call_each_model_once(url: str) -> None:
    talks = [Talk(latency=0.01) for _ in range(3)]
    stores = [TraceStore.open(url) for _ in talks]
    summaries = await asyncio.gather(*(hold(TASKS, talk, store) for talk, store in zip(talks, stores, strict=True)))
    for store in stores:
        store.close()
    made = Counter(call for talk in talks for call in talk.calls)
    assert len(made) == 2 * len(TASKS) and set(made.values()) == {1}
    assert all(talk.calls for talk in talks)
    assert [summary.n for summary in summaries] == [len(TASKS)] * 3
    assert sum(summary.n - summary.elsewhere for summary in summaries) == len(TASKS)


async def test_one_who_stops_leaves_its_dialogues_at_once(url: str) -> None:
    class Stuck(Talk):
        async def reply(self, id: str, key: str, journal: Any) -> str:
            if key == "teacher/1":
                await asyncio.Event().wait()
            return await super().reply(id, key, journal)

    first, second = Stuck(), Talk()
    stop = asyncio.Event()
    with TraceStore.open(url) as one, TraceStore.open(url) as other:
        leaving = asyncio.create_task(hold(TASKS[:20], first, one, stop=stop, concurrency=20))
        while len(one.ids_with_replies()) < 20:
            await asyncio.sleep(0.01)
        stop.set()
        staying = await asyncio.wait_for(hold(TASKS[:20], second, other), 50)  # the lease is a minute
        assert (await leaving).interrupted
    assert staying.n == 20
    assert len(first.calls) == 20 and not set(first.calls) & set(second.calls), "what was answered is not asked again"


async def test_who_comes_back_too_late_spoils_nothing(url: str) -> None:
    with TraceStore.open(url) as slow, TraceStore.open(url) as quick:
        for store in (slow, quick):
            store.start_run(SETTINGS)
        rows = [slow.started_row(id, TASKS[0], 0) for id in ("a", "b")]
        assert slow.claim(rows, 2, seconds=60).mine == {"a", "b"}
        assert quick.claim(rows, 2, seconds=60).others == {"a", "b"}
        slow.put_reply("a", "student/0", Reply(text="first"))
        slow.renew_claims(0.0)  # it sleeps for longer than its claims hold
        slow.put_reply("b", "student/0", Reply(text="nobody took it"))
        found = quick.claim(rows[:1], 2, seconds=60)
        assert (found.mine, found.begun) == ({"a"}, {"a"})
        with pytest.raises(ClaimLost, match="another process has taken over a"):
            slow.put_reply("a", "student/0", Reply(text="late"))
        writer = AsyncWriter(slow)
        late = [
            writer.put_reply("a", "student/1", Reply(text="late")),
            writer.put_reply("b", "student/1", Reply(text="x")),
        ]
        lost, kept = await asyncio.gather(*late, return_exceptions=True)
        assert isinstance(lost, ClaimLost) and kept is None, "one that is lost takes no other with it"
        await writer.drain()
        slow.renew_claims(60)
        with pytest.raises(ClaimLost):
            slow.add(make_trace(1).model_copy(update={"id": "a"}))
        assert quick.replies_of("a") == {"student/0": Reply(text="first")}
        quick.add(make_trace(1).model_copy(update={"id": "a"}))
        assert slow.claim(rows, 2, seconds=60).done.keys() == {"a"}


def asked(store: TraceStore, ids: Any) -> list[Any]:
    return [store.started_row(id, TASKS[0], 0) for id in ids]


async def test_nobody_waits_for_what_another_is_taking(url: str) -> None:
    with TraceStore.open(url) as slow, TraceStore.open(url) as quick:
        for store in (slow, quick):
            store.start_run(SETTINGS)
        with quick._transaction() as connection:
            connection.exec_driver_sql("SET lock_timeout = '5s'")
        with suppress(RuntimeError), slow._transaction() as connection:
            assert take(connection, ["z", "b"], 2, "slow", 60) == ({"z", "b"}, set())
            found = quick.claim(asked(quick, "zbc"), 2, seconds=60)
            assert (found.mine, found.others) == ({"c"}, {"z", "b"})
            assert take(connection, ["c"], 1, "slow", 60) == (set(), {"c"}), "and nothing is taken twice"
            raise RuntimeError("it dies before it has them")
        found = quick.claim(asked(quick, "zbc"), 3, seconds=60)
        assert (found.mine, found.others) == ({"z", "b"}, {"c"})


@pytest.mark.parametrize(
    ("ids", "want", "mine"),
    [("dbca", 2, "db"), ("dbca", 4, "dbca"), ("dbca", 9, "dbca"), ("dbca", 0, ""), ("", 3, "")],
)
async def test_the_first_of_those_asked_for_are_taken(url: str, ids: str, want: int, mine: str) -> None:
    with TraceStore.open(url) as store:
        store.start_run(SETTINGS)
        found = store.claim(asked(store, ids), want, seconds=60)
        assert (found.mine, found.others, found.done) == (set(mine), set(), {}), "the others are nobody's"


async def test_a_claim_takes_no_more_than_the_server_has_locks_for(url: str) -> None:
    ids = [f"{number:04}" for number in range(700)]
    with TraceStore.open(url) as store:
        store.start_run(SETTINGS)
        found = [store.claim(asked(store, ids[at : at + 256]), 700, seconds=60) for at in range(0, 700, 256)]
        assert [len(one.mine) for one in found] == [256, 256, 188]
        more = store.claim(asked(store, [f"more {id}" for id in ids]), 700, seconds=60)
        assert (len(more.mine), more.others) == (256, set()), "the others are nobody's"


async def test_a_dialogue_that_was_taken_over_counts_once(url: str) -> None:
    """The first process sleeps past its lease, the second does its work; the first then ends, too."""
    asleep, awake = asyncio.Event(), asyncio.Event()

    class Sleeper(Talk):
        async def __call__(self, item: Any, journal: Any) -> Trace:
            asleep.set()
            await awake.wait()
            return await super().__call__(item, journal)

    with TraceStore.open(url) as one, TraceStore.open(url) as other:
        one.renew_claims = lambda seconds: None  # type: ignore[method-assign]
        sleeping = asyncio.create_task(hold(TASKS[:4], Sleeper(), one, lease=0.3))
        await asleep.wait()
        quick = await hold(TASKS[:4], Talk(), other, lease=0.3)
        awake.set()
        late = await sleeping
    assert (quick.n, quick.elsewhere, late.n, late.elsewhere, late.failed) == (4, 0, 4, 4, 0)


async def test_what_failed_is_tried_again_by_one(url: str) -> None:
    def breaks(task: Any) -> None:
        raise ValueError("on purpose")

    with TraceStore.open(url) as store:
        assert (await hold(TASKS[:30], Talk(trouble=breaks), store)).failed == 30
    talks = [Talk(latency=0.01, trouble=breaks) for _ in range(2)]
    tried: list[str] = []

    async def again(talk: Talk) -> Any:
        async def dialogue(item: Any, journal: Any) -> Trace:
            tried.append(item.id)
            return await talk(item, journal)

        with TraceStore.open(url) as store:
            return await hold(TASKS[:30], dialogue, store, resume=True, retry_failed=True)  # type: ignore[arg-type]

    summaries = await asyncio.gather(*map(again, talks))
    assert sorted(tried) == sorted(set(tried)) and len(tried) == 30
    assert [summary.stops for summary in summaries] == [{StopReason.FAILED: 30}] * 2


async def test_the_clocks_of_the_machines_do_not_matter(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with TraceStore.open(url) as store, TraceStore.open(url) as other:
        store.start_run(SETTINGS)
        other.start_run(SETTINGS)
        row = store.started_row("a", TASKS[0], 0)
        store.claim([row], 1, seconds=5)
        monkeypatch.setattr("sml_agents.traces.schema.now", lambda: "2099-01-01T00:00:00.000+00:00")
        monkeypatch.setattr(time, "time", lambda: 4e9)
        assert other.claim([row], 1, seconds=5).others == {"a"}


async def test_a_run_alone_waits_for_no_lease_of_the_dead(url: str) -> None:
    with TraceStore.open(url) as store:
        store.start_run(SETTINGS)
        store.claim([store.started_row("a", TASKS[0], 0)], 1, seconds=600)
    with TraceStore.open(url) as store:
        store.start_run(SETTINGS, resume=True)
        assert store.claim([store.started_row("a", TASKS[0], 0)], 1, seconds=600).mine == {"a"}


@pytest.mark.parametrize("lease", [0.0, -1.0])
async def test_a_lease_of_no_time_is_refused(url: str, lease: float) -> None:
    with TraceStore.open(url) as store, pytest.raises(InputError, match="above 0"):
        await hold(TASKS[:1], Talk(), store, lease=lease)


async def test_the_page_s_command_given_to_two(url: str, repository: Path, tmp_path: Path) -> None:
    """docs/machines.md, as it stands but for names and numbers."""
    page = (repository / "docs" / "machines.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (sml-agents run .*)$", page, re.MULTILINE)
    both = asyncio.Event()

    async def when_both_have_come(exchange: Exchange) -> None:
        if exchange.number > 32:  # of one process at most 32 are under way
            both.set()
        await both.wait()
        await exchange.answer(completion("The answer is 4."))

    async with serve(when_both_have_come) as server:
        words = shlex.split(command)[1:]
        words[words.index("--tasks") + 1] = "arithmetic?n=40"
        words[words.index("--student") + 1] = f"openai:tiny@{server.url}"
        words[words.index("--store") + 1] = url
        run = partial(run_forked, *words, "--json", cwd=tmp_path, OPENAI_API_KEY="none")
        done = await asyncio.gather(*(asyncio.to_thread(run) for _ in range(2)))
    assert [one.code for one in done] == [0, 0], done[0].err + done[1].err
    assert [one.json["n"] for one in done] == [40, 40]
    assert sum(one.json["n"] - one.json["elsewhere"] for one in done) == 40 and all(
        one.json["elsewhere"] for one in done
    )
