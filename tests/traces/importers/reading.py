"""What the tests of the importers share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sml_agents.traces.importers import read_logs
from sml_agents.traces.importers.record import Loss
from sml_agents.types import Role, Trace


def read(spec: str) -> tuple[list[Trace], list[Loss]]:
    losses: list[Loss] = []
    return list(read_logs(spec, losses.append)), losses


def one(format: str, folder: Path, *rows: Any) -> Trace:
    """The only conversation in a file of these rows, of which nothing is lost."""
    found, losses = read(f"{format}:{write(folder / 'log.jsonl', *rows)}")
    assert losses == []
    assert len(found) == 1, [said(trace) for trace in found]
    return found[0]


def chat(folder: Path, *messages: Any, **more: Any) -> Trace:
    return one("openai", folder, {"messages": list(messages), **more})


def said(trace: Trace) -> list[tuple[str, str]]:
    return [("person" if turn.role is Role.TEACHER else "agent", turn.text) for turn in trace.turns]


def calls(trace: Trace) -> list[tuple[str, dict[str, Any], str | None]]:
    return [(call.name, call.arguments, call.result) for turn in trace.turns for call in turn.tool_calls or ()]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def person(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def agent(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def call(name: str, id: str = "", **arguments: Any) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def result(content: Any, id: str = "", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, **({"tool_call_id": id} if id else {}), **more}
