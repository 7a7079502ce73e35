"""Shells complete what the parser knows: tried in real ones."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from sml_agents.cli import main
from sml_agents.cli.app import app
from sml_agents.cli.completions import commands

TREE = list(commands(get_command(app)))


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completions", shell]) == 0
    return capsys.readouterr().out


LINES = {
    "": {one.path[0] for one in TREE if len(one.path) == 1},
    "ru": {"run"},
    "run --gu": {"--guard"},
    "run --guard ": {"off", "flag", "mask", "end"},
    "run --store s --guard m": {"mask"},
    "run --tasks arithmetic ": set(),  # files
    "-": {"--version", "--json", "--help"},
    "recipes ": {"list", "copy"},
    "recipes copy --f": {"--force"},
    "recipes list --": {"--json", "--help"},
    "gguf model --type ": {"f32", "f16", "bf16", "q8_0"},
    "completions ": {"bash", "zsh", "fish"},
    "chat --as ": {"user", "teacher"},
    "view s --no": {"--no-open"},
    "nonsense --s": set(),
    "recipes copy list --t": {"--to"},
    "show run --s": {"--solved", "--stop"},
    "report demo --d": {"--dialogues"},
    "--json ru": {"run"},
}


def in_bash(script: str, folder: Path) -> list[str]:
    asked = [script, "export LC_ALL=C"]
    for line in LINES:
        words = " ".join(f"'{word}'" for word in ["sml-agents", *line.split(" ")])
        asked.append(f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _sml_agents")
        asked.append('echo "${COMPREPLY[*]}"')
    return ran(["bash", "-uc", "\n".join(asked)], folder).splitlines()


def in_zsh(script: str, folder: Path) -> list[str]:
    """A terminal whose line editor completes each line; `compadd`, which offers, writes down what it would."""
    lines = " ".join(f"'sml-agents {line}'" for line in LINES)
    (folder / ".zshrc").write_text(_ZSHRC.replace("SCRIPT", script).replace("LINES", lines))
    spoken = "zmodload zsh/zpty; zpty shell zsh -i; while zpty -r shell line; do :; done; cat .offered"
    return ran(["env", f"ZDOTDIR={folder}", "TERM=xterm", "zsh", "-fc", spoken], folder).splitlines()


_ZSHRC = """
autoload -U compinit; compinit -D
SCRIPT
compadd() { local -a hits; builtin compadd -O hits "$@"; print -rn -- "$hits " >> .offered; false; }
zle-line-init() {
    for line in LINES; do
        BUFFER=$line; CURSOR=$#BUFFER; zle list-choices; print >> .offered
    done
    exit
}
zle -N zle-line-init
"""


def in_fish(script: str, folder: Path) -> list[str]:
    (folder / ".script").write_text(script)
    asked = ["source .script"]
    asked += [f"echo (complete -C 'sml-agents {line}' | string split -f1 \\t)" for line in LINES]
    return ran(["fish", "--no-config", "-c", "\n".join(asked)], folder).splitlines()


def ran(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("shell", "completed"), {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}.items())
def test_what_is_offered(
    shell: str, completed: Callable[[str, Path], list[str]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    for line, found in zip(LINES, completed(script(shell, capsys), tmp_path), strict=True):
        assert set(found.split()) == LINES[line], line


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_there(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = script(shell, capsys)
    assert len(TREE) > 20 and {("recipes", "copy"), ("run",)} <= {one.path for one in TREE}
    for command in TREE:
        assert command.path == () or command.path[-1] in text
        for name in command.option_names:
            assert (name if shell != "fish" else f" {name.lstrip('-')}") in text, (command.path, name)
    if shell == "fish":
        assert "-x -a 'off flag mask end'" in text and "student\\'s" in text
    if program := shutil.which(shell):
        (tmp_path / "script").write_text(text)
        subprocess.run([program, "-n", str(tmp_path / "script")], check=True, timeout=60)


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completions", "tcsh", "--json"]) == 2
    said = capsys.readouterr().out
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in said and "Value error" not in said
