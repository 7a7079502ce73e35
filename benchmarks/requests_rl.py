"""Does GRPO improve a student that has learnt from an oracle when to ask and how to call? The embedded model on a CPU.

    python benchmarks/requests_rl.py [--sft-steps 48] [--rl-steps 9] [--pairs 50] [--split heldout]

The easiest requests of the family: one tool of at most two arguments, half of the requests lack a value. `start` goes
on from the asker's weights (what a call lacks) and imitates dialogues in which the oracle says every turn; before a
turn it thinks, a line for each argument. `trained` goes on from there by GRPO, every question that brings nothing at a
price, and an attempt that is right by luck worth nothing. Both are then measured on tools, sentences and values of
neither, beside scripts that understand nothing. What is done lies in `--out`, and the same command goes on after it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

# Before torch is imported: idle threads that spin slow a busy machine down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from apart import alone
from reproduction import cell_of, metric, of_training, row, signed, upper_half

from sml_agents.asker.load import READY
from sml_agents.backends import resolve
from sml_agents.data.nouns import TrainingRow
from sml_agents.data.rows import balanced, training_rows
from sml_agents.dialogue import DialogueSettings
from sml_agents.evaluation.run import evaluate
from sml_agents.files import write_whole
from sml_agents.roles import ChatStudent, GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.rollout import ProgressBar, run_dialogues_sync
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training import GRPOSettings, ProgressLine, SFTSettings, train_grpo, train_sft
from sml_agents.training.folder import RECORD

TURNS, TOKENS = 3, 96
"""To ask, twice where two values are missing, and to call."""
COLUMNS = (
    ("success", "success_at", str(TURNS)),
    ("asks when needed", "asks_when_needed", ""),
    ("names it", "names_missing", ""),
    ("needless", "needless_questions", ""),
    ("guessed", "guessed_arguments", ""),
    ("exact call", "exact_call", ""),
    ("premature", "premature_attempts", ""),
    ("repeats", "repeat", ""),
    ("questions", "questions_per_dialogue", ""),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--model", default="embedded:", help="embedded:, a folder or a hub name")
    add("--out", type=Path, default=Path("runs/requests-rl"))
    add("--results", type=Path, help="file for the figures (JSON)")
    add("--adapter", default=str(READY), help="low-rank weights of that model to begin with (the asker's); '' for none")
    add("--shown", type=int, default=600, help="pairs of requests in the dialogues that are imitated")
    add("--sft-steps", type=int, default=48, help="of eight rows")
    add("--rl-steps", type=int, default=9, help="of --groups groups of eight dialogues")
    add("--groups", type=int, default=2)
    add("--rl-seconds", type=float, help="of GRPO at most, those before an interruption included")
    add("--learning-rates", type=float, nargs=2, default=(2e-3, 3e-5), help="of SFT, low-rank, and of GRPO")
    add("--rl-temperature", type=float, default=0.5, help="at 1 a start that solves a quarter solves next to nothing")
    add("--split", default="heldout", help="tools to measure on; dev is for choosing settings")
    add("--pairs", type=int, default=50, help="pairs to measure on")
    add("--temperatures", type=float, nargs="+", default=(0.0,), help="to measure at: 0 says what is likeliest")
    add("--seed", type=int, default=0)
    options = parser.parse_args()
    start, trained = options.out / "start", options.out / "trained"
    for folder, train in ((start, imitate), (trained, reinforce)):
        if not (folder / RECORD).exists():
            alone(train, folder, options)
    results: dict[str, Any] = {
        "settings": {name: value for name, value in vars(options).items() if name not in ("out", "results")},
        "training": {folder.name: of_training(folder / RECORD) for folder in (start, trained)},
        "measured": {},
    }
    for temperature in options.temperatures:
        results["measured"][f"temperature {temperature:g}"] = measured(options, temperature)
        if options.results:
            write_whole(options.results, json.dumps(results, indent=1) + "\n")
    for how, summary in results["measured"].items():
        print(f"\n{how}, n = {summary['students']['start']['n']} dialogues\n")
        print(row("", *(head for head, _, _ in COLUMNS)), "|" + "---|" * (len(COLUMNS) + 1), sep="\n")
        for name, one in {**summary["students"], **summary["baselines"]}.items():
            print(row(name, *(cell_of(key, metric(one["metrics"], key, turn)) for _, key, turn in COLUMNS)))
        gained = summary["differences"]["trained"]["metrics"]
        print(row("trained - start", *(signed(key, metric(gained, key, turn)) for _, key, turn in COLUMNS)))
    return 0


def measured(options: argparse.Namespace, temperature: float) -> dict[str, Any]:
    """The figures of both; scripts talk once, since none of them is a model that samples."""
    summary = evaluate(
        {name: speaker(options.out / name, temperature) for name in ("start", "trained")},
        [spec(options.split, options.pairs, options.seed + 3)],
        options.out / f"{options.split}-{temperature:g}", max_turns=TURNS, seed=options.seed, resume=True,
        baselines=temperature == options.temperatures[0], progress=ProgressBar,
    )  # fmt: skip
    return summary.model_dump(mode="json", include={"students", "baselines", "differences"})


def spec(split: str, pairs: int, seed: int) -> str:
    return f"requests?form=paired&distractors=0&arguments=2&split={split}&n={pairs}&seed={seed}"


def speaker(folder: Path, temperature: float) -> ChatStudent:
    """The model as it speaks while it is trained by reward: its thoughts stay before it."""
    model = resolve(f"transformers:{folder}?temperature={temperature:g}&max_tokens={TOKENS}&dtype=fast&timeout=3600")
    return ChatStudent(model, verbatim=True)


def imitate(out: Path, options: argparse.Namespace) -> None:
    """Dialogues of a stand-in that guesses, in which the oracle writes every turn anew, and SFT on what it wrote."""
    with TraceStore.open(options.out / "shown.sqlite") as store, ProgressBar("shown") as bar:
        settings = DialogueSettings(max_turns=TURNS + 1, q_priming=1.0, seed=options.seed)
        tasks = load_tasks(spec("train", options.shown, options.seed + 1))
        primer = OraclePrimer(demonstrate=True)
        run_dialogues_sync(
            tasks, GuessingStudent(), OracleTeacher(), store,
            settings=settings, primer=primer, resume=True, on_progress=bar,
        )  # fmt: skip
        rows = balanced(training_rows(store.traces(), "q_primed", think=True), seed=options.seed)
    imitation = SFTSettings(
        model=options.model, adapter=options.adapter or None, max_steps=options.sft_steps, batch_size=8,
        learning_rate=options.learning_rates[0], schedule="cosine", **upper_half(options.model), **common(options),
    )  # fmt: skip
    train_sft([aloud(row) for row in rows], imitation, out, progress=ProgressLine())


def aloud(row: TrainingRow) -> TrainingRow:
    """The row with its thoughts as part of what is said: as a student that is trained by reward reads its own turns."""
    messages = (replace(one, content=f"{one.thought}{one.content}".strip(), thought="") for one in row.messages)
    return replace(row, messages=tuple(messages))


def reinforce(out: Path, options: argparse.Namespace) -> None:
    settings = GRPOSettings(
        model=str(options.out / "start"), tasks=(spec("train", 4 * options.rl_steps, options.seed + 2),),
        max_steps=options.rl_steps, group=8, batch_size=8 * options.groups, micro_batch_size=8, max_turns=TURNS,
        max_tokens=TOKENS, learning_rate=options.learning_rates[1], schedule="constant_with_warmup", warmup=0.0,
        needless_question_cost=0.1, premature_success=False, curriculum=True, max_seconds=options.rl_seconds,
        temperature=options.rl_temperature, **common(options),
    )  # fmt: skip
    train_grpo(settings, out, progress=ProgressLine())


def common(options: argparse.Namespace) -> dict[str, Any]:
    return {"seed": options.seed, "checkpoint_seconds": 400, "resume": True}


if __name__ == "__main__":
    sys.exit(main())
