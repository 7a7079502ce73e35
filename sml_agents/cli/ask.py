"""`sml-agents ask`: what a request lacks, by the asker."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from sml_agents.cli.clean import clean
from sml_agents.cli.files import read_tools
from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError
from sml_agents.files import parse_json


def ask(
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT", help="What was said: the person's, the agent's, and so on in turn."),
    ],
    tools: Annotated[Path, typer.Option(metavar="FILE", help="JSON: a tool, or a list, as a provider takes them.")],
    asker: Annotated[str, typer.Option(metavar="SPEC", help="asker: (ready) or asker:FOLDER.")] = "asker:",
    tool: Annotated[str | None, typer.Option(metavar="NAME", help="The tool; else the asker chooses one.")] = None,
    call: Annotated[str | None, typer.Option(metavar="JSON", help="Arguments of a drafted call of that tool.")] = None,
    json: JsonFlag = False,
) -> Result:
    """Show how likely each required argument of a tool is missing, and what was said for the others.

    One message or several in turn, the person's first and last.
    """
    from sml_agents.agents.asker import drafted, tool_view
    from sml_agents.agents.slots import schema_of, tool_name
    from sml_agents.asker import Said, load_asker
    from sml_agents.text.schemas import flat, properties_of

    given = {tool_name(one): one for one in read_tools(tools)}
    if tool is not None and tool not in given:
        raise InputError(f"no tool in {tools} is named {tool!r}: it holds {', '.join(given)}")
    if not all(words.strip() for words in text):
        raise InputError("a message is empty: give what was said")
    if len(text) % 2 == 0:
        raise InputError("the last message is the agent's: give the person's answer, too")
    if call is not None and tool is None and len(given) > 1:
        raise InputError("--call needs --tool NAME: the tool that is called")
    said = [Said("assistant" if place % 2 else "user", words) for place, words in enumerate(text)]
    found = load_asker(asker)
    views = {name: tool_view(one) for name, one in given.items()}
    if tool is None and call is not None:
        tool = next(iter(given))
    if tool is None:
        chosen = found.choose([view for view, _ in views.values()], said)
        if chosen is None:
            return Result({"tool": None, "missing": {}, "asks": False}, lambda: print("none of the tools serves this"))
        tool = chosen.name
    view, slots = views[tool]
    drafts = None
    if call is not None:
        arguments = _arguments(call)
        known = list(properties_of(flat(schema_of(given[tool]), schema_of(given[tool]))))
        if unknown := sorted(set(arguments) - set(known)):
            raise InputError(f"{tool} has no argument {', '.join(unknown)}: it has {', '.join(known) or 'none'}")
        drafts = drafted(slots, arguments)
    values: dict[str, Any] = {}
    if drafts is not None:
        missing, line = found.missing(view, said, drafts), found.record.drafted
    else:
        filled, line = found.fill(view, said), found.record.line
        missing = {one.name: filled.missing[one.name] for one in view.required}
        values = {name: filled.told[name].value for name, p in missing.items() if p < line and filled.told[name].found}
    asks = any(p >= line for p in missing.values())
    payload = {"tool": tool, "missing": missing, "threshold": line, "asks": asks, "values": values}
    return Result(payload, lambda: _show(payload, {name: slot.question().text for name, slot in slots.items()}))


_NOT_MADE_OUT = "told, in words whose value was not made out"


def _show(found: dict[str, Any], questions: dict[str, str]) -> None:
    missing, line, values = found["missing"], found["threshold"], found["values"]
    print(f"{_line(found['tool'])}: asks from {line:.2f} on")
    shown = {name: _line(name) for name in missing}
    width = max(map(len, shown.values()), default=0)
    for name, probability in missing.items():
        told = f"= {json_module.dumps(values[name], ensure_ascii=False)}" if name in values else _NOT_MADE_OUT
        said = _line(questions[name] if probability >= line else told)
        print(f"  {shown[name]:{width}}  {probability:.2f}  {said}".rstrip())
    if not missing:
        print("  it requires nothing")


def _line(text: str) -> str:
    """What a tools file or a person wrote, in one line that cannot move the cursor."""
    return clean(" ".join(text.split()))


def _arguments(call: str) -> dict[str, Any]:
    try:
        read = parse_json(call)
    except ValueError as error:
        raise InputError(f"--call is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise InputError("--call is a JSON object of arguments")
    return read
