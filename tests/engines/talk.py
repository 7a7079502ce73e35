"""A model's server that knows the answers, and how long it keeps them to itself: the same for every engine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from langchain_core.tools import tool

from sml_agents.tasks import load_tasks
from sml_agents.testing.loopback import Exchange, completion, serve
from sml_agents.types import Task, stable_hash

SPEC = "arithmetic?form=paired&n=32&seed=5"
"""64 tasks: each problem with a fact missing, and complete."""


@tool
def look_up(what: str) -> str:
    """Look something up in the student's notes."""
    return f"Nothing is known of {what}."


@cache
def tasks() -> list[Task]:
    found = load_tasks(SPEC)
    assert len(found) == 64
    return found


@cache
def answers() -> dict[str, str]:
    return {task.prompt: str(task.private.answer) for task in tasks()}


def reply(messages: list[dict[str, Any]], tools: Any = None) -> dict[str, Any]:
    """Asks, guesses and solves in an order that the problem's own words decide; looks things up first, where it can."""
    users = [message["content"] for message in messages if message["role"] == "user"]
    if tools and messages[-1]["role"] == "user":
        function = {"name": "look_up", "arguments": json.dumps({"what": users[-1][:20]})}
        call = {"id": f"call_{len(messages)}", "type": "function", "function": function}
        return {"role": "assistant", "content": "", "tool_calls": [call]}
    knows_at = int(stable_hash(users[0]), 16) % 5 + 1
    if len(users) == knows_at:
        text = f"The answer is {answers()[users[0]]}."
    elif len(users) % 2:
        text = "How many are there?"
    else:
        text = "The answer is 987654."
    return {"role": "assistant", "content": text}


@contextmanager
def model_server() -> Iterator[str]:
    """The server in a thread of its own; yields its address, which ends in `/v1`."""

    async def answer(exchange: Exchange) -> None:
        request = exchange.json
        message = reply(request["messages"], request.get("tools"))
        body = completion(
            finish="tool_calls" if message.get("tool_calls") else "stop", model=request["model"], created=0
        )
        if request.get("stream"):
            said = {**body["choices"][0], "message": None, "delta": message}
            await exchange.stream({**body, "object": "chat.completion.chunk", "choices": [said]})
            return
        body["choices"][0]["message"] = message
        await exchange.answer(body)

    opened, stop = threading.Event(), asyncio.Event()
    place: list[Any] = []

    async def run() -> None:
        async with serve(answer) as server:
            place.extend([server.url, asyncio.get_running_loop()])
            opened.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert opened.wait(20)
    try:
        yield place[0]
    finally:
        place[1].call_soon_threadsafe(stop.set)
        thread.join(20)
