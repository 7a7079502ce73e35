"""The line of an asker where the values of a call are read, too, chosen on tools that were held out of its training.

    python benchmarks/asker_lines.py --data bfcl_simple_python.jsonl --data bfcl_multiple.jsonl [--pairs 50] [--write]

`finetune/asker.py` chooses it for what it trains. This is for weights that are there: how often what a model copies for
an argument is not to be found in what was said, of values that are missing and of values that were told; P(missing)
weighed by that; and where the line is then. Printed by source, beside P(missing) alone. `--write`: into the record of
the weights that come with the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sml_agents.asker.load import READY, load_asker
from sml_agents.asker.mix import Mix
from sml_agents.asker.threshold import line, scores_of, with_values


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
    unfound, filled = with_values(asker.model, pairs, lambda name: print(name, flush=True))
    above = line(filled)
    print(f"not found: {unfound[0]:.1%} of missing values, {unfound[1]:.1%} of told ones; asks from {above} on")
    for name, scores in filled.items():
        alone = scores_of(asker.model, pairs[name]).figures(asker.record.threshold)
        print(f"{name}: {scores.figures(above)}, P(missing) alone {alone}")
    if given.write:
        figures = {f"{name}, values read": scores.figures(above) for name, scores in filled.items()}
        changed = {"filled": above, "unfound": unfound, "figures": {**asker.record.figures, **figures}}
        asker.record.model_copy(update=changed).write(READY)


if __name__ == "__main__":
    main()
