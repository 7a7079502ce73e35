"""Tasks: seeded generator families, and loaders that turn static data sets into dialogues.

`load_tasks("arithmetic?form=paired&n=100")` is the way in; `spec` holds the grammar, `families` the list.
"""

from __future__ import annotations

from sml_agents.tasks.families import FAMILIES, iter_tasks, load_tasks
from sml_agents.tasks.spec import LoadReport

__all__ = ["FAMILIES", "LoadReport", "iter_tasks", "load_tasks"]
