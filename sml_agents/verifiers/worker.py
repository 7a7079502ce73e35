"""The child process that does algebra: reads one JSON request a line, answers one JSON line.

Run as a file by `sml_agents.verifiers.workers`; imports nothing of the package. It may hang or eat memory on hostile
input: the parent kills it. Should the parent itself be killed, the kernel's alarm ends it.
"""

from __future__ import annotations

import json
import os
import sys
from functools import lru_cache
from typing import Any

_MEMORY = 4 << 30  # address space, bytes


def main() -> None:
    """Serve requests until standard input closes."""
    sys.path[:] = json.loads(sys.argv[1])
    deadline = float(sys.argv[2])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing that a library prints can pass for a reply
    _limit()
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        _alarm(0 if request["job"] == "ready" else 2 * deadline + 1)
        try:
            reply: dict[str, Any] = {"result": _JOBS[request["job"]](request)}
        except (MemoryError, RecursionError) as error:
            reply = {"error": type(error).__name__}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        _alarm(0)
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _limit() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # not offered by this system; the parent's deadline still holds


def _alarm(seconds: float) -> None:
    try:
        import signal

        signal.setitimer(signal.ITIMER_REAL, seconds)  # default action of SIGALRM: the process ends
    except (ImportError, AttributeError):
        pass


def _ready(_: dict[str, Any]) -> bool:
    import math_verify  # noqa: F401

    return True


def _equal(request: dict[str, Any]) -> bool | None:
    """Whether two answers are equal; None when the given one cannot be read."""
    import logging

    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    gold = _parsed(parse, request["reference"])
    if not gold:
        raise ValueError("the reference answer cannot be read as mathematics")
    given = _parsed(parse, request["answer"])
    return bool(verify(gold, given, timeout_seconds=None)) if given else None


def _parsed(parse: Any, text: str) -> Any:
    for spelling in (f"\\boxed{{{text}}}", f"${text}$", text):
        found = parse(spelling, parsing_timeout=None, fallback_mode="no_fallback")
        if found:
            return found
    return []


def _reasoning_gym(request: dict[str, Any]) -> float:
    """The best score that the family's own `score_answer` gives to one of the spellings of an answer."""
    recipe = request["recipe"]
    data = _data_set(request["family"], recipe.get("seed", 0), recipe.get("size", 1))
    entry = data[recipe["index"]] if recipe else request["entry"]
    return max(float(data.score_answer(answer, entry)) for answer in request["answers"])


@lru_cache(maxsize=64)
def _data_set(family: str, seed: int, size: int) -> Any:
    from reasoning_gym.factory import create_dataset

    return create_dataset(family, seed=seed, size=size)


_JOBS = {"ready": _ready, "equal": _equal, "reasoning_gym": _reasoning_gym}


if __name__ == "__main__":
    main()
