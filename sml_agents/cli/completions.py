"""`sml-agents completions`: what a shell needs to know to complete commands, options and their values.

Made of the parser itself, and static: completing runs no Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from sml_agents.cli.result import JsonFlag, Result

Shell = Literal["bash", "zsh", "fish"]


@dataclass(frozen=True)
class Option:
    names: tuple[str, ...]
    """With their dashes."""
    help: str
    choices: tuple[str, ...]
    takes_value: bool


@dataclass(frozen=True)
class Command:
    """One place in the tree of commands."""

    path: tuple[str, ...]
    """The words that lead to it; empty for the program itself."""
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...]
    """What may follow that is no option: commands, or the values of an argument."""
    is_group: bool

    @property
    def at(self) -> str:
        """The path as the scripts keep it, such as `/recipes/list`."""
        return "".join(f"/{word}" for word in self.path)

    @property
    def option_names(self) -> tuple[str, ...]:
        return tuple(name for option in self.options for name in option.names)


def completions(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="The shell.")],
    json: JsonFlag = False,
) -> Result:
    """Print what makes a shell complete sml-agents.

    bash and zsh: eval "$(sml-agents completions bash)" in ~/.bashrc or ~/.zshrc. fish: sml-agents completions fish >
    ~/.config/fish/completions/sml-agents.fish
    """
    script = "\n".join(_SCRIPTS[shell](list(commands(context.find_root().command))))
    return Result({"shell": shell, "script": script}, lambda: print(script))


def commands(parser: Any, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """The program and all below it, as `parser` knows them."""
    inner: dict[str, Any] = getattr(parser, "commands", {})
    options = [_option(one) for one in parser.params if one.param_type_name == "option"]
    options.append(Option(("--help",), "Show this message and exit.", (), False))
    arguments = [choice for one in parser.params if one.param_type_name == "argument" for choice in _choices(one)]
    yield Command(path, parser.get_short_help_str(80), tuple(options), tuple(inner or arguments), bool(inner))
    for name, one in inner.items():
        yield from commands(one, (*path, name))


def _option(parameter: Any) -> Option:
    names = (*parameter.opts, *parameter.secondary_opts)
    takes_value = not (parameter.is_flag or parameter.count)
    return Option(names, (parameter.help or "").partition(". ")[0], _choices(parameter), takes_value)


def _choices(parameter: Any) -> tuple[str, ...]:
    """The values that a parameter may have, where they are few: typer's own classes keep the annotation, click's a
    type."""
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return tuple(map(str, getattr(getattr(parameter, "type", None), "choices", ())))


def _bash(tree: Sequence[Command]) -> Iterator[str]:
    yield "_sml_agents() {"
    yield '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} at="" words="" one'
    yield '    for one in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield f'        case "$at/$one" in {_paths(tree)}) at="$at/$one" ;; esac'
    yield "    done"
    yield '    case "$at $before" in'
    yield from (f'        {place}) words="{values}" ;;' for place, values in _values(tree))
    yield '        *) case "$at" in'
    for one in tree:
        yield f'            "{one.at}") words="{" ".join(one.words)}"; [[ $word == -* ]] && words="{_names(one)}" ;;'
    yield "        esac ;;"
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield "}"
    yield "complete -o default -F _sml_agents sml-agents"


def _zsh(tree: Sequence[Command]) -> Iterator[str]:
    yield "#compdef sml-agents"
    yield "_sml_agents() {"
    yield '    local before=${words[CURRENT-1]} at="" one'
    yield '    for one in "${(@)words[2,CURRENT-1]}"; do'
    yield f'        case "$at/$one" in ({_paths(tree)}) at="$at/$one" ;; esac'
    yield "    done"
    yield '    case "$at $before" in'
    yield from (f"        ({place}) compadd -- {values}; return ;;" for place, values in _values(tree))
    yield "    esac"
    yield '    case "$at" in'
    for one in tree:
        others = f"compadd -- {' '.join(one.words)}" if one.words else "_files"
        yield f'        ("{one.at}") if [[ $PREFIX == -* ]]; then compadd -- {_names(one)}; else {others}; fi ;;'
    yield "    esac"
    yield "}"
    yield "compdef _sml_agents sml-agents"


def _fish(tree: Sequence[Command]) -> Iterator[str]:
    yield "function __sml_agents_at"
    yield "    set -l at ''"
    yield "    for one in (commandline -opc)[2..]"
    yield f"        contains -- $at/$one {' '.join(one.at for one in tree if one.path)}; and set at $at/$one"
    yield "    end"
    yield '    test "$at" = "$argv[1]"'
    yield "end"
    for one in tree:
        here = f"complete -c sml-agents -n {_quoted(f'__sml_agents_at {one.at}'.rstrip())}"
        for word in one.words:
            about = next((inner.help for inner in tree if inner.path == (*one.path, word)), "")
            yield f"{here} -f -a {word} -d {_quoted(about)}"
        for option in one.options:
            names = " ".join(f"-{'l' if name.startswith('--') else 's'} {name.lstrip('-')}" for name in option.names)
            value = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else " -r" * option.takes_value
            yield f"{here} {names}{value} -d {_quoted(option.help)}"


_SCRIPTS: dict[Shell, Callable[[Sequence[Command]], Iterator[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def _paths(tree: Sequence[Command]) -> str:
    return "|".join(f'"{one.at}"' for one in tree if one.path)


def _names(command: Command) -> str:
    return " ".join(command.option_names)


def _values(tree: Sequence[Command]) -> Iterator[tuple[str, str]]:
    """Where the value of an option is due, as the pattern of a `case`, and the values; none where it may be a file."""
    for one in tree:
        for option in one.options:
            if option.takes_value and (option.choices or one.words):
                yield "|".join(f'"{one.at} {name}"' for name in option.names), " ".join(option.choices)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
