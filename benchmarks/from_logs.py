"""From an agent's checkpoints to a tuned model that decides when to ask: the steps of docs/from-logs.md, measured.

    python benchmarks/from_logs.py talk --threads 1000 --out runs/from-logs/checkpoints.sqlite
    sml-agents import langgraph:runs/from-logs/checkpoints.sqlite --store runs/from-logs/logs.sqlite
    sml-agents mine runs/from-logs/logs.sqlite --store runs/from-logs/lessons.sqlite
    sml-agents review runs/from-logs/lessons.sqlite --accept-above 0.6
    sml-agents train sft --config finetune/train_from_logs.yaml
    python benchmarks/from_logs.py check --lessons runs/from-logs/lessons.sqlite
    sml-agents eval --decider transformers:runs/from-logs/model --lessons runs/from-logs/lessons.sqlite
    python benchmarks/from_logs.py measure --tuned transformers:runs/from-logs/model

`eval` measures on the lessons of held-out threads; `measure` on new requests whose truth is known. It holds no
dialogue: each model is shown one new request of what the agent does (`--domains other`: of domains that no log is
about, whose needs nobody told the model), half of them with one thing missing, and either asks (its turn is
`clarification` by rule, or three questions) or does not. F1 is of asking where something is missing. The prompted model
has the policy in its system prompt; the tuned one none, as in the lessons. 95 % bootstrap intervals over requests; one
training seed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from booking import HELD_OUT, TRAINED, Request, requests, talk

POLICY = (
    "You decide for an agent that books and orders things. If something that it needs is missing in the request, such "
    "as a day, a time, a place or a number, ask the person for it in one short question. If nothing is missing, do not "
    "ask: say that it is done."
)


async def decide(spec: str, system: str | None, asked: list[Request], at_once: int) -> list[tuple[bool, bool, str]]:
    """For each request: whether the model asks, whether the question names what is missing, and its words."""
    from sml_agents.backends import resolve
    from sml_agents.roles import ChatStudent
    from sml_agents.roles.acts import classify
    from sml_agents.types import Act, Role
    from sml_agents.views import StudentView

    student = ChatStudent(resolve(spec), system=system)
    gate = asyncio.Semaphore(at_once)

    async def one(request: Request) -> tuple[bool, bool, str]:
        async with gate:
            text = (await student.reply(StudentView(((Role.TEACHER, request.text),)), seed=0)).text
        label = classify(text)
        asks = label.act is Act.CLARIFICATION or label.by == "rule:many"
        return asks, asks and bool(request.missing) and request.missing.rstrip("s") in text.lower(), text

    return list(await asyncio.gather(*(one(request) for request in asked)))


def figures(asked: list[Request], decided: list[tuple[bool, bool, str]], seed: int = 0) -> dict[str, Any]:
    """Precision, recall and F1 of asking, with intervals, and how often the question names the missing thing."""
    import numpy as np

    from sml_agents.evaluation.bootstrap import percentiles, resample_sums

    needed = np.array([bool(request.missing) for request in asked], dtype=float)
    asks = np.array([one[0] for one in decided], dtype=float)
    names = np.array([one[1] for one in decided], dtype=float)
    table = np.stack([needed * asks, needed, (1 - needed) * asks, 1 - needed, names], axis=1)

    def of(sums: Any) -> dict[str, Any]:
        hits, need, false, free, named = np.moveaxis(np.asarray(sums, dtype=float), -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "f1": 2 * hits / (hits + false + need),
                "asks_when_needed": hits / need,
                "needless": false / free,
                "names_it": named / hits,
            }

    whole, drawn = of(table.sum(axis=0)), of(resample_sums(table, seed=seed, resamples=2000))
    found: dict[str, Any] = {"n": len(asked)}
    for name, value in whole.items():
        interval = percentiles(drawn[name])
        known = not np.isnan(value)
        found[name] = {
            "value": float(value) if known else None,
            "low": interval[0] if interval else None,
            "high": interval[1] if interval else None,
        }
    return found


def measure(tuned: str, base: str, n: int, at_once: int, limits: str, domains: str) -> dict[str, Any]:
    asked = list(requests(TRAINED if domains == "own" else HELD_OUT, n, seed=1_000))
    students = {
        "prompted with the policy": (base, POLICY),
        "with the student prompt": (base, None),
        "tuned": (tuned, ""),  # lessons are trained under the agent's own prompt, and a checkpointer holds none
    }
    results = {}
    for name, (spec, system) in students.items():
        decided = asyncio.run(decide(f"{spec}?{limits}", system, asked, at_once))
        examples = [(request.text, one[2]) for request, one in zip(asked, decided, strict=True)][:6]
        results[name] = {**figures(asked, decided), "examples": examples}
    return results


def check(lessons: str, threads: int, seed: int) -> dict[str, int]:
    """How the accepted lessons compare with what the persons of `talk` really forgot."""
    from sml_agents.mining import moment_of
    from sml_agents.traces import TraceStore

    truth = {f"user-{number}": request for number, request in enumerate(requests(TRAINED, threads, seed))}
    found = dict.fromkeys(("asks", "asks_rightly", "names_it", "goes_ahead", "goes_ahead_rightly"), 0)
    with TraceStore.open(lessons, read_only=True) as store:
        for trace in store.traces(solved=True):
            request, moment = truth[trace.task.meta["source"]], moment_of(trace)
            assert moment is not None
            if trace.task.private.facts:
                found["asks"] += 1
                found["asks_rightly"] += bool(request.missing)
                found["names_it"] += moment.fact == request.missing
            else:
                found["goes_ahead"] += 1
                found["goes_ahead_rightly"] += not request.missing
    return found


def show(results: dict[str, Any]) -> None:
    print(f"{'decider':28}{'F1':>20}{'asks when needed':>22}{'needless':>20}{'names it':>20}")
    for name, result in results.items():
        cells = []
        for key in ("f1", "asks_when_needed", "needless", "names_it"):
            one = result[key]
            known = one["value"] is not None
            cells.append(f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})" if known else "-")
        print(f"{name:28}{cells[0]:>20}{cells[1]:>22}{cells[2]:>20}{cells[3]:>20}")
    print(f"n = {next(iter(results.values()))['n']} requests, half of them with something missing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    talking = commands.add_parser("talk")
    talking.add_argument("--threads", type=int, default=1000)
    talking.add_argument("--seed", type=int, default=0)
    talking.add_argument("--out", type=Path, required=True)
    checking = commands.add_parser("check")
    checking.add_argument("--lessons", required=True)
    checking.add_argument("--threads", type=int, default=1000)
    checking.add_argument("--seed", type=int, default=0)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--tuned", required=True)
    measuring.add_argument("--base", default="embedded:")
    measuring.add_argument("--domains", choices=["own", "other"], default="own")
    measuring.add_argument("--n", type=int, default=200)
    measuring.add_argument("--at-once", type=int, default=16)
    measuring.add_argument("--limits", default="temperature=0&max_tokens=24")
    measuring.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.command == "talk":
        options.out.parent.mkdir(parents=True, exist_ok=True)
        talk(str(options.out), options.threads, options.seed)
        print(f"{options.threads} threads in {options.out}")
        return
    if options.command == "check":
        print(json.dumps(check(options.lessons, options.threads, options.seed)))
        return
    results = measure(options.tuned, options.base, options.n, options.at_once, options.limits, options.domains)
    if options.json:
        print(json.dumps(results))
    else:
        show(results)


if __name__ == "__main__":
    main()
