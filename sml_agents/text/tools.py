"""Tools in words: those by which an agent asks the person, and calls that are written in a text.

    <tool_call>
    {"name": "book_table", "arguments": {"city": "Rome"}}
    </tool_call>

is how a call stands in a text, for models whose chat template knows no tools, and wherever a call has to be read by
somebody who sees text alone. `find_calls` reads it back, and the forms in which other templates write calls.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from sml_agents.text.clean import deep_clean

__all__ = [
    "ASKING_TOOL",
    "NOT_RUN",
    "UNPARSED",
    "CallsFound",
    "broken_call",
    "call_text",
    "find_calls",
    "is_unparsed",
    "json_text",
    "result_text",
    "tool_names",
    "tools_text",
]

UNPARSED = "unparsed"
"""Under this key a logged call keeps arguments that are no JSON: no argument of any tool, and nothing to learn from."""
ASKING_TOOL = re.compile(r"ask_?(?:the_?|a_?)?(?:user|human|person|customer)|(?:user|human)_?input", re.IGNORECASE)
"""Names of tools whose result is what the person answered."""
NOT_RUN = "Not run: "
"""How the result of a call begins that was refused and never reached its tool."""

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_TOLD = 'Call a tool by <tool_call>{"name": ..., "arguments": ...}</tool_call>. The tools:'
_DEEPEST = 40


def json_text(value: Any) -> str:
    """`value` as JSON, in which whole numbers may be of any length, and lone surrogates are written as escapes."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, default=str, separators=(",", ":"))


def tool_names(tools: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of tools in OpenAI's form."""
    functions = (tool.get("function") for tool in tools)
    return tuple(str(one.get("name", "")) if isinstance(one, Mapping) else "" for one in functions)


def tools_text(tools: Sequence[Mapping[str, Any]]) -> str:
    """What a system prompt says of the tools where the chat template does not."""
    signatures = "\n".join(json_text(tool) for tool in tools)
    return f"{_TOLD}\n<tools>\n{signatures}\n</tools>"


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as text."""
    return f"{_OPEN}\n{json_text({'name': name, 'arguments': arguments})}\n{_CLOSE}"


def broken_call(name: str | None, arguments: str | None) -> str:
    """A call that a server could not read, as text that cannot be read either."""
    return f"{_OPEN}\n{name or ''} {arguments or ''}\n{_CLOSE}"


def result_text(result: str) -> str:
    """What a tool returned, as text."""
    return f"<tool_response>\n{result}\n</tool_response>"


class CallsFound(NamedTuple):
    """The calls in a text."""

    rest: str
    """The text without them; what cannot be read stays in it."""
    made: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Name and arguments of each."""
    broken: bool = False
    """Something is marked as a call and cannot be read."""


def is_unparsed(arguments: Mapping[str, Any]) -> bool:
    """Whether a logged call's arguments could not be read."""
    return arguments.keys() == {UNPARSED}


def find_calls(text: str, names: Collection[str] = ()) -> CallsFound:
    """The calls in `text`, in time that is linear in its length.

    A call stands between `<tool_call>` and `</tool_call>` (or the end of the text) as a JSON object with `name` and
    `arguments` (`parameters`), or as a list of such. A text that is nothing but such an object or list, as the
    templates of Llama and Mistral have it, is a call if it names one of the tools `names`.
    """
    parts: list[str] = []
    made: list[tuple[str, dict[str, Any]]] = []
    broken, at = 0 <= text.find(_CLOSE) < text.find(_OPEN) or (_CLOSE in text and _OPEN not in text), 0
    while (start := text.find(_OPEN, at)) >= 0:
        end = text.find(_CLOSE, start)
        stop = end + len(_CLOSE) if end >= 0 else len(text)
        found = _read(text[start + len(_OPEN) : end if end >= 0 else len(text)])
        parts.append(text[at : start if found else stop])
        made += found
        broken = broken or not found
        at = stop
    rest = "".join([*parts, text[at:]]).strip()
    if not made and not broken and names and rest[:1] in ("{", "["):
        bare = _read(rest)
        if bare and all(name in names for name, _ in bare):
            return CallsFound("", tuple(bare))
    return CallsFound(rest, tuple(made), broken)


def _read(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls that a JSON text holds; none when it is no JSON, holds something else, or is nested beyond reason."""
    try:
        read = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        calls = [_call(one) for one in (read if isinstance(read, list) else [read])]
    except (ValueError, TypeError, RecursionError):
        return []
    return calls


def _call(one: Any) -> tuple[str, dict[str, Any]]:
    given = one.get("arguments", one.get("parameters", {})) if isinstance(one, dict) else None
    if isinstance(given, str):
        given = json.loads(given, parse_constant=_refuse, parse_float=_finite)
    if not isinstance(given, dict) or not isinstance(one.get("name"), str) or _too_deep(given, _DEEPEST):
        raise ValueError("no call")
    return one["name"], deep_clean(given)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else float(_refuse(digits))


def _too_deep(value: Any, levels: int) -> bool:
    if levels == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_too_deep(one, levels - 1) for one in inner if isinstance(one, dict | list))
