"""Every exception that sml-agents raises on purpose.

SmlError
├── InputError            the user's mistake; the message says what was wrong and what to do (exit code 2)
│   ├── TaskSpecError     a task spec or data set that cannot be used
│   ├── BackendSpecError  a model spec that names nothing usable
│   └── SettingsMismatch  a run resumed with other settings than it was started with
├── MissingExtra          an optional dependency is not installed; the message holds the command
├── BackendError          a model endpoint or local model failed
│   ├── ConversationError a conversation that a local model cannot take: too long, or not by its template
│   ├── EndpointError     HTTP status, transport or malformed reply, after the allowed retries
│   └── BudgetExceeded    the run's limit of calls or tokens is used up
├── VerifierError         a verifier broke (a verdict of its own, never a score of zero)
│   └── SandboxError      no sandbox for foreign code, or one that broke
├── StoreError            the trace store is damaged, locked, full or of an unknown version
└── TrainingError         rows, template or loss with which training cannot go on

EndsTheRun marks those that would fail every other dialogue of a run, too.
"""

from __future__ import annotations

from typing import Any

from sml_agents.text.printable import printable

__all__ = [
    "BackendError",
    "BackendSpecError",
    "BudgetExceeded",
    "ConversationError",
    "EndpointError",
    "EndsTheRun",
    "InputError",
    "MissingExtra",
    "SandboxError",
    "SettingsMismatch",
    "SmlError",
    "StoreError",
    "TaskSpecError",
    "TrainingError",
    "VerifierError",
    "complaint",
    "one_line",
]


def one_line(error: object, limit: int = 500) -> str:
    """The first line of an error's words that says something, safe to print, cut after `limit` characters."""
    lines = (printable(line) for line in str(error).splitlines())
    first = next(filter(None, lines), "")
    return first if len(first) <= limit else f"{first[: limit - 3]}..."


def complaint(error: Any) -> tuple[str, str]:
    """Of a pydantic ValidationError: which field it complains of first (`a.b.0`), and what it says."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in first["loc"]), _said(first)


def refused_value(error: Any) -> str:
    """Of a pydantic ValidationError about what a user typed: the value, where it is short, and what it should be."""
    first = error.errors(include_url=False, include_context=False)[0]
    value, said = first["input"], _said(first).partition(", unable to parse")[0]
    named = isinstance(value, str | int | float) and len(str(value)) <= _NAMED
    return f"{value!r}{said.removeprefix('Input')}" if named and said.startswith("Input ") else said


_NAMED = 60
"""Characters of a wrong value that is said again, at most."""


def _said(first: Any) -> str:
    return str(first["msg"]).removeprefix("Value error, ")


class EndsTheRun(Exception):
    """Mixed into an error that is not a failure of one dialogue: it would fail all others, too."""


class SmlError(Exception):
    """Base class: catch this to catch everything that the library raises on purpose."""


class InputError(SmlError, ValueError):
    """Something the user gave is wrong; the message is one sentence that says what to change."""


class TaskSpecError(InputError):
    """A task spec, or the data it names, cannot be used."""


class BackendSpecError(InputError, EndsTheRun):
    """A model spec that names no usable model."""


class SettingsMismatch(InputError):
    """A run was resumed with settings that differ from those it was started with."""


class MissingExtra(SmlError, ImportError, EndsTheRun):
    """An optional dependency is missing. `extra` names the extra of `sml-agents` that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the '{extra}' extra: pip install 'sml-agents[{extra}]'")
        self.extra = extra


class BackendError(SmlError, RuntimeError):
    """A model failed to answer."""


class ConversationError(BackendError):
    """A conversation that this model cannot take, however often it is tried: too long, or not by its template."""

    def __init__(self, message: str, *, too_long: bool = False) -> None:
        super().__init__(message)
        self.too_long = too_long


class EndpointError(BackendError):
    """An HTTP model endpoint failed. `status` is the HTTP status, or None for a transport or format failure."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class BudgetExceeded(BackendError, EndsTheRun):
    """The limit of model calls or tokens that the user set is used up."""


class VerifierError(SmlError, RuntimeError):
    """A verifier could not do its work."""


class SandboxError(VerifierError):
    """The sandbox for foreign code could not be started, isolates too little, or broke."""


class StoreError(SmlError, RuntimeError, EndsTheRun):
    """The trace store cannot be read or written."""


class TrainingError(SmlError, RuntimeError):
    """Training cannot start or go on: no trainable token, an unusable template, a loss that is not a number."""
