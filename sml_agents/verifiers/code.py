"""Is a program right? It runs in a sandbox; what it computes comes back as plain values, and is compared here.

No part of a verdict is made where the program runs: there is no result to forge, no test to patch, and no expected
value to find. A suite of assertions runs in a second sandbox, against a proxy: the program gets the arguments of each
call and nothing else, the suite gets the plain values, and neither sees the other.

correct       every case and the suite
incorrect     a wrong value, an error, an exit, no end before the deadline: all of them the program's own doing, also
              where a suite that has called it does not come to its end
unparseable   no program in the text
error         no sandbox, one that isolates less than asked for, tests that are broken or that the reference solution
              does not pass: not scored
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from sml_agents.errors import SandboxError
from sml_agents.sandbox import Level, Sandbox, least_isolation, open_sandbox
from sml_agents.text.answers.code import defines, find_code
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers.grading import Grading

__all__ = ["CodeVerifier"]

_SHOWN = 2_000


class CodeVerifier:
    """Runs the program in a text against the task's hidden tests (`Private.code`).

    `sandbox` is where it runs: None takes the one that the environment names (see `open_sandbox`). Less isolation than
    `min_isolation` (None: the environment's, else `confined`) is refused before any foreign code runs.
    """

    name = "code"

    def __init__(self, *, sandbox: Sandbox | None = None, min_isolation: Level | str | None = None) -> None:
        self._sandbox = sandbox
        self._least = Level.named(min_isolation) if isinstance(min_isolation, str) else min_isolation

    async def verify(self, task: Task, text: str) -> Verdict:
        """The verdict on the program in `text`. A caller that is cancelled leaves nothing running."""
        code = task.private.code
        if code is None or not (code.cases or code.suite):
            return Verdict(outcome=Outcome.ERROR, diagnosis="The task has no tests.")
        program = find_code(text, code.entry)
        if program is None:
            what = f"the function {code.entry}" if code.entry else "a program"
            return Verdict(outcome=Outcome.UNPARSEABLE, diagnosis=f"There is no code: {what} is needed.")
        try:
            sandbox = self._sandbox or open_sandbox()
            least = least_isolation() if self._least is None else self._least
            grading = Grading(sandbox, least, code, program, _reference(task.private.answer, code.entry))
        except SandboxError as error:
            return Verdict(outcome=Outcome.ERROR, diagnosis=str(error))
        waiting = asyncio.get_running_loop().run_in_executor(_threads(os.getpid()), grading.run)
        try:
            verdict = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            grading.cancel()
            waiting.add_done_callback(lambda ended: ended.exception())  # nobody else asks for it
            raise
        except SandboxError as error:
            return Verdict(outcome=Outcome.ERROR, extracted=program[:_SHOWN], diagnosis=str(error))
        return verdict.model_copy(update={"extracted": program[:_SHOWN]})


def _reference(answer: str, entry: str) -> str:
    """The known solution as a program; empty where there is none."""
    program = (find_code(answer, entry) or "") if "```" in answer else answer
    return program if entry and defines(program, entry) else ""


@lru_cache(maxsize=2)
def _threads(process: int) -> ThreadPoolExecutor:
    """As many gradings at once as there are cores; a forked child gets threads of its own."""
    return ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
