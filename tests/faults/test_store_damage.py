"""A damaged store gives the right traces or a StoreError of one sentence: never wrong data or another error."""

from __future__ import annotations

import random
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sml_agents.errors import StoreError
from sml_agents.traces import Damage, TraceStore
from sml_agents.types import TRACE_VERSION, Reply
from tests.traces.samples import make_task, make_trace

TRACES = [make_trace(number, turns=3, asked=number % 2 == 0) for number in range(60)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "traces.db"
    with TraceStore.open(path) as store:
        store.start_run({"seed": 1})
        for trace in TRACES:
            store.add(trace)
        store.add_started("f" * 16, make_task(99))
        store.put_reply("f" * 16, "student/0", Reply(text="an answer"))
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "traces.db"))


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


def set_text(path: Path, change: Callable[[str], str], id: str = f"{7:016x}") -> None:
    """Change a stored text and give it the CRC of the changed one, as another program would."""
    with closing(sqlite3.connect(path)) as database, database:
        (text,) = database.execute("SELECT trace FROM dialogues WHERE id = ?", (id,)).fetchone()
        new = change(text)
        assert new != text
        database.execute("UPDATE dialogues SET trace = ?, crc = ? WHERE id = ?", (new, zlib.crc32(new.encode()), id))


def read(path: Path) -> list[str]:
    with TraceStore.open(path, read_only=True) as store:
        return [trace.id for trace in store.traces()]


def refusal(path: Path, *, write: bool = False) -> str:
    """The sentence with which opening or reading fails."""
    with pytest.raises(StoreError) as caught, TraceStore.open(path, read_only=not write) as store:
        list(store.traces())
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message


def test_the_sound_store_is_sound(path: Path) -> None:
    assert len(read(path)) == 60
    with TraceStore.open(path) as store:
        assert store.verify() == []


class TestFiles:
    @pytest.mark.parametrize("keep", [1, 50, 100, 4096, 20_000])
    def test_a_cut_file(self, path: Path, keep: int) -> None:
        path.write_bytes(path.read_bytes()[:keep])
        assert "damaged" in refusal(path) or "not an SQLite database" in refusal(path)

    def test_an_empty_file_is_an_empty_store(self, path: Path) -> None:
        path.write_bytes(b"")
        assert "empty file" in refusal(path)
        with TraceStore.open(path) as store:
            assert list(store.traces()) == []

    def test_a_file_that_is_no_database(self, path: Path) -> None:
        path.write_text("id,text\n1,hello\n" * 300)
        before = path.read_bytes()
        assert "not an SQLite database" in refusal(path, write=True)
        assert path.read_bytes() == before

    def test_a_short_note_is_not_written_over(self, path: Path) -> None:
        path.write_text("x")
        assert "not an SQLite database" in refusal(path, write=True)
        assert path.read_text() == "x"

    def test_a_database_of_another_program_is_left_alone(self, path: Path) -> None:
        path.unlink()
        sql(path, "CREATE TABLE dialogues (id TEXT)", "INSERT INTO dialogues VALUES ('x')")
        assert "database of another program" in refusal(path, write=True)
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("dialogues",)]

    def test_a_garbage_page(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        draw = random.Random(5)
        middle = len(data) // 4096 // 2 * 4096
        data[middle : middle + 4096] = draw.randbytes(4096)
        path.write_bytes(data)
        assert "damaged" in refusal(path)
        with TraceStore.open(path) as store:
            assert store.verify(), "and verify says so"

    def test_a_lost_write_ahead_log_loses_no_more_than_itself(self, path: Path, tmp_path: Path) -> None:
        with TraceStore.open(path) as store:
            store.add(make_trace(60))
            copy = Path(shutil.copy(path, tmp_path / "copy.db"))  # without its -wal
        assert len(read(copy)) == 60
        assert len(read(path)) == 61

    def test_a_damaged_write_ahead_log(self, path: Path, tmp_path: Path) -> None:
        with TraceStore.open(path) as store:
            for number in range(60, 80):
                store.add(make_trace(number))
            copy = Path(shutil.copy(path, tmp_path / "copy.db"))
            log = bytearray(path.with_name("traces.db-wal").read_bytes())
        half = len(log) // 2
        log[half : half + 100] = b"\xff" * 100
        copy.with_name("copy.db-wal").write_bytes(log)
        with TraceStore.open(copy) as store:
            ids = [trace.id for trace in store.traces()]
            assert ids == [f"{number:016x}" for number in range(len(ids))], "a log is good up to its first bad frame"
            assert 60 <= len(ids) < 80
            assert store.verify() == []


class TestVersions:
    def test_a_future_schema(self, path: Path) -> None:
        sql(path, "UPDATE meta SET value = '2' WHERE key = 'schema_version'")
        assert "schema version 2, this release knows version 1: upgrade sml-agents" in refusal(path, write=True)

    @pytest.mark.parametrize("version", ["0", "", "one"])
    def test_an_old_or_unknown_schema(self, path: Path, version: str) -> None:
        sql(path, f"UPDATE meta SET value = '{version}' WHERE key = 'schema_version'")
        assert "cannot be read by this release" in refusal(path)

    def test_no_version_at_all(self, path: Path) -> None:
        sql(path, "DELETE FROM meta")
        assert "schema version None" in refusal(path)

    def test_a_missing_table(self, path: Path) -> None:
        sql(path, "DROP TABLE replies")
        assert "its table replies is missing" in refusal(path)

    def test_a_missing_column(self, path: Path) -> None:
        sql(path, "ALTER TABLE dialogues DROP COLUMN crc")
        assert "no such column" in refusal(path)

    def test_a_trace_of_a_later_version(self, path: Path) -> None:
        set_text(path, lambda text: text.replace(f'"version":{TRACE_VERSION}', '"version":99'))
        assert "newer sml-agents (version 99)" in refusal(path)

    def test_unknown_fields_are_ignored(self, path: Path) -> None:
        set_text(path, lambda text: text.replace("{", '{"from_the_future":[1],', 1))
        assert len(read(path)) == 60


class TestRecords:
    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text[: len(text) // 2],
            lambda text: text.replace('"stop":"solved"', '"stop":"tired"'),
            lambda text: text.replace('"turns":[', '"turns":[7,'),
            lambda text: text.replace('"sample":0', '"sample":NaN'),
            lambda text: text.replace('"tags":{}', '"tags":{"a":' + "[" * 5000 + "]" * 5000 + "}"),
            lambda text: "[]",
            lambda text: text.replace("pencils", "\\ud800"),
        ],
        ids=["cut", "enum", "type", "nan", "depth", "list", "surrogate"],
    )
    def test_json_that_is_no_trace(self, path: Path, change: Callable[[str], str]) -> None:
        set_text(path, change)
        assert f"dialogue {7:016x} cannot be read" in refusal(path)
        with TraceStore.open(path) as store:
            assert [damage.id for damage in store.verify()] == [f"{7:016x}"]

    @pytest.mark.parametrize(
        "value", ["NULL", "x'ff00'", "CAST(x'ff7b' AS TEXT)", "'{}'", "42", "replace(trace, 'pencil', 'pencal')"]
    )
    def test_a_text_that_is_not_the_one_written(self, path: Path, value: str) -> None:
        sql(path, f"UPDATE dialogues SET trace = {value} WHERE id = '{7:016x}'")
        assert f"dialogue {7:016x} is damaged" in refusal(path)

    def test_the_others_can_still_be_read(self, path: Path) -> None:
        sql(path, f"UPDATE dialogues SET trace = 'x' WHERE id IN ('{7:016x}', '{9:016x}')")
        found: list[Damage] = []
        with TraceStore.open(path) as store:
            assert len(list(store.traces(on_damage=found.append))) == 58
        assert [damage.id for damage in found] == [f"{7:016x}", f"{9:016x}"]

    def test_a_row_that_holds_the_trace_of_another(self, path: Path) -> None:
        sql(path, f"UPDATE dialogues SET id = 'x' WHERE id = '{7:016x}'")
        with TraceStore.open(path) as store:
            assert [damage.what for damage in store.verify()] == [f"dialogue x holds the trace of {7:016x}"]

    def test_a_damaged_reply_is_never_used(self, path: Path) -> None:
        sql(path, "UPDATE replies SET reply = replace(reply, 'answer', 'angler')")
        with TraceStore.open(path) as store:
            with pytest.raises(StoreError, match="is damaged"):
                store.get_reply("f" * 16, "student/0")
            assert len(store.verify()) == 1

    @pytest.mark.parametrize("value", ["'not json'", "'[1]'", "'7'"])
    def test_damaged_settings_of_the_run(self, path: Path, value: str) -> None:
        sql(path, f"UPDATE runs SET settings = {value}")
        with TraceStore.open(path) as store, pytest.raises(StoreError, match="the settings of its run cannot be read"):
            store.start_run({"seed": 1}, resume=True)


@pytest.mark.parametrize("seed", range(6))
def test_random_damage(sound: Path, tmp_path: Path, seed: int) -> None:
    """Flipped bits, overwritten ranges, cut and repeated pieces, 50 stores a seed."""
    draw = random.Random(seed)
    whole = sound.read_bytes()
    right = {trace.id: trace for trace in TRACES}
    path = tmp_path / "traces.db"
    wrong_but_noticed = 0
    for _ in range(50):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 1, 4, 40))):
            at = draw.randrange(len(data))
            kind = draw.randrange(5)
            if kind == 0:
                data[at] ^= 1 << draw.randrange(8)
            elif kind == 1:
                size = draw.randrange(1, 300)
                data[at : at + size] = draw.randbytes(min(size, len(data) - at))
            elif kind == 2:
                del data[at : at + draw.randrange(1, 5000)]
            elif kind == 3:
                data[at:at] = data[at : at + draw.randrange(1, 5000)]
            else:
                data[at : at + 4096] = bytes(min(4096, len(data) - at))
            if not data:
                break
        for left in tmp_path.iterdir():
            left.unlink()
        path.write_bytes(data)
        try:
            with TraceStore.open(path, read_only=draw.random() < 0.5) as store:
                for trace in store.traces(on_damage=lambda damage: None):
                    assert right[trace.id] == trace
                store.verify()
                store.counts()
        except StoreError as error:
            wrong_but_noticed += 1
            assert "\n" not in str(error)
    assert wrong_but_noticed > 5
