"""Calls of tools and their results that a model wrote into its text.

    <tool_call>{"name": ..., "arguments": {...}}</tool_call>     Hermes, Qwen; results in <tool_response>
    <tool_call><function=NAME><parameter=P>value</parameter>...  Qwen3-Coder
    [TOOL_CALLS][{"name": ..., "arguments": {...}}]              Mistral
    <|channel|>commentary to=functions.NAME ...<|message|>{...}  gpt-oss

What cannot be read as a call stays in the words.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from sml_agents.text.thinking import channels
from sml_agents.traces.importers.json_text import read_json
from sml_agents.traces.importers.parts import BadRecord, Call, Result, Said, as_text, read_arguments, read_call

__all__ = ["take_written"]

_CALL = ("<tool_call>", "</tool_call>")
_RESULT = ("<tool_response>", "</tool_response>")
_FUNCTION = re.compile(r"<function=([^>\s]{1,200})>")
_PARAMETER = re.compile(r"<parameter=([^>\s]{1,200})>\n?(.*?)\n?</parameter>", re.DOTALL)
_TO = re.compile(r"to=(?:functions\.)?([\w.-]{1,200})")
_LONGEST_LITERAL = 100_000


def take_written(said: Said, *, whole: bool = False) -> None:
    """Move what is written as a call or a result from the text of `said` to where it belongs.

    `whole`: all of the text is a call (or a list of calls). Raises BadRecord when it cannot be read as one.
    """
    text = said.text
    if whole and _CALL[0] not in text:
        found = _value(text)
        if found is None:
            raise BadRecord("a function call is not JSON")
        said.calls += [read_call(one) for one in (found if isinstance(found, list) else [found])]
        said.text = ""
        return
    if said.speaker == "assistant":
        if _CALL[0] in text:
            said.text = _without(text, _CALL, lambda body: _take_call(body, said))
        elif "[TOOL_CALLS]" in text:
            words, _, body = text.partition("[TOOL_CALLS]")
            if (found := _calls(_value(body))) is not None:
                said.calls += found
                said.text = words.strip()
        elif "to=" in text and "<|message|>" in text:
            _take_channels(text, said)
    elif _RESULT[0] in text:
        said.text = _without(text, _RESULT, lambda body: _take_result(body, said))


def _without(text: str, marks: tuple[str, str], take: Any) -> str:
    """`text` without the blocks between `marks` that `take` took."""
    opening, closing = marks
    words = []
    at = 0
    while (start := text.find(opening, at)) >= 0:
        end = text.find(closing, start)
        stop = end if end >= 0 else len(text)
        words.append(text[at:start])
        at = stop + len(closing) if end >= 0 else stop
        if not take(text[start + len(opening) : stop].strip()):
            words.append(text[start:at])
    words.append(text[at:])
    return "".join(words).strip()


def _take_call(body: str, said: Said) -> bool:
    function = _FUNCTION.match(body)
    if function is not None:
        arguments = {name: _plain(value) for name, value in _PARAMETER.findall(body)}
        said.calls.append(Call(function[1], arguments))
        return True
    found = _calls(_value(body))
    said.calls += found or ()
    return found is not None


def _take_result(body: str, said: Said) -> bool:
    found = _value(body)
    if isinstance(found, dict) and "content" in found and ("name" in found or "tool_call_id" in found):
        id, name = as_text(found.get("tool_call_id")), as_text(found.get("name"))
        said.results.append(Result(id, as_text(found["content"]), name))
    else:
        said.results.append(Result("", body))
    return True


def _take_channels(text: str, said: Said) -> None:
    words = []
    found = channels(text)
    for _, raw, body in found:
        to = _TO.search(raw) if raw != body else None
        if to is None:
            words.append(raw)
        else:
            said.calls.append(Call(to[1], read_arguments(body.strip())))
    said.text = "".join(words).strip() if found else text


def _calls(found: Any) -> list[Call] | None:
    try:
        return [read_call(one) for one in (found if isinstance(found, list) else [found])]
    except BadRecord:
        return None


def _value(text: str) -> Any:
    """The value written in `text`, as JSON or as Python shows it; None when it is neither."""
    try:
        return read_json(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        pass
    if len(text) > _LONGEST_LITERAL or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _plain(text: str) -> Any:
    """A value of a parameter: JSON where it is some, else the text."""
    found = _value(text) if text[:1] in "[{" or text in ("true", "false", "null") else None
    return text if found is None else found
