"""What a dialogue costs in verifiers' or OpenEnv's engine, beside ours: processor time of a model call.

    python benchmarks/engines.py [--repeats 3]        # in an environment with one of them: see `make test-engines`

64 dialogues against a server on loopback, in a process of its own and not counted, that answers at once. The engines in
turn in one run, so that other work on the machine meets both.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [
    str(Path(__file__).resolve().parents[1]),
    str(Path(__file__).resolve().parents[1] / "tests" / "engines"),
]

from sml_agents.backends import resolve  # noqa: E402
from sml_agents.integrations.dialogues import Rules  # noqa: E402
from sml_agents.roles import ChatStudent  # noqa: E402
from tests.engines.talk import SPEC, model_server, tasks  # noqa: E402


def model_process(pipe: Any) -> None:
    with model_server() as url:
        pipe.send(url)
        pipe.recv()


async def ours(url: str) -> int:
    student = ChatStudent(resolve(f"openai:m@{url}", api_key="none"))
    traces = await asyncio.gather(*[Rules().play(task, student) for task in tasks()])
    return sum(len(trace.student_turns) for trace in traces)


async def in_verifiers(url: str) -> int:
    from verifiers.v1.clients import EvalClientConfig, ModelContext
    from verifiers.v1.types import SamplingConfig
    from verifiers.v1.utils.loaders import load_environment

    from sml_agents.integrations.verifiers import DialogueConfig

    config = DialogueConfig.model_validate({"taskset": {"id": "my_dialogues", "tasks": SPEC}})
    environment = load_environment(config)
    client = EvalClientConfig(base_url=url, api_key_var="NO_KEY")
    context = ModelContext(model="m", client=client, sampling=SamplingConfig())
    async with environment.serving():
        done = await asyncio.gather(*[environment.run_episode(task, context) for task in environment.taskset])
    return sum(trace.num_turns for episode in done for trace in episode.traces)


async def in_openenv(url: str) -> int:
    from sml_agents.integrations.openenv import DialogueHarness, DialogueSessions

    harness = DialogueHarness(model=resolve(f"openai:m@{url}", api_key="none"))

    def play() -> float:
        turns = 0.0
        for task in tasks():  # its interface is synchronous: one after the other
            turns += harness.run_black_box(DialogueSessions().create(task)).metrics["student_turns"]
        return turns

    return int(await asyncio.to_thread(play))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    kinds: dict[str, Callable[[str], Any]] = {"ours": ours}
    for name, run in (("verifiers", in_verifiers), ("openenv", in_openenv)):
        if importlib.util.find_spec(name):
            kinds[name] = run
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=model_process, args=(there,))
    server.start()
    url = here.recv()
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(repeats + 1):
        for kind, run in kinds.items():
            began = time.process_time()
            calls = asyncio.run(run(url))
            if number:  # the first is not counted: it loads and warms up
                found[kind].append(1000 * (time.process_time() - began) / calls)
    here.send("stop")
    server.join()
    for kind, costs in found.items():
        print(
            f"{kind:9} {statistics.median(costs):6.2f} ms a call ({min(costs):.2f} to {max(costs):.2f}, n = {repeats})"
        )


if __name__ == "__main__":
    main()
