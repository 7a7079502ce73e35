"""What the mean of several askers' weights is worth: AUC on tools held out of their training, of each and of the mean.

    python benchmarks/asker_means.py --run runs/c --run runs/d --data bfcl_simple_python.jsonl

Runs are folders that `finetune/asker.py` wrote, gone on from the same weights. Read are pairs of the files, generated
ones of the `dev` tools, and three times as many written ones, these two also with the drafted call; printed are AUC by
source, and the mean over sources. Nothing is written but to `--out`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sml_agents.asker.mix import OWN_KINDS, Mix
from sml_agents.asker.read import AskerModel
from sml_agents.asker.rows import Pair
from sml_agents.asker.threshold import scores_of
from sml_agents.asker.weights import mean_of
from sml_agents.backends.embedded import embedded_path


def figures(folder: Path, pairs: Mapping[str, Sequence[Pair]]) -> dict[str, float]:
    """AUC by source, and their mean."""
    model = AskerModel.load(folder, embedded_path())
    found = {}
    for name, some in pairs.items():
        found[name] = scores_of(model, some).auc()
        if name in OWN_KINDS:
            found[f"{name}, drafted"] = scores_of(model, some[: len(some) * 2 // 3], drafted=True).auc()
    found["mean"] = sum(found.values()) / len(found)
    return {name: round(one, 4) for name, one in found.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--run", type=Path, action="append", required=True, help="a folder of weights")
    options.add_argument("--data", type=Path, action="append", default=[])
    options.add_argument("--each", type=int, default=60, help="pairs of a source; of written ones three times as many")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    pairs = Mix.heldout_pairs(given.data, given.each, given.each, written=False)
    pairs |= Mix.heldout_pairs([], 0, 3 * given.each, written=True)
    print({name: len(some) for name, some in pairs.items()}, flush=True)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        runs = {str(run): run for run in given.run}
        if len(given.run) > 1:
            mean_of(given.run, Path(folder) / "mean")
            runs["their mean"] = Path(folder) / "mean"
        for name, run in runs.items():
            found[name] = figures(run, pairs)
            print(name, json.dumps(found[name]), flush=True)
    if given.out:
        given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
