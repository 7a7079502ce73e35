"""Verifiers: is an attempt right? Each answers with a `Verdict`.

A task names its verifier. Tasks are data: they come as JSON over a server or lie in a store, so their names are looked
up (`get_verifier`) and never imported. A class of one's own is named by whoever types a spec (`verifier_from`).
"""

from __future__ import annotations

import importlib
import inspect
from functools import lru_cache
from typing import Any

from sml_agents.errors import TaskSpecError
from sml_agents.text.answers import extract_answer
from sml_agents.verifiers.base import Attempt, AttemptVerifier, Verifier
from sml_agents.verifiers.compare import answers_equal

__all__ = [
    "Attempt",
    "AttemptVerifier",
    "Verifier",
    "answers_equal",
    "extract_answer",
    "get_verifier",
    "is_unscored",
    "verifier_from",
]

_NAMES = "exact, math, code, call or reasoning-gym:FAMILY"
_typed: dict[str, Verifier] = {}
"""What `verifier_from` has imported in this process, by spec."""


def is_unscored(name: str) -> bool:
    """Whether a task with this verifier name has nobody to say what is right: `none`, or nothing at all."""
    return name in ("", "none")


def get_verifier(name: str) -> Verifier:
    """The verifier that a task names: a built-in one (`exact`, `math`, `code`, `call`, `reasoning-gym:FAMILY`), or what
    `verifier_from` knows.

    Imports nothing that the name says. Raises TaskSpecError when there is no such verifier.
    """
    found = _typed.get(name) or _built_in(name)
    if found is not None:
        return found
    if is_unscored(name):
        raise TaskSpecError("The task is not scored: name a verifier in it, or give one to the dialogue.")
    if ":" in name:
        raise TaskSpecError(
            f"The task names the verifier {name!r}, and a module named in data is never imported: use {_NAMES},"
            f" or, if it is your own, call verifier_from({name!r}) first."
        )
    raise TaskSpecError(f"There is no verifier {name!r}: use {_NAMES}.")


def verifier_from(spec: str) -> Verifier:
    """The verifier of a spec that a person typed: a built-in name, or `module:attribute`, which is imported.

    The attribute is a verifier, or a class of one that needs no arguments. From then on tasks of this process may name
    it. Never call this with what came out of a file, a store or a request. Raises TaskSpecError.
    """
    found = _typed.get(spec) or _built_in(spec)
    if found is not None:
        return found
    module, _, attribute = spec.partition(":")
    if not module or not attribute or module == "reasoning-gym":
        raise TaskSpecError(f"There is no verifier {spec!r}: use {_NAMES}, or module:attribute.")
    return _typed.setdefault(spec, _imported(spec, module, attribute))


@lru_cache(maxsize=64)
def _built_in(name: str) -> Verifier | None:
    if name == "exact":
        from sml_agents.verifiers.exact import ExactVerifier

        return ExactVerifier()
    if name == "math":
        from sml_agents.verifiers.math import MathVerifier

        return MathVerifier()
    if name == "code":
        from sml_agents.verifiers.code import CodeVerifier

        return CodeVerifier()
    if name == "call":
        from sml_agents.verifiers.call import CallVerifier

        return CallVerifier()
    kind, _, family = name.partition(":")
    if kind == "reasoning-gym" and family:
        from sml_agents.verifiers.reasoning import ReasoningGymVerifier

        return ReasoningGymVerifier(family)
    return None


def _imported(spec: str, module: str, attribute: str) -> Verifier:
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise TaskSpecError(f"The verifier {spec!r} cannot be imported: {error}.") from error
    if not inspect.iscoroutinefunction(getattr(found, "verify", None)):
        raise _no_verifier(spec)
    try:
        verifier = found() if isinstance(found, type) else found
    except TypeError as error:
        raise TaskSpecError(f"The verifier {spec!r} cannot be made without arguments: {error}.") from error
    if not isinstance(verifier, Verifier) or not isinstance(verifier.name, str):
        raise _no_verifier(spec)
    return verifier


def _no_verifier(spec: str) -> TaskSpecError:
    return TaskSpecError(f"{spec!r} is no verifier: it needs a `name` and an async `verify(task, text)`.")
