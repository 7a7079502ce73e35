"""How fast logs become traces, and what 10,000 damaged records of each format do.

    python benchmarks/imports.py [--records 20000] [--json]
    python benchmarks/imports.py --damage 10000

Each record is a chat of 6 messages with a tool call (about 700 bytes of JSON). Seconds are of the processor, so that
other work on the machine counts little. `reading` stops at the trace; `into the store` adds redaction and SQLite; `bare
SQLite` writes the same bytes with sqlite3 alone and says what no importer can beat.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from sml_agents.traces import TraceStore
from sml_agents.traces.importers import import_logs, read_logs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def chat(number: int) -> list[dict[str, Any]]:
    call = {"id": "a", "type": "function", "function": {"name": "book", "arguments": '{"day": "Friday", "guests": 4}'}}
    return [
        {"role": "system", "content": "You book tables and are polite."},
        {"role": "user", "content": f"Book a table at Luigi's for 4 on Friday, please. My number is {number}."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "booked: Luigi's, 4, Friday, confirmation sent"},
        {"role": "assistant", "content": "Your table at Luigi's is booked for 4 people on Friday."},
        {"role": "user", "content": "Thank you, that is perfect."},
    ]


def sharegpt(messages: list[dict[str, Any]]) -> list[dict[str, str]]:
    names = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
    return [{"from": names[one["role"]], "value": one["content"] or "Let me see."} for one in messages]


def rate(count: int, work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return count / (time.process_time() - began)


def speed(count: int, folder: Path) -> dict[str, float]:
    """Records a second of processor time."""
    rates: dict[str, float] = {}
    for format in ("openai", "sharegpt"):
        path = folder / f"{format}.jsonl"
        with path.open("wb") as file:
            for number in range(count):
                messages = chat(number)
                row = {"messages": messages} if format == "openai" else {"conversations": sharegpt(messages)}
                file.write(orjson.dumps(row) + b"\n")
        rates[f"{format}: JSON alone"] = rate(count, lambda path=path: [orjson.loads(line) for line in path.open("rb")])
        rates[f"{format}: reading"] = rate(
            count, lambda format=format, path=path: sum(1 for _ in read_logs(f"{format}:{path}", print))
        )
        with TraceStore.open(folder / f"{format}.sqlite") as store:
            rates[f"{format}: into the store"] = rate(
                count, lambda format=format, path=path, store=store: import_logs(f"{format}:{path}", store)
            )
            rows = [(str(number), text) for number, text in enumerate(store.texts())]
        rates[f"{format}: bare SQLite"] = rate(
            count, lambda rows=rows, format=format: bare(folder / f"{format}.db", rows)
        )
    return rates


def bare(path: Path, rows: list[tuple[str, str]]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE traces (id TEXT PRIMARY KEY, trace TEXT)")
        for start in range(0, len(rows), 500):
            connection.executemany("INSERT INTO traces VALUES (?, ?)", rows[start : start + 500])
            connection.commit()


def damage(count: int, folder: Path) -> dict[str, dict[str, float]]:
    """`count` damaged records of each format, made of the samples of the tests."""
    import runpy

    tests = runpy.run_path(str(Path(__file__).resolve().parents[1] / "tests/traces/importers/test_importers.py"))
    found: dict[str, dict[str, float]] = {}
    for format in sorted(tests["DAMAGED"]):
        rows = tests["whole_rows"](format)
        path = folder / f"{format}.jsonl"
        damaged = tests["damage"](rows, count // len(rows) + 1, seed=7)[:count]
        path.write_bytes(b"\n".join(damaged) + b"\n")
        began = time.monotonic()
        with TraceStore.open(folder / f"damaged-{format}.sqlite") as store:
            report = import_logs(f"{format}:{path}", store)
            assert report.lost == len(report.losses)
            assert store.verify() == []
        seconds = time.monotonic() - began
        found[format] = {
            "records": count,
            "traces": report.imported,
            "losses": report.lost,
            "seconds": round(seconds, 1),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--damage", type=int, metavar="N")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.damage:
            results: Any = damage(options.damage, Path(folder))
            lines = [
                f"{name:24}{one['traces']:>8} traces {one['losses']:>8} losses {one['seconds']:>8} s"
                for name, one in results.items()
            ]
        else:
            results = {name: round(value) for name, value in speed(options.records, Path(folder)).items()}
            lines = [f"{name:28}{value:>12,} a second of processor time" for name, value in results.items()]
    print(json.dumps(results) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
