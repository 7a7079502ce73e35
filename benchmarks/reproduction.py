"""The paper's recipes in miniature: one turn against dialogues, imitation against reward, with and without Q-priming.

    python benchmarks/reproduction.py                              every cell on the embedded model, one seed
    python benchmarks/reproduction.py --seeds 0 1 2 --cells MT-RL  three seeds of a cell; trains what it starts from
    python benchmarks/reproduction.py --turns 10                   as many turns as in the paper
    python benchmarks/reproduction.py --model Qwen/Qwen3-0.6B --adapter ''     another student
    python benchmarks/reproduction.py --table                      the tables again, from what has been measured
    python benchmarks/reproduction.py --min-effect 0.1             how many tasks such a difference needs; runs nothing

A cell is a way of training (Cook et al., arXiv 2602.16488). All start from `start`: the asker's weights, which tell
what a call lacks, after imitating dialogues of which the oracle said every turn. From there:

    ST-SFT, MT-SFT     its own dialogues: first turns that solved the task; solved dialogues whole
    Q-primed MT-SFT    its own dialogues, in which turns in vain became questions with probability 0.75^t
    ST-RL, MT-RL       GRPO from `start` with one turn, and with four
    Q-primed MT-RL     GRPO from Q-primed MT-SFT

The easiest requests of the family: one tool of at most two arguments, half of the requests lack a value. Before a turn
the student thinks, a line for each argument. Tools, sentences and values that are measured are in no training task.
Every cell also speaks first on sums with a fact missing, which nobody was trained on. What a cell trained and said lies
in `--out`, what was measured in `--results`, each written as soon as there is something: the same command goes on after
an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

# Before torch is imported: idle threads that spin slow a busy machine down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from apart import alone

from sml_agents.asker.load import READY
from sml_agents.backends import resolve
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.data.nouns import TrainingRow
from sml_agents.data.rows import balanced, training_rows
from sml_agents.data.selection import PRESETS
from sml_agents.dialogue import DialogueSettings
from sml_agents.evaluation.answer_loss import answer_loss
from sml_agents.evaluation.bootstrap import Metric, percentiles, resample_sums, tasks_needed
from sml_agents.evaluation.compare import Comparison, Summary, difference
from sml_agents.evaluation.metrics import by_turn, table_of
from sml_agents.evaluation.report import write_report
from sml_agents.evaluation.run import evaluate
from sml_agents.evaluation.sources import SUMMARY
from sml_agents.evaluation.tally import MAX_K, Tally
from sml_agents.evaluation.wording import change, figure, span
from sml_agents.files import write_whole
from sml_agents.roles import ChatStudent, GuessingStudent, OraclePrimer, OracleTeacher, Student
from sml_agents.rollout import ProgressBar, run_dialogues_sync
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training import ProgressLine
from sml_agents.training.grpo import train_grpo
from sml_agents.training.runtime import model_path
from sml_agents.training.settings import GRPOSettings, SFTSettings
from sml_agents.training.sft import train_sft
from sml_agents.types import Form, Trace

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "signature.jinja"
"""Tools as signatures, a third of the tokens; the student's template, saved with every cell."""
TURNS = 4
"""Student turns in training, as in the paper."""
Q_PRIMING = 0.75
AT_ONCE = 80
"""Dialogues: a small model on few cores is the faster a turn, the more there are."""


@dataclass(frozen=True)
class Cell:
    """How a student is made: from which other one, and by what."""

    parent: str = ""
    dialogues: str = ""
    """Which dialogues it imitates, and `select` what of them."""
    select: Any = ""
    turns: int = 0
    """Of the dialogues that GRPO trains on."""


CELLS = {
    "base": Cell(),
    "start": Cell("base", dialogues="shown", select="q_primed"),
    "MT-SFT": Cell("start", dialogues="played", select="mt_sft"),
    "MT-RL": Cell("start", turns=TURNS),
    # A dialogue that was not solved in the end may hold the right question.
    "Q-primed MT-SFT": Cell("start", "primed", PRESETS["q_primed"].model_copy(update={"solved": None})),
    "Q-primed MT-RL": Cell("Q-primed MT-SFT", turns=TURNS),
    "ST-SFT": Cell("start", dialogues="played", select="st_sft"),
    "ST-RL": Cell("start", turns=1),
}
"""In the order in which they are run."""
CLAIMS = (
    ("MT-SFT", "start"),
    ("MT-RL", "start"),
    ("MT-RL", "MT-SFT"),
    ("MT-RL", "ST-RL"),
    ("ST-SFT", "start"),
    ("MT-SFT", "ST-SFT"),
    ("Q-primed MT-SFT", "start"),
    ("Q-primed MT-SFT", "MT-SFT"),
    ("Q-primed MT-RL", "MT-RL"),
    ("Q-primed MT-RL", "start"),
)
"""Who is compared with whom."""
PAIRED, SHARDED, OTHER = "paired", "sharded", "arithmetic"
"""What is measured: requests, half of which lack a value; requests that tell none; the first turns on sums."""
FRESH = ", nothing twice"
"""Behind a cell's name: it draws a turn again that it has said before."""
SILENT = "says nothing"
"""A script that stands beside those of the evaluation."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", default="embedded:", help="the student: embedded:, a folder or a hub name")
    add("--seeds", type=int, nargs="+", default=[0])
    add("--cells", nargs="+", choices=CELLS, default=list(CELLS), metavar="CELL", help=", ".join(CELLS))
    add("--out", type=Path, default=Path("runs/reproduction"))
    add("--results", type=Path, default=HERE / "results" / "reproduction.json")
    add(
        "--adapter", default="asker:", help="low-rank weights of that model to begin with: the asker's, a folder, or ''"
    )
    add("--max-tokens", type=int, default=96, help="of one turn")
    add("--shown", type=int, default=900, help="pairs of requests in the dialogues that the start imitates")
    add("--played", type=int, default=40, help="pairs of requests that the start plays")
    add("--rl", type=int, default=120, help="pairs of requests that GRPO draws from")
    add("--pairs", type=int, default=44, help="pairs of requests measured")
    add("--shards", type=int, default=12, help="sharded requests measured")
    add("--other", type=int, default=10, help="pairs measured in the domain that nobody was trained on")
    add("--start-steps", type=int, default=220, help="SFT steps of eight rows, of the start")
    add("--sft-steps", type=int, default=15, help="the same of the other cells")
    add("--rl-steps", type=int, default=12, help="GRPO steps")
    add("--groups", type=int, default=4, help="tasks of a GRPO step, each a group of 8 dialogues, of one turn 32")
    add("--question-cost", type=float, default=0.05, help="price of a question that brings nothing, in GRPO")
    add("--asked-fact-reward", type=float, default=0.3, help="for a missing fact that a question brings, in GRPO")
    add("--repeated-turn-cost", type=float, default=0.1, help="price of a turn said before, in GRPO")
    add("--learning-rates", type=float, nargs=3, default=(1.5e-3, 3e-4, 6e-4), help="of start, SFT and GRPO")
    add("--answer-loss", type=int, default=16, help="sharded dialogues of each cell to take the answer's loss in")
    add("--table", action="store_true", help="only print what has been measured")
    add("--turns", type=int, default=TURNS, help="student turns when measured; the paper has 10")
    add(
        "--fresh",
        nargs="*",
        choices=CELLS,
        default=("base", "start"),
        metavar="CELL",
        help="cells that are also measured as students that say nothing twice",
    )
    add("--min-effect", type=float, metavar="D", help="a difference of success that has to show, such as 0.1")
    options = parser.parse_args()
    if options.min_effect is not None:
        print(f"a difference of {options.min_effect} in success needs {tasks_needed(options.min_effect)} tasks that")
        print("both students are measured on (80 % power, a two-sided test at 5 %, half of the tasks undecided)")
        return 0
    if not options.table:
        for seed in options.seeds:
            workshop = Workshop(options, seed)
            cells = [name for name in CELLS if name in options.cells]
            for cell in cells:
                alone(workshop.run, cell)
                alone(collect, options)
            alone(workshop.measured, SILENT)
            for cell in options.fresh:
                alone(workshop.measured, cell, FRESH)
            for cell in cells:
                alone(workshop.measured_aside, cell)
            alone(collect, options)
    print(tables(json.loads(options.results.read_text(encoding="utf-8"))))
    return 0


class Workshop:
    """The cells of one seed. What is there already is taken as it is."""

    def __init__(self, options: argparse.Namespace, seed: int) -> None:
        self.options = options
        self.seed = seed
        self.out: Path = options.out / f"seed-{seed}"

    def run(self, name: str) -> None:
        """Train the cell and measure it."""
        print(f"seed {self.seed}: {name}", file=sys.stderr, flush=True)
        self.trained(name)
        self.measured(name)

    def trained(self, name: str) -> str:
        """The cell's model; trained if it is not."""
        cell = CELLS[name]
        if not cell.parent:
            given = str(self.options.model)
            return given if ":" in given else f"transformers:{given}"
        folder = self.out / slug(name)
        if not (folder / "training.json").exists():
            parent = self.trained(cell.parent)
            if cell.turns:
                train_grpo(self.grpo(cell, parent), folder, system="", progress=ProgressLine())
            else:
                train_sft(self.rows(cell), self.sft(cell, parent), folder, progress=ProgressLine())
        return f"transformers:{folder}"

    def sft(self, cell: Cell, parent: str) -> SFTSettings:
        first = cell.parent == "base"
        adapter = str(READY) if self.options.adapter == "asker:" else self.options.adapter or None
        return SFTSettings(
            model=parent,
            adapter=adapter if first else None,
            chat_template=str(TEMPLATE),
            verbatim=False,
            max_steps=self.options.start_steps if first else self.options.sft_steps,
            **upper_half(self.trained("base")),
            batch_size=8,
            learning_rate=self.options.learning_rates[0 if first else 1],
            schedule="cosine",
            seed=self.seed,
            checkpoint_seconds=300,
            resume=True,
        )

    def grpo(self, cell: Cell, parent: str) -> GRPOSettings:
        """The paper's groups: of one turn four times as large, so that as many turns are generated. Where
        nothing is solved, what else tells dialogues apart decides about asking: a small price for a question in vain,
        and more for one that brings a fact."""
        group = 8 * TURNS // cell.turns
        return GRPOSettings(
            model=parent,
            tasks=request_specs(self.options)["rl"],
            max_turns=cell.turns,
            **upper_half(self.trained("base")),
            max_tokens=self.options.max_tokens,
            group=group,
            batch_size=self.options.groups * group,
            micro_batch_size=4,
            max_steps=self.options.rl_steps,
            learning_rate=self.options.learning_rates[2],
            schedule="constant_with_warmup",
            warmup=0.0,
            curriculum=True,
            premature_success=False,
            needless_question_cost=self.options.question_cost,
            asked_fact_reward=self.options.asked_fact_reward,
            repeated_turn_cost=self.options.repeated_turn_cost,
            seed=self.seed,
            checkpoint_seconds=300,
            resume=True,
        )

    def rows(self, cell: Cell) -> list[Any]:
        """All rows of the cell's dialogues; of the smaller kind each shares a batch with one of the other."""
        with TraceStore.open(self.held(cell.dialogues), read_only=True) as store:
            rows = [aloud(row) for row in training_rows(store.traces(), cell.select, system="", think=True)]
        lacking = sum(bool(row.missing) for row in rows) / len(rows)
        return balanced(rows, missing=lacking, seed=self.seed) if 0 < lacking < 1 else rows

    def held(self, name: str) -> Path:
        """The store of dialogues to imitate; held if they are not."""
        path = self.out / f"{name}.sqlite"
        student: Student = GuessingStudent() if name == "shown" else self.student("start", temperature=1.0)
        priming = {"shown": 1.0, "primed": Q_PRIMING}.get(name)
        [spec] = request_specs(self.options)["shown" if name == "shown" else "played"]
        with TraceStore.open(path) as store, ProgressBar(name) as bar:
            summary = run_dialogues_sync(
                load_tasks(spec),
                student,
                OracleTeacher(),
                store,
                # The last turn is never rewritten.
                settings=DialogueSettings(max_turns=TURNS + (name == "shown"), q_priming=priming, seed=self.seed),
                primer=OraclePrimer(demonstrate=name == "shown"),
                concurrency=AT_ONCE,
                resume=True,
                on_progress=bar,
            )
        if summary.interrupted:
            raise KeyboardInterrupt
        return path

    def student(self, name: str, *, fresh: bool = False, **more: Any) -> ChatStudent:
        """The cell as it speaks while it is trained: its thoughts stay before it. The base is told what tools are."""
        # Of a crowded machine a turn may take minutes.
        sampling = {"max_tokens": self.options.max_tokens, "dtype": "fast", "batch_size": AT_ONCE, "timeout": 3600}
        model = resolve(self.trained(name), **sampling, **more)
        return ChatStudent(model, verbatim=True, system="" if CELLS[name].parent else None, fresh=fresh)

    def measured(self, name: str, how: str = "") -> None:
        """Dialogues on requests that no cell was trained on; `how` is FRESH, or empty."""
        folder = self.out / "measured" / slug(name + how)
        if (folder / SUMMARY).exists():
            return
        silent = name == SILENT
        student = (
            ScriptedModel(replies=["I do not know."]) if silent else self.student(name, fresh=bool(how), temperature=0)
        )
        evaluate(
            {name + how: student},
            request_specs(self.options)["measured"],
            folder,
            max_turns=self.options.turns,
            seed=self.seed,
            resume=True,
            baselines=silent,
            concurrency=AT_ONCE,
            progress=ProgressBar,
        )

    def measured_aside(self, name: str) -> None:
        """First turns in a domain that nobody was trained on, and the loss of the answer as facts are told."""
        folder = self.out / "measured" / slug(name)
        if not (folder / OTHER / SUMMARY).exists():
            evaluate(
                {name: self.student(name, temperature=0)}, [other_tasks(self.options)], folder / OTHER, max_turns=1,
                seed=self.seed, resume=True, baselines=False, concurrency=AT_ONCE, progress=ProgressBar,
            )  # fmt: skip
        losses = folder / "answer_loss.json"
        if not losses.exists() and self.options.answer_loss:
            sharded = (trace for trace in traces_in(folder) if trace.task.form is Form.SHARDED)
            opening = [up_to(trace, TURNS + 1) for trace in islice(sharded, self.options.answer_loss)]
            found = answer_loss(opening, model_path(self.trained(name)), dtype="fast", seed=self.seed)
            write_whole(losses, found.model_dump_json(indent=1))


def upper_half(model: str) -> dict[str, Any]:
    """Low-rank adapters on the upper half of a model's layers: a step costs half as much as one of all weights."""
    from transformers import AutoConfig

    layers = AutoConfig.from_pretrained(model_path(model)).get_text_config().num_hidden_layers
    upper = "|".join(map(str, range(layers // 2, layers)))
    return {"method": "lora", "lora": {"target_modules": rf".*layers\.({upper})\..*_proj"}}


def aloud(row: TrainingRow) -> TrainingRow:
    """The row with its thoughts as part of what is said: as a student that is trained by reward reads its own turns."""
    messages = (
        replace(one, content=f"{one.thought.strip()}\n{one.content}".strip(), thought="") for one in row.messages
    )
    return replace(row, messages=tuple(messages))


def request_specs(options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """Which requests are drawn for what."""

    def spec(form: str, split: str, n: int, seed: int) -> str:
        return f"requests?form={form}&distractors=0&arguments=2&split={split}&n={n}&seed={seed}"

    return {
        "shown": (spec("paired", "train", options.shown, 1),),
        "played": (spec("paired", "train", options.played, 3),),
        "rl": (spec("paired", "train", options.rl, 4),),
        "measured": (
            spec("paired", "heldout", options.pairs, 5),
            spec("sharded", "heldout", options.shards, 6),
        ),
    }


def other_tasks(options: argparse.Namespace) -> str:
    return f"{OTHER}?form=paired&split=heldout&steps=1&largest=20&n={options.other}&seed=7"


def up_to(trace: Trace, teacher_turns: int) -> Trace:
    """The dialogue to that turn of the teacher's."""
    return trace.model_copy(update={"turns": trace.turns[: 2 * teacher_turns - 1]})


def slug(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "-")


def collect(options: argparse.Namespace) -> None:
    """Write the results of all cells that have been measured, and one report page with the dialogues behind them."""
    comparison = Comparison()
    cells: dict[str, Any] = {}
    stores: dict[str, list[str]] = {}
    for name in (*CELLS, *(cell + FRESH for cell in CELLS), SILENT):
        for place in sorted(options.out.glob(f"seed-*/measured/{slug(name)}/{SUMMARY}")):
            seed = place.parents[2]
            for who, files in Summary.read(place).stores.items():
                traces = list(traces_in(place.parent, who))
                stores.setdefault(who, []).extend(str((place.parent / f).relative_to(options.out)) for f in files)
                for suite in (PAIRED, SHARDED):
                    some = (trace for trace in traces if (trace.task.form is Form.SHARDED) == (suite == SHARDED))
                    comparison.add(who, suite, some, script=name == SILENT)
            if (place.parent / OTHER / SUMMARY).exists():
                comparison.add(name, OTHER, traces_in(place.parent / OTHER))
            if name not in CELLS:
                continue
            one = cells.setdefault(name, {"seeds": [], "training": [], "answer_loss": []})
            one["seeds"].append(int(seed.name.removeprefix("seed-")))
            one["training"].append(of_training(seed / slug(name) / "training.json"))
            if (losses := place.parent / "answer_loss.json").exists():
                one["answer_loss"].append(json.loads(losses.read_bytes()))
    record = {name: value for name, value in vars(options).items() if name not in ("out", "results", "cells", "table")}
    summary = comparison.summary(settings=record, stores=stores)
    summary.write(options.out / SUMMARY)
    write_report(options.out, options.out / "report.html")
    for name, student in {**summary.students, **summary.baselines}.items():
        one = cells.setdefault(name, {})
        one["suites"] = {suite: counts.model_dump(mode="json") for suite, counts in student.by_spec.items()}
        one["gained_later"] = {
            suite: gained_later(tally).model_dump() for suite, tally in comparison.parts[name].items() if suite != OTHER
        }
    differences = []
    fresh = [(plus + FRESH, minus + FRESH) for plus, minus in CLAIMS]
    for plus, minus in (*CLAIMS, *fresh, *((cell + FRESH, cell) for cell in CELLS)):
        both = [comparison.parts.get(name, {}) for name in (plus, minus)]
        for suite in (PAIRED, SHARDED, OTHER):
            if all(suite in parts for parts in both):
                tasks, metrics = difference(*(parts[suite] for parts in both))
                found = {key: dumped(value) for key, value in metrics.items()}
                differences.append({"plus": plus, "minus": minus, "suite": suite, "tasks": tasks, "metrics": found})
    results = {"settings": record, "cells": cells, "differences": differences}
    write_whole(options.results, json.dumps(results, indent=1, default=str) + "\n")


def traces_in(folder: Path, student: str | None = None) -> Iterator[Trace]:
    """The dialogues that lie in a folder of figures, of its first student or of another."""
    stores = Summary.read(folder / SUMMARY).stores
    for file in stores[student or next(iter(stores))]:
        with TraceStore.open(folder / file, read_only=True) as store:
            yield from store.traces()


def of_training(path: Path) -> dict[str, Any]:
    """What a reader has to know of a cell's training."""
    if not path.exists():
        return {}
    record = json.loads(path.read_text(encoding="utf-8"))
    kept = ("recipe", "steps", "seconds", "first_loss", "last_loss")
    found = {name: record[name] for name in kept}
    found["rows"], found["tokens"] = record["data"]["rows"], record["data"]["tokens"]
    for name in ("reward", "solved", "flat_groups"):
        if points := [round(point[name], 3) for point in record["curve"] if name in point]:
            found[name] = points
    return found


def gained_later(tally: Tally) -> Metric:
    """What the turns after those of training bring: success@10 minus success@4; None where nobody had so many."""
    if tally.horizon <= TURNS:
        return Metric()
    table = table_of(tally)
    sums = resample_sums(table, seed=0, resamples=2000)

    def gain(rows: Any) -> Any:
        return by_turn("solved", MAX_K)(rows) - by_turn("solved", TURNS)(rows)

    low, high = percentiles(gain(sums)) or (None, None)
    return Metric(value=float(gain(table.sum(axis=0, keepdims=True))[0]), low=low, high=high, n=table.shape[0])


def dumped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: dumped(one) for key, one in value.items()}
    return value.model_dump()


COLUMNS = (
    ("success@1", "success_at", "1"),
    (f"success@{TURNS}", "success_at", str(TURNS)),
    (f"success@{MAX_K}", "success_at", str(MAX_K)),
    ("asks when needed", "asks_when_needed", ""),
    ("needless", "needless_questions", ""),
    ("names it", "names_missing", ""),
    ("exact call, told all", "exact_call", ""),
    ("guessed, of calls", "guessed_arguments", ""),
    ("premature", "premature_attempts", ""),
    ("correction", "correction", ""),
    ("repeat", "repeat", ""),
)


Figures = tuple[Callable[[str, Metric], str], dict[str, Any]]
"""How they are written, and they."""


def tables(results: dict[str, Any]) -> str:
    """All results as Markdown: of each suite who reaches what and the differences, then what later turns bring."""
    parts: list[str] = []
    for suite in (PAIRED, SHARDED, OTHER):
        cells = {name: one["suites"][suite] for name, one in results["cells"].items() if suite in one["suites"]}
        rows: dict[str, Figures] = {name: (cell_of, counts["metrics"]) for name, counts in cells.items()}
        for one in results["differences"]:
            if one["suite"] == suite:
                rows[f"{one['plus']} - {one['minus']}"] = signed, one["metrics"]
        if rows:
            n = next(iter(cells.values()))["n"]
            parts.append(table(f"{suite}, n = {n} dialogues of a seed", rows))
    losses = {name: found for name, cell in results["cells"].items() for found in cell.get("answer_loss", ())}
    if losses:
        lines = [row("loss of the answer", *(f"teacher turn {k}" for k in range(1, TURNS + 2)))]
        for name, found in losses.items():
            first = found["by_turn"].get("1")
            changes = (found["change_by_turn"].get(str(k)) for k in range(2, TURNS + 2))
            shown = ("-" if c is None else f"{c['value']:+.2f} ({c['low']:+.2f} to {c['high']:+.2f})" for c in changes)
            lines.append(row(name, "-" if first is None else f"{first['value']:.2f}", *shown))
        parts.append(ruled(lines))
    later = {
        name: [Metric(**cell["gained_later"].get(suite, {})) for suite in (PAIRED, SHARDED)]
        for name, cell in results["cells"].items()
    }
    if any(gain.value is not None for gains in later.values() for gain in gains):
        lines = [row(f"success@{MAX_K} - success@{TURNS}", PAIRED, SHARDED)]
        lines += [row(name, *(signed("success_at", gain) for gain in gains)) for name, gains in later.items()]
        parts.append(ruled(lines))
    return "\n\n".join(parts)


def table(title: str, rows: dict[str, Figures]) -> str:
    """The columns in which anybody has a figure."""
    columns = [
        (head, key, turn)
        for head, key, turn in COLUMNS
        if any(metric(found, key, turn).value is not None for _, found in rows.values())
    ]
    lines = [row(title, *(head for head, _, _ in columns))]
    for name, (shown, found) in rows.items():
        lines.append(row(name, *(shown(key, metric(found, key, turn)) for _, key, turn in columns)))
    return ruled(lines)


def ruled(lines: list[str]) -> str:
    head, *rest = lines
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rest])


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def metric(metrics: dict[str, Any], key: str, turn: str) -> Metric:
    found = metrics.get(key) or {}
    found = found.get(turn) or {} if turn else found
    return Metric.model_validate(found)


def cell_of(key: str, found: Metric) -> str:
    return figure(key, found).replace("\u202f%", "") + (f" ({span(key, found)})" if found.low is not None else "")


def signed(key: str, found: Metric) -> str:
    shown = change(key, found).replace(" points", "")
    return shown + (f" ({span(key, found, signed=True)})" if found.low is not None else "")


if __name__ == "__main__":
    sys.exit(main())
