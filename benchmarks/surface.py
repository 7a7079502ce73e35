"""What surface features tell of a missing fact: the AUC of a linear classifier that reads nothing.

    python benchmarks/surface.py --gsm8k gsm8k_train.jsonl gsm8k_test.jsonl --out benchmarks/results/surface.json

It is fitted on the pairs of the train split and scored on held-out pairs, for each generated family and for GSM8K by
rule, every way of hiding a fact by itself and all together. At 0.5 the features tell nothing; 0.6 is the most allowed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sml_agents.evaluation.surface import FEATURES, SurfaceClassifier, auc
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.types import Form, Task

GENERATED = ("arithmetic?", "arithmetic?steps=1&largest=20&", "lists?", "functions?", "requests?")
STYLES = ("sentence", "clause", "vague", "drop", "sentence,clause,vague,drop")
RESAMPLES = 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gsm8k", nargs=2, metavar=("TRAIN", "TEST"), help="GSM8K files (JSON lines)")
    parser.add_argument("--pairs", type=int, default=400, help="held-out pairs of each generated family")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    arguments = parser.parse_args()
    found = {}
    for spec in GENERATED:
        train, heldout = (
            tasks(f"{spec}form=paired&split={split}&n={n}")
            for split, n in (("train", 800), ("heldout", arguments.pairs))
        )
        found[spec.rstrip("?&")] = measured(train, heldout)
    if arguments.gsm8k:
        for hide in STYLES:
            for full in ("original", "restored", "either"):
                found[f"gsm8k hide={hide} full={full}"] = measured(*gsm8k(*arguments.gsm8k, hide, full))
    for name, row in found.items():
        print(f"{name:55s} n = {row['pairs']:4d} pairs, AUC {row['auc']:.3f} ({row['low']:.3f} to {row['high']:.3f})")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row["auc"] <= 0.6 for row in found.values()) else 1


def tasks(spec: str) -> list[Task]:
    return load_tasks(spec, report=LoadReport())


def gsm8k(train: str, test: str, hide: str, full: str) -> tuple[list[Task], list[Task]]:
    """The first half of the training file to fit on; the rest of it and the test file are held out."""
    rows = len(Path(train).read_text(encoding="utf-8").splitlines())
    form = f"form=paired&hide={hide}&full={full}"
    whole = tasks(f"gsm8k:{train}?{form}&split=train")
    rest = tasks(f"gsm8k:{train}?{form}&split=heldout&offset={rows // 2}")
    seen = {task.pair for task in rest}
    return [task for task in whole if task.pair not in seen], [*rest, *tasks(f"gsm8k:{test}?{form}&split=heldout")]


def measured(train: list[Task], heldout: list[Task]) -> dict[str, Any]:
    classifier = SurfaceClassifier.fit(train)
    scores = classifier.scores(heldout)
    wanted = np.array([task.form is Form.UNDERSPECIFIED for task in heldout])
    generator = np.random.default_rng(0)
    # Both forms of a problem lie side by side.
    draws = [generator.integers(0, len(heldout) // 2, len(heldout) // 2) for _ in range(RESAMPLES)]
    drawn = [auc(scores[rows], wanted[rows]) for rows in (np.concatenate([2 * d, 2 * d + 1]) for d in draws)]
    low, high = np.percentile([value for value in drawn if value is not None], (2.5, 97.5))
    asks = scores >= classifier.threshold
    heaviest = sorted(zip(FEATURES, classifier.weights, strict=True), key=lambda item: -abs(item[1]))[:3]
    return {
        "pairs": len(heldout) // 2,
        "fitted_on_pairs": len(train) // 2,
        "auc": auc(scores, wanted),
        "low": float(low),
        "high": float(high),
        "asks_when_needed": float(asks[wanted].mean()),
        "needless_questions": float(asks[~wanted].mean()),
        "spelled": float(np.mean([task.meta["numbers"] == "words" for task in heldout])),
        "weights": {name: round(float(weight), 3) for name, weight in heaviest},
    }


if __name__ == "__main__":
    sys.exit(main())
