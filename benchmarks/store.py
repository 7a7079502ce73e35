"""How fast traces are kept and read: the store beside a bare JSONL file, in one run.

    python benchmarks/store.py [--traces 20000] [--json]

Each trace has 5 student turns. Figures are of this machine and disk; the ratios travel better.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from sml_agents.traces import AsyncWriter, TraceStore
from sml_agents.traces.store import Batch
from sml_agents.types import (
    Act,
    Call,
    Fact,
    Form,
    Outcome,
    Private,
    Reply,
    Role,
    StopReason,
    Task,
    Trace,
    Turn,
    Usage,
    Verdict,
)

SAID = "You are right that there are 4 boxes, but look at the price of a pencil again."
ANSWER = "Each of the 4 boxes holds 12 pencils at 3 cents. The answer is 144."


def make_trace(number: int) -> Trace:
    """A dialogue of 10 messages, about 2 KB of text and bookkeeping."""
    fact = Fact(name="price", statement="A pencil costs 3 cents.", keywords=("pencil", "cost"))
    task = Task(
        id=f"pencils/{number}",
        family="pencils",
        form=Form.UNDERSPECIFIED,
        prompt="Ada buys 4 boxes of 12 pencils each. What does she pay?",
        private=Private(answer="144", facts=(fact,)),
    )
    turns = []
    for _ in range(5):
        verdict = Verdict(outcome=Outcome.INCORRECT, extracted="144")
        usage = Usage(prompt_tokens=80, completion_tokens=20)
        turns.append(Turn(role=Role.TEACHER, text=SAID))
        turns.append(
            Turn(
                role=Role.STUDENT,
                text=ANSWER,
                act=Act.ANSWER_ATTEMPT,
                verdict=verdict,
                trainable=True,
                call=Call(usage=usage),
            )
        )
    return Trace(id=f"{number:016x}", task=task, turns=tuple(turns), stop=StopReason.MAX_TURNS, solved=False)


def rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


async def grouped(store: TraceStore, traces: list[Trace], at_once: int) -> None:
    """What `at_once` dialogues do that all finish at the same time, again and again."""
    writer = AsyncWriter(store)
    left = iter(enumerate(traces))

    async def dialogues() -> None:
        for position, trace in left:
            await writer.finish(trace, position)

    await asyncio.gather(*(dialogues() for _ in range(at_once)))


def write_jsonl(path: Path, traces: list[Trace]) -> None:
    with path.open("wb") as file:
        for number, trace in enumerate(traces):
            file.write(trace.model_dump_json(exclude_none=True).encode() + b"\n")
            if number % 100 == 0:
                file.flush()
                os.fsync(file.fileno())


def read_jsonl(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)


def validate_jsonl(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            Trace.model_validate_json(line)


def measure(count: int, folder: Path) -> dict[str, float]:
    """Records a second of each way."""
    traces = [make_trace(number) for number in range(count)]
    some = traces[: count // 5]
    path = folder / "traces.jsonl"
    rates = {"write JSONL, fsync each 100": rate(count, lambda: write_jsonl(path, traces))}
    rates["read JSONL into dicts"] = rate(count, lambda: read_jsonl(path))
    rates["read JSONL into traces"] = rate(count, lambda: validate_jsonl(path))
    with TraceStore.open(folder / "single.db") as store:
        rates["add, a transaction each"] = rate(len(some), lambda: [store.add(trace) for trace in some])
        reply = Reply(text=ANSWER, call=Call(model="m", seed=1, usage=Usage(prompt_tokens=80, completion_tokens=20)))
        ids = [trace.id for trace in some]
        rates["put_reply, a transaction each"] = rate(len(some), lambda: [store.put_reply(i, "k", reply) for i in ids])
    for at_once in (1, 64):
        with TraceStore.open(folder / f"grouped-{at_once}.db") as store:
            rates[f"AsyncWriter.finish, {at_once} at once"] = rate(
                len(some), lambda at_once=at_once, store=store: asyncio.run(grouped(store, some, at_once))
            )
    with TraceStore.open(folder / "all.db") as store:
        rows = [store.done_row(trace) for trace in traces]
        batches = [Batch(done=rows[start : start + 1000]) for start in range(0, count, 1000)]
        rates["write rows, 1,000 a transaction"] = rate(count, lambda: [store.write(batch) for batch in batches])
        rates["texts(): JSON, checked"] = rate(count, lambda: sum(1 for _ in store.texts()))
        rates["traces(): checked and validated"] = rate(count, lambda: sum(1 for _ in store.traces()))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--traces", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = measure(options.traces, Path(folder))
    size = len(make_trace(0).model_dump_json(exclude_none=True))
    if options.json:
        print(json.dumps({"bytes": size, "per_second": {name: round(value) for name, value in rates.items()}}))
        return
    written, read = rates["write JSONL, fsync each 100"], rates["read JSONL into traces"]
    print(f"{options.traces} traces of {size} bytes", file=sys.stderr)
    print(f"{'':34}{'per second':>12}{'to JSONL':>10}")
    for name, value in rates.items():
        reading = name.startswith(("read", "texts", "traces"))
        print(f"{name:34}{value:12,.0f}{value / (read if reading else written):10.2f}")


if __name__ == "__main__":
    main()
