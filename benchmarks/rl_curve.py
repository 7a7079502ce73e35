"""Does MT-RL improve a Q-primed student? The embedded 135M model on CPU, held-out templates, several seeds, a curve.

    python finetune/ask_first.py --gsm8k gsm8k_train.jsonl --out runs/ask-first --until played
    python benchmarks/rl_curve.py --start runs/ask-first/model --out runs/rl-curve --picture docs/rl-curve.svg

The start is a student that Q-primed SFT has taught to ask. From there each seed trains with GRPO for so many steps, on
problems that the student itself tries; a question in vain and a turn said before have their prices, a question that
brings a missing fact earns something, and a hit before the last fact was told is worth nothing. Success@4, asking and
needless questions are measured before and after on templates that no training has seen. A run that was cut short goes
on where it was when the same command is given again. Prints one line a seed, and writes `results.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

# Before torch is imported: idle threads that spin slow a busy machine down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from apart import alone

from sml_agents.backends import resolve
from sml_agents.evaluation.bootstrap import percentiles, resample_sums
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.run import evaluate
from sml_agents.evaluation.sources import SUMMARY
from sml_agents.roles import ChatStudent
from sml_agents.traces import TraceStore
from sml_agents.training import ProgressLine
from sml_agents.training.grpo import train_grpo
from sml_agents.training.settings import GRPOSettings

TURNS, TOKENS = 4, 112


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--start", type=Path, required=True, help="folder of a Q-primed student")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/rl-curve"))
    parser.add_argument("--picture", type=Path, help="where to draw the learning curve (SVG)")
    parser.add_argument(
        "--tasks", default="arithmetic?steps=1&largest=20&form=paired", help="spec without n, split, seed"
    )
    parser.add_argument("--heldout", type=int, default=60, help="held-out problems to measure on")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seconds", type=float, help="a bound on each training")
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--price", type=float, default=0.1, help="of a question in vain")
    parser.add_argument(
        "--asked-fact-reward", type=float, default=0.3, help="for a missing fact that a question brings"
    )
    parser.add_argument("--repeated-turn-cost", type=float, default=0.1, help="of a turn said before")
    parser.add_argument("--fresh", action="store_true", help="measure students that say nothing twice")
    options = parser.parse_args()
    results = [alone(run_seed, seed, options) for seed in options.seeds]
    (options.out / "results.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    for result in results:
        before, after = result["heldout"]["start"], result["heldout"]["trained"]
        print(
            f"seed {result['seed']}: success@{TURNS} {shown(before)} -> {shown(after)} (n = {before['n']}), "
            f"{asking(result['metrics']['start'])} -> {asking(result['metrics']['trained'])}, "
            f"{result['steps']} steps, {result['flat_groups']} of {result['groups']} groups flat, "
            f"{result['seconds']:.0f} s of RL"
        )
    gains = [result["heldout"]["trained"]["value"] - result["heldout"]["start"]["value"] for result in results]
    low, high = gain_interval(options)
    print(
        f"mean gain {100 * sum(gains) / len(gains):+.1f} points (95 % interval over problems {100 * low:+.1f} to "
        f"{100 * high:+.1f}), {len(gains)} seeds from {100 * min(gains):+.1f} to {100 * max(gains):+.1f}"
    )
    if options.picture:
        options.picture.write_text(draw(results), encoding="utf-8")
    return 0


def run_seed(seed: int, options: Any) -> dict[str, Any]:
    """Everything for one seed; each stage leaves a file by which it is known to be done."""
    folder = options.out / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    trained = folder / "trained"
    if not (trained / "training.json").exists():
        settings_rl = GRPOSettings(
            model=str(options.start),
            tasks=(f"{options.tasks}&split=train&n=400&seed={1000 + seed}",),
            max_turns=TURNS, max_tokens=TOKENS, group=8, batch_size=32, micro_batch_size=4, epochs=10,
            curriculum=True, learning_rate=options.learning_rate, schedule="constant_with_warmup", warmup=0.0,
            needless_question_cost=options.price, asked_fact_reward=options.asked_fact_reward,
            repeated_turn_cost=options.repeated_turn_cost, premature_success=False,
            max_steps=options.steps, max_seconds=options.seconds, checkpoint_seconds=300, seed=seed, resume=True,
        )  # fmt: skip
        train_grpo(settings_rl, trained, progress=ProgressLine())
    record = json.loads((trained / "training.json").read_text(encoding="utf-8"))
    measured = {
        "start": alone(heldout, options.start, options.out / "start", options),
        "trained": alone(heldout, trained, folder / "heldout", options),
    }
    return {
        "seed": seed,
        "heldout": {name: measured[name]["success_at"][str(TURNS)] for name in ("start", "trained")},
        "metrics": measured,
        "curve": [point["solved"] for point in record["curve"] if "solved" in point],
        "steps": record["steps"],
        "seconds": record["seconds"],
        "groups": record["notes"]["groups"],
        "flat_groups": record["notes"]["flat_groups"],
    }


def heldout(model: Path, folder: Path, options: Any) -> dict[str, Any]:
    """The metrics of a student that always says what is likeliest; measured once, then read from `folder`."""
    # Greedy for both: the start has a threshold chosen for it, what training made of it has none.
    sampling = {"temperature": 0, "max_tokens": TOKENS, "dtype": "fast"}
    student = ChatStudent(resolve(f"transformers:{model}?decision=greedy", **sampling), fresh=options.fresh)
    tasks = [f"{options.tasks}&split=heldout&n={options.heldout}&seed=7"]
    summary = evaluate({"student": student}, tasks, folder, max_turns=TURNS, seed=0, resume=True)
    metrics: dict[str, Any] = summary.model_dump(mode="json")["students"]["student"]["metrics"]
    return metrics


def gain_interval(options: Any) -> tuple[float, float]:
    """Of the mean gain of these seeds: problems, with both their forms, are drawn anew, start and trained in pairs."""
    by_problem: dict[str, list[float]] = {}
    for name in ("start", *(f"seed-{seed}/heldout" for seed in options.seeds)):
        (store,) = Summary.read(options.out / name / SUMMARY).stores["student"]
        with TraceStore.open(options.out / name / store, read_only=True) as dialogues:
            for trace in dialogues.traces():
                gain = by_problem.setdefault(trace.task.pair, [0.0, 0.0])
                gain[0] += bool(trace.solved) * (-1.0 if name == "start" else 1 / len(options.seeds))
                gain[1] += name == "start"
    sums = resample_sums(np.array(list(by_problem.values())), seed=0, resamples=10_000)
    interval = percentiles(sums[:, 0] / sums[:, 1])
    assert interval is not None
    return interval


def asking(metrics: dict[str, Any]) -> str:
    return f"asks {shown(metrics['asks_when_needed'])}, needless {shown(metrics['needless_questions'])}"


def shown(metric: dict[str, Any]) -> str:
    return f"{metric['value']:.0%} ({metric['low']:.0%} to {metric['high']:.0%})"


def draw(results: list[dict[str, Any]]) -> str:
    """Two panels: solved while training (each point the mean of five steps), and held-out before and after."""
    width, height, left, top, bottom = 640, 300, 52, 34, 250
    steps = max(len(result["curve"]) for result in results)
    colours, dashes = ("#1f5fa8", "#b3541e", "#3d7a3a", "#7a3d78"), ("", "6 3", "2 3", "8 3 2 3")

    def at_y(share: float) -> float:
        return bottom - (bottom - top) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12" role="img"><title>MT-RL from a Q-primed start</title>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{left}" y="18">solved while training, by step</text>',
        f'<text x="470" y="18">held out, success@{TURNS}</text>',
    ]
    for quarter in range(5):
        y = at_y(quarter / 4)
        parts.append(f'<path d="M{left} {y}H430M470 {y}H{width - 20}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{25 * quarter} %</text>')
    parts.append(
        f'<text x="{left}" y="{bottom + 18}">1</text><text x="430" y="{bottom + 18}" text-anchor="end">{steps}</text>'
    )
    parts.append(
        f'<text x="490" y="{bottom + 18}">before</text><text x="600" y="{bottom + 18}" text-anchor="end">after</text>'
    )
    for place, result in enumerate(results):
        style = f'stroke="{colours[place % 4]}" stroke-dasharray="{dashes[place % 4]}" fill="none" stroke-width="2"'
        curve = result["curve"]
        means = [sum(curve[max(0, at - 4) : at + 1]) / min(5, at + 1) for at in range(len(curve))]
        points = " ".join(
            f"{left + (430 - left) * at / max(1, steps - 1):.1f},{at_y(value):.1f}" for at, value in enumerate(means)
        )
        parts.append(f'<polyline points="{points}" {style}/>')
        ends = [result["heldout"][name]["value"] for name in ("start", "trained")]
        parts.append(f'<path d="M500 {at_y(ends[0]):.1f}L590 {at_y(ends[1]):.1f}" {style}/>')
        parts.append(
            f'<text x="{left + 90 * place}" y="{height - 12}" fill="{colours[place % 4]}">seed {result["seed"]}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    sys.exit(main())
