"""Shells complete what the parser knows: tried in a real bash."""

from __future__ import annotations

import shutil
import subprocess
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
    "": {"run", "import", "recipes", "completions"},
    "ru": {"run"},
    "run --gu": {"--guard"},
    "run --guard ": {"off", "flag", "mask", "end"},
    "run --store s --guard m": {"mask"},
    "run --tasks arithmetic ": set(),  # files
    "-": {"--version", "--help"},
    "recipes ": {"list", "copy"},
    "recipes copy --f": {"--force"},
    "recipes list --": {"--json", "--help"},
    "gguf model --type ": {"f32", "f16", "bf16", "q8_0"},
    "completions ": {"bash", "zsh", "fish"},
    "chat --as ": {"user", "teacher"},
    "view s --no": {"--no-open"},
    "nonsense --s": set(),
    "run -- --stor": {"--store"},
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_in_bash(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [script("bash", capsys), "export LC_ALL=C"]
    for line in LINES:
        words = " ".join(f"'{word}'" for word in ["sml-agents", *line.split(" ")])
        asked.append(f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _sml_agents")
        asked.append('echo "${COMPREPLY[*]}"')
    done = subprocess.run(["bash", "-uc", "\n".join(asked)], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    for line, found in zip(LINES, done.stdout.splitlines(), strict=True):
        wanted, offered = LINES[line], set(found.split())
        last = line.rpartition(" ")[2]
        assert wanted <= offered and bool(wanted) == bool(offered), (line, offered)
        assert all(one.startswith(last) for one in offered)


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
