"""Teach a model to ask first, on real word problems: the longer recipe.

    python finetune/ask_first.py --gsm8k gsm8k_train.jsonl --out runs/ask-first
    sml-agents eval --student transformers:runs/ask-first/model --baseline embedded: --first-token \\
        --tasks 'gsm8k:gsm8k_test.jsonl?form=paired&split=heldout' --tasks 'questbench:quest_bench.jsonl?form=paired'

Five steps; each leaves a folder, and a run that was cut short goes on when it is started again:

1. `shown`   a stand-in that never knows holds dialogues on pairs of tasks, and Q-priming writes every turn: the
             question where a fact is missing, the worked solution where none is. First turns alone for GSM8K (its
             solutions are beyond a small model), whole dialogues for the exercises.
2. `played`  the trained model plays further pairs at a temperature; every turn in vain is rewritten, also the second
             to the fourth, by the oracle or, as in the paper (arXiv 2602.16488), by the student (`--writer student`).
3. `dpo`     preferences both ways on the decision: asking over guessing where a fact is missing, answering over
             asking where none is.
4. `grpo`    MT-RL on the exercises, every question that brings nothing at a price.
5. `model`   the last of these, with the line between asking and answering drawn on templates and problems that no
             step has seen.

Every turn goes through the numbers that were told, then opens by its kind; both forms of a problem are in one batch,
and budgets are in tokens and steps: no figure depends on the clock. `--until shown|played|dpo|grpo` stops earlier. The
settings of each step are in `ask_first.yaml`. With `--model transformers:runs/demo/trained` it goes on from what
`sml-agents demo --domain arithmetic --out runs/demo` has taught, as the published figures do.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sml_agents.backends import resolve
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.data.nouns import TrainingRow
from sml_agents.data.pairs import make_pairs
from sml_agents.data.rows import balanced, training_rows, whole_pairs
from sml_agents.data.selection import PRESETS, TraceFilter
from sml_agents.dialogue import DialogueSettings
from sml_agents.errors import SmlError
from sml_agents.evaluation.first_token import choose_decision
from sml_agents.roles import ChatPrimer, ChatStudent, OraclePrimer, OracleTeacher, Student
from sml_agents.roles.inventory import with_inventories
from sml_agents.roles.openings import LatePrimer, OpenedPrimer, Openings, with_openings
from sml_agents.roles.primer import Primer
from sml_agents.rollout import ProgressBar, run_dialogues_sync
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training.grpo import train_grpo
from sml_agents.training.preference import train_dpo
from sml_agents.training.progress import ProgressLine
from sml_agents.training.settings import GRPOSettings, PreferenceSettings, SFTSettings, checked, read_yaml
from sml_agents.training.sft import train_sft
from sml_agents.types import Trace

CONFIG = Path(__file__).with_suffix(".yaml")
STEPS = ("shown", "played", "dpo", "grpo")
OPENINGS = Openings()
SAMPLING = {"max_tokens": 160, "dtype": "fast"}
EXERCISES = ("arithmetic", "lists")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gsm8k", required=True, type=Path, help="GSM8K training problems (JSON lines)")
    parser.add_argument("--out", required=True, type=Path, help="folder for the dialogues and the models")
    parser.add_argument("--model", default="embedded:", help="embedded:, a folder or a hub name")
    parser.add_argument("--problems", type=int, default=2400, help="GSM8K problems to read at most, in all steps")
    parser.add_argument("--exercises", type=int, default=300, help="generated arithmetic problems of the first step")
    parser.add_argument("--writer", choices=("oracle", "student"), default="oracle", help="who rewrites in step 2")
    parser.add_argument("--until", choices=STEPS, default=STEPS[-1], help="the last step before the threshold")
    parser.add_argument("--config", type=Path, default=CONFIG, help="settings of the steps")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        recipe = Recipe(arguments)
        recipe.out.mkdir(parents=True, exist_ok=True)
        last = recipe.model
        for step in STEPS[: STEPS.index(arguments.until) + 1]:
            print(f"step: {step}", file=sys.stderr)
            last = getattr(recipe, step)(last)
        recipe.decide(Path(last.removeprefix("transformers:")))
    except SmlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


class Recipe:
    """The steps, bound to what was asked for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.out: Path = arguments.out
        self.model: str = arguments.model
        self.writer: str = arguments.writer
        self.seed: int = arguments.seed
        self.values = read_yaml(arguments.config)
        # Each step has problems of its own: six tenths to be shown, two to be played, and two to draw the line on.
        shown, played, decided = (round(arguments.problems * share) for share in (0.6, 0.2, 0.2))
        gsm8k = f"gsm8k:{arguments.gsm8k}?form=paired&full=either&split=train&seed={self.seed}"
        few = max(1, arguments.exercises // 5)
        self.shown_specs = [
            _some(gsm8k, 0, shown),
            f"arithmetic?form=paired&split=train&n={arguments.exercises}&seed={self.seed}",
            f"lists?form=paired&split=train&n={few}&seed={self.seed}",
        ]
        self.played_specs = [
            _some(gsm8k, shown, played),
            f"arithmetic?form=paired&split=train&steps=1&largest=20&n={few}&seed={self.seed + 1}",
        ]
        self.dev_specs = [
            _some(gsm8k, shown + played, decided),
            f"arithmetic?form=paired&split=dev&n={few}&seed={self.seed + 2}",
        ]
        self.rl_tasks = (f"arithmetic?form=paired&split=train&steps=1&largest=20&n={few}&seed={self.seed + 3}",)

    def shown(self, model: str) -> str:
        """Step 1."""
        silent = ChatStudent(resolve(ScriptedModel(replies=["I do not know."])))
        self.hold("shown", silent, self.shown_specs, OraclePrimer(demonstrate=True), latest=0)
        return self.sft("shown", model, self.rows("shown"))

    def played(self, model: str) -> str:
        """Step 2: what the model said in vain, rewritten, and as many rows of step 1."""
        student = ChatStudent(resolve(model, temperature=0.8, **SAMPLING))
        oracle = OraclePrimer(demonstrate=True)
        writer = oracle if self.writer == "oracle" else _Either(ChatPrimer(resolve(model, **SAMPLING)), oracle)
        self.hold("played", student, self.played_specs, writer, latest=2)
        own = self.rows("played")
        again = balanced(self.rows("shown"), limit=max(2, len(own)), seed=self.seed)
        return self.sft("played", model, [*own, *again])

    def dpo(self, model: str) -> str:
        """Step 3."""
        folder = self.out / "dpo"
        if not (folder / "training.json").exists():
            taken = (TraceFilter().take(trace) for trace in self.traces("played"))
            pairs = balanced(list(make_pairs(one for one in taken if not isinstance(one, str))), seed=self.seed)
            train_dpo(pairs, self.settings("dpo", PreferenceSettings, model), folder, progress=ProgressLine())
        return f"transformers:{folder}"

    def grpo(self, model: str) -> str:
        """Step 4."""
        folder = self.out / "grpo"
        if not (folder / "training.json").exists():
            settings = self.settings("grpo", GRPOSettings, model, tasks=self.rl_tasks)
            train_grpo(settings, folder, progress=ProgressLine())
        return f"transformers:{folder}"

    def decide(self, last: Path) -> None:
        """Step 5."""
        model, staged = self.out / "model", self.out / "model.part"
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(last, staged, ignore=shutil.ignore_patterns("checkpoints", "*.sqlite*"))
        shutil.rmtree(model, ignore_errors=True)  # a run that ended with an earlier step left its own
        staged.rename(model)
        backend: Any = resolve(f"transformers:{model}", **SAMPLING)
        decision, reached = choose_decision(backend, self.dev_specs, ask=OPENINGS.ask, answer=OPENINGS.answer)
        decision.write(model)
        print(f"{model}: asks from {decision.threshold:.2f} on; AUC on what no step has seen: {reached:.3f}")

    def settings(self, step: str, kind: Any, model: str, **more: Any) -> Any:
        values = {**self.values.get(step, {}), "model": model, "seed": self.seed, "resume": True, **more}
        return checked(kind, values, step)

    def sft(self, step: str, model: str, rows: list[TrainingRow]) -> str:
        folder = self.out / f"{step}-model"
        if not (folder / "training.json").exists():
            train_sft(rows, self.settings(step, SFTSettings, model), folder, progress=ProgressLine())
        return f"transformers:{folder}"

    def hold(self, name: str, student: Student, specs: list[str], writer: Primer, *, latest: int) -> None:
        """Dialogues in which the writer rewrites every turn in vain, after the first ones of some."""
        tasks = [task for spec in specs for task in load_tasks(spec, report=LoadReport())]
        with TraceStore.open(self.out / f"{name}.sqlite") as store, ProgressBar(name) as bar:
            summary = run_dialogues_sync(
                tasks,
                student,
                OracleTeacher(),
                store,
                settings=DialogueSettings(max_turns=5, q_priming=1.0, seed=self.seed),
                primer=LatePrimer(OpenedPrimer(writer, OPENINGS), latest),
                resume=True,
                on_progress=bar,
            )
        if summary.interrupted:
            raise KeyboardInterrupt

    def traces(self, name: str) -> Iterator[Trace]:
        with TraceStore.open(self.out / f"{name}.sqlite", read_only=True) as store:
            for trace in store.traces():
                yield with_inventories(with_openings(trace, OPENINGS))

    def rows(self, name: str) -> list[TrainingRow]:
        """Whole pairs: first turns of GSM8K, whole dialogues of the exercises."""
        kept = PRESETS["q_primed"].model_copy(update={"solved": None})
        first_turns = kept.model_copy(update={"families": ("gsm8k",), "last_turn": 1})
        dialogues = kept.model_copy(update={"families": EXERCISES})
        rows = [row for selection in (first_turns, dialogues) for row in training_rows(self.traces(name), selection)]
        return balanced(whole_pairs(rows), seed=self.seed)


class _Either:
    """The student's own question where a fact is missing, else the oracle's worked solution."""

    def __init__(self, student: ChatPrimer, oracle: OraclePrimer) -> None:
        self.student, self.oracle = student, oracle
        self.settings: dict[str, Any] = {"student": student.settings, "oracle": oracle.settings}

    async def rewrite(self, view: Any, *, seed: int) -> Any:
        return await (self.student if view.untold else self.oracle).rewrite(view, seed=seed)


def _some(spec: str, offset: int, problems: int) -> str:
    """A stretch of a file: `offset` counts its rows, of which more than a fifth make a pair (29 % of GSM8K's)."""
    return f"{spec}&offset={offset}&n={max(1, problems // 5)}"


if __name__ == "__main__":
    sys.exit(main())
