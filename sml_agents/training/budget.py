"""A budget of tokens in optimiser steps: what a run may cost, whatever machine it runs on."""

from __future__ import annotations

import math

from sml_agents.training.processes import process_count
from sml_agents.training.settings import SFTSettings
from sml_agents.training.tokens.nouns import DataCounts

__all__ = ["steps_of", "tokens_a_step"]


def tokens_a_step(settings: SFTSettings, counts: DataCounts) -> float:
    """Tokens that one optimiser step reads on average, in all processes together."""
    rows = settings.batch_size * process_count()
    return counts.tokens / math.ceil(counts.rows / rows)


def steps_of(settings: SFTSettings, counts: DataCounts) -> int | None:
    """Optimiser steps for which `budget_tokens` is enough; None where there is no such budget."""
    if settings.budget_tokens is None:
        return None
    return max(1, int(settings.budget_tokens / tokens_a_step(settings, counts)))
