"""A disk that is full, read-only or gone: one clear sentence, and nothing lost that was committed.

Each case runs in a child process, which may be given a limit, another user or a small file system of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.traces import TraceStore
from tests.traces.samples import make_trace

ROOT = Path(__file__).parents[2]
PRELUDE = """
import json, os, resource, shutil, sys
from pathlib import Path
from sml_agents.errors import InputError, StoreError
from sml_agents.traces import TraceStore
from sml_agents.traces.store import Batch
from sml_agents.types import Reply
from tests.traces.samples import make_task, make_trace
path = Path(sys.argv[1])
def report(done, error): print(json.dumps({"done": done, "kind": type(error).__name__, "error": str(error)}))
def fill(store, write, limit=20_000):
    done = 0
    try:
        for done in range(limit):
            write(store, done)
    except StoreError as error:
        report(done, error)
        return
    report(done, None)
"""
WRITES = {
    "trace": "lambda store, n: store.add(make_trace(n, text='x' * 20_000))",
    "reply": "lambda store, n: store.put_reply('a', str(n), Reply(text='x' * 20_000))",
    "started": "lambda store, n: store.write(Batch(started=["
    "store.started_row(f'{n}-{k}', make_task(family='f' * 200)) for k in range(100)]))",
    "run": "lambda store, n: store.start_run({'n': n, 'long': 'x' * 200_000})",
}


def child(path: Path, code: str) -> dict[str, object]:
    """Run `code` after the prelude; what it reported."""
    command = [sys.executable, "-c", PRELUDE + code, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    assert "\n" not in str(told["error"])
    return told


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small file system needs root and the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def unprivileged(code: str) -> str:
    """`code` to be run as a user whom permissions bind."""
    if os.geteuid() == 0:
        return f"os.setgid(65534); os.setuid(65534)\n{code}"
    return code


@pytest.mark.parametrize("kind", WRITES)
def test_a_full_disk(small_disk: Path, kind: str) -> None:
    path = small_disk / "traces.db"
    told = child(path, f"with TraceStore.open(path) as store: fill(store, {WRITES[kind]})")
    assert told["kind"] == "StoreError"
    assert "disk is full" in str(told["error"]), told
    if kind == "run":
        return
    (small_disk / "room").exists()
    with TraceStore.open(path, read_only=True) as store:
        assert store.verify() == []
        kept = {
            "trace": len(store.finished_ids()),
            "reply": len(store.replies_of("a")),
            "started": store.counts().unfinished // 100,
        }[kind]
    assert kept == told["done"], "all that was committed, and nothing of what was not"


def test_a_run_goes_on_when_there_is_room_again(small_disk: Path) -> None:
    path, ballast = small_disk / "traces.db", small_disk / "ballast"
    ballast.write_bytes(bytes(1_500_000))
    told = child(path, f"with TraceStore.open(path) as store: fill(store, {WRITES['trace']})")
    ballast.unlink()
    with TraceStore.open(path) as store:
        store.add(make_trace(10**6))
        assert len(store.finished_ids()) == int(str(told["done"])) + 1


@pytest.mark.parametrize("kind", ["trace", "reply"])
def test_a_limit_on_the_size_of_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "traces.db"
    code = f"""
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
with TraceStore.open(path) as store: fill(store, {WRITES[kind]})
"""
    told = child(path, code)
    assert told["kind"] == "StoreError"
    assert any(words in str(told["error"]) for words in ("disk is full", "reading or writing the file failed")), told
    with TraceStore.open(path) as store:
        assert store.verify() == []
        assert told["done"] == (len(store.finished_ids()) if kind == "trace" else len(store.replies_of("a")))


def open_to_all(folder: Path) -> None:
    """Let another user into a test's folder, which pytest makes for its own alone."""
    root = Path(tempfile.gettempdir()).resolve()
    for parent in (folder, *folder.parents):
        if parent.resolve() == root or root not in parent.resolve().parents:
            return
        parent.chmod(0o755)


def test_a_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o555)
    open_to_all(tmp_path)
    told = child(
        folder / "traces.db", unprivileged("try: TraceStore.open(path)\nexcept StoreError as error: report(0, error)")
    )
    assert "cannot be opened" in str(told["error"])
    told = child(
        folder / "new" / "traces.db", unprivileged("try: TraceStore.open(path)\nexcept StoreError as e: report(0, e)")
    )
    assert "Permission denied" in str(told["error"])


def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with TraceStore.open(path) as store:
        store.add(make_trace())
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    open_to_all(tmp_path.parent)
    try:
        told = child(path, unprivileged("try: TraceStore.open(path)\nexcept StoreError as error: report(0, error)"))
        assert "cannot be written to" in str(told["error"])
        read = "with TraceStore.open(path, read_only=True) as store: report(len(list(store.traces())), None)"
        assert child(path, unprivileged(read))["done"] == 1, "but it can be read"
    finally:
        tmp_path.chmod(0o755)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with TraceStore.open(path) as store:
        store.add(make_trace())
    path.chmod(0)
    open_to_all(tmp_path)
    told = child(path, unprivileged("try: TraceStore.open(path)\nexcept StoreError as error: report(0, error)"))
    assert "Permission denied" in str(told["error"])


def test_a_read_only_file_system(small_disk: Path) -> None:
    path = small_disk / "traces.db"
    with TraceStore.open(path) as store:
        store.add(make_trace())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    told = child(path, "try: TraceStore.open(path)\nexcept StoreError as error: report(0, error)")
    assert "cannot be" in str(told["error"])
    with TraceStore.open(path, read_only=True) as store:
        assert len(list(store.traces())) == 1


@pytest.mark.parametrize(
    "how", ["shutil.rmtree(path.parent)", "path.unlink()", "path.rename(path.parent / 'moved.db')"]
)
def test_a_store_that_is_taken_away(tmp_path: Path, how: str) -> None:
    """SQLite would go on writing to the removed file without a word."""
    path = tmp_path / "folder" / "traces.db"
    code = f"""
store = TraceStore.open(path)
store.start_run({{}})
store.add(make_trace(1))
{how}
try: store.add(make_trace(2))
except StoreError as error: report(0, error)
store.close()
"""
    told = child(path, code)
    assert "was moved, removed or replaced while it was in use" in str(told["error"])
