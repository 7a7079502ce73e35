"""For makers of data: run dialogues, see what came of them, export what is worth training on.

    python examples/export_traces.py [--student openai:MODEL@URL] [--n 20] [--out runs/data]

Q-priming replaces wrong turns by questions, so even a weak student gives solved dialogues. Stop it at any time and run
it again: it goes on where it stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sml_agents import (
    Act,
    ChatStudent,
    DialogueSettings,
    OracleTeacher,
    TraceStore,
    export,
    load_tasks,
    resolve,
    run_dialogues_sync,
)
from sml_agents.data.export import TraceFilter


def main(student: str, n: int, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tasks = [*load_tasks(f"arithmetic?form=paired&n={n}"), *load_tasks(f"lists?form=paired&n={n}")]
    settings = DialogueSettings(q_priming=0.75)
    with TraceStore.open(out / "traces.sqlite") as store:
        summary = run_dialogues_sync(
            tasks, ChatStudent(resolve(student)), OracleTeacher(), store, settings=settings, resume=True
        )
        print(f"{summary.n} dialogues, {summary.solved} solved, the student asked in {summary.asked}")
        for trace in store.traces(solved=True):
            print("\nThe first one that was solved:")
            for turn in trace.turns:
                print(f"  {turn.role}: {turn.text}")
            break
        reports = [
            export(store.traces(), "trl", out / "solved.jsonl", TraceFilter(solved=True, wrong_attempts=False)),
            export(store.traces(), "openai", out / "questions.jsonl", TraceFilter(acts=(Act.CLARIFICATION,))),
            export(store.traces(), "preference", out / "ask-or-guess.jsonl"),
            export(store.traces(), "parquet", out / "dataset", licence="apache-2.0"),
        ]
    for report in reports:
        print(f"{report.path}: {report.rows} rows of {report.traces} dialogues; left out: {report.left_out or 'none'}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--student", default="embedded:?max_tokens=64", help="backend spec")
    options.add_argument("--n", type=int, default=20, help="problems of each family")
    options.add_argument("--out", type=Path, default=Path("runs/data"))
    given = options.parse_args()
    main(given.student, given.n, given.out)
