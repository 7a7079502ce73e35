"""The demo of tool requests: the embedded model learns which argument of a tool nobody told, and an agent uses it.

Training, choosing the line and measuring each have tools of their own. What needs no learning stands in the same table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from sml_agents.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from sml_agents.asker.mix import Pair
    from sml_agents.asker.read import AskerModel
    from sml_agents.asker.threshold import Scores
    from sml_agents.types import Task

__all__ = ["DemoSettings", "run_demo"]

_STEPS = 4


class DemoSettings(BaseModel):
    """What the demo trains on, how long, and on how much it measures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "embedded:"
    generated: int = 3000
    """Pairs to draw training rows from."""
    steps: int = 100
    """Of eight rows, each a request in two forms or three."""
    dev: int = 60
    """Pairs, of tools held out of training, on which the line is chosen."""
    measured: int = 100
    """Pairs, of tools of a third split, on which is measured."""
    seed: int = 0


@dataclass(frozen=True)
class _Reading:
    """Of pairs: a score of each side, and from which score on it asks."""

    scores: Scores
    threshold: float

    def figures(self, seed: int) -> dict[str, Any]:
        """Each figure with its 95 % interval, by bootstrap over pairs."""
        import numpy as np

        from sml_agents.evaluation.bootstrap import Metric, percentiles

        pairs = len(self.scores.lacking)
        lacking, whole = np.array(self.scores.lacking), np.array(self.scores.whole)
        named = np.array(self.scores.named or [False] * pairs)
        drawn = np.random.default_rng(seed).integers(0, pairs, (1000, pairs))

        def metric(of: Callable[[Any], float]) -> dict[str, Any]:
            ends = percentiles(np.array([of(rows) for rows in drawn])) or (None, None)
            return Metric(value=of(np.arange(pairs)), low=ends[0], high=ends[1], n=pairs).model_dump()

        def auc(rows: Any) -> float:
            one, other = lacking[rows][:, None], whole[rows][None, :]
            return float((one > other).mean() + 0.5 * (one == other).mean())

        found = {
            "auc": metric(auc),
            "asks_when_needed": metric(lambda rows: float((lacking[rows] >= self.threshold).mean())),
            "needless_questions": metric(lambda rows: float((whole[rows] >= self.threshold).mean())),
        }
        if self.scores.named:
            found["names_the_argument"] = metric(lambda rows: float(named[rows].mean()))
        return found


def run_demo(out: Path, *, settings: DemoSettings | None = None, seed: int = 0) -> dict[str, Any]:
    """See `sml_agents.demo.run_demo`; `settings` in place of the default ones, their own seed included."""
    from rich.console import Console

    from sml_agents.asker.generated import generated_pairs

    settings = settings or DemoSettings(seed=seed)
    console = Console(stderr=True)
    _no_bars()
    out.mkdir(parents=True, exist_ok=True)

    _headline(console, 1, "The embedded model as it is, on tools it will not be trained on")
    tasks = list(generated_pairs("heldout", settings.measured, settings.seed))
    pairs = [_pair(one, other) for one, other in tasks]
    base = _read(_base(settings), pairs, console)

    _headline(console, 2, f"Training: {settings.steps} steps of generated requests to other tools")
    folder = _train(out / "asker", settings, console)

    _headline(console, 3, "Before and after, beside what needs no learning")
    from sml_agents.asker.load import load_asker

    asker = load_asker(f"asker:{folder}")
    trained = _read(asker.model, pairs, console)
    students = {"base": _Reading(base, 0.5), "trained": _Reading(trained, asker.record.threshold)}
    figures = {name: {**reading.figures(settings.seed), "failed": 0} for name, reading in students.items()}
    baselines = {name: reading.figures(settings.seed) for name, reading in _baselines(tasks, settings).items()}
    summary = {"settings": settings.model_dump(), "students": figures, "baselines": baselines}
    write_whole(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    _report(out / "report.html", tasks, pairs, asker.model, asker.record.threshold, summary)
    console.print(_table(figures, baselines, settings.measured))

    _headline(console, 4, "An agent that acts on guesses, guarded by the trained model")
    for who, text in _talk(f"asker:{folder}"):
        console.print(f"  [bold]{who:>7}[/bold]  {text}")
    console.print(f"Read the requests in [bold]{out / 'report.html'}[/bold]; figures in {out / 'summary.json'}.")
    console.print(f'In your agent: ClarifyMiddleware("asker:{folder}"), or "asker:" for the one that comes trained.')
    return summary


def _no_bars() -> None:
    """Weights load in a second, many times: their bars would bury what is said here."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _headline(console: Console, step: int, text: str) -> None:
    console.print(f"[bold]{step}/{_STEPS}[/bold] {text}")


def _pair(lacking: Task, whole: Task) -> Pair:
    from sml_agents.asker.generated import example_of, tool_of
    from sml_agents.asker.mix import Pair

    return Pair(tool_of(lacking), example_of(lacking), example_of(whole))


def _base(settings: DemoSettings) -> AskerModel:
    """The untrained model, read in the same way."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from sml_agents.asker.read import AskerModel
    from sml_agents.backends.loading import resolved_dtype
    from sml_agents.training.runtime import model_path, settle_threads

    settle_threads()
    place = model_path(settings.model)
    dtype = getattr(torch, resolved_dtype("fast", "cpu"))
    model = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, trust_remote_code=False)
    return AskerModel(model.eval().requires_grad_(False), AutoTokenizer.from_pretrained(place, trust_remote_code=False))


def _read(model: AskerModel, pairs: Sequence[Pair], console: Console) -> Scores:
    from rich.progress import track

    from sml_agents.asker.threshold import Scores, scores_of

    found = Scores()
    for pair in track(pairs, "  reading", console=console, transient=True, disable=not console.is_terminal):
        one = scores_of(model, [pair])
        found.lacking += one.lacking
        found.whole += one.whole
        found.named += one.named
    return found


def _train(folder: Path, settings: DemoSettings, console: Console) -> Path:
    """The folder of the trained asker; one that is there is taken, one that was begun goes on."""
    from sml_agents.asker.mix import Mix
    from sml_agents.asker.read import AskerModel
    from sml_agents.asker.threshold import RECORD, chosen_on
    from sml_agents.asker.train import STATE, AskerSettings, Step, train_asker
    from sml_agents.training.runtime import freed_memory_kept, model_path

    if (folder / RECORD).is_file():
        return folder
    losses: list[float] = []

    def progress(step: Step) -> None:
        losses.append(step.loss)
        if step.step % 10 == 0 or step.step == settings.steps:
            recent = sum(losses[-10:]) / len(losses[-10:])
            console.print(f"  step {step.step} of {settings.steps}, {step.tokens:,} tokens, loss {recent:.3f}")

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
    model = AskerModel.load(folder, base)
    chosen_on(model, Mix.heldout_pairs([], settings.dev, settings.dev, settings.seed)).write(folder)
    (folder / STATE).unlink(missing_ok=True)
    return folder


def _baselines(tasks: Sequence[tuple[Task, Task]], settings: DemoSettings) -> dict[str, _Reading]:
    """What the same requests give to those who learn nothing about tools."""
    from sml_agents.asker.generated import generated_pairs
    from sml_agents.asker.threshold import Scores
    from sml_agents.evaluation.bag import BagOfWords
    from sml_agents.evaluation.surface import SurfaceClassifier

    train = [task for pair in generated_pairs("train", 400, settings.seed) for task in pair]
    surface = SurfaceClassifier.fit(train)
    bag = BagOfWords.fit([task.prompt for task in train], [bool(task.private.facts) for task in train])
    sides = [[pair[side].prompt for pair in tasks] for side in (0, 1)]

    def scores(of: Callable[[Sequence[str]], Any]) -> Scores:
        lacking, whole = ([float(score) for score in of(prompts)] for prompts in sides)
        return Scores(lacking=lacking, whole=whole)

    return {
        "always asks": _Reading(scores(lambda prompts: [1.0] * len(prompts)), 0.5),
        "never asks": _Reading(scores(lambda prompts: [0.0] * len(prompts)), 0.5),
        "surface features": _Reading(scores(surface.scores_of), surface.threshold),
        "bag of words": _Reading(scores(bag.scores), bag.threshold),
    }


_COLUMNS = {
    "asks_when_needed": "asks, needed",
    "needless_questions": "needless",
    "names_the_argument": "names it",
    "auc": "AUC",
}


def _cell(name: str, metric: dict[str, Any] | None) -> str:
    if metric is None or metric["value"] is None:
        return "-"
    if name == "auc":
        return f"{metric['value']:.2f}"
    return f"{metric['value']:.0%} ({100 * metric['low']:.0f}-{100 * metric['high']:.0f})"


def _table(figures: dict[str, Any], baselines: dict[str, Any], pairs: int) -> Any:
    from rich.table import Table

    table = Table(title=f"{pairs} pairs, tools never trained on; 95 % intervals", title_justify="left", box=None)
    for heading in ("", *_COLUMNS.values()):
        table.add_column(heading)
    for name, row in {**figures, **baselines}.items():
        table.add_row(name, *(_cell(column, row.get(column)) for column in _COLUMNS))
    return table


def _report(
    path: Path,
    tasks: Sequence[tuple[Task, Task]],
    pairs: Sequence[Pair],
    model: AskerModel,
    threshold: float,
    summary: dict[str, Any],
) -> None:
    """One page with the figures and every measured request."""
    from sml_agents.evaluation.page import part, style_hash

    def side(task: Task, pair: Pair, lacking: bool) -> dict[str, Any]:
        example = pair.lacking if lacking else pair.whole
        read = model.missing(pair.tool, example.said)
        asks = [name for name, probability in read.items() if probability >= threshold]
        return {
            "prompt": task.prompt,
            "tool": pair.tool,
            "arguments": [(name, f"{p:.0%}", name in example.missing, name in asks) for name, p in read.items()],
            "asks": asks,
            "right": bool(asks) is lacking,
            "call": json.dumps(task.private.calls[0].usual, ensure_ascii=False),
        }

    shown = [
        side(task, pair, lacking)
        for (one, other), pair in zip(tasks, pairs, strict=True)
        for task, lacking in ((one, True), (other, False))
    ]
    rows = [
        [name, *(_cell(column, row.get(column)) for column in _COLUMNS)]
        for name, row in {**summary["students"], **summary["baselines"]}.items()
    ]
    style = part("log.css")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(part("requests.html.j2")).render(
        columns=list(_COLUMNS.values()), rows=rows, shown=shown, style=Markup(style), style_hash=style_hash(style)
    )
    write_whole(path, page)


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
