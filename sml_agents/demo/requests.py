"""The demo of tool requests: the embedded model learns to ask for what a call lacks, and to write the call.

Training, choosing the line and measuring each have tools of their own. What is measured are dialogues: a person by rule
answers what is asked, and within four turns the call has to be right. Students that understand nothing have the same.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from sml_agents.demo import check_pairs, spec_of

if TYPE_CHECKING:
    from rich.console import Console

    from sml_agents.asker.load import Asker
    from sml_agents.asker.student import AskerStudent
    from sml_agents.asker.threshold import AskerRecord
    from sml_agents.evaluation.compare import Figures, Summary

__all__ = ["DemoSettings", "run_demo"]

_STEPS = 4
PAIRS = "pairs"
"""The folder, within the demo's, of what was measured on others' pairs."""


class DemoSettings(BaseModel):
    """What the demo trains on, how long, and on how much it measures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "embedded:"
    generated: int = 3000
    """Pairs to draw training rows from."""
    steps: int = 150
    """Of eight rows, each a request in two forms or three."""
    dev: int = 60
    """Pairs, of tools held out of training, on which the line is chosen."""
    measured: int = 100
    """Pairs, of tools of a third split, on which is measured."""
    max_turns: int = 4
    """Student turns of a dialogue."""
    seed: int = 0


def run_demo(
    out: Path, *, settings: DemoSettings | None = None, seed: int = 0, pairs: Path | None = None
) -> dict[str, Any]:
    """See `sml_agents.demo.run_demo`; `settings` in place of the default ones, their own seed included."""
    from rich.console import Console
    from rich.markup import escape

    from sml_agents.asker.student import AskerStudent
    from sml_agents.asker.threshold import AskerRecord
    from sml_agents.evaluation.table import print_summary
    from sml_agents.training.runtime import model_path, settle_threads

    settings = settings or DemoSettings(seed=seed)
    check_pairs(pairs)
    console = Console(stderr=True)
    _no_bars()
    settle_threads()
    out.mkdir(parents=True, exist_ok=True)

    _headline(console, 1, f"Training on requests to 149 tools, {settings.steps} steps")
    console.print("  People ask for a tool to be called. What is learned: to see which required argument nobody gave.")
    folder = _train(out / "asker", settings, console)

    _headline(console, 2, "Before and after, on tools never trained on")
    console.print(
        f"  {settings.measured} requests in two forms: one gives all, one lacks something. Who asks is told one thing "
        f"at a time; in {settings.max_turns} turns the call has to be right. Scripts that understand nothing do it too."
    )
    students = {
        "base": AskerStudent(
            _asker(Path(model_path(settings.model)), AskerRecord(threshold=0.5, drafted=0.5), settings)
        ),
        "trained": AskerStudent(_asker(folder, AskerRecord.read(folder), settings)),
    }
    tasks = f"requests?form=paired&split=heldout&n={settings.measured}&seed={settings.seed}"
    summary, report = _measure(students, tasks, out, settings)

    _headline(console, 3, "What came of it")
    print_summary(summary, console)
    before, after = (summary.students[name].metrics for name in ("base", "trained"))
    console.print(_in_words(before, after, str(settings.max_turns)))
    found = summary.model_dump(mode="json")
    if pairs is not None:
        console.print(f"[bold]The same on requests of others[/bold], out of {escape(str(pairs))}")
        theirs, place = _measure(students, spec_of(pairs), out / PAIRS, settings)
        print_summary(theirs, console)
        console.print(f"Their dialogues are in [bold]{place}[/bold].")
        found[PAIRS] = theirs.model_dump(mode="json")

    _headline(console, 4, "An agent that acts on guesses, guarded by the trained model")
    console.print("  Its own model is a script that books for two whatever was said, until it reads how many come.")
    for who, text in _talk(f"asker:{folder}"):
        console.print(f"  [bold]{who:>7}[/bold]  {text}")
    console.print(f"Read the dialogues in [bold]{report}[/bold]; figures in {out / 'summary.json'}.")
    console.print(f'In your agent: ClarifyMiddleware("asker:{folder}"), or "asker:" for the one that comes trained.')
    return found


def _measure(students: dict[str, AskerStudent], tasks: str, out: Path, settings: DemoSettings) -> tuple[Summary, Path]:
    """The students and scripts on `tasks`: what came of it, and its report in the folder."""
    from sml_agents.evaluation.report import write_report
    from sml_agents.evaluation.run import evaluate
    from sml_agents.rollout import ProgressBar

    summary = evaluate(
        students,
        [tasks],
        out,
        max_turns=settings.max_turns,
        seed=settings.seed,
        baselines=True,
        resume=True,
        progress=lambda title: ProgressBar(title.partition(",")[0]),
    )
    return summary, write_report(out, out / "report.html")


def _in_words(before: Figures, after: Figures, last: str) -> str:
    """The result, for who reads no table."""
    from sml_agents.evaluation.figures import metric_of
    from sml_agents.evaluation.wording import percent

    def told(name: str, turn: str = "") -> tuple[str, ...]:
        return tuple(percent(metric_of(one, name, turn).value) for one in (after, before))

    return (
        "Trained, it asks in {} of the requests that lack something (before: {}), in {} of those that lack nothing "
        "({}), and gets the call right within {} turns in {} ({})."
    ).format(*told("asks_when_needed"), *told("needless_questions"), last, *told("success_at", last))


def _no_bars() -> None:
    """Weights load in a second, many times: their bars would bury what is said here."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _headline(console: Console, step: int, text: str) -> None:
    console.print(f"[bold]{step}/{_STEPS}[/bold] {text}")


def _asker(folder: Path, record: AskerRecord, settings: DemoSettings) -> Asker:
    """An asker that is read in full numbers, which takes more memory than a byte a weight, and half the time."""
    import torch

    from sml_agents.asker.load import Asker
    from sml_agents.asker.read import AskerModel
    from sml_agents.backends.loading import resolved_device, resolved_dtype
    from sml_agents.training.runtime import model_path

    device = resolved_device("auto")
    dtype = getattr(torch, resolved_dtype("fast", device))
    model = AskerModel.load(folder, Path(model_path(settings.model)), dtype, device)
    return Asker(folder, record, model, device=device)


def _train(folder: Path, settings: DemoSettings, console: Console) -> Path:
    """The folder of the trained asker; one that is there is taken, one that was begun goes on."""
    from sml_agents.asker.mix import Mix
    from sml_agents.asker.read import AskerModel
    from sml_agents.asker.threshold import RECORD, chosen_on
    from sml_agents.asker.train import STATE, AskerSettings, Step, train_asker
    from sml_agents.backends.memory import freed_memory_kept
    from sml_agents.training.runtime import model_path

    if (folder / RECORD).is_file():
        return folder
    losses: list[float] = []
    began = time.monotonic()

    def progress(step: Step) -> None:
        losses.append(step.loss)
        if step.step % 10 == 0 or step.step == settings.steps:
            recent = sum(losses[-10:]) / len(losses[-10:])
            left = (time.monotonic() - began) / len(losses) * (settings.steps - step.step) / 60
            told = f"  step {step.step} of {settings.steps}, {step.tokens:,} tokens, loss {recent:.3f}"
            console.print(f"{told}, about {left:.0f} min left")

    base = Path(model_path(settings.model))
    with freed_memory_kept():
        train_asker(
            base,
            Mix.read([], settings.generated, settings.seed),
            AskerSettings(steps=settings.steps, warmup=settings.steps / 25, seed=settings.seed),
            folder,
            resume=(folder / STATE).is_file(),
            save_every=25,
            progress=progress,
        )
    model = AskerModel.load(folder, base, device="auto")
    chosen_on(model, Mix.heldout_pairs([], settings.dev, settings.dev, settings.seed)).write(folder)
    (folder / STATE).unlink(missing_ok=True)
    return folder


def _talk(asker: str) -> list[tuple[str, str]]:
    """A conversation with an agent whose model, a script, makes up what it was not told."""
    from langchain.agents import create_agent
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool
    from langgraph.checkpoint.memory import InMemorySaver

    from sml_agents.agents import ClarifyMiddleware
    from sml_agents.backends.scripted import ScriptedModel

    @tool
    def book_table(restaurant: str, day: str, party_size: int) -> str:
        """Book a table at a restaurant."""
        return f"Booked: {restaurant}, {day}, for {party_size}."

    def drafts(day: str, party_size: int) -> list[dict[str, Any]]:
        return [{"name": "book_table", "args": {"restaurant": "Luigi's", "day": day, "party_size": party_size}}]

    replies = [
        {"when": "Booked", "reply": "Your table is booked."},
        {"when": "of us", "reply": "", "calls": drafts("Friday", 6)},
        {"when": "", "reply": "", "calls": drafts("Friday", 2)},
    ]
    model = ScriptedModel.model_validate({"replies": replies})
    agent = create_agent(model, [book_table], middleware=[ClarifyMiddleware(asker)], checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "demo"}}
    state: dict[str, Any] = {}
    for text in ("A table at Luigi's on Friday, please.", "There will be six of us."):
        state = agent.invoke({"messages": [HumanMessage(text)]}, thread)
    names = {"human": "person", "ai": "agent", "tool": "tool"}
    return [(names[one.type], one.text) for one in state["messages"] if one.type in names and one.text]
