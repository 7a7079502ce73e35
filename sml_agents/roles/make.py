"""Who takes part, from what a user names: a spec, a chat model, or an object of their own.

student_from("embedded:")        student_from(model, system="Answer in French.")
teacher_from("oracle")           teacher_from("openai:gpt-5-mini")
primer_from("student", student)  the paper's Q-priming: the student's own model writes the questions
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sml_agents.errors import InputError
from sml_agents.roles.primer import ChatPrimer, OraclePrimer, Primer
from sml_agents.roles.scripts import SCRIPTS, ScriptStudent
from sml_agents.roles.shards import SIMULATIONS, ShardTeacher, Simulation
from sml_agents.roles.student import ChatStudent, Student
from sml_agents.roles.teacher import ChatTeacher, HumanTeacher, OracleTeacher, SelfTeacher, Teacher
from sml_agents.roles.user import PERSONAS, Persona
from sml_agents.specs import Spec, read_spec, taken_out

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["PrimerLike", "StudentLike", "TeacherLike", "fresh_of", "primer_from", "student_from", "teacher_from"]

StudentLike: TypeAlias = "str | BaseChatModel | Student"
"""A backend spec such as `embedded:`, a chat model, or a student of your own."""
TeacherLike: TypeAlias = "str | BaseChatModel | Teacher | HumanTeacher"
"""`oracle`, `oracle?persona=chatty`, `shards`, `student`, `self`, `human`, a backend spec, a chat model, or a teacher
of your own; see `teacher_from`."""
PrimerLike: TypeAlias = "str | BaseChatModel | Primer"
"""`oracle`, `student`, a backend spec, a chat model, or a primer of your own."""

_SCRIPT, _AGENT, _ASKER = "script:", "agent:", "asker:"
_AGENTS, _ASKERS = "sml_agents.agents.student", "sml_agents.asker.student"
"""Of floors above: loaded when a spec names such a student, and not before."""


def student_from(given: StudentLike, *, system: str | None = None) -> Student:
    """The student that `given` names.

    A model's spec may set `fresh=true`: a student that says nothing twice (see `ChatStudent`).
    Beside a model's spec: `script:bisect` and the like are students that read nothing (`roles.scripts`),
    `agent:MODULE:GRAPH` and `agent:FILE.py:GRAPH` a LangGraph agent of the user's own (`agents.AgentStudent`), and
    `asker:` and `asker:FOLDER` the asker, which asks for what a call lacks and writes it (`asker.student`).

    Args:
        system: the system prompt of a chat model; None takes the built-in one, "" none.

    Raises:
        BackendSpecError: a spec that names no usable model.
        InputError: a script, agent or asker that does not exist, or a system prompt for one of them.
    """
    if system is not None and isinstance(given, str) and given.startswith((_AGENT, _ASKER, _SCRIPT)):
        raise InputError(
            f"{given} takes no system prompt: an agent brings its own, the asker and scripts read none; leave it out"
        )
    if isinstance(given, str) and given.startswith(_AGENT):
        return cast(Student, import_module(_AGENTS).agent_from(given.removeprefix(_AGENT)))
    if isinstance(given, str) and given.startswith(_ASKER):
        return cast(Student, import_module(_ASKERS).AskerStudent(given))
    if isinstance(given, str) and given.startswith(_SCRIPT):
        name = given.removeprefix(_SCRIPT)
        if name not in SCRIPTS:
            raise InputError(f"{given!r} is no script: take {_SCRIPT}{', '.join(SCRIPTS)}")
        return ScriptStudent(name)
    given, fresh = fresh_of(given)
    model = _model(given)
    return cast(Student, given) if model is None else ChatStudent(model, system=system, fresh=fresh)


def fresh_of(given: Any) -> tuple[Any, bool]:
    """A student's spec without `fresh`, which is no setting of its model, and whether that is set.

    Raises:
        InputError: `fresh` that is neither true nor false.
    """
    if not isinstance(given, str):
        return given, False
    spec, value = taken_out(given, "fresh")
    if value not in (None, "true", "false"):
        raise InputError(f"fresh of a student is true or false, not {value!r}")
    return spec, value == "true"


def teacher_from(
    given: TeacherLike, *, system: str | None = None, student: Student | None = None, person: bool = False
) -> Any:
    """The teacher that `given` names.

    Beside a model's spec: `oracle`, `shards` and `shards?simulation=recap` (see `ShardTeacher`), `human`, and two that
    the student's own model plays: `student` knows the answer, as in Cook et al.; `self` knows what the student knows.

    Args:
        system: Jinja template of a chat model's system prompt, see `ChatTeacher`; None takes the built-in one.
        student: whose model it is with `student` and `self`; a chat model that it plays, too, is not loaded twice.
        person: whether there is somebody to ask; False refuses `human`.

    Raises:
        InputError: a person where none can be asked, a persona or simulation that there is not, or a student without a
            model where that is to teach.
        BackendSpecError: a spec that names no usable model.
    """
    if isinstance(given, str) and (spec := read_spec(given)).name == "oracle":
        return _oracle(spec)
    if isinstance(given, str) and spec.name == "shards":
        return _shards(spec)
    if given in ("student", "self"):
        if not isinstance(student, ChatStudent):
            raise InputError("this student has no chat model that could teach: take oracle or a model as the teacher")
        kind = SelfTeacher if given == "self" else ChatTeacher
        return kind(student.model, system=system)
    if given == "human" or isinstance(given, HumanTeacher):
        if not person:
            raise InputError("a person cannot teach many dialogues at once: take oracle or a model as the teacher")
        return HumanTeacher()
    model = _model(given, student)
    return given if model is None else ChatTeacher(model, system=system)


def primer_from(
    given: PrimerLike, student: Student | None = None, *, system: str | None = None, demonstrate: bool = False
) -> Primer:
    """The writer of Q-priming's questions that `given` names.

    Args:
        student: whose model writes them when `given` is `student`.
        system: Jinja template of a chat model's prompt, see `ChatPrimer`; None takes the built-in one.
        demonstrate: of `oracle`: write the worked solution where nothing is missing.

    Raises:
        InputError: `student` when the student has no model, or `demonstrate` with a model.
        BackendSpecError: a spec that names no usable model.
    """
    if given == "oracle":
        return OraclePrimer(demonstrate=demonstrate)
    if demonstrate:
        raise InputError("only the oracle can write worked solutions: leave out --demonstrate, or take oracle")
    if given == "student":
        if not isinstance(student, ChatStudent):
            raise InputError("this student has no chat model that could write questions: take oracle or a model")
        return ChatPrimer(student.model, system=system)
    model = _model(given, student)
    return cast(Primer, given) if model is None else ChatPrimer(model, system=system)


def _oracle(spec: Spec) -> OracleTeacher:
    return OracleTeacher(persona=cast(Persona, _one_setting(spec, "oracle", "persona", "plain", PERSONAS)))


def _shards(spec: Spec) -> ShardTeacher:
    return ShardTeacher(cast(Simulation, _one_setting(spec, "shards", "simulation", "sharded", SIMULATIONS)))


def _one_setting(spec: Spec, role: str, name: str, default: str, known: Collection[str]) -> str:
    """The value of the only setting that a role by rule has."""
    value = spec.values.pop(name, default)
    if spec.arg or spec.values:
        unknown = next(iter(spec.values), spec.arg)
        raise InputError(f"{role} takes no {unknown!r}: its one setting is {role}?{name}=NAME")
    if value not in known:
        raise InputError(f"there is no {name} {value!r}: take one of {', '.join(known)}")
    return value


def _model(given: Any, student: Student | None = None) -> BaseChatModel | None:
    """The chat model that `given` is or names; None for a role that exists already."""
    from langchain_core.language_models import BaseChatModel

    from sml_agents.backends import describe, resolve

    if isinstance(given, BaseChatModel):
        return given
    if not isinstance(given, str):
        return None
    model = resolve(given)
    if isinstance(student, ChatStudent) and describe(model) == describe(student.model):
        return student.model
    return model
