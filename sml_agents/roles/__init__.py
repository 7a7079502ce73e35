"""Who takes part in a dialogue: students, teachers, and the writer of Q-priming questions."""

from sml_agents.roles.make import primer_from, student_from, teacher_from
from sml_agents.roles.primer import ChatPrimer, OraclePrimer, Primer
from sml_agents.roles.shards import ShardTeacher
from sml_agents.roles.student import ChatStudent, GuessingStudent, Student
from sml_agents.roles.teacher import ChatTeacher, HumanReply, HumanTeacher, OracleTeacher, SelfTeacher, Teacher

__all__ = [
    "ChatPrimer",
    "ChatStudent",
    "ChatTeacher",
    "GuessingStudent",
    "HumanReply",
    "HumanTeacher",
    "OraclePrimer",
    "OracleTeacher",
    "Primer",
    "SelfTeacher",
    "ShardTeacher",
    "Student",
    "Teacher",
    "primer_from",
    "student_from",
    "teacher_from",
]
