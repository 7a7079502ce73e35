"""The recipes as cells, what is drawn for them and measured, and who is compared with whom."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from sml_agents.data.selection import PRESETS

TURNS = 4
"""Student turns in training, as in the paper."""


@dataclass(frozen=True)
class Cell:
    """How a student is made: from which other one, and by what."""

    parent: str = ""
    dialogues: str = ""
    """Which dialogues it imitates, and `select` what of them."""
    select: Any = ""
    turns: int = 0
    """Of the dialogues that GRPO trains on."""


CELLS = {
    "base": Cell(),
    "start": Cell("base", dialogues="shown", select="q_primed"),
    "MT-SFT": Cell("start", dialogues="played", select="mt_sft"),
    "MT-RL": Cell("start", turns=TURNS),
    # A dialogue that was not solved in the end may hold the right question.
    "Q-primed MT-SFT": Cell("start", "primed", PRESETS["q_primed"].model_copy(update={"solved": None})),
    "Q-primed MT-RL": Cell("Q-primed MT-SFT", turns=TURNS),
    "ST-SFT": Cell("start", dialogues="played", select="st_sft"),
    "ST-RL": Cell("start", turns=1),
}
"""In the order in which they are run."""
CLAIMS = (
    ("MT-SFT", "start"),
    ("MT-RL", "start"),
    ("MT-RL", "MT-SFT"),
    ("MT-RL", "ST-RL"),
    ("ST-SFT", "start"),
    ("MT-SFT", "ST-SFT"),
    ("Q-primed MT-SFT", "start"),
    ("Q-primed MT-SFT", "MT-SFT"),
    ("Q-primed MT-RL", "MT-RL"),
    ("Q-primed MT-RL", "start"),
)
"""Who is compared with whom."""
PAIRED, SHARDED, OTHER = "paired", "sharded", "arithmetic"
"""What is measured: requests, half of which lack a value; requests that tell none; the first turns on sums."""
FRESH = ", nothing twice"
"""Behind a cell's name: it draws a turn again that it has said before."""
SILENT = "says nothing"
"""A script that stands beside those of the evaluation."""


def request_specs(options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """Which requests are drawn for what."""

    def spec(form: str, split: str, n: int, seed: int) -> str:
        return f"requests?form={form}&distractors=0&arguments=2&split={split}&n={n}&seed={seed}"

    return {
        "shown": (spec("paired", "train", options.shown, 1),),
        "played": (spec("paired", "train", options.played, 3),),
        "rl": (spec("paired", "train", options.rl, 4),),
        "measured": (
            spec("paired", "heldout", options.pairs, 5),
            spec("sharded", "heldout", options.shards, 6),
        ),
    }


def other_tasks(options: argparse.Namespace) -> str:
    return f"{OTHER}?form=paired&split=heldout&steps=1&largest=20&n={options.other}&seed=7"


def slug(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "-")
