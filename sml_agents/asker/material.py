"""Complete requests out of function-calling data: what pairs are made from.

read_requests(path)   BFCL (`question` and `function`, answers in `NAME_answers.jsonl` beside it), Seal-Tools (`query`
                      and `calling`, tools in `tool.jsonl` beside it), or OpenAI's messages with tools and tool calls

Rows that hold no single complete request of one tool are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sml_agents.asker.marked import is_marked
from sml_agents.asker.pairs import Complete, stands_once
from sml_agents.asker.prompt import ToolView, value_text
from sml_agents.errors import InputError, one_line
from sml_agents.files import parse_json

__all__ = ["marked_in", "read_requests"]

_LONGEST = 350
"""Characters of a request: on a CPU, tokens are what training costs."""


def read_requests(path: Path) -> Iterator[Complete]:
    """The complete requests in a file. Raises InputError when it cannot be read or is in none of the formats."""
    rows = _lines(path)
    first = rows[0] if rows else {}
    of_row: Callable[[Mapping[str, Any]], Iterator[Complete]]
    if "question" in first and "function" in first:
        form, of_row = "BFCL", partial(_bfcl, _gold(path))
    elif "query" in first and "calling" in first:
        form, of_row = "Seal-Tools", partial(_seal, _shelf(path))
    elif "messages" in first and "tools" in first:
        form, of_row = "OpenAI", _openai
    else:
        raise InputError(
            f"{path} holds no requests that are understood: rows need `question` and `function` (BFCL), `query` and "
            "`calling` (Seal-Tools), or `messages` and `tools` (OpenAI)."
        )
    for number, row in enumerate(rows, start=1):
        try:
            found = list(of_row(row))
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else one_line(error, 200)
            raise InputError(f"Row {number} of {path} is not as {form} has it: {why}.") from error
        yield from found


def marked_in(path: Path) -> dict[str, Any] | None:
    """What a file holds, where it is one JSON object in the form that `marked` reads; else None."""
    if path.suffix != ".json":
        return None
    try:
        # A part of the benchmark is in Latin-1.
        raw = path.read_bytes()
        content = parse_json(raw.decode("utf-8-sig") if _is_utf8(raw) else raw.decode("latin-1"))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path} as JSON: {error}") from error
    return content if is_marked(content) else None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            rows = [parse_json(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path} as JSON lines: {error}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} holds lines that are no JSON objects.")
    return rows


def _complete(tool: Mapping[str, Any], text: str, arguments: Mapping[str, Any]) -> Complete | None:
    """A request whose required arguments are all simple values; None where it is something else."""
    if not text or len(text) > _LONGEST:
        return None
    values = {name: value_text(value) for name, value in arguments.items() if isinstance(value, str | int | float)}
    view = ToolView.read(tool)
    if not view.required or any(argument.name not in values for argument in view.required):
        return None
    kept = {
        name: value
        for name, value in values.items()
        if any(one.name == name for one in view.required) or stands_once(value, text)
    }
    return Complete(view, text, kept)


def _among(complete: Complete, tools: Sequence[Mapping[str, Any]]) -> Complete:
    """With the tools that stand beside the one that is called."""
    views = map(ToolView.read, tools)
    return replace(complete, beside=tuple(view for view in views if view.name != complete.tool.name))


def _gold(path: Path) -> dict[Any, Any]:
    """The right calls of BFCL's rows, by their ids."""
    answers = path.with_name(f"{path.stem}_answers.jsonl")
    if not answers.is_file():
        raise InputError(f"The answers to {path} are missing: put {answers.name} beside it.")
    return {row.get("id"): row.get("ground_truth") for row in _lines(answers)}


def _bfcl(gold: Mapping[Any, Any], row: Mapping[str, Any]) -> Iterator[Complete]:
    ((called, given),) = gold[row["id"]][0].items()
    arguments = {name: value[0] for name, value in given.items() if value and value[0] != ""}
    tool = next((one for one in row["function"] if one["name"] == called), None)
    if tool and (found := _complete(tool, row["question"][0][-1]["content"], arguments)):
        yield _among(found, row["function"])


def _shelf(path: Path) -> dict[Any, Any]:
    """Seal-Tools' tools, by their names."""
    shelf = path.with_name("tool.jsonl")
    if not shelf.is_file():
        raise InputError(f"The tools of {path} are missing: put tool.jsonl beside it.")
    return {one.get("api_name"): one for one in _lines(shelf)}


def _seal(tools: Mapping[Any, Any], row: Mapping[str, Any]) -> Iterator[Complete]:
    calls = row["calling"]
    sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z])", row["query"])
    for call in calls:
        tool = tools.get(call["api"])
        if tool is None:
            continue
        schema = {"properties": tool["parameters"], "required": tool.get("required", [])}
        given = {name: value for name, value in call["parameters"].items() if not str(value).startswith("API_call")}
        required = [str(given[name]) for name in schema["required"] if name in given]
        # Of a request for several things, the one sentence that holds the values of this one.
        holding = [one for one in sentences if all(stands_once(value, one) for value in required)]
        text = row["query"] if len(calls) == 1 else holding[0] if len(holding) == 1 else ""
        text = re.sub(r"^(?:Then|Next|Finally|Additionally|Also|After that|Lastly|Afterwards?|And)\b,?\s*", "", text)
        found = _complete(
            {"name": tool["api_name"], "description": tool["api_description"], "parameters": schema},
            text[:1].upper() + text[1:],
            given,
        )
        if found and all(_told(found.values[name], text) for name in schema["required"]):
            yield found


def _told(value: str, text: str) -> bool:
    """Whether a value stands in the text and is one: `a specific country` tells none."""
    vague = rf"\b(?:specific|specified|given|certain|particular|provided)\s+(?:\w+\s+)?{re.escape(value)}\b"
    return stands_once(value, text) and not re.search(vague, text, re.IGNORECASE)


def _openai(row: Mapping[str, Any]) -> Iterator[Complete]:
    tools = {str(one.get("function", one).get("name")): one for one in row["tools"]}
    said = [one for one in row["messages"] if one.get("role") in ("user", "assistant")]
    if len(said) < 2 or said[0]["role"] != "user" or not isinstance(said[0].get("content"), str):
        return
    calls = said[1].get("tool_calls") or []
    if len(calls) != 1 or (tool := tools.get(calls[0]["function"]["name"])) is None:
        return
    arguments = calls[0]["function"].get("arguments") or "{}"
    try:
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return
    if isinstance(arguments, dict) and (found := _complete(tool, said[0]["content"], arguments)):
        yield _among(found, row["tools"])
