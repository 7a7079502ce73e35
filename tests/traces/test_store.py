"""The store keeps what it is given, gives it back in order, and refuses a run that is not the one it holds."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sml_agents.errors import InputError, SettingsMismatch, StoreError
from sml_agents.rollout.summary import Tally
from sml_agents.traces import Counts, TraceStore
from sml_agents.traces.record import checksum
from sml_agents.types import Call, Form, Reply, StopReason, Trace, Usage
from tests.traces.samples import make_task, make_trace

SETTINGS = {
    "dialogue": {"max_turns": 4, "seed": 0},
    "student": {"model": "openai:tiny", "timeout": 30},
    "concurrency": 8,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "traces.db"


def test_a_trace_comes_back_equal(path: Path) -> None:
    traces = [
        make_trace(n, turns=1 + n % 4, asked=n % 3 == 0, tags={"none": None, "list": [1, None]}) for n in range(20)
    ]
    with TraceStore.open(path) as store:
        for trace in traces:
            store.add(trace)
    with TraceStore.open(path, read_only=True) as store:
        assert list(store.traces()) == traces
        assert store.finished_ids() == {trace.id for trace in traces}
        assert store.verify() == []


def test_a_closed_store_is_one_file(path: Path) -> None:
    with TraceStore.open(path) as store:
        store.start_run(SETTINGS)
        store.add(make_trace())
    assert [file.name for file in path.parent.iterdir()] == ["traces.db"]


def test_traces_come_in_the_order_of_the_run_not_of_finishing(path: Path) -> None:
    with TraceStore.open(path) as store:
        for number in (3, 0, 2, 1):
            store.add_started(f"{number:016x}", make_task(number), position=number)
        for number in (2, 1, 3, 0):
            store.add(make_trace(number))
        store.add(make_trace(9))  # without a place: after the others
        assert [int(trace.id, 16) for trace in store.traces()] == [0, 1, 2, 3, 9]


def test_reading_goes_over_many_pages_and_beside_writing(path: Path) -> None:
    with TraceStore.open(path) as store:
        for number in range(700):
            store.add(make_trace(number))
        seen = []
        for trace in store.traces():
            seen.append(int(trace.id, 16))
            if len(seen) == 10:
                store.add(make_trace(700))
        assert seen == list(range(701))


def test_filters(path: Path) -> None:
    with TraceStore.open(path) as store:
        store.add(make_trace(1, stop=StopReason.SOLVED))
        store.add(make_trace(2, stop=StopReason.MAX_TURNS, task=make_task(2, family="lists", form=Form.FULL)))
        store.add(make_trace(3, stop=StopReason.FAILED, task=make_task(3, family="gsm8k", form=Form.SHARDED)))
        store.add_started("4", make_task(4))

        def found(**filters: object) -> list[int]:
            return [int(trace.id, 16) for trace in store.traces(**filters)]  # type: ignore[arg-type]

        assert found() == [1, 2, 3]
        assert found(solved=True) == [1]
        assert found(solved=False) == [2], "a failed dialogue is not scored: neither solved nor unsolved"
        assert found(family=["lists", "gsm8k"]) == [2, 3]
        assert found(form=Form.FULL) == [2]
        assert found(stop="failed") == [3]
        assert found(stop={StopReason.SOLVED, StopReason.FAILED}) == [1, 3]
        assert len(list(store.texts(form="full"))) == 1


def test_counts(path: Path) -> None:
    with TraceStore.open(path) as store:
        assert store.counts() == Counts()
        store.add(make_trace(1, asked=True, turns=2))
        store.add(make_trace(2, stop=StopReason.MAX_TURNS))
        store.add(make_trace(3, stop=StopReason.FAILED, turns=0))
        store.add_started("4", make_task(4))
        stops = {"failed": 1, "max_turns": 1, "solved": 1}
        assert store.counts() == Counts(3, 1, solved=1, asked=1, failed=1, tokens=15, stops=stops)


def test_a_right_answer_that_q_priming_wrote_is_not_the_students(path: Path) -> None:
    alone, primed = make_trace(1, turns=2, text='It says "primed":true. The answer is 4.'), make_trace(2, turns=2)
    question = make_trace(3, asked=True, turns=2)
    missed = make_trace(4, stop=StopReason.MAX_TURNS)

    def by_primer(trace: Trace, *at: int) -> Trace:
        turns = [t.model_copy(update={"primed": True}) if k in at else t for k, t in enumerate(trace.turns)]
        return trace.model_copy(update={"turns": tuple(turns)})

    traces = [alone, by_primer(primed, 1), by_primer(question, 1), by_primer(missed, 1)]
    tally, again = Tally(None), Tally(None)
    with TraceStore.open(path) as store:
        for trace in traces:
            store.add(trace)
            tally.add(trace)
        assert store.counts().solved == 2
        assert [done.solved for done in store.finished().values()] == [True, False, True, False]
        assert len(list(store.traces(solved=True))) == 3, "a worked solution is still one to train on"
        for done in store.finished().values():
            again.add_resumed(done)
    assert tally.progress().solved == again.progress().solved == 2


def test_get_by_the_beginning_of_an_id(path: Path) -> None:
    with TraceStore.open(path) as store:
        for id in ("abc1", "abc2", "abc", "x%y"):
            store.add(make_trace(1).model_copy(update={"id": id}))
        assert store.get("abc").id == "abc", "an exact id wins"
        assert store.get("abc2").id == "abc2"
        assert store.get("x%").id == "x%y"
        for wanted, says in (
            ("ab", "names several dialogues"),
            ("q", "no finished dialogue"),
            ("%", "no finished"),
        ):
            with pytest.raises(InputError, match=says):
                store.get(wanted)
        with pytest.raises(InputError):
            store.get("")


def test_get_by_the_id_that_a_log_has(path: Path) -> None:
    """A whole id goes before the beginning of one, whichever of the two it is."""
    ids = {
        "a1": "conv-3",
        "a2": "conv-30",
        "a3": 'odd "/%_\\ \u00e9',
        "b4": "a",
        "b5": "b",
        "b6": "thread",
        "b7": "thread",
    }
    with TraceStore.open(path) as store:
        for number, (id, source) in enumerate(ids.items()):
            trace = make_trace(number, text=f'"source":"{source}"', stop=StopReason.RECORDED)
            task = trace.task.model_copy(update={"meta": {"source": source}})
            store.add(trace.model_copy(update={"id": id, "task": task}))
        store.add(make_trace(9).model_copy(update={"task": make_task(9, meta={"source": "a data set"})}))
        for source, id in (("conv-3", "a1"), ("conv-30", "a2"), (ids["a3"], "a3"), ('odd "', "a3"), ("a", "b4")):
            assert store.get(source).id == id
        for wanted in ("b", "a2"):
            assert store.get(wanted).id in ("b5", "a2")
        for wanted, says in (
            ("conv", r"names several dialogues \(a1, a2\)"),
            ("thread", r"several dialogues \(b6, b7\)"),
            ("CONV-3", "begins with 'CONV-3'"),
            ("a data set", "no finished dialogue"),
        ):
            with pytest.raises(InputError, match=says):
                store.get(wanted)


def test_a_trace_given_again_takes_the_place_of_the_first(path: Path) -> None:
    with TraceStore.open(path) as store:
        store.add(make_trace(1, stop=StopReason.FAILED))
        store.add(make_trace(2))
        store.add(make_trace(1, stop=StopReason.SOLVED))
        assert [(trace.id[-1], trace.stop) for trace in store.traces()] == [("1", "solved"), ("2", "solved")]


class TestRuns:
    def test_a_second_run_is_refused(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.start_run(SETTINGS)
            store.add(make_trace())
        with TraceStore.open(path) as store, pytest.raises(InputError, match="already holds a run: add --resume"):
            store.start_run(SETTINGS)

    def test_nothing_recorded_yet_is_no_run(self, path: Path) -> None:
        for seed in (0, 1):
            with TraceStore.open(path) as store:
                store.start_run({"seed": seed})
                assert store.run_settings() == {"seed": seed}

    def test_resume_of_an_empty_store_begins(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.start_run(SETTINGS, resume=True)
            assert store.finished_ids() == set()

    def test_resume_names_every_setting_that_changed(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.start_run(SETTINGS)
            store.add_started("1", make_task())
        changed = {"dialogue": {"max_turns": 5}, "student": {"model": "openai:tiny", "timeout": 30}, "new": True}
        with TraceStore.open(path) as store, pytest.raises(SettingsMismatch) as caught:
            store.start_run(changed, resume=True)
        for part in (
            "dialogue.max_turns (4 before, 5 now)",
            "dialogue.seed (0 before, absent now)",
            "new (absent before",
        ):
            assert part in str(caught.value)
        assert "student" not in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_how_fast_and_how_patiently_may_change(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.start_run(SETTINGS)
            store.add(make_trace())
        later = {**SETTINGS, "student": {"model": "openai:tiny", "timeout": 99}, "concurrency": 1, "resume": True}
        with TraceStore.open(path) as store:
            store.start_run(later, resume=True)

    def test_settings_that_are_not_json_compare_equal_to_themselves(self, path: Path) -> None:
        settings = {"path": Path("x"), "stops": ("a", "b"), 3: {"form": Form.FULL}}
        for resume in (False, True):
            with TraceStore.open(path) as store:
                store.start_run(settings, resume=resume)  # type: ignore[arg-type]
                store.add(make_trace())

    def test_imported_traces_do_not_keep_a_run_away(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.add(make_trace())
            store.start_run(SETTINGS)
            assert len(store.finished_ids()) == 1

    def test_two_runs_at_once_are_refused(self, path: Path) -> None:
        with TraceStore.open(path) as first, TraceStore.open(path) as second:
            first.start_run(SETTINGS)
            with pytest.raises(StoreError, match="in use by another run"):
                second.start_run(SETTINGS, resume=True)
            second.add(make_trace())  # adding finished traces and reading stay possible
            assert len(list(first.traces())) == 1
            first.close()
            second.start_run(SETTINGS, resume=True)

    def test_the_lock_of_a_killed_process_is_gone(self, path: Path) -> None:
        code = (
            "import os, sys; from sml_agents.traces import TraceStore\n"
            "TraceStore.open(sys.argv[1]).start_run({}); print('ready', flush=True); os.kill(os.getpid(), 9)"
        )
        child = subprocess.run([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert (child.stdout, child.returncode) == ("ready\n", -9)
        with TraceStore.open(path) as store:
            store.start_run({})


class TestReplies:
    REPLY = Reply(
        text="What does a pencil cost?", call=Call(usage=Usage(completion_tokens=6), completion_ids=(5, 7), seed=3)
    )

    def test_kept_until_the_trace_is_in(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.put_reply("0000000000000001", "student/0", self.REPLY)
        with TraceStore.open(path) as store:
            assert store.get_reply("0000000000000001", "student/0") == self.REPLY
            assert store.get_reply("0000000000000001", "teacher/1") is None
            assert store.ids_with_replies() == {"0000000000000001"}
            store.add(make_trace(1))
            assert store.ids_with_replies() == set()

    def test_kept_of_a_failed_dialogue_for_another_try(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.put_reply("0000000000000001", "student/0", self.REPLY)
            store.add(make_trace(1, stop=StopReason.FAILED))
            assert set(store.replies_of("0000000000000001")) == {"student/0"}

    def test_of_one_dialogue_only(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            for id in ("a", "ab", "b"):
                store.put_reply(id, "student/0", Reply(text=id))
            assert {key: reply.text for key, reply in store.replies_of("a").items()} == {"student/0": "a"}


class TestOpening:
    def test_a_missing_store_is_the_users_mistake(self, path: Path) -> None:
        for options in ({"create": False}, {"read_only": True}):
            with pytest.raises(InputError, match="there is no trace store at"):
                TraceStore.open(path, **options)  # type: ignore[arg-type]
        assert not path.parent.exists(), "nothing is made"

    def test_a_folder_is_not_a_store(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is a folder: name a file in it"):
            TraceStore.open(tmp_path)

    @pytest.mark.parametrize("name", ["mysql://host/db", "http://example.org/x", ""])
    def test_a_name_that_is_no_store(self, name: str) -> None:
        with pytest.raises(InputError):
            TraceStore.open(name)

    def test_memory_and_sqlite_urls(self, path: Path) -> None:
        with TraceStore.open(":memory:") as store:
            store.start_run({})
            store.add(make_trace())
            assert len(list(store.traces())) == 1
        path.parent.mkdir()
        with TraceStore.open(f"sqlite:///{path}") as store:
            store.add(make_trace())
        with TraceStore.open(path, read_only=True) as store:
            assert len(list(store.traces())) == 1

    def test_a_read_only_store_cannot_be_written(self, path: Path) -> None:
        with TraceStore.open(path) as store:
            store.add(make_trace())
        with TraceStore.open(path, read_only=True) as store, pytest.raises(StoreError, match="cannot be written"):
            store.add(make_trace(2))

    def test_a_closed_store_says_so(self, path: Path) -> None:
        store = TraceStore.open(path)
        store.close()
        store.close()
        with pytest.raises(StoreError, match="is closed"):
            store.add(make_trace())

    def test_names_with_odd_characters(self, tmp_path: Path) -> None:
        for name in ("a b?c#d%20.db", "dé∂.db"):
            with TraceStore.open(tmp_path / name) as store:
                store.add(make_trace())
            with TraceStore.open(str(tmp_path / name), read_only=True) as store:
                assert len(list(store.traces())) == 1

    def test_two_processes_may_make_the_same_store(self, path: Path) -> None:
        code = "import sys; from sml_agents.traces import TraceStore; TraceStore.open(sys.argv[1]).close()"
        children = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
        assert [child.wait() for child in children] == [0] * 4


def test_many_threads_may_write(path: Path) -> None:
    with TraceStore.open(path) as store:

        def write(start: int) -> None:
            for number in range(start, start + 25):
                store.add(make_trace(number))

        threads = [threading.Thread(target=write, args=(start,)) for start in range(0, 200, 25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.finished_ids()) == 200


def test_two_processes_may_add_at_the_same_time(path: Path) -> None:
    code = (
        "import sys; from sml_agents.traces import TraceStore; from tests.traces.samples import make_trace\n"
        "store = TraceStore.open(sys.argv[1]); start = int(sys.argv[2])\n"
        "for n in range(start, start + 100): store.add(make_trace(n))\n"
        "store.close()"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(path), str(start)]) for start in (0, 100, 200)]
    assert [child.wait() for child in children] == [0] * 3
    with TraceStore.open(path, read_only=True) as store:
        assert len(list(store.traces())) == 300
        assert store.verify() == []


def test_times_are_beside_the_traces_not_in_them(path: Path) -> None:
    with TraceStore.open(path) as store:
        store.add(make_trace())
        text = next(store.texts())
    with closing(sqlite3.connect(path)) as database:
        created, finished = database.execute("SELECT created, finished FROM dialogues").fetchone()
    assert created.endswith("+00:00") and finished >= created
    assert created[:10] not in text


def test_a_trace_of_version_1_is_read(path: Path) -> None:
    """As an earlier release wrote it: what is a turn's `call` now stood in the turn itself."""
    old = (
        '{"version":1,"id":"a","task":{"id":"t","family":"f","prompt":"p","private":{"answer":"1"}},"turns":['
        '{"role":"teacher","text":"p","model":"oracle","visibility":"public"},'
        '{"role":"student","text":"1","trainable":true,"model":"m","seed":7,"usage":{"completion_tokens":3},'
        '"completion_ids":[5,6],"finish":"length"}],"stop":"failed","error":"student: EndpointError: gone"}'
    )
    with TraceStore.open(path) as store:
        store.add(make_trace())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE dialogues SET trace = ?, crc = ?", (old, checksum(old)))
    with TraceStore.open(path, read_only=True) as store:
        (trace,) = store.traces()
    call = Call(model="m", seed=7, usage=Usage(completion_tokens=3), completion_ids=(5, 6), finish="length")
    assert [turn.call for turn in trace.turns] == [None, call]
    assert str(trace.error) == "student: EndpointError: gone" and trace.version == 2
