"""From arguments to exit code: the one place where results are printed and errors become one sentence.

Exit codes: 0 done, 1 done with failures recorded (or a failure that is not the user's mistake), 2 wrong input,
130 interrupted. With `--json` standard output carries exactly one JSON object, whatever happens and whatever the
libraries underneath print: file descriptor 1 points to standard error until the command is over.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import typer

from sml_agents.cli.app import app
from sml_agents.cli.clean import clean
from sml_agents.cli.result import DONE, FAILED, INTERRUPTED, WRONG_INPUT, Interrupted, Result
from sml_agents.errors import InputError, MissingExtra, SmlError, refused_value
from sml_agents.files import refusal


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdin, sys.stdout):  # no byte that a terminal or a pipe sends may end the program
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdin else "backslashreplace")
    as_json = "--json" in arguments
    with _results_apart(as_json) as out, _terminable():
        result = _run(arguments)
        try:
            if as_json:
                out.write(json.dumps(_plain(result.payload), ensure_ascii=False, allow_nan=False) + "\n")
            elif "error" in result.payload:
                _complain(clean(result.payload["error"]))
            elif result.show is not None:
                result.show()
            out.flush()
        except OSError as error:
            # What could not be written must not be tried again, and complained of, when the interpreter ends.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
            if not isinstance(error, BrokenPipeError):  # that is a reader who went away, as with `| head`
                _complain(f"the result cannot be printed: {refusal(error) or error.strerror or error}")
                return result.code or FAILED
        return result.code


def _complain(message: str) -> None:
    with suppress(OSError):  # standard error may be what is full
        print(f"sml-agents: {message}", file=sys.stderr)


def _run(arguments: list[str]) -> Result:
    try:
        Path.cwd()
    except OSError:
        return _error("the folder that you are in was removed: go to one that is there", "InputError", WRONG_INPUT)
    try:
        returned = app(args=arguments, prog_name="sml-agents", standalone_mode=False)
    except Interrupted as stop:
        return _error(str(stop), "Interrupted", INTERRUPTED)
    except (KeyboardInterrupt, typer.Abort):
        return _error("interrupted", "Interrupted", INTERRUPTED)
    except (InputError, MissingExtra) as error:
        return _error(str(error), type(error).__name__, WRONG_INPUT)
    except SmlError as error:
        return _error(str(error), type(error).__name__, FAILED)
    except SystemExit as stop:
        return Result({}, code=stop.code if isinstance(stop.code, int) else FAILED)
    except Exception as error:
        # Usage errors come from typer's own copy of click in newer releases and from click in older ones.
        if callable(format_message := getattr(error, "format_message", None)):
            return _usage_error(error, str(format_message()), arguments)
        if isinstance(error, OSError) and (refused := refusal(error)):
            return _error(refused, "InputError", WRONG_INPUT)
        if _came_of_an_interrupt(error):
            return _error("interrupted", "Interrupted", INTERRUPTED)
        traceback.print_exc()
        return _error(f"internal error, please report it: {type(error).__name__}: {error}", "InternalError", FAILED)
    if isinstance(returned, Result):
        return returned
    if returned == INTERRUPTED:
        return _error("interrupted", "Interrupted", INTERRUPTED)
    return Result({}, code=returned if isinstance(returned, int) else DONE)


def _came_of_an_interrupt(error: BaseException | None) -> bool:
    """Whether a library made another error of Ctrl-C, as where an import is cut off."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it: what is not a number is null."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _error(message: str, kind: str, code: int) -> Result:
    return Result({"error": _sentence(message) or kind, "type": kind, "exit_code": code}, code=code)


_OPENING = re.compile(r"[A-Z](?:[a-z]+(?=[ ,])|(?= ))")
"""A word that is written large only because it is the first."""


def _sentence(message: str) -> str:
    """A message in the one style of all: on one line, begun small after the program's name, without the last stop."""
    sentence = re.sub(r"\s+", " ", message).strip()
    if sentence.endswith(".") and not sentence.endswith(".."):
        sentence = sentence[:-1]
    return sentence[:1].lower() + sentence[1:] if _OPENING.match(sentence) else sentence


def _usage_error(error: Exception, message: str, arguments: list[str]) -> Result:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message, file=sys.stderr)
        return _error("no command was given; see the list above", "UsageError", WRONG_INPUT)
    if error.__cause__ is not None and callable(getattr(error.__cause__, "errors", None)):  # pydantic's own words
        message = f"{message.partition(': ')[0]}: {refused_value(error.__cause__)}"
    said = re.sub(r"\.\s+([A-Z])", lambda found: f"; {found[1].lower()}", message.strip().rstrip("."))
    return _error(f"{said} (see {_command(arguments)} --help)", "UsageError", WRONG_INPUT)


def _command(arguments: list[str]) -> str:
    """The command that the arguments begin with, as it is typed."""
    parser: Any = typer.main.get_command(app)
    path = ["sml-agents"]
    for word in arguments:
        if word in getattr(parser, "commands", {}):
            parser = parser.commands[word]
            path.append(word)
        elif not word.startswith("-"):
            break
    return " ".join(path)


@contextmanager
def _results_apart(as_json: bool) -> Iterator[TextIO]:
    """The stream for the result; with `as_json` everything else that is written to stdout goes to stderr."""
    if not as_json:
        yield sys.stdout
        return
    stdout = sys.stdout
    stdout.flush()
    try:
        descriptor = os.dup(stdout.fileno())
    except (OSError, ValueError):  # a stream in memory, as under a test runner
        sys.stdout = sys.stderr
        try:
            yield stdout
        finally:
            sys.stdout = stdout
        return
    original = stdout.fileno()
    os.dup2(sys.stderr.fileno(), original)
    try:
        with open(os.dup(descriptor), "w", encoding="utf-8", errors="backslashreplace") as out:
            yield out
    finally:
        stdout.flush()
        os.dup2(descriptor, original)
        os.close(descriptor)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: files closed, what is finished kept."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: the signal is not ours to take
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
