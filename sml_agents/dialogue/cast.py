"""Who takes part in a dialogue and how it is held: all that shapes it, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from sml_agents.dialogue.referee import Classifier, Referee
from sml_agents.dialogue.state import DialogueSettings
from sml_agents.roles.primer import OraclePrimer, Primer
from sml_agents.roles.student import Student
from sml_agents.roles.teacher import HumanTeacher, Teacher
from sml_agents.traces.settings import essential
from sml_agents.types import Task, stable_hash
from sml_agents.verifiers import Verifier

if TYPE_CHECKING:
    from sml_agents.dialogue.graph import DialogueGraph

__all__ = ["Cast", "dialogue_id"]


@dataclass(frozen=True)
class Cast:
    """Everyone who takes part, and the settings.

        cast = Cast(ChatStudent(resolve("embedded:")), OracleTeacher())
        trace = (await cast.graph().ainvoke({"task": task}))["trace"]

    Args:
        primer: writes Q-priming's questions when `settings.q_priming` is set.
        verifier: in place of the one that each task names.
        classifier: labels acts in place of the rules.
    """

    student: Student
    teacher: Teacher | HumanTeacher
    settings: DialogueSettings = field(default_factory=DialogueSettings)
    primer: Primer = field(default_factory=OraclePrimer)
    verifier: Verifier | None = None
    classifier: Classifier | None = None

    @property
    def referee(self) -> Referee:
        """Labels and scores the student's turns."""
        return Referee(self.verifier, self.classifier)

    @cached_property
    def record(self) -> dict[str, Any]:
        """What a run keeps, and compares before it goes on: the settings of all, JSON-able, and hashes of the rules.

        A resumed run that would label, answer or score by other rules than it was started with is refused by name.
        """
        record: dict[str, Any] = {
            "dialogue": self.settings.model_dump(mode="json"),
            "student": self.student.settings,
            "teacher": self.teacher.settings,
        }
        if self.settings.q_priming is not None:
            record["primer"] = self.primer.settings
        for name, part in (("verifier", self.verifier), ("classifier", self.classifier)):
            if part is not None:
                record[name] = type(part).__name__
        return {**record, "rules": dict(rulebooks())}

    def dialogue_id(self, task: Task, sample: int = 0, seed: int | None = None) -> str:
        """The id of sample number `sample` of `task`: see `dialogue_id`. `seed`: in place of that of the settings."""
        return dialogue_id(task, sample, self.record, self.settings.seed if seed is None else seed)

    def graph(self, checkpointer: Any = None) -> DialogueGraph:
        """The dialogue as a compiled LangGraph graph. A human teacher needs a `checkpointer`, here or around it."""
        from sml_agents.dialogue.graph import compiled

        return compiled(self, checkpointer)


def dialogue_id(task: Task, sample: int, record: Mapping[str, Any], seed: int) -> str:
    """The id of sample number `sample` of `task`: 16 hexadecimal digits.

    It is a hash of the whole task, private part included, and of those settings that matter to what is said: the same
    in every process, different when anything that the user chose differs. The rules are not part of it: the seeds of a
    dialogue come from its id, and a mended rule must not draw all of them anew.
    """
    chosen = {name: value for name, value in record.items() if name != "rules"}
    # Without defaults: a field that a later release adds must not make every dialogue a new one.
    return stable_hash(task.model_dump(mode="json", exclude_defaults=True), sample, essential(chosen), seed)


_RULES = {
    "acts": ("roles/acts.py", "text"),
    "oracle": ("roles/teacher.py", "roles/primer.py", "text"),
    "guard": ("roles/guard.py", "roles/leaks.py", "roles/code_leaks.py", "roles/encodings.py", "text"),
    "verifiers": ("verifiers", "text", "sandbox"),
}
"""What each rulebook is written in: modules and packages of this library."""


@cache
def rulebooks() -> Mapping[str, str]:
    """A hash of the source of each set of rules that decides what is said or how it counts."""
    package = files("sml_agents")
    places = {name: [package.joinpath(*part.split("/")) for part in parts] for name, parts in _RULES.items()}
    return {
        name: stable_hash([source for place in written for source in _sources(place)], length=8)
        for name, written in places.items()
    }


def _sources(place: Traversable) -> list[str]:
    if place.is_dir():
        return [text for inner in sorted(place.iterdir(), key=lambda inner: inner.name) for text in _sources(inner)]
    return [place.read_text(encoding="utf-8")] if place.name.endswith(".py") else []
