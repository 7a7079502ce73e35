"""Teach a model to ask first, on real word problems: the longer recipe behind the measured results.

    python finetune/ask_first.py --gsm8k gsm8k_train.jsonl --out runs/ask-first
    sml-agents eval --student transformers:runs/ask-first/model --baseline embedded: --max-turns 1 \\
        --tasks 'gsm8k:gsm8k_test.jsonl?form=paired&hide=sentence' --tasks 'questbench:quest_bench.jsonl?form=paired'

The data: GSM8K's training problems, each once with a needed fact taken out by rule and once complete, and generated
exercises in the same two forms. Half of the complete GSM8K problems are *restored*: the fact is back, in another place,
so that a problem that merely reads oddly is no reason to ask. The dialogues are held by a stand-in student that never
knows, so that Q-priming writes every turn: the question where a fact is missing, the worked solution where none is.

The training: first turns alone for GSM8K (its solutions are beyond a small model), whole dialogues for the exercises;
both forms of a problem in one batch; and a weight on the token that decides between asking and answering. It took 39
minutes with the embedded 135M model on two cores that other work shared. A run that was cut short goes on when it is
started again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sml_agents.backends import resolve
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.data.rows import training_rows
from sml_agents.data.selection import PRESETS
from sml_agents.dialogue import DialogueSettings
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher
from sml_agents.rollout import ProgressBar, run_dialogues_sync
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training import load_settings, train_sft
from sml_agents.training.progress import ProgressLine

CONFIG = Path(__file__).with_suffix(".yaml")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gsm8k", required=True, type=Path, help="GSM8K training problems (JSON lines)")
    parser.add_argument("--out", required=True, type=Path, help="folder for the dialogues and the model")
    parser.add_argument("--model", default="embedded:", help="embedded:, a folder or a hub name")
    parser.add_argument("--problems", type=int, default=1100, help="GSM8K problems to use at most")
    parser.add_argument("--exercises", type=int, default=300, help="generated arithmetic problems")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    specs = [
        f"gsm8k:{arguments.gsm8k}?form=paired&full=either&n={arguments.problems}&seed={arguments.seed}",
        f"arithmetic?form=paired&split=train&n={arguments.exercises}&seed={arguments.seed}",
        f"lists?form=paired&split=train&n={max(1, arguments.exercises // 5)}&seed={arguments.seed}",
    ]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with TraceStore.open(arguments.out / "dialogues.sqlite") as store:
        if not demonstrate(specs, store, arguments.seed):
            return 130
        first_turns = PRESETS["q_primed"].model_copy(update={"families": ("gsm8k",), "last_turn": 1})
        dialogues = PRESETS["q_primed"].model_copy(update={"families": ("arithmetic", "lists")})
        rows = [*training_rows(store.traces(), first_turns), *training_rows(store.traces(), dialogues)]
    settings = load_settings(CONFIG, model=arguments.model, seed=arguments.seed, resume=True)
    result = train_sft(rows, settings, arguments.out / "model", progress=ProgressLine())
    print(f"trained on {result.data.rows} rows, {result.data.tokens} tokens, in {result.seconds:.0f} s: {result.path}")
    return 0


def demonstrate(specs: list[str], store: TraceStore, seed: int) -> bool:
    """Dialogues in which Q-priming writes every student turn; False when interrupted."""
    tasks = [task for spec in specs for task in load_tasks(spec)]
    with ProgressBar("dialogues") as bar:
        summary = run_dialogues_sync(
            tasks,
            ChatStudent(resolve(ScriptedModel(replies=["I do not know."]))),
            OracleTeacher(),
            store,
            settings=DialogueSettings(max_turns=4, q_priming=1.0, seed=seed),
            primer=OraclePrimer(demonstrate=True),
            resume=True,
            on_progress=bar,
        )
    return not summary.interrupted


if __name__ == "__main__":
    sys.exit(main())
