"""The dialogue with Q-priming: wrong turns are replaced by questions, which makes training data.

While it is held, a student turn t (from 0) that does not solve the task is replaced, with chance P^t, by a question for
what is missing (Cook et al., arXiv 2602.16488). The student's attempt stays in the trace, private; what the dialogue
goes on with is the question. Traces that end solved are what a student is fine-tuned on. Set in the environment:

    SML_STUDENT    the student's model (embedded)
    SML_TEACHER    oracle, which answers by rule, or a model (oracle)
    SML_PRIMER     who writes the questions: oracle takes those that the tasks carry; student is the paper's way, in
                   which the student's model sees its attempt and the private knowledge; or another model (oracle)
    SML_Q_PRIMING  P (0.75, the paper's)
    SML_MAX_TURNS  student turns at most (4)

Input and output are those of `student_teacher`; for the oracle's questions each fact has a `question`.
"""

from __future__ import annotations

import os

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.roles import primer_from, student_from, teacher_from

student = student_from(os.environ.get("SML_STUDENT") or "embedded")
teacher = teacher_from(os.environ.get("SML_TEACHER") or "oracle", student=student)
primer = primer_from(os.environ.get("SML_PRIMER") or "oracle", student)
settings = DialogueSettings(
    q_priming=float(os.environ.get("SML_Q_PRIMING") or 0.75),
    max_turns=int(os.environ.get("SML_MAX_TURNS") or 4),
)

graph = build_dialogue(student, teacher, settings=settings, primer=primer)
