"""What everyone who decides whether an agent has to ask has to do."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

from sml_agents.testing.conformance.odd import ODD_TEXTS

__all__ = ["DeciderConformance"]


class DeciderConformance:
    """What a decider of `ClarifyMiddleware` promises; needs the extra `agents`."""

    def make_decider(self) -> Any:
        """The decider under test: whatever `ClarifyMiddleware` takes."""
        raise NotImplementedError

    def examples(self) -> Sequence[tuple[str, dict[str, Any], bool]]:
        """Requests, the call that an agent drafted for each, and whether something is missing; both kinds, please."""
        raise NotImplementedError

    def tools(self) -> Sequence[Any]:
        """The tools that these calls are of."""
        raise NotImplementedError

    def asked(self, request: str, arguments: dict[str, Any] | None = None) -> list[str]:
        """What it asks of a request: before the agent drafts a call, or (with `arguments`) of one of the first tool."""
        from langchain_core.messages import AIMessage, HumanMessage, ToolCall

        from sml_agents.agents.asking import Question, as_proposals
        from sml_agents.agents.deciders import as_decider
        from sml_agents.agents.slots import tool_name
        from sml_agents.agents.view import AgentView

        tools = {tool_name(tool): tool for tool in self.tools()}
        messages: list[Any] = [HumanMessage(request)]
        calls: tuple[ToolCall, ...] = ()
        if arguments is not None:
            calls = (ToolCall(name=next(iter(tools)), args=arguments, id="1"),)
            messages.append(AIMessage("", tool_calls=list(calls)))
        decider = as_decider(self.make_decider())
        assert decider is not None

        async def ask() -> list[str]:
            proposed = decider.questions(AgentView(messages, calls, arguments is not None, tools))
            if inspect.isawaitable(proposed):
                proposed = await proposed
            return [one.text for one in as_proposals(proposed) if isinstance(one, Question)]

        return asyncio.run(ask())

    def test_it_asks_where_something_is_missing_and_only_there(self) -> None:
        for request, arguments, missing in self.examples():
            assert bool(self.asked(request, arguments)) is missing, request

    def test_what_it_asks_is_text(self) -> None:
        for request, arguments, _ in self.examples():
            assert all(text.strip() for text in self.asked(request, arguments))

    def test_no_text_of_a_person_breaks_it(self) -> None:
        for text in ODD_TEXTS:
            self.asked(text[:20_000] or " ")
