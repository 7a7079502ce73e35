"""Paths that the user names, checked before any work is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sml_agents.errors import InputError, MissingExtra, StoreError
from sml_agents.files import obstacle, parse_json, read_text

if TYPE_CHECKING:
    from sml_agents.traces import Redactor, TraceStore


@contextmanager
def open_store(
    place: str, *, write: bool = False, create: bool = True, redactor: Redactor | None = None
) -> Iterator[TraceStore]:
    """The store at a path or URL, closed afterwards; made when missing if `write` and `create`.

    What cannot be opened as a store is the user's mistake: InputError. When what it was made for is refused, an empty
    new store is taken away again.
    """
    from sml_agents.traces import TraceStore

    new = write and create and "://" not in place and not Path(place).expanduser().exists()
    try:
        store = TraceStore.open(place, create=write and create, read_only=not write, redactor=redactor)
    except StoreError as error:
        raise InputError(str(error)) from error
    empty = False
    try:
        with store:
            try:
                yield store
            except (InputError, MissingExtra):
                empty = new and not store.counts().finished and not store.ids_with_replies()
                raise
    finally:
        if empty:
            Path(place).expanduser().unlink(missing_ok=True)


def read_tools(path: Path) -> list[dict[str, Any]]:
    """The tools in a JSON file, one or a list, as any provider takes them, in OpenAI's form.

    Args:
        path: the file that `--tools` names.

    Raises:
        InputError: it cannot be read, or holds no tools.
    """
    text = read_text(path)
    try:
        read = parse_json(text)
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    from sml_agents.asker import ToolView
    from sml_agents.traces.importers.chats import tools_in

    answer = read.get("result", read) if isinstance(read, dict) else read  # of an MCP server, as it was sent
    listed = answer.get("tools", [answer]) if isinstance(answer, dict) else answer
    found: dict[str, dict[str, Any]] = {}
    try:
        for one in listed if isinstance(listed, list) else [listed]:
            several = tools_in({"tools": [one]})
            if not several and not _is_providers(one):
                ToolView.read(one)  # says what is wrong with it
                raise InputError(f"a tool is a dictionary with a name and parameters, not {str(one)[:60]!r}")
            for tool in several:
                name = ToolView.read(tool).name
                if name in found:
                    raise InputError(f"two tools are named {name!r}: an answer could not tell them apart")
                found[name] = tool
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except RecursionError:
        raise InputError(f"{path}: a schema lies too many levels deep to be read; make it flatter") from None
    if not found:
        raise InputError(f"{path} holds no tool")
    return list(found.values())


def _is_providers(tool: Any) -> bool:
    """Whether it is a tool that a provider runs itself, such as `{"type": "web_search"}`: nobody calls it."""
    return isinstance(tool, dict) and isinstance(tool.get("type"), str) and tool["type"] not in ("function", "object")


def same_place(one: str, other: str) -> bool:
    """Whether two stores are one."""
    if "://" in one or "://" in other:
        return one == other
    return Path(one).expanduser().resolve() == Path(other).expanduser().resolve()


def output_file(path: Path, *, overwrite: bool = True) -> Path:
    """`path` as a place to write a file; its folder is made when missing."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if path.exists() and not overwrite:
        raise InputError(f"{path} is there already; use --force or another name")
    _make_folder(path.parent)
    return path


def output_folder(path: Path) -> Path:
    """`path` as a folder to write into, made when missing."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; name a folder")
    _make_folder(path)
    return path


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {obstacle(path, error)}") from error
