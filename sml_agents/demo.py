"""`make demo`: the closed loop on the embedded model, from tasks to a measured feedback-seeking student.

1. The embedded model tries generated tasks, half of them with a needed fact missing. A turn that does not help is
   rewritten by Q-priming: into the question for the missing fact or, with nothing missing, into the worked solution.
   A stand-in that guesses takes the model's place on more tasks, because rewritten attempts cost time and are not
   trained on.
2. The model is fine-tuned on the student's side of the dialogues that were solved.
3. Before and after are measured on held-out templates, with nobody rewriting anything.

Everything lands in one folder: stores, model, `summary.json` and `report.html`. A demo that was cut short goes on where
it stopped when the same folder is given again.
"""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from sml_agents.roles import Student

__all__ = ["DemoSettings", "run_demo"]

_TRIED, _DEMONSTRATED = "tried.sqlite", "demonstrated.sqlite"


class DemoSettings(BaseModel):
    """What the demo does. The defaults fit two cores and a quarter of an hour."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "embedded:"
    tried: tuple[str, ...] = (
        "arithmetic?form=paired&split=train&steps=1&largest=20&n=24&seed=11",
        "lists?form=paired&split=train&n=6&seed=11",
    )
    """Tasks that the model itself tries. `paired`: every problem once with a fact missing and once complete, so that
    asking always does not pay."""
    demonstrated: tuple[str, ...] = (
        "arithmetic?form=paired&split=train&steps=1&largest=30&n=450&seed=12",
        "arithmetic?form=paired&split=train&steps=2&largest=50&n=350&seed=13",
        "lists?form=paired&split=train&n=60&seed=12",
    )
    """Tasks on which the stand-in is rewritten: more settings and longer solutions than are measured, because what
    asking is about is learnt from variety."""
    measured: tuple[str, ...] = (
        "arithmetic?form=paired&split=heldout&steps=1&largest=20&n=48&seed=101",
        "lists?form=paired&split=heldout&n=12&seed=101",
    )
    max_turns: int = 4
    q_priming: float = 0.75
    q_priming_start: Literal[0, 1] = 1
    """1: some first attempts stay, so that the model also sees how a wrong one is mended after the teacher's hint."""
    max_tokens: int = 48
    """Of one turn."""
    concurrency: int = 32
    train_seconds: float = 560
    """Training stops after this long, with the learning rate brought down by then."""
    learning_rate: float = 4e-4
    first_token_weight: float = 6.0
    batch_size: int = 8
    seed: int = 0


def run_demo(out: Path, *, settings: DemoSettings | None = None, seed: int | None = None) -> dict[str, Any]:
    """Run the demo in the folder `out` and return the content of `summary.json`.

    Progress and the table of results go to standard error. Raises InputError for a folder that holds another demo, and
    KeyboardInterrupt when stopped: call it again with the same folder to go on.
    """
    from rich.console import Console

    from sml_agents.backends import resolve
    from sml_agents.evaluation.report import write_report
    from sml_agents.evaluation.run import evaluate
    from sml_agents.evaluation.table import print_summary
    from sml_agents.roles import ChatStudent, GuessingStudent
    from sml_agents.rollout import ProgressBar

    settings = settings or DemoSettings()
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    console = Console(stderr=True)
    out.mkdir(parents=True, exist_ok=True)

    _headline(console, 1, "Dialogues to learn from: the model tries, Q-priming rewrites what does not help")
    sampling = {"temperature": 0, "max_tokens": settings.max_tokens, "dtype": "fast"}
    model = resolve(settings.model, **sampling)
    _make_dialogues(out / _TRIED, ChatStudent(model), settings.tried, settings)
    _make_dialogues(out / _DEMONSTRATED, GuessingStudent(), settings.demonstrated, settings)
    _headline(console, 2, "Fine-tuning on the student's own turns")
    trained = _train(out, settings)
    _headline(console, 3, "Before and after, on templates never trained on")
    summary = evaluate(
        {"base": model, "trained": resolve(f"transformers:{trained}", **sampling)},
        settings.measured,
        out,
        max_turns=settings.max_turns,
        concurrency=settings.concurrency,
        seed=settings.seed,
        resume=True,
        progress=ProgressBar,
    )
    report = write_report(out, out / "report.html")
    print_summary(summary, console)
    console.print(f"Read the dialogues in [bold]{report}[/bold]; figures in {out / 'summary.json'}.")
    console.print(f"Talk to the trained model: sml-agents chat --student transformers:{trained}")
    return summary.model_dump(mode="json")


def _headline(console: Any, step: int, text: str) -> None:
    console.print(f"[bold]{step}/3[/bold] {text}")


def _make_dialogues(path: Path, student: Student, specs: tuple[str, ...], settings: DemoSettings) -> None:
    """Dialogues of `student` under Q-priming, into the store at `path`; finishes what an earlier run left."""
    from sml_agents.dialogue import DialogueSettings
    from sml_agents.roles import OraclePrimer, OracleTeacher
    from sml_agents.rollout import ProgressBar, run_dialogues_sync
    from sml_agents.tasks import load_tasks
    from sml_agents.traces import TraceStore

    tasks = [task for spec in specs for task in load_tasks(spec)]
    dialogue = DialogueSettings(
        max_turns=settings.max_turns,
        q_priming=settings.q_priming,
        q_priming_start=settings.q_priming_start,
        seed=settings.seed,
    )
    with TraceStore.open(path) as store, ProgressBar(path.stem) as bar:
        summary = run_dialogues_sync(
            tasks,
            student,
            OracleTeacher(),
            store,
            settings=dialogue,
            primer=OraclePrimer(demonstrate=True),
            concurrency=settings.concurrency,
            resume=True,
            on_progress=bar,
        )
    if summary.interrupted:
        raise KeyboardInterrupt


def _train(out: Path, settings: DemoSettings) -> Path:
    """Fine-tune on the solved dialogues and return the model's folder; a finished model is not trained again."""
    from sml_agents.data.rows import training_rows
    from sml_agents.traces import TraceStore
    from sml_agents.training.progress import ProgressLine
    from sml_agents.training.settings import SFTSettings
    from sml_agents.training.sft import train_sft

    folder = out / "trained"
    if (folder / "training.json").exists():
        print("already trained", file=sys.stderr)
        return folder
    with (
        TraceStore.open(out / _TRIED, read_only=True) as tried,
        TraceStore.open(out / _DEMONSTRATED, read_only=True) as demonstrated,
    ):
        rows = training_rows(chain(tried.traces(), demonstrated.traces()), "q_primed")
    sft = SFTSettings(
        model=settings.model,
        max_seconds=settings.train_seconds,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        first_token_weight=settings.first_token_weight,
        schedule="cosine",
        seed=settings.seed,
        resume=True,
    )
    train_sft(rows, sft, folder, progress=ProgressLine())
    return folder
