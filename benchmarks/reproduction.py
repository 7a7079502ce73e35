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
from pathlib import Path

# Before torch is imported: idle threads that spin slow a busy machine down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from apart import alone
from recipes.cells import CELLS, FRESH, SILENT, TURNS
from recipes.results import collect
from recipes.tables import tables
from recipes.workshop import Workshop

from sml_agents.evaluation.bootstrap import tasks_needed

HERE = Path(__file__).resolve().parent


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
    add("--repeated-turn-cost", type=float, default=0.0, help="price of a turn said before, in GRPO")
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


if __name__ == "__main__":
    sys.exit(main())
