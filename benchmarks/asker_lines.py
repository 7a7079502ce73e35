"""The line of an asker where the values of a call are read, too, chosen on tools that were held out of its training.

    python benchmarks/asker_lines.py --data bfcl_simple_python.jsonl --data bfcl_multiple.jsonl [--pairs 50] [--write]

`finetune/asker.py` chooses it for what it trains. This is for weights that are there: by how much the odds that a value
is missing grow where what the model copied for it is not to be found in what was said, where the line is then, and
where for a student that acts. Printed by source, beside P(missing) alone. `--write`: into the record of the weights
that come with the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sml_agents.asker.load import READY, load_asker
from sml_agents.asker.mix import Mix
from sml_agents.asker.threshold import scores_of, with_values


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
    found = with_values(asker.model, pairs, lambda name: print(name, flush=True))
    print(f"odds of what is not found: {found.unfound:g}; asks from {found.line} on, who acts from {found.acting} on")
    for name, scores in found.scores.items():
        alone = scores_of(asker.model, pairs[name]).figures(asker.record.threshold)
        print(f"{name}: {scores.figures(found.line)}, P(missing) alone {alone}")
    if given.write:
        chosen = {"version": 3, "filled": found.line, "unfound": found.unfound, "acting": found.acting}
        figures = {**asker.record.figures, **found.figures()}
        asker.record.model_copy(update={**chosen, "figures": figures}).write(READY)


if __name__ == "__main__":
    main()
