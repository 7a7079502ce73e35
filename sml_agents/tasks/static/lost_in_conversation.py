"""Lost-in-Conversation files: problems already dealt out into shards (Laban et al., arXiv 2505.06120).

A row holds `task_id`, `task`, `shards` (each `shard_id` and `shard`) and, of the task `math`, `question` and `answer`
with its `#### n`. The first shard states what is wanted; the others are the facts, in their order. Only rows of the
task `math` are taken, since the others are not scored by their answer; they are counted as refused.

`simulation=` makes the tasks of one of the paper's simulations in place of a form:

    full, concat, shuffle-concat   everything in one prompt, as it was written or as a list of shards; one turn
    sharded                        one shard a turn, and as many turns as shards
    snowball                       the same; `roles.shards` repeats what was told
    recap                          the same and one turn more, for everything once again
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.rows import Row, read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.static.gsm8k import compact_solution, final_answer
from sml_agents.tasks.static.problems import StaticProblem, task
from sml_agents.text.words import keywords_of
from sml_agents.types import Fact, Form, Task, stable_hash

__all__ = ["SIMULATIONS", "make"]

_FAMILY = "lost-in-conversation"
SIMULATIONS = ("full", "concat", "shuffle-concat", "sharded", "recap", "snowball")


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    simulation = spec.extra.get("simulation", "")
    if simulation and simulation not in SIMULATIONS:
        raise TaskSpecError(
            f"simulation={simulation!r} in {spec.text!r} is not known: choose from {', '.join(SIMULATIONS)}."
        )
    for row in islice(read_rows(spec.arg, report), spec.offset, None):
        report.read += 1
        shards = _shards(row)
        worked = text_in(row, "answer")
        answer = final_answer(worked) or ("" if "\n" in worked else worked)
        if text_in(row, "task") not in ("math", ""):
            report.refused["not a math problem"] += 1
        elif len(shards) < 2 or not answer:
            report.bad["fewer than two shards or no answer"] += 1
        else:
            question = text_in(row, "question") or " ".join(shards)
            meta = {"source_id": source} if (source := text_in(row, "task_id")) else {}
            problem = StaticProblem(question, answer, compact_solution(worked, answer), worked, meta=meta)
            pair = stable_hash(_FAMILY, "pair", question, answer, shards)
            rng = random.Random(stable_hash(_FAMILY, spec.seed, pair))
            if simulation:
                yield (_simulated(simulation, problem, pair, shards, rng),)
            else:
                forms = choose_forms(spec.form, (Form.FULL, Form.SHARDED), rng)
                yield tuple(_task(problem, form, pair, shards) for form in forms)


def _shards(row: Row) -> list[str]:
    found = row.get("shards")
    texts = [text_in(shard, "shard") if isinstance(shard, dict) else "" for shard in found or []]
    return [text for text in texts if text]


def _simulated(simulation: str, problem: StaticProblem, pair: str, shards: list[str], rng: random.Random) -> Task:
    """The task of one simulation. Their ids differ, so that samples of two are never taken for samples of one."""
    if simulation in ("sharded", "recap", "snowball"):
        made = _task(problem, Form.SHARDED, pair, shards)
        turns = len(shards) + (simulation == "recap")
    else:
        told = rng.sample(shards, len(shards)) if simulation == "shuffle-concat" else shards
        prompt = problem.prompt if simulation == "full" else "\n".join(f"- {shard}" for shard in told)
        made, turns = task(problem, _FAMILY, Form.FULL, pair, prompt), 1
    return made.model_copy(
        update={
            "id": stable_hash(simulation, made.id),
            "max_turns": turns,
            "meta": {**made.meta, "simulation": simulation},
        }
    )


def _task(problem: StaticProblem, form: Form, pair: str, shards: list[str]) -> Task:
    if form is Form.FULL:
        return task(problem, _FAMILY, form, pair, problem.prompt)
    facts = tuple(
        Fact(
            name=f"shard{number}",
            statement=shard,
            keywords=keywords_of(shard, " ".join(other for other in shards if other != shard)),
        )
        for number, shard in enumerate(shards[1:], start=2)
    )
    return task(problem, _FAMILY, form, pair, shards[0], facts)
