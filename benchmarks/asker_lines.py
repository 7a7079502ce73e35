"""The line of an asker where the values of a call are read, too, chosen on tools that were held out of its training.

    python benchmarks/asker_lines.py --data bfcl_simple_python.jsonl --data bfcl_multiple.jsonl [--pairs 50] [--write]

`finetune/asker.py` chooses it for what it trains. This is for weights that are there. Printed are the line and what it
comes to by source, beside P(missing) alone; and AUC, the mean over the sources, by how much the odds that a value is
missing grow where what the model copied for it is not to be found in what was said. `--write`: the line into the record
of the weights that come with the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sml_agents.asker.load import READY, load_asker
from sml_agents.asker.mix import Mix
from sml_agents.asker.threshold import UNFOUND, line, scores_of, values_of, with_values


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--asker", default="asker:")
    options.add_argument("--data", type=Path, action="append", default=[])
    options.add_argument("--pairs", type=int, default=50, help="of a source, at most")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--write", action="store_true")
    given = options.parse_args()
    asker = load_asker(given.asker)
    pairs = Mix.heldout_pairs(given.data, given.pairs, given.pairs, given.seed, written=True)
    read = values_of(asker.model, pairs, lambda name: print(name, flush=True))
    for odds in (1, 3, UNFOUND, 30, 100, 300, 1000):
        scores = with_values(read, odds)
        share = sum(one.asks(line(scores)) for one in scores.values()) / len(scores)
        auc = sum(one.auc() for one in scores.values()) / len(scores)
        print(f"not found, the odds grow by {odds:g}: AUC {auc:.4f}; asks from {line(scores)} on, in {share:.1%}")
    scores = with_values(read)
    above = line(scores)
    for name, one in scores.items():
        alone = scores_of(asker.model, pairs[name]).figures(asker.record.threshold)
        print(f"{name}: {one.figures(above)}, P(missing) alone {alone}")
    if given.write:
        figures = {f"{name}, values read": one.figures(above) for name, one in scores.items()}
        changed = {"version": 3, "filled": above, "figures": {**asker.record.figures, **figures}}
        asker.record.model_copy(update=changed).write(READY)


if __name__ == "__main__":
    main()
