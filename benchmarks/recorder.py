"""What a TraceRecorder costs an agent: 20 steps, each a model call and a tool call, with and without it, in turn.

    python benchmarks/recorder.py [--runs 30] [--model-ms 50] [--json]

The model is a rule that sleeps for `--model-ms` a call, which is fast for a hosted one; 0 shows the bare cost. Wall
time, and processor time of the whole process (the recorder's own thread included), as ratios of pairs; medians with a
95 % bootstrap interval over pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from sml_agents.traces import TraceStore
from sml_agents.traces.recorder.callback import TraceRecorder

STEPS = 20


class Steps(BaseChatModel):
    """Calls the tool until it has been called `STEPS` times, then says so."""

    seconds: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "steps"

    def bind_tools(self, tools: Any, **_: Any) -> Steps:
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        time.sleep(self.seconds)
        done = sum(message.type == "tool" for message in messages)
        call = {"name": "look_up", "args": {"what": f"page {done}", "depth": done}, "id": f"call_{done}"}
        reply = AIMessage("Found it.") if done == STEPS else AIMessage("I look it up.", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=reply)])


def look_up(what: str, depth: int) -> str:
    """Look something up."""
    return f"{what}: " + "some text of a page " * 20


def once(agent: Any, number: int, recorder: TraceRecorder | None) -> tuple[float, float]:
    config: Any = {"configurable": {"thread_id": str(number)}, "recursion_limit": 100}
    if recorder is not None:
        config["callbacks"] = [recorder]
    wall, processor = time.perf_counter(), time.process_time()
    agent.invoke({"messages": [("user", "Find the page")]}, config)
    wall = time.perf_counter() - wall
    if recorder is not None:
        assert recorder.flush(30), recorder.writer.failure
    return wall, time.process_time() - processor


def measure(runs: int, seconds: float) -> dict[str, Any]:
    agent = create_agent(Steps(seconds=seconds), [look_up])
    pairs = []
    with tempfile.TemporaryDirectory() as folder, TraceRecorder(Path(folder) / "traces.sqlite") as recorder:
        once(agent, -1, None), once(agent, -2, recorder)
        for number in range(runs):
            if number % 2:
                with_it, without = once(agent, number, recorder), once(agent, number, None)
            else:
                without, with_it = once(agent, number, None), once(agent, number, recorder)
            pairs.append((with_it[0] / without[0], with_it[1] / without[1], without[0], with_it[1] - without[1]))
        recorder.close()
        with TraceStore.open(recorder.writer.store, read_only=True) as store:
            assert store.counts().finished == runs + 1
    return {
        "runs": runs,
        "steps": STEPS,
        "model_ms": 1000 * seconds,
        "agent_ms": round(1000 * statistics.median(pair[2] for pair in pairs), 1),
        "wall_ratio": summary([pair[0] for pair in pairs]),
        "processor_ratio": summary([pair[1] for pair in pairs]),
        "processor_ms_a_run": summary([1000 * pair[3] for pair in pairs]),
    }


def summary(values: list[float]) -> dict[str, float]:
    drawn = np.random.default_rng(0).choice(values, size=(2000, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    return {"median": round(statistics.median(values), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--model-ms", type=float, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.runs, options.model_ms / 1000)
    if options.json:
        print(json.dumps(result))
        return
    print(
        f"{result['runs']} pairs of runs of {STEPS} steps; {options.model_ms:g} ms a model call, "
        f"{result['agent_ms']} ms a run"
    )
    for name in ("wall_ratio", "processor_ratio", "processor_ms_a_run"):
        one = result[name]
        print(f"{name.replace('_', ' '):24}{one['median']:>9.3f}  ({one['low']:.3f} to {one['high']:.3f})")


if __name__ == "__main__":
    main()
