"""The results of all cells that have been measured: figures, differences, and how each was trained."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sml_agents.evaluation.bootstrap import Metric, percentiles, resample_sums
from sml_agents.evaluation.compare import Comparison, Summary, difference
from sml_agents.evaluation.metrics import by_turn, table_of
from sml_agents.evaluation.report import write_report
from sml_agents.evaluation.sources import SUMMARY
from sml_agents.evaluation.tally import MAX_K, Tally
from sml_agents.files import write_whole
from sml_agents.types import Form

from .cells import CELLS, CLAIMS, FRESH, OTHER, PAIRED, SHARDED, SILENT, TURNS, slug
from .workshop import traces_in


def collect(options: argparse.Namespace) -> None:
    """Write the results of all cells that have been measured, and one report page with the dialogues behind them."""
    comparison = Comparison()
    cells: dict[str, Any] = {}
    stores: dict[str, list[str]] = {}
    for name in (*CELLS, *(cell + FRESH for cell in CELLS), SILENT):
        for place in sorted(options.out.glob(f"seed-*/measured/{slug(name)}/{SUMMARY}")):
            seed = place.parents[2]
            for who, files in Summary.read(place).stores.items():
                traces = list(traces_in(place.parent, who))
                stores.setdefault(who, []).extend(str((place.parent / f).relative_to(options.out)) for f in files)
                for suite in (PAIRED, SHARDED):
                    some = (trace for trace in traces if (trace.task.form is Form.SHARDED) == (suite == SHARDED))
                    comparison.add(who, suite, some, script=name == SILENT)
            if (place.parent / OTHER / SUMMARY).exists():
                comparison.add(name, OTHER, traces_in(place.parent / OTHER))
            if name not in CELLS:
                continue
            one = cells.setdefault(name, {"seeds": [], "training": [], "answer_loss": []})
            one["seeds"].append(int(seed.name.removeprefix("seed-")))
            one["training"].append(of_training(seed / slug(name) / "training.json"))
            if (losses := place.parent / "answer_loss.json").exists():
                one["answer_loss"].append(json.loads(losses.read_bytes()))
    record = {name: value for name, value in vars(options).items() if name not in ("out", "results", "cells", "table")}
    summary = comparison.summary(settings=record, stores=stores)
    summary.write(options.out / SUMMARY)
    write_report(options.out, options.out / "report.html")
    for name, student in {**summary.students, **summary.baselines}.items():
        one = cells.setdefault(name, {})
        one["suites"] = {suite: counts.model_dump(mode="json") for suite, counts in student.by_spec.items()}
        one["gained_later"] = {
            suite: gained_later(tally).model_dump() for suite, tally in comparison.parts[name].items() if suite != OTHER
        }
    differences = []
    fresh = [(plus + FRESH, minus + FRESH) for plus, minus in CLAIMS]
    for plus, minus in (*CLAIMS, *fresh, *((cell + FRESH, cell) for cell in CELLS)):
        both = [comparison.parts.get(name, {}) for name in (plus, minus)]
        for suite in (PAIRED, SHARDED, OTHER):
            if all(suite in parts for parts in both):
                tasks, metrics = difference(*(parts[suite] for parts in both))
                found = {key: dumped(value) for key, value in metrics.items()}
                differences.append({"plus": plus, "minus": minus, "suite": suite, "tasks": tasks, "metrics": found})
    results = {"settings": record, "cells": cells, "differences": differences}
    write_whole(options.results, json.dumps(results, indent=1, default=str) + "\n")


def of_training(path: Path) -> dict[str, Any]:
    """What a reader has to know of a cell's training."""
    if not path.exists():
        return {}
    record = json.loads(path.read_text(encoding="utf-8"))
    kept = ("recipe", "steps", "seconds", "first_loss", "last_loss")
    found = {name: record[name] for name in kept}
    found["rows"], found["tokens"] = record["data"]["rows"], record["data"]["tokens"]
    for name in ("reward", "solved", "flat_groups"):
        if points := [round(point[name], 3) for point in record["curve"] if name in point]:
            found[name] = points
    return found


def gained_later(tally: Tally) -> Metric:
    """What the turns after those of training bring: success@10 minus success@4; None where nobody had so many."""
    if tally.horizon <= TURNS:
        return Metric()
    table = table_of(tally)
    sums = resample_sums(table, seed=0, resamples=2000)

    def gain(rows: Any) -> Any:
        return by_turn("solved", MAX_K)(rows) - by_turn("solved", TURNS)(rows)

    low, high = percentiles(gain(sums)) or (None, None)
    return Metric(value=float(gain(table.sum(axis=0, keepdims=True))[0]), low=low, high=high, n=table.shape[0])


def dumped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: dumped(one) for key, one in value.items()}
    return value.model_dump()
