"""Verifiers: is an attempt right? Each answers with a `Verdict`."""

from __future__ import annotations

import importlib
from functools import lru_cache

from sml_agents.errors import TaskSpecError
from sml_agents.text.answers import extract_answer
from sml_agents.verifiers.base import Verifier
from sml_agents.verifiers.compare import answers_equal

__all__ = ["Verifier", "answers_equal", "extract_answer", "get_verifier"]


@lru_cache(maxsize=64)
def get_verifier(name: str) -> Verifier:
    """The verifier of a name: `exact`, `math`, `code`, `reasoning-gym:FAMILY`, or `module:attribute`.

    An attribute may be a verifier or a class of one that needs no arguments. Raises TaskSpecError when there is none.
    """
    kind, _, rest = name.partition(":")
    if name == "exact":
        from sml_agents.verifiers.exact import ExactVerifier

        return ExactVerifier()
    if name == "math":
        from sml_agents.verifiers.math import MathVerifier

        return MathVerifier()
    if name == "code":
        from sml_agents.verifiers.code import CodeVerifier

        return CodeVerifier()
    if kind == "reasoning-gym" and rest:
        from sml_agents.verifiers.reasoning import ReasoningGymVerifier

        return ReasoningGymVerifier(rest)
    if rest:
        return _imported(name, kind, rest)
    raise TaskSpecError(
        f"There is no verifier {name!r}: use exact, math, code, reasoning-gym:FAMILY or module:attribute."
    )


def _imported(name: str, module: str, attribute: str) -> Verifier:
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise TaskSpecError(f"The verifier {name!r} cannot be imported: {error}.") from error
    verifier = found() if isinstance(found, type) else found
    if not isinstance(verifier, Verifier):
        raise TaskSpecError(f"{name!r} is no verifier: it needs a `name` and an async `verify(task, text)`.")
    return verifier
