"""Conformance suites: what a part of yours has to do to stand in for one of ours.

    from sml_agents.testing.conformance import TeacherConformance

    class TestMyTeacher(TeacherConformance):
        def make_teacher(self):
            return MyTeacher()

StudentConformance    whoever solves the tasks
TeacherConformance    whoever answers the student
PrimerConformance     whoever writes Q-priming's questions
VerifierConformance   who says whether an attempt is right
DeciderConformance    who says whether an agent has to ask
TasksConformance      a source of tasks
SandboxConformance    what runs programs that models wrote

Plain classes: pytest collects them, and no plugin is needed. A suite asks for what the seams promise and no more.
"""

from sml_agents.testing.conformance.deciders import DeciderConformance
from sml_agents.testing.conformance.roles import PrimerConformance, StudentConformance, TeacherConformance
from sml_agents.testing.conformance.sandbox import SandboxConformance
from sml_agents.testing.conformance.tasks import TasksConformance
from sml_agents.testing.conformance.verifier import VerifierConformance

__all__ = [
    "DeciderConformance",
    "PrimerConformance",
    "SandboxConformance",
    "StudentConformance",
    "TasksConformance",
    "TeacherConformance",
    "VerifierConformance",
]
