"""`sml-agents recipes`: the runnable graphs and training recipes, to read and to change."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError
from sml_agents.files import obstacle

app = typer.Typer(help="List graphs and training recipes; copy one.", no_args_is_help=True)

FOLDERS = ("graphs", "finetune")


def recipe_files() -> dict[str, Path]:
    """Every recipe by name, such as `graphs/student_teacher`; from the wheel's data, or from a checkout."""
    package = Path(__file__).resolve().parent.parent
    root = package / "recipes"
    if not root.is_dir():
        root = package.parent
    return {
        f"{folder}/{path.stem}": path
        for folder in FOLDERS
        for path in sorted((root / folder).glob("*.py"))
        if not path.name.startswith("_")
    }


def recipe_with(file: str) -> str | None:
    """The recipe that brings a settings file of that name, such as `finetune/train` for `train_cpu.yaml`.

    Args:
        file: the name alone, without a folder.
    """
    brings = (name for name, path in recipe_files().items() if file in [one.name for one in _companions(path)])
    return next(brings, None)


def _summary(path: Path) -> str:
    lines = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()
    return lines[0] if lines else ""


def _companions(path: Path) -> list[Path]:
    """The recipe and the settings files that carry its name (`sft.py`, `configs/sft.yaml`, `configs/sft_gpu.yaml`)."""
    beside = [*path.parent.glob(f"{path.stem}*"), *path.parent.glob(f"configs/{path.stem}*")]
    return [path, *sorted(other for other in beside if other.suffix in {".yaml", ".json", ".toml"})]


@app.command("list")
def list_recipes(json: JsonFlag = False) -> Result:
    """List the recipes."""
    listed = [
        {
            "name": name,
            "summary": _summary(path),
            "files": [file.relative_to(path.parent).as_posix() for file in _companions(path)],
        }
        for name, path in recipe_files().items()
    ]

    def show() -> None:
        for recipe in listed:
            print(f"{recipe['name']}\n    {recipe['summary']}")

    return Result({"recipes": listed}, show)


@app.command("copy")
def copy_recipe(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name that `recipes list` prints; the last part is enough.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder to copy to, made when missing; else finetune or graphs."),
    ] = None,
    force: Annotated[bool, typer.Option(help="Overwrite files that are there.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Copy a recipe and its settings files into a folder of yours.

    Without --to they lie as in a checkout, finetune/train.py and graphs/student_teacher.py, and the commands of the
    documentation find them. Files that are there already and are the same are left alone.
    """
    recipes = recipe_files()
    wanted = name.strip("/").removesuffix(".py")
    matches = [known for known in recipes if wanted in (known, known.split("/")[-1])]
    if len(matches) != 1:
        known = ", ".join(matches or recipes) or "none are installed"
        raise InputError(f"there is {'more than one' if matches else 'no'} recipe {name!r}; choose one of: {known}")
    recipe = recipes[matches[0]]
    to = Path(matches[0]).parent if to is None else to
    there: list[str] = []
    unchanged: list[str] = []
    wanted_files: list[tuple[Path, Path]] = []
    for file in _companions(recipe):
        target = to / file.relative_to(recipe.parent)
        if _is_same(file, target):
            unchanged.append(str(target))
            continue
        wanted_files.append((file, target))
        there += [str(target)] * os.path.lexists(target)
    if to.exists() and not to.is_dir():
        raise InputError(f"{to} is a file; give a folder with --to")
    if not force and there:
        raise InputError(f"{', '.join(there)} would be overwritten; use --force or another folder with --to")
    try:
        for file, target in wanted_files:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    except OSError as error:
        raise InputError(f"cannot write to {to}: {obstacle(to, error)}") from error
    copied = [str(target) for _, target in wanted_files]

    def show() -> None:
        print("\n".join([*copied, *(f"{path} is there already, the same" for path in unchanged)]))

    return Result({"recipe": matches[0], "copied": copied, "unchanged": unchanged}, show)


def _is_same(file: Path, target: Path) -> bool:
    try:
        return target.is_file() and target.read_bytes() == file.read_bytes()
    except OSError:
        return False
