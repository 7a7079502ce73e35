"""What a model call costs the client: our dialogues beside LangGraph + ChatOpenAI, in one run.

    python benchmarks/throughput.py [--dialogues 128] [--at-once 64] [--latency 0.2] [--repeats 5] [--only NAME ...]
                                    [--json] [--out results.json]

Student and teacher are both models (nine requests a dialogue), or the teacher is none (eight). A server on loopback
answers every request after `--latency` seconds. The contestants (benchmarks/clients.py) take turns, each in a fresh
process, `--repeats` times. CPU is the client's, user and system, the thread that writes the store included; ideal wall
time is requests x latency / dialogues at once. What counts is the ratio within one run: milliseconds depend on the
machine. Below 64 dialogues at once, and at latencies of a second and more, the differences in wall time vanish; the
CPU does not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clients import CLIENTS

HERE = Path(__file__).resolve().parent
BASE = "langgraph"
RUNNABLE = [name for name in CLIENTS if name != "verifiers" or find_spec("verifiers")]
"""verifiers needs an environment of its own: see `make test-engines`."""


def run_client(name: str, url: str, dialogues: int, at_once: int) -> dict[str, float]:
    command = [sys.executable, str(HERE / "clients.py"), name, url, str(dialogues), str(at_once)]
    environment = {**os.environ, "LANGSMITH_TRACING": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(runs: list[dict[str, float]], latency: float, at_once: int) -> dict[str, Any]:
    return {
        "requests": int(runs[0]["requests"]),
        "cpu_ms_per_request": spread([1000 * run["cpu_seconds"] / run["requests"] for run in runs]),
        "wall_over_ideal": spread([run["wall_seconds"] * at_once / (run["requests"] * latency) for run in runs]),
        "rss_mb": spread([run["rss_mb"] for run in runs]),
    }


def versions() -> dict[str, str]:
    found = {}
    for package in (
        "sml-agents",
        "langgraph",
        "langchain-core",
        "langchain-openai",
        "openai",
        "aiohttp",
        "uvloop",
        "verifiers",
    ):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def table(results: dict[str, Any], repeats: int) -> str:
    base = results.get(BASE, {}).get("cpu_ms_per_request", {}).get("median")
    lines = [f"{'':46}  {'CPU ms / request':>22}  {'wall / ideal':>19}  {'x less CPU':>10}  {'RSS MB':>6}"]
    for name, result in results.items():
        cpu, wall = result["cpu_ms_per_request"], result["wall_over_ideal"]
        ratio = f"{base / cpu['median']:.1f}" if base else ""
        lines.append(
            f"{CLIENTS[name][0]:46}  {cpu['median']:6.2f} ({cpu['min']:5.2f} - {cpu['max']:5.2f})"
            f"  {wall['median']:5.2f} ({wall['min']:4.2f} - {wall['max']:4.2f})  {ratio:>10}"
            f"  {result['rss_mb']['median']:6.0f}"
        )
    lines.append(f"medians of {repeats} (min - max); 'x less CPU' than {CLIENTS[BASE][0]}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=128)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(CLIENTS), default=RUNNABLE, metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, help="also write the JSON object to this file")
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), str(options.latency)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in options.only}
        for repeat in range(options.repeats):
            # Every other round backwards, so that a machine that warms up or slows down favours nobody.
            for name in options.only if repeat % 2 == 0 else reversed(options.only):
                runs[name].append(run_client(name, url, options.dialogues, options.at_once))
                print(f"round {repeat + 1} of {options.repeats}: {name}", file=sys.stderr)
    finally:
        server.terminate()
        server.wait()
    results = {name: summarise(runs[name], options.latency, options.at_once) for name in options.only}
    scenario = {"dialogues": options.dialogues, "at_once": options.at_once, "latency_seconds": options.latency}
    report = {
        "scenario": {**scenario, "repeats": options.repeats, "cpus": os.cpu_count(), "load_before": os.getloadavg()},
        "versions": versions(),
        "results": results,
    }
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report) if options.json else table(results, options.repeats))


if __name__ == "__main__":
    main()
