"""A conversation in verifiers' own terms, for clients.py: a student over the openai package, a fixed teacher.

The harness speaks in this process. verifiers' own `null` does the same in a program that it starts for each turn, which
is about safety, not about what a model call costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import verifiers.v1 as vf
from clients import FEEDBACK, ORACLE_TURNS, PROBLEM, SYSTEM
from openai import AsyncOpenAI
from verifiers.v1.dialects.chat import message_to_wire
from verifiers.v1.runtimes import ProgramResult

__all__ = ["TalkEnv", "TalkHarness", "TalkTaskset"]


class TalkTask(vf.Task[vf.TaskData, vf.State]):
    """The problem."""


class TalkConfig(vf.TasksetConfig):
    """How many conversations."""

    dialogues: int = 1


class TalkTaskset(vf.Taskset[TalkTask, TalkConfig]):
    """The same problem, numbered."""

    def load(self) -> Iterator[TalkTask]:
        for number in range(self.config.dialogues):
            data = vf.TaskData(id=str(number), prompt=f"Problem {number}. {PROBLEM}", system_prompt=SYSTEM)
            yield TalkTask(data, self.config.task)


class TalkEnvConfig(vf.EnvConfig):
    """Who takes part."""

    student: vf.AgentConfig = vf.AgentConfig(runtime={"type": "subprocess"})


class TalkEnv(vf.Env[TalkEnvConfig]):
    """Eight turns."""

    async def run(self, task: TalkTask, agents: Any) -> None:
        async with agents.student.interaction(task) as interaction:
            await interaction.turn()
            for _ in range(ORACLE_TURNS - 1):
                await interaction.turn(FEEDBACK)
            interaction.trace.record_reward("solved", 0.0)


class TalkHarness(vf.Harness[vf.HarnessConfig]):
    """One model call a turn, with the whole conversation."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_RESUME = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    @cached_property
    def client(self) -> AsyncOpenAI:
        return AsyncOpenAI(api_key="none", base_url="http://127.0.0.1", max_retries=0)

    async def launch(
        self,
        ctx: Any,
        trace: Any,
        runtime: Any,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: Any,
        tool_interception_url: str | None = None,
    ) -> ProgramResult:
        system, prompt = self.resolve_prompt(data)
        said = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else map(message_to_wire, prompt or ())
        messages: Any = [{"role": "system", "content": system}, *said]
        client = self.client.with_options(api_key=secret, base_url=endpoint)
        reply = await client.chat.completions.create(model=ctx.model, messages=messages, temperature=0.7)
        return ProgramResult(0, reply.choices[0].message.content or "", "")
