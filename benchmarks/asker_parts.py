"""What each part of the asker's recipe is worth: the same number of tokens with one part left out, one seed each.

    python benchmarks/asker_parts.py --data FILE --data FILE --sgd train_decisions.jsonl
    python benchmarks/asker_parts.py --data FILE --data FILE --only recipe --only "no descriptions"

Every cell trains anew from the embedded model and is kept in `--out` when it is done, so that a run that was cut short
goes on. It is measured by its AUC on the pairs of held-out tools, which nothing else is chosen on here, with a 95 %
bootstrap over pairs. 65,000 tokens, the default, are about 30 steps of the recipe: 5 minutes of a core with bfloat16.

What is asked for a call is read in three ways: `recipe`, each argument by itself, at the place where its value would
begin; `filled in first`, the same weights made to write a value for each argument, which is then read as a drafted one;
`keys not forced`, trained to name the one that is missing, or none, as one answer to the whole call.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
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
from sml_agents.asker.threshold import Scores
from sml_agents.asker.train import AskerSettings, train_asker, trees_of_step
from sml_agents.backends.embedded import embedded_path
from sml_agents.backends.memory import freed_memory_kept
from sml_agents.files import write_whole
from sml_agents.training.runtime import settle_threads

Made = Row | Choice | None
Reads = Callable[[AskerModel, ToolView, tuple[Said, ...]], Mapping[str, float]]
"""P(missing) of each required argument of a tool, after what was said."""


@dataclass(frozen=True)
class Cell:
    """One way to train, and ways to read what came out, each of which gives a row of figures."""

    rows: RowOf
    settings: AskerSettings = field(default_factory=lambda: AskerSettings(warmup=5))
    reads: Mapping[str, Reads] = field(default_factory=lambda: {"": AskerModel.missing})


def changed(rows: RowOf, change: Callable[[Row, random.Random], Made]) -> RowOf:
    def draw(rng: random.Random) -> Made:
        row = rows(rng)
        return change(row, rng) if isinstance(row, Row) else row

    return draw


def without_descriptions(row: Row, rng: random.Random) -> Row:
    return replace(row, tool=row.tool.without_descriptions())


def read_without_descriptions(model: AskerModel, tool: ToolView, said: tuple[Said, ...]) -> Mapping[str, float]:
    return model.missing(tool.without_descriptions(), said)


def without_values(row: Row, rng: random.Random) -> Row:
    """What was told is answered by a word, in place of the value."""
    return replace(row, examples=tuple(replace(one, values=_said(one)) for one in row.examples))


def _said(example: Example) -> dict[str, str | None]:
    return {name: None if value is None else KNOWN.strip() for name, value in example.values.items()}


def read_filled_in(model: AskerModel, tool: ToolView, said: tuple[Said, ...]) -> Mapping[str, float]:
    """The model writes a value for each argument, and says of each whether somebody gave it."""
    return model.missing(tool, said, model.read(tool, said).values([one.name for one in tool.required]))


def named_alone(row: Row, rng: random.Random) -> Made:
    """One conversation of the row, and as an answer one argument that is missing, or none: arguments are chosen from
    as tools are."""
    example = rng.choice(row.examples)
    asked = [one for one in row.tool.required if one.name in example.values]
    missing = rng.choice(example.missing) if example.missing else None
    return Choice(_arguments(replace(row.tool, arguments=tuple(asked))), example.said, missing) if asked else None


def _arguments(tool: ToolView) -> tuple[ToolView, ...]:
    return tuple(ToolView(one.name, one.description or tool.purpose) for one in tool.required)


def read_named(model: AskerModel, tool: ToolView, said: tuple[Said, ...]) -> Mapping[str, float]:
    *names, none = model.names(_arguments(tool), said)
    # What is missing at all against none, and which one among them.
    return {one.name: p - none for one, p in zip(tool.required, names, strict=True)}


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
    """By name, the most telling first."""
    others, written = Mix.read(given.data, given.generated), Mix.read([], 0, written=True).ready
    recipe = replace(others, ready=[*others.ready, *written])
    found = {
        "recipe": Cell(recipe, reads={"": AskerModel.missing, "filled in first": read_filled_in}),
        "keys not forced": Cell(changed(recipe, named_alone), reads={"": read_named}),
        "generated only": Cell(replace(others, files=[], ready=[])),
        "values not filled in": Cell(changed(recipe, without_values)),
        "no descriptions": Cell(changed(recipe, without_descriptions), reads={"": read_without_descriptions}),
        "full": Cell(recipe, AskerSettings(method="full", learning_rate=4e-4, warmup=5)),
        "without written requests": Cell(others),
        "without others' files": Cell(replace(others, files=[], ready=written)),
    }
    if given.sgd is not None:
        rows = sgd(given.sgd)
        found["with SGD"] = Cell(replace(recipe, ready=[*recipe.ready, *4 * [rows]]))
    return found


def steps_for(cell: Cell, tokenizer: Any, budget: int) -> int:
    """How many steps read so many tokens."""
    tokens = steps = 0
    while tokens < budget:
        tokens += sum(len(tree.ids) for tree in trees_of_step(cell.rows, tokenizer, cell.settings, steps))
        steps += 1
    return steps


def measured(name: str, cell: Cell, pairs: dict[str, list[Pair]], budget: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of a cell, a row for each way in which it is read."""
    base = embedded_path()
    steps = steps_for(cell, AutoTokenizer.from_pretrained(base), budget)
    with tempfile.TemporaryDirectory() as folder, freed_memory_kept():
        out = Path(folder) / "asker"
        train_asker(base, cell.rows, cell.settings.model_copy(update={"steps": steps}), out, save_every=steps)
        model = AskerModel.load(out, base)
        for way, read in cell.reads.items():
            scores = {source: scored(model, read, some) for source, some in pairs.items()}
            figures = {source: round(one.auc(), 4) for source, one in scores.items()}
            low, high = interval([*scores.values()])
            mean = sum(figures.values()) / len(figures)
            names = sum(sum(one.named) for one in scores.values()) / sum(len(one.named) for one in scores.values())
            row = {"steps": steps, "auc": round(mean, 4), "low": low, "high": high, "names": round(names, 4)}
            yield f"{name}, {way}" if way else name, {**row, "by source": figures}


def scored(model: AskerModel, read: Reads, pairs: list[Pair]) -> Scores:
    found = Scores()
    for pair in pairs:
        lacking, whole = (read(model, pair.tool, side.said) for side in (pair.lacking, pair.whole))
        found.lacking.append(max(lacking.values()))
        found.whole.append(max(whole.values()))
        found.named.append(max(lacking, key=lacking.__getitem__) in pair.lacking.missing)
    return found


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
    options.add_argument("--tokens", type=int, default=65_000, help="of each cell's training")
    options.add_argument("--dev", type=int, default=25, help="held-out pairs of each source")
    options.add_argument("--only", action="append", default=[])
    options.add_argument("--out", type=Path, default=Path("benchmarks/results/asker-parts.json"))
    given = options.parse_args()
    settle_threads()
    done = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    pairs = Mix.heldout_pairs(given.data, given.dev, given.dev, written=True)
    for name, cell in cells(given).items():
        if (given.only and name not in given.only) or done.get(name, {}).get("tokens") == given.tokens:
            continue
        for row, figures in measured(name, cell, pairs, given.tokens):
            done[row] = {"tokens": given.tokens, "pairs": given.dev, **figures}
            print(row, json.dumps(done[row]), flush=True)
        write_whole(given.out, json.dumps(done, indent=2) + "\n")


if __name__ == "__main__":
    main()
