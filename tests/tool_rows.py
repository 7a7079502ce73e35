# ruff: noqa: E501 - rows, one a line
"""One request for a hotel as data sets write such: BFCL, OpenAI, a table of arguments, and a turn of SGD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PARAMETERS: dict[str, Any] = {
    "type": "dict",
    "properties": {
        "city": {"type": "string", "description": "City of the hotel."},
        "nights": {"type": "integer"},
        "stars": {"type": "float"},
        "guest": {"type": "dict", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    },
    "required": ["city", "nights"],
}
TOOL = {"name": "book_hotel", "description": "Book a hotel.", "parameters": PARAMETERS}
ROW: dict[str, Any] = {
    "id": "1",
    "question": "Book a hotel in Oslo for 3 nights with 4 stars.",
    "function": [TOOL],
    "call": {"name": "book_hotel", "arguments": {"city": "Oslo", "nights": 3, "stars": 4}},
}
OPENAI = {
    "messages": [
        {"role": "system", "content": "You book."},
        {"role": "user", "content": ROW["question"]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "book_hotel", "arguments": '{"city": "Oslo", "nights": 3}'}}]},
    ],
    "tools": [{"type": "function", "function": TOOL}],
}  # fmt: skip
TABLE = {
    "query": ROW["question"],
    "tools": json.dumps(
        [
            {
                "name": "book_hotel",
                "description": "",
                "parameters": {
                    "city": {"type": "str"},
                    "nights": {"type": "int"},
                    "stars": {"type": "float, optional"},
                },
            }
        ]
    ),
    "answers": json.dumps([{"name": "book_hotel", "arguments": {"city": "Oslo", "nights": 3}}]),
}
SGD: dict[str, Any] = {
    "id": "s",
    "label": "ask",
    "missing": ["city"],
    "tool": TOOL | {"service": "S"},
    "messages": [{"role": "user", "content": "A hotel for 3 nights"}],
    "known": {"nights": "3"},
    "call": {"name": "book_hotel", "arguments": {"city": "Oslo", "nights": "3"}},
}


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path
