"""The child process that does algebra: reads one JSON request a line, answers one JSON line.

Run as a file by `sml_agents.verifiers.workers`; imports nothing of the package. It may hang or eat memory on hostile
input: the kernel ends it when a job has had its processor time, and the parent when it has waited for too long. Should
the parent itself be killed, the kernel's alarm ends it.
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
    deadline, patience = float(sys.argv[2]), float(sys.argv[3])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing that a library prints can pass for a reply
    _limit()
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        timed = request["job"] != "ready"
        _alarm(timed * deadline, timed * (2 * patience + 1))
        try:
            reply: dict[str, Any] = {"result": _JOBS[request["job"]](request)}
        except (MemoryError, RecursionError) as error:
            reply = {"error": type(error).__name__}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        _alarm(0, 0)
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def _limit() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # not offered by this system; the parent's deadline still holds


def _alarm(deadline: float, orphaned: float) -> None:
    """The process ends after so many seconds of its own processor time, and by the clock."""
    try:
        import signal

        signal.setitimer(signal.ITIMER_PROF, deadline)  # default action of SIGPROF: the process ends
        signal.setitimer(signal.ITIMER_REAL, orphaned)  # SIGALRM: the same
    except (ImportError, AttributeError):
        pass


def _ready(_: dict[str, Any]) -> bool:
    _expression("\\sqrt{2}")
    return True


def _equal(request: dict[str, Any]) -> list[bool | None]:
    """Whether two expressions in LaTeX are equal, for each of the pairs; None when the second cannot be read.

    Raises ValueError when a first one, which is the reference's, cannot be read.
    """
    results: list[bool | None] = []
    for reference, answer, tolerance, multiple in request["pairs"]:
        gold = _expression(reference)
        if gold is None:
            raise ValueError("the reference answer cannot be read as mathematics")
        given = _expression(answer)
        if given is None:
            results.append(None)
        else:
            results.append(_proportional(gold, given) if multiple else _same(gold, given, tolerance))
    return results


@lru_cache(maxsize=1024)
def _expression(latex: str) -> Any:
    """The expression of sympy, with i as the imaginary unit; None for what is none."""
    import sympy
    from latex2sympy2_extended import latex2sympy
    from latex2sympy2_extended.latex2sympy2 import ConversionConfig

    plain = ConversionConfig(interpret_as_mixed_fractions=False, lowercase_symbols=False)
    try:
        found = latex2sympy(latex, normalization_config=None, conversion_config=plain)
    except (MemoryError, RecursionError):
        raise
    except Exception:  # the parser raises whatever comes, a bare Exception among it
        return None
    if not isinstance(found, sympy.Expr):
        return None
    return found.subs(sympy.Symbol("i"), sympy.I)


_DIGITS = 120
_POINTS = (("7/3", "11/5"), ("13/7", "5/3"), ("1/9", "17/6"), ("-9/4", "7/5"), ("-19/8", "-3/7"))
"""Where expressions with variables are compared: the first variable's value, and what is added for each further one."""


def _values(expression: Any, other: Any) -> Any:
    """The values of two expressions at each of the points, one point where neither has a variable."""
    import sympy

    names = sorted(expression.free_symbols | other.free_symbols, key=str)
    for start, step in _POINTS if names else _POINTS[:1]:
        at = {name: sympy.Rational(start) + k * sympy.Rational(step) for k, name in enumerate(names)}
        yield tuple(side.subs(at).evalf(_DIGITS) if at else side.evalf(_DIGITS) for side in (expression, other))


def _same(gold: Any, given: Any, tolerance: float) -> bool:
    """Whether two expressions have the same value, or the same wherever both are real.

    Values count as the same when they agree in about 100 digits: that of two honest answers never happens by chance.
    """
    if gold == given:
        return True
    compared = 0
    for one, other in _values(gold, given):
        if not (one.is_number and other.is_number and one.is_finite and other.is_finite):
            continue
        if gold.free_symbols and not (one.is_real and other.is_real) and compared:
            continue  # beyond where a logarithm or a root is real, forms of one function may part
        if not _near(one, other, tolerance):
            return False
        compared += 1
    return compared > 0


def _near(one: Any, other: Any, tolerance: float) -> bool:
    import sympy

    size = max(abs(one), abs(other))
    return bool(abs(one - other) <= size * max(sympy.Float(tolerance), sympy.Float(10) ** (20 - _DIGITS)))


def _proportional(gold: Any, given: Any) -> bool:
    """Whether one expression is the other times a constant that is not 0."""
    ratio = None
    for one, other in _values(gold, given):
        if not (one.is_number and other.is_number and one.is_finite and other.is_finite) or 0 in (one, other):
            continue
        if ratio is not None and not _near(ratio, one / other, 0.0):
            return False
        ratio = one / other
    return ratio is not None


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
