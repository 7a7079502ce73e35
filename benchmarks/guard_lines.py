"""The lines at which the asker speaks beside the guard's rules, chosen on what it was not trained on.

    python benchmarks/guard_lines.py --data FOLDER --cells FILE [--pairs 250] [--seconds 300] [--write]

Read are the written requests of tools that were held out of its training (but for the authors who are held out of
everything), the sentences of sets 1 to 3, and decisions out of the Schema-Guided Dialogue data's part for choosing
(FOLDER/sgd/), each call with what the conversation lacks filled in: see `guard_sentences.py` and `guard_data.py`.
Printed are what is let through and what is asked needlessly, by source, for the lines that are chosen and some beside
them, and what lines of `told` would bring. `--write`: into the record of the weights that come with the package, with
no line of `told`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from guard_data import Case, KeptAsker, grounds_of, sgd_cases
from guard_sentences import cases, written

from sml_agents.agents.asker import JUDGED, drafted, said_in, tool_view
from sml_agents.agents.grounding import may_be_told
from sml_agents.agents.view import AgentView
from sml_agents.asker.load import READY
from sml_agents.asker.mix import heldout
from sml_agents.asker.threshold import Side, beside, let_through
from sml_agents.asker.written import OUTSIDE


def side_of(case: Case, asker: KeptAsker) -> Side:
    """A drafted call as the lines see it."""
    shown, slots = tool_view(case.tool)
    found = asker.missing(shown, said_in(AgentView(case.said)), drafted(slots, case.call))
    _, grounds = grounds_of(case.tool, case.call, case.said, case.clock)
    side: list[tuple[float, str | None, bool]] = []
    for one in grounds:
        name, own = one.slot.name, one.slot.path[0]
        kind = None if one.ok else one.slot.kind(one.value).sort if may_be_told(one) else ""
        p = found.get(name, 0.0) if kind is not None or one.state in JUDGED else 0.0
        side.append((p, kind, bool(case.missing & {name, own})))
    return side


def sources(data: Path, pairs: int, seed: int) -> Iterator[tuple[str, list[Case], list[Case]]]:
    """By name, incomplete and complete calls."""
    every = [case for case in written(lambda author: author not in OUTSIDE) if heldout(case.tool["name"])]
    two = [every[k : k + 2] for k in range(0, len(every), 2)]
    random.Random(seed).shuffle(two)
    yield "written", [lacking for _, lacking in two[:pairs]], [whole for whole, _ in two[:pairs]]
    known = list(cases((1, 2, 3)))
    yield "sentences", [case for case in known if case.missing], [case for case in known if not case.missing]
    turns: dict[str, tuple[list[Case], list[Case]]] = defaultdict(lambda: ([], []))
    for case, turn in sgd_cases(data / "sgd" / "dev_seen_services.jsonl"):
        turns[turn][not case.missing].append(case)
    for turn, both in turns.items():
        for some in both:
            random.Random(seed).shuffle(some)
        yield f"SGD dev, {turn} turns", both[0][: pairs // 3], both[1][: pairs // 3]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--asker", default="asker:")
    options.add_argument("--cells", type=Path, required=True)
    options.add_argument("--seconds", type=float)
    options.add_argument("--pairs", type=int, default=250, help="written pairs at most; a third of it of SGD's turns")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--write", action="store_true")
    given = options.parse_args()
    asker = KeptAsker(given.asker, given.cells, given.seconds)
    read = {
        name: tuple([side_of(case, asker) for case in some] for some in both)
        for name, *both in sources(given.data, given.pairs, given.seed)
    }
    both_sides = [(lacking, whole) for lacking, whole in read.values()]
    grounded, _ = beside(both_sides)
    _, told = beside(both_sides, reading=True)
    for line in (2.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, grounded):
        for below in ({}, told):
            shown = ", ".join(f"{name} {_figures(both, line, below)}" for name, both in read.items())
            print(f"objects from {line:.2f}, told below {below}: {shown}")
    print({name: [len(some) for some in both] for name, both in read.items()})
    if given.write:
        record = asker.record.model_copy(update={"grounded": grounded, "told": {}})
        record.write(READY)


def _figures(both: Sequence[Sequence[Side]], grounded: float, told: Mapping[str, float]) -> str:
    through = [sum(let_through(side, grounded, told) for side in some) / len(some) for some in both]
    return f"{100 * through[0]:.1f} / {100 - 100 * through[1]:.1f}"


if __name__ == "__main__":
    main()
