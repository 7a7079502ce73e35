"""Arithmetic word problems: two to six facts, one to four steps, whole numbers."""

from __future__ import annotations

import random

from sml_agents.tasks.generated.plan import Value
from sml_agents.tasks.generated.problems import Family
from sml_agents.tasks.generated.program import compile_program
from sml_agents.tasks.generated.schemas import Bank, FactTemplate

__all__ = ["ARITHMETIC", "make"]


def _draw(fact: FactTemplate, bank: Bank, rng: random.Random) -> Value:
    if fact.pick:
        return int(rng.choice(fact.pick))
    low, high, *step = fact.n
    return rng.randrange(low, high + 1, *step)


ARITHMETIC = Family("arithmetic", "math", compile_program, _draw)
make = ARITHMETIC.make
