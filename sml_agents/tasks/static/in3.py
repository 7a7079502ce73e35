"""IN3 files: open tasks for an agent, vague or clear, with what a vague one leaves open (Qian et al., "Tell Me More!",
arXiv 2402.09205).

A row holds `task`, `vague` and `missing_details`, each with `description`, `importance` ("1" to "3"), `inquiry` (a good
question for it) and `options`. A vague task is underspecified: each detail is a fact, whose value is one of its
options, drawn by the seed. Nobody knows what a right answer would be, so nothing is scored but the asking (verifier
`none`).
`importance=2` leaves out what matters less; a vague task of which nothing is left is refused.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from sml_agents.tasks.rows import Row, read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.text.words import keywords_of
from sml_agents.types import Fact, Form, Private, Task, stable_hash

__all__ = ["make"]

_FAMILY = "in3"
_FORMS = {"full": (Form.FULL,), "underspecified": (Form.UNDERSPECIFIED,), "mixed": (Form.FULL, Form.UNDERSPECIFIED)}


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    least = spec.integer("importance", 1) or 1
    for row in islice(read_rows(spec.arg, report), spec.offset, None):
        report.read += 1
        prompt, vague = text_in(row, "task"), row.get("vague")
        if not prompt or not isinstance(vague, bool):
            report.bad["no task, or vague is neither true nor false"] += 1
            continue
        form = Form.UNDERSPECIFIED if vague else Form.FULL
        id = stable_hash(_FAMILY, prompt)
        facts = _facts(row, prompt, least, random.Random(stable_hash(_FAMILY, spec.seed, id))) if vague else ()
        if form not in _FORMS[spec.form]:
            report.refused[f"not {spec.form}"] += 1
        elif vague and not facts:
            report.refused["vague, but nothing is missing"] += 1
        else:
            yield (
                Task(
                    id=id,
                    family=_FAMILY,
                    form=form,
                    prompt=prompt,
                    private=Private(answer="", facts=facts),
                    verifier="none",
                    pair=id,
                    meta={"category": text_in(row, "category")},
                ),
            )


def _facts(row: Row, prompt: str, least: int, rng: random.Random) -> tuple[Fact, ...]:
    """What the row says is missing, of some importance, in its order."""
    found: list[Fact] = []
    details = row.get("missing_details")
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        name, importance = text_in(detail, "description").rstrip(". "), text_in(detail, "importance")
        options = [text for text in detail.get("options") or () if isinstance(text, str) and text.strip()]
        value = rng.choice(options) if options else "no preference"
        if name and (not importance.isdigit() or int(importance) >= least):
            inquiry = text_in(detail, "inquiry")
            fact = Fact(name=name, statement=f"{name}: {value}.", keywords=keywords_of(name, prompt), question=inquiry)
            if fact.name not in {one.name for one in found}:
                found.append(fact)
    return tuple(found)
