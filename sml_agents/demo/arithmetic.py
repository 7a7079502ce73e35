"""The demo on word problems: a student that learns to ask for the one fact that is missing, and only then.

1. A stand-in that never helps holds dialogues on pairs of tasks, one with a needed fact missing and one complete, and
   Q-priming writes every turn: the question for the missing fact or, with nothing missing, the worked solution. Some
   dialogues keep up to two wrong attempts or vague questions, so that what follows them is seen, too.
2. The model is fine-tuned on the student's side of these, both forms of a problem in one batch. Each turn goes through
   the numbers that were told before it decides (`roles.inventory`), and opens by its kind (`roles.openings`).
3. The line between asking and answering is drawn on templates that training has not seen, and stored with the model.
4. Before and after are measured on held-out templates with nobody rewriting anything, beside scripts that read nothing.
   Both students say nothing twice (`ChatStudent(fresh=True)`).

Everything lands in one folder: stores, model, `first_token.json`, `summary.json` and `report.html`. Budgets are in
tokens, so that the figures do not depend on how busy the machine is. A demo that was cut short goes on where it stopped
when the same folder is given again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from sml_agents.files import whole_file
from sml_agents.roles.openings import Openings

if TYPE_CHECKING:
    from sml_agents.data.nouns import TrainingRow
    from sml_agents.evaluation.first_token import FirstTokens
    from sml_agents.roles import Student
    from sml_agents.roles.primer import Primer

__all__ = ["DemoSettings", "run_demo"]

_STEPS = 4
_DEMONSTRATED, _GUESSED = "demonstrated.sqlite", "guessed.sqlite"
FIRST_TOKEN = "first_token.json"


class DemoSettings(BaseModel):
    """What the demo does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "embedded:"
    openings: Openings = Openings()
    demonstrated: tuple[str, ...] = (
        "arithmetic?form=paired&split=train&steps=1&largest=20&n=220&seed=12",
        "lists?form=paired&split=train&n=12&seed=12",
    )
    """Tasks on which every turn is written by Q-priming. `paired`: every problem once with a fact missing and once
    complete, so that asking always does not pay. What asking is about is learnt from variety: few templates are learnt
    by heart."""
    guessed: tuple[str, ...] = (
        "arithmetic?form=paired&split=train&steps=1&largest=20&n=120&seed=14",
        "lists?form=paired&split=train&n=4&seed=14",
    )
    """Tasks in whose dialogues the first turns of a stand-in that guesses may stay."""
    dev: tuple[str, ...] = (
        "arithmetic?form=paired&split=dev&steps=1&largest=20&n=60&seed=16",
        "lists?form=paired&split=dev&n=12&seed=16",
    )
    """Tasks on which the threshold is chosen, of templates that are neither trained on nor measured."""
    measured: tuple[str, ...] = (
        "arithmetic?form=paired&split=heldout&steps=1&largest=20&n=100&seed=101",
        "lists?form=paired&split=heldout&n=20&seed=101",
    )
    max_turns: int = Field(default=4, ge=1)
    """Student turns when measured; the dialogues to learn from have one more, which is never rewritten."""
    max_tokens: int = 96
    """Of one turn, its thought included."""
    concurrency: int = 32
    budget_tokens: int = 125_000
    """Tokens read in training."""
    stop_at: float = Field(default=0.95, gt=0, le=1)
    """Training ends early when the AUC of the decision on the dev tasks reaches this."""
    max_seconds: float | None = Field(default=None, gt=0)
    """A bound on training; one that is cut off by it depends on the machine."""
    learning_rate: float = 1.5e-3
    """Of low-rank adapters on all layers: a step with them costs less than with all weights, and they learn as fast."""
    first_token_weight: float = 6.0
    batch_size: int = 4
    seed: int = 0


def run_demo(out: Path, *, settings: DemoSettings | None = None, seed: int = 0) -> dict[str, Any]:
    """See `sml_agents.demo.run_demo`; `settings` in place of the default ones, their own seed included."""
    from rich.console import Console

    from sml_agents.backends import resolve
    from sml_agents.evaluation.report import write_report
    from sml_agents.evaluation.run import evaluate
    from sml_agents.evaluation.table import first_token_table, print_summary
    from sml_agents.roles import ChatStudent
    from sml_agents.rollout import ProgressBar

    settings = settings or DemoSettings(seed=seed)
    console = Console(stderr=True)
    out.mkdir(parents=True, exist_ok=True)
    sampling = {"temperature": 0, "max_tokens": settings.max_tokens, "dtype": "fast"}

    _headline(console, 1, "Dialogues to learn from: Q-priming writes what a stand-in should have said")
    demonstrated = _demonstrated(out, settings)
    _headline(console, 2, "Fine-tuning on the student's own turns")
    trained = _train(out / "trained", demonstrated, settings)
    _headline(console, 3, "The line between asking and answering")
    model, tuned = resolve(settings.model, **sampling), _decided(trained, settings, sampling)
    first_tokens = _first_tokens(out, {"base": model, "trained": tuned}, settings)
    console.print(first_token_table(first_tokens))
    _headline(console, 4, "Before and after, on templates never trained on")
    summary = evaluate(
        # A greedy model of this size says the same again after a refusal; the untrained one has the same help.
        {"base": ChatStudent(model, fresh=True), "trained": ChatStudent(tuned, fresh=True)},
        settings.measured,
        out,
        max_turns=settings.max_turns,
        concurrency=settings.concurrency,
        seed=settings.seed,
        baselines=True,
        resume=True,
        progress=ProgressBar,
    )
    report = write_report(out, out / "report.html")
    print_summary(summary, console)
    console.print(f"Read the dialogues in [bold]{report}[/bold]; figures in {out / 'summary.json'}.")
    console.print(f"Talk to the trained model: sml-agents chat --student 'transformers:{trained}?fresh=true'")
    return {**summary.model_dump(mode="json"), "first_token": first_tokens.model_dump(mode="json")}


def _headline(console: Any, step: int, text: str) -> None:
    console.print(f"[bold]{step}/{_STEPS}[/bold] {text}")


def _demonstrated(out: Path, settings: DemoSettings) -> list[TrainingRow]:
    """The rows of the training."""
    from sml_agents.backends import resolve
    from sml_agents.backends.scripted import ScriptedModel
    from sml_agents.roles import ChatStudent, GuessingStudent

    silent = ChatStudent(resolve(ScriptedModel(replies=["I do not know."])))
    _hold(out / _DEMONSTRATED, silent, settings.demonstrated, _primer(settings), settings)
    _hold(out / _GUESSED, GuessingStudent(questions=0.5), settings.guessed, _primer(settings, 2), settings)
    # Rows of first turns are short, so that more of them are different problems; what follows a turn in vain, or a fact
    # that was told, is in the other half: without it a student repeats its first turn.
    return [*_rows(out / _DEMONSTRATED, settings, last_turn=1), *_rows(out / _GUESSED, settings)]


def _primer(settings: DemoSettings, latest: int = 0) -> Primer:
    from sml_agents.roles import OraclePrimer
    from sml_agents.roles.openings import LatePrimer, OpenedPrimer

    return LatePrimer(OpenedPrimer(OraclePrimer(demonstrate=True), settings.openings), latest)


def _hold(path: Path, student: Student, specs: tuple[str, ...], primer: Primer, settings: DemoSettings) -> None:
    """Dialogues of `student` in which every turn in vain is rewritten; finishes what an earlier run left."""
    from sml_agents.dialogue import DialogueSettings
    from sml_agents.roles import OracleTeacher
    from sml_agents.rollout import ProgressBar, run_dialogues_sync
    from sml_agents.tasks import load_tasks
    from sml_agents.traces import TraceStore

    tasks = [task for spec in specs for task in load_tasks(spec)]
    with TraceStore.open(path) as store, ProgressBar(path.stem) as bar:
        summary = run_dialogues_sync(
            tasks,
            student,
            OracleTeacher(),
            store,
            settings=DialogueSettings(max_turns=settings.max_turns + 1, q_priming=1.0, seed=settings.seed),
            primer=primer,
            concurrency=settings.concurrency,
            resume=True,
            on_progress=bar,
        )
    if summary.interrupted:
        raise KeyboardInterrupt


def _rows(path: Path, settings: DemoSettings, last_turn: int | None = None) -> list[TrainingRow]:
    """What is trained of these dialogues: questions that brought a fact and answers that were right, in whole pairs."""
    from sml_agents.data.rows import balanced, training_rows, whole_pairs
    from sml_agents.data.selection import PRESETS
    from sml_agents.roles.inventory import with_inventories
    from sml_agents.roles.openings import with_openings
    from sml_agents.traces import TraceStore

    # A dialogue that was not solved in the end may hold the right question, and without it the pair would be torn.
    selection = PRESETS["q_primed"].model_copy(update={"solved": None, "last_turn": last_turn})
    with TraceStore.open(path, read_only=True) as store:
        traces = [with_inventories(with_openings(trace, settings.openings)) for trace in store.traces()]
    return balanced(whole_pairs(training_rows(traces, selection)), seed=settings.seed)


def _train(folder: Path, rows: list[TrainingRow], settings: DemoSettings) -> Path:
    """Fine-tune on `rows` and return the model's folder; a finished model is not trained again."""
    from sml_agents.training.progress import ProgressLine
    from sml_agents.training.settings import SFTSettings
    from sml_agents.training.sft import train_sft

    if (folder / "training.json").exists():
        print("already trained", file=sys.stderr)
        return folder
    sft = SFTSettings(
        model=settings.model,
        method="lora",
        budget_tokens=settings.budget_tokens,
        stop_at=settings.stop_at,
        measure_tokens=_GLANCE_EVERY,
        max_seconds=settings.max_seconds,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        first_token_weight=settings.first_token_weight,
        schedule="cosine",
        seed=settings.seed,
        checkpoint_seconds=300,
        resume=True,
    )
    train_sft(rows, sft, folder, progress=ProgressLine(), measure=_Apart(settings))
    return folder


_GLANCE_EVERY = 80_000
"""Tokens of training between two measures on dev tasks."""
_GLANCE = 24
"""Tasks of each dev spec on which a model in training is measured: a stop needs no more, and each takes a second."""


class _Apart:
    """How well a model in training tells the two kinds of dev tasks apart: the AUC of its first token."""

    def __init__(self, settings: DemoSettings) -> None:
        self.settings = settings

    def __call__(self, model: Any, tokenizer: Any) -> float:
        from sml_agents.evaluation.first_token import apart
        from sml_agents.tasks import load_tasks

        tasks = [task for spec in self.settings.dev for task in load_tasks(spec)[:_GLANCE]]
        return apart(model, tokenizer, tasks, ask=self.settings.openings.ask, answer=self.settings.openings.answer)


def _decided(trained: Path, settings: DemoSettings, sampling: dict[str, Any]) -> Any:
    """The trained model with its threshold, chosen on the dev tasks if it has none yet."""
    from sml_agents.backends import resolve
    from sml_agents.backends.decision import DECISION
    from sml_agents.evaluation.first_token import choose_decision

    if not (trained / DECISION).exists():
        plain: Any = resolve(f"transformers:{trained}", **sampling)
        openings = settings.openings
        decision, _ = choose_decision(plain, settings.dev, ask=openings.ask, answer=openings.answer)
        decision.write(trained)
    return resolve(f"transformers:{trained}", **sampling)


def _first_tokens(out: Path, models: dict[str, Any], settings: DemoSettings) -> FirstTokens:
    from sml_agents.evaluation.first_token import FirstTokens, first_token

    path = out / FIRST_TOKEN
    if path.exists():
        return FirstTokens.model_validate_json(path.read_bytes())
    found = first_token(models, settings.measured, seed=settings.seed)
    with whole_file(path) as partial:
        partial.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return found
