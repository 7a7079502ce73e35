"""What a command hands back; `entry.main` prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

DONE = 0
FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, all else on standard error.")
]
"""Declared by every command; `entry.main` acts on it, so that errors in the arguments are JSON too."""


def seed_option(help: str, *, least: int = -(10**15) + 1) -> Any:
    """`--seed`, as large as a task spec and a reader of JSON can hold."""
    return typer.Option(min=least, max=10**15 - 1, metavar="S", help=help)


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; its words say what is kept, and how to go on."""


@contextmanager
def kept(what: str) -> Iterator[None]:
    """Around the work of a command: an interrupt in it says `what` is kept, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted: {what}") from error


def print_left_out(reasons: Mapping[str, int]) -> None:
    """A line for each reason why dialogues were not taken, as `export` and `train` both have them."""
    for reason, count in reasons.items():
        print(f"  left out: {count:,} {reason}")


@dataclass(frozen=True)
class Result:
    payload: dict[str, Any]
    """The JSON object; must hold no NaN."""
    show: Callable[[], None] | None = None
    """Prints the same for a person, on standard output."""
    code: int = DONE
