"""Task families of reasoning-gym: `reasoning-gym:chain_sum?n=50`.

They come in the full form only. The verifier is named `reasoning-gym:FAMILY`: the family's own score function decides,
on the entry that it gets by drawing it again from `meta["recipe"]` (`family`, `seed`, `size`, `index`). `meta["entry"]`
holds the entry in plain JSON for readers; some families score wrongly on that copy, since JSON has no tuples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from sml_agents.errors import MissingExtra, TaskSpecError
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.types import Private, Task, stable_hash

__all__ = ["make"]

_DEFAULT = 100


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    size = spec.offset + (spec.n or _DEFAULT)
    data = _open(spec.arg, spec.seed, size)
    for index in range(spec.offset, size):
        entry = data[index]
        report.read += 1
        recipe = {"family": spec.arg, "seed": spec.seed, "size": size, "index": index}
        plain = json.loads(json.dumps(entry, default=str))
        answer = str(entry["answer"]) if entry["answer"] is not None else ""
        yield (
            Task(
                id=stable_hash("reasoning-gym", spec.arg, entry["question"], plain),
                family=f"reasoning-gym:{spec.arg}",
                prompt=entry["question"].strip(),
                private=Private(answer=answer),
                verifier=f"reasoning-gym:{spec.arg}",
                template=spec.arg,
                pair=stable_hash("reasoning-gym", "pair", spec.arg, entry["question"]),
                meta={"entry": plain, "recipe": recipe},
            ),
        )


def _open(family: str, seed: int, size: int) -> Any:
    try:
        from reasoning_gym.factory import DATASETS, create_dataset
    except ImportError as error:
        raise MissingExtra("reasoning-gym: task specs", "tasks") from error
    names = [name for name in DATASETS if name != "composite"]
    if family not in names:
        near = get_close_matches(family, names, n=3, cutoff=0.5) or sorted(names)[:5]
        raise TaskSpecError(
            f"reasoning-gym has no family {family!r}: did you mean {' or '.join(near)} (of {len(names)} families)?"
        )
    return create_dataset(family, seed=seed, size=size)
