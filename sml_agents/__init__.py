"""Teach language models to learn from a conversation.

A `Task` becomes a dialogue between a student and a teacher who knows more; the dialogue becomes a `Trace`, the trace
training rows, and the fine-tuned model goes back in as the student. The names below are the whole way round; each is
loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Act": "types",
    "Fact": "types",
    "Form": "types",
    "Private": "types",
    "StopReason": "types",
    "Task": "types",
    "Trace": "types",
    "SmlError": "errors",
}

__all__ = ["Act", "Fact", "Form", "Private", "SmlError", "StopReason", "Task", "Trace"]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
