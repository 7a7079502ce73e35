"""The contestants of throughput.py. Each holds `dialogues` dialogues and returns the number of requests it made.

Run one in a process of its own: `python benchmarks/clients.py NAME URL DIALOGUES AT_ONCE` prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

PROBLEM = "Ada buys 4 boxes of 12 pencils each. A pencil costs 3 cents. What does she pay, in cents?"
SYSTEM = "You solve problems together with a teacher. Ask when something is missing. End with: The answer is X."
TEACHER = "You teach. You know the answer, 144, and must not say it. Tell the student in two sentences what is wrong."
FEEDBACK = "That is not right. Look at the number of pencils in a box again."
STUDENT_TURNS = 5
"""Of a dialogue between two models: with four answers of the teacher these are nine requests."""
ORACLE_TURNS = 8
"""Of a dialogue with a teacher that is no model: eight requests."""


async def at_once(hold: Callable[[], Awaitable[None]], dialogues: int, limit: int) -> None:
    gate = asyncio.Semaphore(limit)

    async def one() -> None:
        async with gate:
            await hold()

    await asyncio.gather(*[one() for _ in range(dialogues)])


# -- ours ----------------------------------------------------------------------------------------------------------


async def ours(url: str, dialogues: int, limit: int, *, model: Any = None, both: bool = True) -> int:
    from sml_agents.dialogue import DialogueSettings
    from sml_agents.roles.student import ChatStudent
    from sml_agents.roles.teacher import ChatTeacher, OracleTeacher
    from sml_agents.rollout import run_dialogues
    from sml_agents.traces import TraceStore
    from sml_agents.types import Private, Task

    tasks = [
        Task(id=f"pencils/{n}", family="pencils", prompt=problem(n), private=Private(answer="144"))
        for n in range(dialogues)
    ]
    turns = STUDENT_TURNS if both else ORACLE_TURNS
    with tempfile.TemporaryDirectory() as folder, TraceStore.open(Path(folder) / "traces.sqlite") as store:
        summary = await run_dialogues(
            tasks,
            ChatStudent(model or our_model(url)),
            ChatTeacher(model or our_model(url)) if both else OracleTeacher(),
            store,
            settings=DialogueSettings(max_turns=turns),
            concurrency=limit,
        )
        requests = 0
        for trace in store.traces():
            assert trace.stop == "max_turns", trace.error
            requests += len(trace.student_turns) + (len(trace.student_turns) - 1 if both else 0)
    assert requests == dialogues * (2 * turns - 1 if both else turns), summary
    return requests


def problem(number: int) -> str:
    return f"Problem {number}. {PROBLEM}"


async def ours_oracle(url: str, dialogues: int, limit: int) -> int:
    return await ours(url, dialogues, limit, both=False)


async def ours_with_chatopenai(url: str, dialogues: int, limit: int) -> int:
    return await ours(url, dialogues, limit, model=chat_openai(url))


# -- others --------------------------------------------------------------------------------------------------------


@cache
def chat_openai(url: str) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="loopback", base_url=url, api_key="none", temperature=0.7, max_tokens=256)  # type: ignore


@cache
def our_model(url: str) -> Any:
    from sml_agents.backends import resolve

    return resolve(f"openai:loopback@{url}?temperature=0.7&max_tokens=256")


@cache
def our_client_model(url: str) -> Any:
    from openai import AsyncOpenAI

    from sml_agents.backends import resolve

    client = AsyncOpenAI(base_url=url, api_key="none")
    return resolve(client, model="loopback", temperature=0.7, max_tokens=256)


def langgraph_graph(model: Any, both: bool) -> Any:
    """The usual student and teacher of LangGraph's tutorials: messages as state, two nodes and a condition."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
    from langgraph.graph import END, START, MessagesState, StateGraph

    async def student(state: Any) -> dict[str, Any]:
        return {"messages": [await model.ainvoke([SystemMessage(SYSTEM), *state["messages"]])]}

    async def teacher(state: Any) -> dict[str, Any]:
        if not both:
            return {"messages": [HumanMessage(FEEDBACK)]}
        sides = [AIMessage(m.content) if m.type == "human" else HumanMessage(m.content) for m in state["messages"]]
        reply = await model.ainvoke([SystemMessage(TEACHER), *sides])
        return {"messages": [HumanMessage(reply.content)]}

    def more(state: Any) -> str:
        return END if len(state["messages"]) >= 2 * (STUDENT_TURNS if both else ORACLE_TURNS) else "teacher"

    graph = StateGraph(MessagesState)
    graph.add_node("student", student)
    graph.add_node("teacher", teacher)
    graph.add_edge(START, "student")
    graph.add_conditional_edges("student", more, ["teacher", END])
    graph.add_edge("teacher", "student")
    return graph.compile()


async def with_langgraph(model: Any, dialogues: int, limit: int, both: bool = True) -> int:
    from langchain_core.messages import HumanMessage

    graph = langgraph_graph(model, both)

    async def hold() -> None:
        await graph.ainvoke({"messages": [HumanMessage(PROBLEM)]}, {"recursion_limit": 100})

    await at_once(hold, dialogues, limit)
    return dialogues * (2 * STUDENT_TURNS - 1 if both else ORACLE_TURNS)


async def langgraph_chatopenai(url: str, dialogues: int, limit: int) -> int:
    return await with_langgraph(chat_openai(url), dialogues, limit)


async def langgraph_chatopenai_oracle(url: str, dialogues: int, limit: int) -> int:
    return await with_langgraph(chat_openai(url), dialogues, limit, both=False)


async def langgraph_our_model(url: str, dialogues: int, limit: int) -> int:
    return await with_langgraph(our_model(url), dialogues, limit)


async def in_a_loop(model: Any, dialogues: int, limit: int) -> int:
    from langchain_core.messages import HumanMessage, SystemMessage

    async def hold() -> None:
        messages: list[Any] = [SystemMessage(SYSTEM), HumanMessage(PROBLEM)]
        for _ in range(ORACLE_TURNS):
            messages = [*messages, await model.ainvoke(messages), HumanMessage(FEEDBACK)]

    await at_once(hold, dialogues, limit)
    return dialogues * ORACLE_TURNS


async def chatopenai_loop(url: str, dialogues: int, limit: int) -> int:
    return await in_a_loop(chat_openai(url), dialogues, limit)


async def our_client_loop(url: str, dialogues: int, limit: int) -> int:
    return await in_a_loop(our_client_model(url), dialogues, limit)


async def our_model_loop(url: str, dialogues: int, limit: int) -> int:
    return await in_a_loop(our_model(url), dialogues, limit)


async def aiohttp_floor(url: str, dialogues: int, limit: int) -> int:
    import aiohttp
    import orjson

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def hold() -> None:
            messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROBLEM}]
            for _ in range(ORACLE_TURNS):
                body = orjson.dumps({"model": "loopback", "messages": messages})
                async with session.post(f"{url}/chat/completions", data=body) as response:
                    answer = orjson.loads(await response.read())
                messages.append(answer["choices"][0]["message"])
                messages.append({"role": "user", "content": FEEDBACK})

        await at_once(hold, dialogues, limit)
    return dialogues * ORACLE_TURNS


async def in_verifiers(url: str, dialogues: int, limit: int) -> int:
    from verifiers.v1.clients import EvalClientConfig, ModelContext
    from verifiers.v1.types import SamplingConfig
    from verifiers.v1.utils.loaders import load_environment
    from verifiers_talk import TalkEnvConfig

    given = {"taskset": {"id": "verifiers_talk", "dialogues": dialogues}}
    env = load_environment(TalkEnvConfig.model_validate(given))
    client = EvalClientConfig(base_url=url, api_key_var="NO_KEY")
    context = ModelContext(model="loopback", client=client, sampling=SamplingConfig())
    tasks = iter(env.taskset)

    async def hold() -> None:
        episode = await env.run_episode(next(tasks), context)
        assert episode.ok and episode.traces[0].num_turns == ORACLE_TURNS, episode.errors

    async with env.serving():
        await at_once(hold, dialogues, limit)
    return dialogues * ORACLE_TURNS


Client = Callable[[str, int, int], Awaitable[int]]
CLIENTS: dict[str, tuple[str, Client, str]] = {
    "ours": ("sml-agents, traces stored", ours, "uvloop"),
    "ours-chatopenai": ("sml-agents with ChatOpenAI, traces stored", ours_with_chatopenai, "uvloop"),
    "langgraph": ("LangGraph + ChatOpenAI", langgraph_chatopenai, "asyncio"),
    "langgraph-uvloop": ("LangGraph + ChatOpenAI, on uvloop", langgraph_chatopenai, "uvloop"),
    "langgraph-ours": ("LangGraph + our chat model", langgraph_our_model, "uvloop"),
    "ours-oracle": ("sml-agents, oracle as teacher, traces stored", ours_oracle, "uvloop"),
    "langgraph-oracle": ("LangGraph + ChatOpenAI, fixed teacher", langgraph_chatopenai_oracle, "asyncio"),
    "verifiers": ("verifiers, fixed teacher", in_verifiers, "asyncio"),
    "chatopenai": ("ChatOpenAI in a plain loop", chatopenai_loop, "uvloop"),
    "model": ("our chat model in a plain loop", our_model_loop, "uvloop"),
    "client": ("our chat model over AsyncOpenAI, in a plain loop", our_client_loop, "uvloop"),
    "aiohttp": ("floor: aiohttp in a plain loop", aiohttp_floor, "uvloop"),
}
"""Name: what it is, the client, and the event loop that it runs on (ours runs on uvloop wherever that is installed)."""


def processor_seconds() -> float:
    """User and system time of this process, all its threads, and its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


async def measure(name: str, url: str, dialogues: int, limit: int) -> dict[str, float]:
    client = CLIENTS[name][1]
    await client(url, 4, 4)  # imports, first connections, compiled prompts
    cpu, wall = processor_seconds(), time.perf_counter()
    requests = await client(url, dialogues, limit)
    return {
        "requests": requests,
        "cpu_seconds": processor_seconds() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    name, url, dialogues, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if CLIENTS[name][2] == "uvloop":
        from uvloop import run
    else:
        from asyncio import run
    print(json.dumps(run(measure(name, url, dialogues, limit))))


if __name__ == "__main__":
    main()
