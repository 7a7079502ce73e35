"""What the asker takes: seconds for a call's four arguments, and memory beside an agent's own process.

    python benchmarks/asker_takes.py --n 100

Time: P(missing) of tools with four required arguments, after requests of held-out tools, each tool's signature read
before, as in an agent that goes on; one after another, on the cores that torch takes by itself. The median, with a 95 %
bootstrap over requests, and the share of the processor's time. Memory: what is resident in a process that has imported
what an agent with the guard imports, and in one that has also asked the asker; and the most that was mapped while it
loaded. Several pairs of processes, since one differs from the next by megabytes: the median pair, and the least and the
most of all. Linux alone, since /proc says it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from sml_agents.asker.load import load_asker
from sml_agents.asker.mix import Mix
from sml_agents.asker.prompt import Said, ToolView
from sml_agents.files import write_whole

ARGUMENTS = 4
AGENT = "from langchain.agents import create_agent; from sml_agents.agents import ClarifyMiddleware"
ASKS = """
from sml_agents.asker import Said, ToolView, load_asker
fields = {name: {"type": "string", "description": f"The {name}"} for name in ("place", "day", "time", "name")}
tool = {"name": "book", "description": "Book a table.", "parameters": {"type": "object", "properties": fields}}
tool["parameters"]["required"] = list(fields)
load_asker("asker:").missing(ToolView.read(tool), [Said("user", "A table at Luigi's, please.")])
"""
TELLS = """
for line in open("/proc/self/status"):
    if line.startswith(("VmRSS", "VmHWM")):
        print(line.split()[1])
"""


def resident(program: str) -> tuple[float, float]:
    """MB at the most and at the end, of a process that runs this."""
    done = subprocess.run([sys.executable, "-c", program + TELLS], capture_output=True, text=True, check=True)
    most, now = (int(line) / 1024 for line in done.stdout.split())
    return most, now


def requests(n: int) -> list[tuple[ToolView, tuple[Said, ...]]]:
    """Requests to held-out tools of four required arguments: how many a tool has, the lot says."""
    some = [pair for pairs in Mix.heldout_pairs([], 40 * n, 0).values() for pair in pairs]
    fitting = [pair for pair in some if len(pair.tool.required) == ARGUMENTS]
    return [(pair.tool, one.said) for pair in fitting for one in (pair.whole, pair.lacking)][:n]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, default=100, help="requests")
    options.add_argument("--processes", type=int, default=9, help="pairs of processes whose memory is told")
    options.add_argument("--out", type=Path, help="where to write the figures as JSON")
    given = options.parse_args()
    if not Path("/proc/self/status").is_file():
        options.error("this system has no /proc, which tells what is resident: run it on Linux")
    if given.processes < 1:
        options.error("--processes is at least 1")
    agents = [resident(AGENT)[1] for _ in range(given.processes)]
    loaded, both = zip(*(resident(f"{AGENT}\n{ASKS}") for _ in agents), strict=True)
    above = sorted(one - agent for one, agent in zip(both, agents, strict=True))
    asker = load_asker("asker:")
    seconds: list[float] = []
    worked: list[float] = []
    for tool, said in requests(given.n):
        asker.missing(tool, [Said("user", "Hello.")])
        began, busy = time.perf_counter(), time.process_time()
        asker.missing(tool, said)
        seconds.append(time.perf_counter() - began)
        worked.append(time.process_time() - busy)
    draws = np.median(np.random.default_rng(0).choice(seconds, (2000, len(seconds))), axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    figures = {
        "requests": len(seconds),
        "median_s": round(statistics.median(seconds), 3),
        "median_95": [round(float(low), 3), round(float(high), 3)],
        "p95_s": round(float(np.quantile(seconds, 0.95)), 3),
        "processor_median_s": round(statistics.median(worked), 3),
        "processes": given.processes,
        "agent_mb": round(statistics.median(agents)),
        "with_asker_mb": round(statistics.median(both)),
        "above_mb": round(statistics.median(above)),
        "above_mb_range": [round(above[0]), round(above[-1])],
        "at_most_mb": round(max(loaded)),
    }
    print(json.dumps(figures, indent=2))
    if given.out:
        write_whole(given.out, json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
