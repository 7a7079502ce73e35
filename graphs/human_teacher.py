"""The dialogue with a person as the teacher, asked through an interrupt.

After each student turn that does not solve the task the run pauses and shows the turn, the verdict on it and the
private knowledge. Resume it with `{"text": "what to say"}`, or `{"stop": true}` to end the dialogue. Set in the
environment:

    SML_STUDENT    the student's model (embedded)
    SML_MAX_TURNS  student turns at most (10)

Input and output are those of `student_teacher`. A pause needs a checkpointer: a LangGraph server brings its own; in a
program of yours, build the graph with `build_dialogue(..., checkpointer=...)`.
"""

from __future__ import annotations

import os

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.roles import HumanTeacher, student_from

student = student_from(os.environ.get("SML_STUDENT") or "embedded")
settings = DialogueSettings(max_turns=int(os.environ.get("SML_MAX_TURNS") or 10))

graph = build_dialogue(student, HumanTeacher(), settings=settings)
