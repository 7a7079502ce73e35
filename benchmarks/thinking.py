"""Think, then decide, beside the plain format: does a student that reasons first ask better?

    python benchmarks/thinking.py --out runs/thinking

Both students are trained from the same model on the same demonstrated dialogues, for the same time, and asked the same
held-out problems. Printed for each: asks-when-needed and needless questions of the first turn, with n and intervals.
About half an hour on two cores with the defaults.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

from sml_agents.backends import resolve
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.dialogue import DialogueSettings
from sml_agents.evaluation.run import evaluate
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher
from sml_agents.rollout import run_dialogues_sync
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training import ProgressLine, SFTSettings, train_sft, training_rows

FIGURES = ("asks_when_needed", "needless_questions", "asking_f1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="embedded:")
    parser.add_argument("--problems", type=int, default=300, help="training problems, each in two forms")
    parser.add_argument("--heldout", type=int, default=60, help="held-out problems, each in two forms")
    parser.add_argument("--seconds", type=float, default=420, help="training time of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    with TraceStore.open(options.out / "dialogues.sqlite") as store:
        run_dialogues_sync(
            list(load_tasks(f"arithmetic?form=paired&split=train&n={options.problems}&seed={options.seed}")),
            ChatStudent(resolve(ScriptedModel(replies=["I do not know."]))),
            OracleTeacher(),
            store,
            settings=DialogueSettings(max_turns=4, q_priming=1.0, seed=options.seed),
            primer=OraclePrimer(demonstrate=True),
            resume=True,
        )
        rows = {name: training_rows(store.traces(), "q_primed", think=name == "think") for name in ("plain", "think")}
    settings = SFTSettings(
        model=options.model,
        max_seconds=options.seconds,
        epochs=2,
        batch_size=16,
        learning_rate=3e-4,
        schedule="cosine",
        rows_as="turn",
        seed=options.seed,
    )
    students = {}
    for name, taken in rows.items():
        folder = options.out / name
        if not (folder / "training.json").exists():
            train_sft(taken, settings.model_copy(update={"resume": folder.exists()}), folder, progress=ProgressLine())
        students[name] = f"transformers:{folder}?max_tokens={160 if name == 'think' else 64}&temperature=0"
    tasks = f"arithmetic?form=paired&split=heldout&n={options.heldout}&seed={options.seed}"
    summary = evaluate(students, [tasks], options.out / "eval", max_turns=1, seed=options.seed)
    for name, student in summary.students.items():
        for figure in FIGURES:
            metric = student.metrics[figure]
            value = "unknown" if metric.value is None else f"{metric.value:.2f} [{metric.low:.2f}, {metric.high:.2f}]"
            print(f"{name:<6} {figure:<20} {value}  n = {metric.n}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
