"""A student solves a task in a dialogue with a teacher who knows more.

For `langgraph dev`, Studio and any LangGraph server; `langgraph.json` names it. Set in the environment:

    SML_STUDENT    the student's model: embedded, openai:MODEL@URL, transformers:PATH, ... (embedded)
    SML_TEACHER    oracle, which answers by rule, or a model (oracle)
    SML_MAX_TURNS  student turns at most (4)

Input, here a task in which a fact is missing that the teacher tells when asked for it:

    {"task": {"id": "pens", "family": "mine", "form": "underspecified",
              "prompt": "Ada buys 4 pens. How many dollars does she pay?",
              "private": {"answer": "12",
                          "facts": [{"name": "price", "statement": "Each pen costs 3 dollars."}]}}}

Output: `{"trace": ...}`, the whole dialogue with its outcome. No model is loaded before the first run. The graph is
compiled without a checkpointer: the server brings its own.

`langgraph build` installs sml-agents without its extras: give that image an endpoint as SML_STUDENT, or add torch,
transformers and gguf to `dependencies` in langgraph.json.
"""

from __future__ import annotations

import os

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.roles import student_from, teacher_from

student = student_from(os.environ.get("SML_STUDENT") or "embedded")
teacher = teacher_from(os.environ.get("SML_TEACHER") or "oracle", student=student)
settings = DialogueSettings(max_turns=int(os.environ.get("SML_MAX_TURNS") or 4))

graph = build_dialogue(student, teacher, settings=settings)
