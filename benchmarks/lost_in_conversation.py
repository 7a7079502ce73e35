"""Our simulations of Lost in Conversation beside its published code: the same file, the same scripted student.

    git clone https://github.com/microsoft/lost_in_conversation
    python benchmarks/lost_in_conversation.py --checkout lost_in_conversation --file sharded.jsonl --runs 5 \
        --out benchmarks/results/lost_in_conversation.json

Its simulators run as published; what they ask of language models is answered by rule: the person tells the next shard
word for word, labels and answers are read by the rules of this package. The student's reply is drawn from the problem,
the turn and the run: a question, a wrong answer or the right one. Printed for each simulation: dialogues whose scores
agree, those that do not and why, and averaged performance, aptitude and unreliability of both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.evaluation.metrics import measure
from sml_agents.evaluation.suites import parts_of
from sml_agents.evaluation.tally import Tally, solved_within
from sml_agents.roles import teacher_from
from sml_agents.roles.acts import classify
from sml_agents.tasks import load_tasks
from sml_agents.tasks.static.lost_in_conversation import SIMULATIONS
from sml_agents.text.answers import extract_answer
from sml_agents.types import Reply, Task, Trace, stable_hash
from sml_agents.views import StudentView

RECAP = "Here is everything once more"
FIGURES = ("averaged_performance", "aptitude", "unreliability")


def reply_to(sample: dict[str, Any], turn: int | str, run: int) -> str:
    """The scripted student's turn: the same for both."""
    rng = random.Random(stable_hash(sample["task_id"], turn, run))
    gold = sample["answer"].rpartition("####")[2].strip()
    kind = rng.choices(("ask", "wrong", "right"), (3, 6, 1))[0]
    if kind == "ask":
        return "Could you tell me more about it?"
    number = gold if kind == "right" else str(rng.randint(1000, 9999))
    return f"Let me see. The answer is {number}."


class Published:
    """The published simulators, with everything that they import from elsewhere replaced."""

    def __init__(self, checkout: Path, samples: list[dict[str, Any]]) -> None:
        self.logs: list[dict[str, Any]] = []
        self.sample: dict[str, Any] = {}
        self.turn: int | str = 0
        self.run = 0
        os.chdir(checkout)
        sys.path.insert(0, str(checkout))
        models = ModuleType("model_openai")
        models.generate, models.generate_json = self._generate, self._generate_json  # type: ignore[attr-defined]
        log = ModuleType("utils_log")
        log.log_conversation, log.get_run_counts = self._log, None  # type: ignore[attr-defined]
        package = ModuleType("tasks")
        package.__path__ = [str(checkout / "tasks")]
        sys.modules.update({"model_openai": models, "utils_log": log, "tasks": package})
        from tasks.math.task_math import TaskMath  # type: ignore[import-not-found]

        TaskMath.get_samples = lambda self, filter="full": samples
        package.get_task = lambda name, version=None: TaskMath()  # type: ignore[attr-defined]

    def score(self, simulation: str, sample: dict[str, Any], run: int) -> float:
        """Of one dialogue; 0 where there was no attempt that it scored."""
        from simulator_full import ConversationSimulatorFull  # type: ignore[import-not-found]
        from simulator_recap import RecapSimulator  # type: ignore[import-not-found]
        from simulator_sharded import ConversationSimulatorSharded  # type: ignore[import-not-found]
        from simulator_snowball import ConversationSimulatorSnowball  # type: ignore[import-not-found]

        self.sample, self.run, self.turn = sample, run, 0
        copy = json.loads(json.dumps(sample))
        if simulation in ("full", "concat", "shuffle-concat"):
            how = {"run_concat": simulation == "concat", "run_shuffle_concat": simulation == "shuffle-concat"}
            return float(ConversationSimulatorFull(copy, "scripted", "scripted", **how).run(save_log=False)[1] or 0)
        if simulation == "snowball":
            return float(ConversationSimulatorSnowball("math", copy).run(save_log=False)[1] or 0)
        score = ConversationSimulatorSharded(copy).run()[1]
        if simulation == "recap":
            self.turn = "recap"
            score = RecapSimulator("math").run_recap_sample(self.logs[-1], "recap-concat")[1]
        return float(score or 0)

    def _log(self, kind: str, task: str, id: str, *more: Any, **named: Any) -> None:
        trace = more[4] if len(more) > 4 else named["trace"]
        models = {name: "scripted" for name in ("assistant_model", "system_model", "user_model")}
        self.logs = [{"conv_id": "1", "task_id": id, "trace": trace, "is_correct": None, **models}]

    def _generate(self, messages: Any, **_: Any) -> dict[str, Any]:
        said = reply_to(self.sample, self.turn, self.run)
        self.turn = self.turn + 1 if isinstance(self.turn, int) else self.turn
        return {"message": said, "total_usd": 0.0}

    def _generate_json(self, messages: Any, variables: Any = None, **_: Any) -> dict[str, Any]:
        prompt = messages[0]["content"]
        message: dict[str, Any]
        if variables is not None:
            text = variables["ASSISTANT_RESPONSE"].partition("] ")[2]
            message = {"answer": extract_answer(text) or text}
        elif "simulating a user" in prompt:
            told = self.turn if isinstance(self.turn, int) else 0
            shard = self.sample["shards"][told]
            message = {"response": shard["shard"], "shard_id": shard["shard_id"]}
        else:
            message = {"response_type": classify(prompt.rpartition("[assistant] ")[2]).act.value}
        return {"message": message, "total_usd": 0.0}


class Scripted:
    """The same student on our side."""

    def __init__(self, by_pair: dict[str, dict[str, Any]], run: int) -> None:
        self.settings: dict[str, Any] = {"model": "scripted", "run": run}
        self._by_pair, self._run = by_pair, run

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        sample = self._by_pair[view.history[0][1]]
        turn = "recap" if view.history[-1][1].startswith(RECAP) else len(view.history) // 2
        return Reply(text=reply_to(sample, turn, self._run))


def simulated(
    file: str, simulation: str, tasks: list[Task], by_prompt: dict[str, dict[str, Any]], run: int
) -> list[Trace]:
    [part] = parts_of(f"lost-in-conversation:{file}?simulations={simulation}")
    settings = DialogueSettings(max_turns=part.max_turns or 10, last_turn_decides=part.last_turn_decides)
    cast = Cast(Scripted(by_prompt, run), teacher_from(part.teacher or part.person or "oracle"), settings)

    async def all_of_them() -> list[Trace]:
        graph = cast.graph()
        return [
            (await graph.ainvoke({"task": task, "sample": run}, {"recursion_limit": 100}))["trace"] for task in tasks
        ]

    return asyncio.run(all_of_them())


def why(simulation: str, sample: dict[str, Any], run: int, theirs: float) -> str:
    """The known reason of a difference, or `unexplained`."""
    said = [reply_to(sample, turn, run) for turn in range(len(sample["shards"]))]
    attempts = [text for text in said if not text.endswith("?")]
    gold = sample["answer"].rpartition("####")[2].strip()
    if simulation == "snowball" and theirs == float(bool(attempts) and attempts[-1].endswith(f" {gold}.")):
        return "its snowball goes on after a right answer and scores the last attempt"
    return "unexplained"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkout", type=Path, required=True, help="a clone of microsoft/lost_in_conversation")
    parser.add_argument("--file", type=Path, required=True, help="sharded problems (JSON, or JSON lines)")
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--simulations", nargs="+", choices=SIMULATIONS, default=SIMULATIONS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    file, out = arguments.file.resolve(), arguments.out and arguments.out.resolve()
    text = file.read_text(encoding="utf-8")
    rows = json.loads(text) if file.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    first = Counter(row["shards"][0]["shard"] for row in rows)
    # The scripted student knows a problem by its first words.
    kept = [row for row in rows if first[row["shards"][0]["shard"]] == 1][: arguments.tasks]
    by_id = {row["task_id"]: row for row in kept}
    published = Published(arguments.checkout.resolve(), kept)
    found: dict[str, Any] = {"tasks": len(kept), "runs": arguments.runs}
    for simulation in arguments.simulations:
        tasks = [
            task
            for task in load_tasks(f"lost-in-conversation:{file}?simulation={simulation}")
            if task.meta["source_id"] in by_id
        ]
        by_prompt = {task.prompt: by_id[task.meta["source_id"]] for task in tasks}
        tally, theirs = Tally(), np.zeros((len(tasks), arguments.runs))
        reasons: Counter[str] = Counter()
        for run in range(arguments.runs):
            traces = simulated(str(file), simulation, tasks, by_prompt, run)
            for k, (task, trace) in enumerate(zip(tasks, traces, strict=True)):
                theirs[k, run] = published.score(simulation, by_id[task.meta["source_id"]], run)
                tally.add(trace)
                if float(bool(solved_within(trace))) != theirs[k, run]:
                    reasons[why(simulation, by_id[task.meta["source_id"]], run, theirs[k, run])] += 1
        ours = measure(tally, resamples=10)
        high, low = (np.percentile(theirs, share, axis=1) for share in (90, 10))
        found[simulation] = {
            "dialogues": theirs.size,
            "agree": theirs.size - reasons.total(),
            "differ": dict(reasons),
            "ours": {name: round(getattr(ours, name).value, 4) for name in FIGURES},
            "published": {
                name: round(float(figure), 4)
                for name, figure in zip(FIGURES, (theirs.mean(), high.mean(), (high - low).mean()), strict=True)
            },
        }
        print(f"{simulation:15s} {found[simulation]}")
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(any("unexplained" in found[simulation]["differ"] for simulation in arguments.simulations))


if __name__ == "__main__":
    sys.exit(main())
