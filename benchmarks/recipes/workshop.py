"""Where the cells of one seed are trained and measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from sml_agents.asker.load import READY
from sml_agents.backends import resolve
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.data.nouns import TrainingRow
from sml_agents.data.rows import balanced, training_rows
from sml_agents.dialogue import DialogueSettings
from sml_agents.evaluation.answer_loss import answer_loss
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.run import evaluate
from sml_agents.evaluation.sources import SUMMARY
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

from .cells import CELLS, OTHER, SILENT, TURNS, Cell, other_tasks, request_specs, slug

TEMPLATE = Path(__file__).resolve().parent / "signature.jinja"
"""Tools as signatures, a third of the tokens; the student's template, saved with every cell."""
Q_PRIMING = 0.75
AT_ONCE = 80
"""Dialogues: a small model on few cores is the faster a turn, the more there are."""


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


def up_to(trace: Trace, teacher_turns: int) -> Trace:
    """The dialogue to that turn of the teacher's."""
    return trace.model_copy(update={"turns": trace.turns[: 2 * teacher_turns - 1]})


def traces_in(folder: Path, student: str | None = None) -> Iterator[Trace]:
    """The dialogues that lie in a folder of figures, of its first student or of another."""
    stores = Summary.read(folder / SUMMARY).stores
    for file in stores[student or next(iter(stores))]:
        with TraceStore.open(folder / file, read_only=True) as store:
            yield from store.traces()
