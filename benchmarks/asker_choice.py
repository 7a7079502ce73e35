"""What a shared word is worth where the asker chooses a tool, chosen on tools that were held out of its training.

    python benchmarks/asker_choice.py --data bfcl_simple_python.jsonl --data bfcl_multiple.jsonl [--each 60]

Requests whose tools training never saw (generated ones of the `dev` tools, written ones, those of the files), each with
the tool that serves it among others that share most words with it, or with none that does. What the model alone makes
of each is read once; then the worth of a word of a tool's name and purpose, of one of its arguments, what speaks for no
tool, and how much the model's own word counts are tried. Printed are the best by right tools and rightly none, four to
one since most requests are served by some tool, as the mean over generated, written and other requests, beside what
the package has, the model alone and words alone.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sml_agents.asker.generated import choice_of, generated_pairs
from sml_agents.asker.likeness import WORTH, Worth, shares
from sml_agents.asker.load import load_asker
from sml_agents.asker.material import read_requests
from sml_agents.asker.mix import heldout
from sml_agents.asker.prompt import Said, ToolView
from sml_agents.asker.read import GREETING, AskerModel
from sml_agents.asker.rows import Choice, choice_among
from sml_agents.asker.written import OUTSIDE, read_written

OWN = ("generated", "written")
"""Sources that are no file."""


@dataclass(frozen=True)
class Seen:
    """A choice, and by how much what was said raises each name in the model."""

    choice: Choice
    raised: tuple[float, ...]


def choices(files: Sequence[Path], each: int, seed: int) -> Iterator[tuple[str, Choice]]:
    rng = random.Random(seed)
    made = list(generated_pairs("dev", each, seed))
    for pair in made:
        yield "generated", choice_of(pair, made, rng)
    by_hand = [one.pair for one in read_written() if heldout(one.pair.tool.name) and one.author not in OUTSIDE]
    tools = list({one.tool.name: one.tool for one in by_hand}.values())
    for one in rng.sample(by_hand, min(each, len(by_hand))):
        yield "written", choice_among(one.tool, one.whole.said, tools, rng)
    for path in files:
        pool = [one for one in read_requests(path) if heldout(one.tool.name)]
        tools = list({one.tool.name: one.tool for one in pool}.values())
        for complete in rng.sample(pool, min(each, len(pool))):
            beside: list[ToolView] = [tool for tool in complete.beside if heldout(tool.name)]
            yield path.stem, choice_among(complete.tool, (Said("user", complete.text),), tools, rng, beside)


def seen(model: AskerModel, one: Choice) -> Seen:
    pairs = zip(model.names(one.tools, one.said), model.names(one.tools, GREETING), strict=True)
    return Seen(one, tuple(now - before for now, before in pairs))


def is_right(one: Seen, worth: Worth) -> bool:
    names = [*(tool.name for tool in one.choice.tools), None]
    found = shares(one.raised, one.choice.tools, one.choice.said, worth)
    return names[max(range(len(names)), key=found.__getitem__)] == one.choice.right


def figures(read: dict[str, list[Seen]], worth: Worth) -> dict[str, tuple[float, float]]:
    """By source, the shares of right tools, and of rightly none."""
    found = {}
    for name, some in read.items():
        sides = [[is_right(one, worth) for one in some if (one.choice.right is None) is none] for none in (False, True)]
        served, unserved = (sum(side) / max(1, len(side)) for side in sides)
        found[name] = (served, unserved)
    return found


def mean(found: dict[str, tuple[float, float]]) -> float:
    """Of right tools and of rightly none four to one, over generated, written and all others, as the asker's lines."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for name, (served, unserved) in found.items():
        kinds[name if name in OWN else ""].append((4 * served + unserved) / 5)
    return sum(sum(some) / len(some) for some in kinds.values()) / len(kinds)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--asker", default="asker:")
    options.add_argument("--data", type=Path, action="append", default=[])
    options.add_argument("--each", type=int, default=60, help="requests of a source, at most")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    model = load_asker(given.asker).model
    read: dict[str, list[Seen]] = defaultdict(list)
    for name, one in choices(given.data, given.each, given.seed):
        read[name].append(seen(model, one))
    print({name: len(some) for name, some in read.items()})
    tried = [
        Worth(*one)
        for one in itertools.product(
            (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0),
            (0.25, 0.5, 1.0, 1.5, 2.0),
            (0.0, 0.5, 1.0, 2.0),
            (0.0, 0.5, 1.0, 1.5, 2.0),
        )
    ]
    best = sorted(tried, key=lambda one: (-round(mean(figures(read, one)), 4), one))[:5]
    for title, worth in [
        *(("best", one) for one in best),
        ("the package", WORTH),
        ("the model alone", Worth(1.0, 0.0, 0.0, 0.0)),
        ("words alone", WORTH._replace(model=0.0)),
    ]:
        found = figures(read, worth)
        print(f"{title} {tuple(worth)}: {mean(found):.3f}")
        for name, (served, unserved) in found.items():
            print(f"  {name}: right tool {served:.0%}, rightly none {unserved:.0%}")


if __name__ == "__main__":
    main()
