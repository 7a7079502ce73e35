"""Tasks of a spec that a person typed."""

from __future__ import annotations

from collections.abc import Iterator

from sml_agents.tasks import FAMILIES, LoadReport, iter_tasks
from sml_agents.tasks.families import check_held
from sml_agents.tasks.spec import parse_spec
from sml_agents.types import Task
from sml_agents.verifiers import is_unscored, verifier_from

__all__ = ["held_tasks", "typed_tasks"]


def typed_tasks(spec: str, *, report: LoadReport | None = None) -> Iterator[Task]:
    """`iter_tasks` for a spec typed by whoever runs this: its `verifier` may be `module:attribute`, and is imported.

    Raises TaskSpecError at once for a spec or a verifier that cannot be used.
    """
    name = parse_spec(spec, FAMILIES).extra.get("verifier", "")
    if not is_unscored(name):
        verifier_from(name)
    return iter_tasks(spec, report=report)


def held_tasks(spec: str) -> list[Task]:
    """All of `typed_tasks`. Raises TaskSpecError also where they are too many to be held together."""
    check_held(spec)
    return list(typed_tasks(spec))
