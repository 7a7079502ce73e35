"""Lost-in-Conversation files: problems already dealt out into shards (Laban et al., arXiv 2505.06120).

The first shard states what is wanted and is the prompt; the others are the facts, in their order. Only rows of the
task `math` are taken, since the others are not scored by their answer; they are counted as refused.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from sml_agents.tasks.rows import Row, read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.static.gsm8k import compact_solution, final_answer
from sml_agents.tasks.static.problems import StaticProblem, task
from sml_agents.text.words import keywords_of
from sml_agents.types import Fact, Form, Task, stable_hash

__all__ = ["make"]

_FAMILY = "lost-in-conversation"


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
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
            forms = choose_forms(spec.form, (Form.FULL, Form.SHARDED), rng)
            yield tuple(_task(problem, form, pair, shards) for form in forms)


def _shards(row: Row) -> list[str]:
    found = row.get("shards")
    texts = [text_in(shard, "shard") if isinstance(shard, dict) else "" for shard in found or []]
    return [text for text in texts if text]


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
