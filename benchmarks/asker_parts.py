"""What each part of the asker's recipe is worth: the same number of tokens with one part left out, one seed each.

    python benchmarks/asker_parts.py --data FILE --data FILE --sgd train_decisions.jsonl
    python benchmarks/asker_parts.py --data FILE --data FILE --only recipe --only "no descriptions"

Every cell trains anew from the embedded model and is kept in `--out` when it is done, so that a run that was cut short
goes on. It is measured by its AUC on the pairs of held-out tools, which nothing else is chosen on here, with a 95 %
bootstrap over pairs. 75,000 tokens, the default, are about 36 steps of the recipe: 7 minutes of a core with bfloat16.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from sml_agents.asker.mix import Mix, Pair
from sml_agents.asker.prompt import KNOWN, Said, ToolView
from sml_agents.asker.read import AskerModel
from sml_agents.asker.rows import Choice, Example, Row, RowOf
from sml_agents.asker.threshold import Scores, scores_of
from sml_agents.asker.train import AskerSettings, train_asker, trees_of_step
from sml_agents.backends.embedded import embedded_path
from sml_agents.files import write_whole
from sml_agents.training.runtime import freed_memory_kept, settle_threads

Made = Row | Choice | None


@dataclass(frozen=True)
class Cell:
    """One way to train, and how pairs are shown to what came out."""

    rows: RowOf
    settings: AskerSettings = field(default_factory=AskerSettings)
    shown: Callable[[Pair], Pair] = lambda pair: pair


def changed(rows: RowOf, change: Callable[[Row], Row]) -> RowOf:
    def draw(rng: random.Random) -> Made:
        row = rows(rng)
        return change(row) if isinstance(row, Row) else row

    return draw


def without_descriptions(row: Row) -> Row:
    return replace(row, tool=row.tool.without_descriptions())


def without_values(row: Row) -> Row:
    """What was told is answered by a word, in place of the value."""
    return replace(row, examples=tuple(replace(one, values=_said(one)) for one in row.examples))


def _said(example: Example) -> dict[str, str | None]:
    return {name: None if value is None else KNOWN.strip() for name, value in example.values.items()}


def sgd(path: Path) -> list[RowOf]:
    """Turns of the Schema-Guided Dialogue data, as rows."""

    def rows() -> Iterator[Row]:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            tool = ToolView.read(row["tool"])
            said = tuple(Said(one["role"], one["content"]) for one in row["messages"][-6:])
            values: dict[str, str | None] = {
                argument.name: None if argument.name in row["required_unknown"] else str(row["known"][argument.name])
                for argument in tool.required
                if argument.name in row["required_unknown"] or argument.name in row["known"]
            }
            if values and row["label"] in ("ask", "call"):
                yield Row(tool, (Example(said, values),))

    return [partial(_given, row) for row in rows()]


def _given(row: Row, rng: random.Random) -> Made:
    return row


def cells(given: argparse.Namespace) -> dict[str, Cell]:
    recipe = Mix.read(given.data, given.generated, written=True)
    found = {
        "recipe": Cell(recipe),
        "no descriptions": Cell(
            changed(recipe, without_descriptions),
            shown=lambda pair: replace(pair, tool=pair.tool.without_descriptions()),
        ),
        "values not filled in": Cell(changed(recipe, without_values)),
        "full": Cell(recipe, AskerSettings(method="full", learning_rate=4e-4)),
        "without written requests": Cell(Mix.read(given.data, given.generated)),
        "without others' files": Cell(Mix.read([], given.generated, written=True)),
        "generated only": Cell(Mix.read([], given.generated)),
    }
    if given.sgd is not None:
        rows = sgd(given.sgd)
        found["with SGD"] = Cell(replace(recipe, ready=[*recipe.ready, rows, rows]))
    return found


def steps_for(cell: Cell, tokenizer: Any, budget: int) -> int:
    """How many steps read so many tokens."""
    tokens = steps = 0
    while tokens < budget:
        tokens += sum(len(tree.ids) for tree in trees_of_step(cell.rows, tokenizer, cell.settings, steps))
        steps += 1
    return steps


def measured(cell: Cell, pairs: dict[str, list[Pair]], budget: int) -> dict[str, Any]:
    base = embedded_path()
    steps = steps_for(cell, AutoTokenizer.from_pretrained(base), budget)
    with tempfile.TemporaryDirectory() as name, freed_memory_kept():
        out = Path(name) / "asker"
        train_asker(base, cell.rows, cell.settings.model_copy(update={"steps": steps}), out)
        model = AskerModel.load(out, base)
        scores = {source: scores_of(model, [cell.shown(one) for one in some]) for source, some in pairs.items()}
    figures = {source: round(one.auc(), 4) for source, one in scores.items()}
    low, high = interval([*scores.values()])
    mean = sum(figures.values()) / len(figures)
    return {"steps": steps, "auc": round(mean, 4), "low": low, "high": high, "by source": figures}


def interval(scores: list[Scores]) -> tuple[float, float]:
    """95 %, of the mean over the sources, by a bootstrap over the pairs of each."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(1000):
        aucs = []
        for one in scores:
            at = rng.integers(len(one.lacking), size=len(one.lacking))
            lacking, whole = np.array(one.lacking)[at, None], np.array(one.whole)[None, at]
            aucs.append(float(((lacking > whole) + 0.5 * (lacking == whole)).mean()))
        drawn.append(sum(aucs) / len(aucs))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return round(float(low), 4), round(float(high), 4)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, action="append", default=[], help="as for finetune/asker.py")
    options.add_argument("--sgd", type=Path, help="train_decisions.jsonl")
    options.add_argument("--generated", type=int, default=3000)
    options.add_argument("--tokens", type=int, default=75_000, help="of each cell's training")
    options.add_argument("--dev", type=int, default=30, help="held-out pairs of each source")
    options.add_argument("--only", action="append", default=[])
    options.add_argument("--out", type=Path, default=Path("benchmarks/results/asker-parts.json"))
    given = options.parse_args()
    settle_threads()
    done = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    pairs = Mix.heldout_pairs(given.data, given.dev, given.dev, written=True)
    for name, cell in cells(given).items():
        if (given.only and name not in given.only) or done.get(name, {}).get("tokens") == given.tokens:
            continue
        done[name] = {"tokens": given.tokens, "pairs": given.dev, **measured(cell, pairs, given.tokens)}
        write_whole(given.out, json.dumps(done, indent=2) + "\n")
        print(name, json.dumps(done[name]), flush=True)


if __name__ == "__main__":
    main()
