"""What a server costs: tokens a second of the engine, and of the same engine behind `sml-agents serve`.

    python benchmarks/serving.py [--at-once 32] [--tokens 48] [--repeats 3] [--json]

The same conversations with the same seeds, so the same tokens, all at once: in this process, then over HTTP from
another process, whole and streamed; the three in turn, so that other work on the machine meets all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from typing import Any

import aiohttp

from sml_agents.backends import resolve
from sml_agents.serving import ServingSettings, serve

KINDS = ("engine", "served", "streamed")
LONGEST = 3600.0
"""Seconds for a reply: a busy machine makes a measurement slow, and does not end it."""


def question(number: int) -> str:
    return f"Tell me a story about {number + 2} animals that live in a forest."


async def client(url: str, at_once: int, tokens: int, stream: bool) -> None:
    """Runs in the other process: prints how many tokens came in how many seconds."""

    async def ask(session: aiohttp.ClientSession, number: int) -> int:
        sent = {
            "model": "m",
            "messages": [{"role": "user", "content": question(number)}],
            "max_tokens": tokens,
            "temperature": 1.0,
            "seed": number,
            **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}),
        }
        async with session.post(f"{url}/chat/completions", json=sent) as response:
            assert response.status == 200, await response.text()
            if not stream:
                return int((await response.json())["usage"]["completion_tokens"])
            used = 0
            async for line in response.content:
                if b'"usage"' in line:
                    used = json.loads(line.removeprefix(b"data: "))["usage"]["completion_tokens"]
            return used

    patient = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=patient) as session:
        began = time.perf_counter()
        used = await asyncio.gather(*[ask(session, number) for number in range(at_once)])
        print(json.dumps({"tokens": sum(used), "seconds": time.perf_counter() - began}))


async def measure(at_once: int, tokens: int, repeats: int) -> dict[str, list[float]]:
    model: Any = resolve(f"embedded:?cache_mb=0&timeout={LONGEST}")
    await asyncio.to_thread(model.load)
    stop, opened = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = ServingSettings(port=0, timeout=LONGEST)
    server = asyncio.create_task(serve({"m": model}, settings, stop=stop, ready=opened.set_result))
    url = await opened
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}

    async def direct() -> dict[str, float]:
        began = time.perf_counter()
        replies = await asyncio.gather(
            *[
                model.ainvoke(question(number), max_tokens=tokens, temperature=1.0, seed=number)
                for number in range(at_once)
            ]
        )
        used = sum(reply.usage_metadata["output_tokens"] for reply in replies)
        return {"tokens": used, "seconds": time.perf_counter() - began}

    async def over_http(stream: bool) -> dict[str, float]:
        command = [sys.executable, __file__, "--client", url, "--at-once", str(at_once), "--tokens", str(tokens)]
        child = await asyncio.create_subprocess_exec(
            *command, *(["--stream"] if stream else []), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
        return dict(json.loads(out))

    await direct()  # what is slow once
    for _ in range(repeats):
        used = set()
        for kind in KINDS:
            got = await (direct() if kind == "engine" else over_http(kind == "streamed"))
            used.add(got["tokens"])
            found[kind].append(got["tokens"] / got["seconds"])
        assert len(used) == 1, f"the same tokens were asked for: {used}"
    stop.set()
    await server
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        asyncio.run(client(given.client, given.at_once, given.tokens, given.stream))
        return
    found = asyncio.run(measure(given.at_once, given.tokens, given.repeats))
    if given.json:
        print(json.dumps(found))
        return
    for kind, rates in found.items():
        ratios = [rate / base for rate, base in zip(rates, found["engine"], strict=True)]
        print(
            f"{kind:9} {statistics.median(rates):7.1f} tokens/s, "
            f"{statistics.median(ratios):.2f} of the engine's ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
