"""For those who fine-tune: teach a local model to ask, and measure it against what it was.

    python examples/finetune_local_model.py [--model transformers:PATH] [--steps 20] [--problems 40] [--out runs/tuned]

A few steps show the way from end to end; `sml-agents demo --domain arithmetic` runs it long enough to matter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sml_agents import (
    ChatStudent,
    DialogueSettings,
    OracleTeacher,
    TraceStore,
    evaluate,
    load_tasks,
    resolve,
    run_dialogues_sync,
    train_sft,
    training_rows,
)
from sml_agents.evaluation.table import print_summary
from sml_agents.roles import OraclePrimer
from sml_agents.training import SFTSettings

LIMITS = "?temperature=0&max_tokens=48"


def main(model: str, steps: int, problems: int, out: Path) -> None:
    tasks = load_tasks(f"arithmetic?form=paired&split=train&n={problems}")
    student = ChatStudent(resolve(model + LIMITS))
    with TraceStore.open(out / "train.sqlite") as store:
        settings = DialogueSettings(max_turns=3, q_priming=1.0)
        primer = OraclePrimer(demonstrate=True)
        run_dialogues_sync(tasks, student, OracleTeacher(), store, settings=settings, primer=primer, resume=True)
        rows = training_rows(store.traces(), "q_primed")
    sft = SFTSettings(model=model, max_steps=steps, batch_size=8, learning_rate=1e-4)
    result = train_sft(rows, sft, out / "model")
    print(f"{result.steps} steps on {len(rows)} dialogues, loss {result.first_loss:.2f} -> {result.last_loss:.2f}")

    students = {"base": model + LIMITS, "trained": f"transformers:{result.path}{LIMITS}"}
    heldout = f"arithmetic?form=paired&split=heldout&n={problems}"
    print_summary(evaluate(students, [heldout], out / "evaluation", max_turns=3, resume=True))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", default="embedded:", help="embedded: or transformers:PATH_OR_NAME")
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--problems", type=int, default=40, help="each once with a fact missing and once complete")
    options.add_argument("--out", type=Path, default=Path("runs/tuned"))
    given = options.parse_args()
    main(given.model, given.steps, given.problems, given.out)
