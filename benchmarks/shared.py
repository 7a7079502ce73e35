"""Four processes on one PostgreSQL store beside one alone: what sharing a run gains, and whether anything is run twice.

    python benchmarks/shared.py [--dialogues 2000] [--at-once 64] [--latency 1] [--processes 4] [--lease 10] [--json]

A server on loopback answers every request after `--latency` seconds; every process is `sml-agents run` as it comes,
with `--at-once` dialogues. One of them is killed (SIGKILL) when a third of the dialogues are done. Time is that from
the first dialogue's beginning to the last one's end, so that it does not depend on how long the imports took. Where it
goes: seconds until all places of all processes are taken for the first time, seconds from the last time when all places
are taken (of those that live) to the end, and those of a dialogue that was not taken over (median), against its turns.
PostgreSQL is started for it (`apt-get install postgresql`), without fsync.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from sml_agents.errors import StoreError
from sml_agents.traces import TraceStore

HERE = Path(__file__).resolve().parent
PROGRAM = "import sys; from sml_agents.cli import main; sys.exit(main(sys.argv[1:]))"


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a fresh server that listens on a Unix socket only."""
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or pg_ctl is None:
        raise SystemExit("no PostgreSQL server on this machine: apt-get install postgresql")
    user: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, "postgres")

    def do(*command: str | Path) -> None:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)

    data = folder / "data"
    do(initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    do(pg_ctl, "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        do(pg_ctl, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def model(latency: float, answered: list[int]) -> Iterator[str]:
    """The URL of the model; how many requests it answered is added to `answered`."""
    command = [sys.executable, str(HERE / "server.py"), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.terminate()
            answered.append(int(server.stdout.readline()))


def wait_for(store: str, dialogues: int) -> None:
    """Until so many are finished."""
    while True:
        time.sleep(0.5)
        with suppress(StoreError), TraceStore.open(store, read_only=True) as traces:
            if traces.counts().finished >= dialogues:
                return


def measure(store: str, options: argparse.Namespace, processes: int) -> dict[str, Any]:
    """Run the same list with so many processes; of several the first is killed on the way."""
    answered: list[int] = []
    with model(options.latency, answered) as url:
        command = [sys.executable, "-c", PROGRAM, "run", "--store", store, "--student", f"openai:loopback@{url}"]
        command += ["--tasks", f"arithmetic?n={options.dialogues}", "--concurrency", str(options.at_once), "--json"]
        command += ["--lease", str(options.lease)]
        with tempfile.TemporaryFile() as noise:
            started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=noise) for _ in range(processes)]
            if processes > 1:
                wait_for(store, options.dialogues // 3)
                started[0].kill()
            said = [process.communicate()[0] for process in started]
            noise.seek(0)
            trouble = noise.read().decode()[-2000:]
        ended = [text for process, text in zip(started, said, strict=True) if process.returncode == 0]
        if len(ended) < processes - (processes > 1):
            raise SystemExit(f"a process failed:\n{trouble}")
    with TraceStore.open(store, read_only=True) as traces:
        turns = [len(trace.student_turns) for trace in traces.traces()]
        unfinished = traces.counts().unfinished
        with traces._transaction() as connection:
            rows = connection.exec_driver_sql("SELECT created, finished FROM dialogues").all()
    spans = [
        (datetime.fromisoformat(begun).timestamp(), datetime.fromisoformat(end).timestamp()) for begun, end in rows
    ]
    first, last = min(begun for begun, _ in spans), max(end for _, end in spans)
    changes = sorted([(begun, 1) for begun, _ in spans] + [(end, -1) for _, end in spans])
    under_way = list(zip((at for at, _ in changes), accumulate(change for _, change in changes), strict=True))
    living = processes - (processes > 1)
    own = [(run := json.loads(text))["n"] - run["elsewhere"] for text in ended]
    return {
        "processes": processes,
        "seconds": round(last - first, 1),
        "filling": round(next((at for at, n in under_way if n >= processes * options.at_once), last) - first, 1),
        "emptying": round(last - max((at for at, n in under_way if n >= living * options.at_once), default=first), 1),
        "seconds_of_a_dialogue": round(median(end - begun for begun, end in spans), 2),
        "dialogues": len(turns),
        "unfinished": unfinished,
        "turns": sum(turns),
        "answered": answered[0],
        "dialogues_of_each": own,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--lease", type=float, default=10.0, help="seconds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with postgres() as server:
        alone = measure(f"{server}&store=alone", options, 1)
        shared = measure(f"{server}&store=shared", options, options.processes)
    ratio = round(alone["seconds"] / shared["seconds"], 2)
    if options.json:
        print(json.dumps({"alone": alone, "shared": shared, "times_faster": ratio, "load": os.getloadavg()}))
        return
    for one in (alone, shared):
        print(
            f"{one['processes']} process(es): {one['seconds']} s, {one['dialogues']} dialogues, {one['unfinished']} "
            f"unfinished, {one['turns']} turns kept of {one['answered']} requests; of each: {one['dialogues_of_each']}"
            f"; {one['filling']} s until all places were taken, {one['emptying']} s since they last were, "
            f"{one['seconds_of_a_dialogue']} s a dialogue"
        )
    print(f"{ratio} times faster, one of {options.processes} killed on the way; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
