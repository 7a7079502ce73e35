"""What a user gets: the names, the speed of importing, and what is in the wheel."""

from __future__ import annotations

import ast
import re
import resource
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, requires
from pathlib import Path
from typing import Any

import pytest

import sml_agents

HEAVY = ("torch", "transformers", "trl", "datasets", "langgraph", "langchain_core", "sqlalchemy", "aiohttp", "openai")


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def in_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def best_of(times: int, code: str) -> float:
    """Processor seconds of the fastest of several processes: wall time says more of what else the machine is doing."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def once() -> float:
        before = spent()
        in_python(code)
        return spent() - before

    return min(once() for _ in range(times))


def test_public_names_are_all_there() -> None:
    assert sorted(sml_agents.__all__) == sml_agents.__all__
    for name in sml_agents.__all__:
        assert getattr(sml_agents, name) is not None
    assert set(sml_agents.__all__) <= set(dir(sml_agents))


def test_lazy_names_are_those_that_type_checkers_see(repository: Path) -> None:
    tree = ast.parse((repository / "sml_agents" / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sml_agents.")
        for alias in node.names
    }
    assert imported == sml_agents._MODULE_OF


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'teach'"):
        sml_agents.teach  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    loaded = in_python(f"import sys, sml_agents; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded == "[]"


def test_what_runs_dialogues_loads_their_graph_when_it_runs_one() -> None:
    assert in_python("import sys, sml_agents.rollout; print('langgraph' in sys.modules)") == "False"


def test_import_is_fast() -> None:
    bare, ours = best_of(3, "pass"), best_of(3, "import sml_agents")
    assert ours - bare < 0.3


def test_help_is_fast_and_loads_nothing_heavy() -> None:
    program = "import sys; from sml_agents.cli import main; code = main(['--help']); "
    assert best_of(3, program + "sys.exit(code)") < 0.5
    listed = in_python(program + f"print([name for name in {HEAVY} if name in sys.modules])")
    assert listed.splitlines()[-1] == "[]"


def test_version_is_said_once(project: dict[str, Any], repository: Path) -> None:
    assert project["project"]["dynamic"] == ["version"] and "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "sml_agents/__init__.py"
    assert f"version: {sml_agents.__version__}\n" in (repository / "CITATION.cff").read_text(encoding="utf-8")


def test_the_console_script_is_named_after_the_project() -> None:
    ours = [script for script in entry_points(group="console_scripts") if script.value.startswith("sml_agents")]
    assert [script.name for script in ours] == ["sml-agents"]


def test_the_core_stays_light(project: dict[str, Any]) -> None:
    core = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in project["project"]["dependencies"]}
    assert not core & {"torch", "transformers", "trl", "datasets", "langchain", "openai", "pyarrow", "accelerate"}
    assert requires("sml-agents"), "installed, in editable form or not"


def test_extras_that_errors_name_exist(project: dict[str, Any], repository: Path) -> None:
    extras = project["project"]["optional-dependencies"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in (repository / "sml_agents").rglob("*.py"))
    named = set(re.findall(r'MissingExtra\([^)]*?"([a-z-]+)"\)', source)) | set(
        re.findall(r"sml-agents\[(\w+)\]", source)
    )
    assert named, "the search finds some"
    assert named <= set(extras)


def test_what_is_imported_is_declared(project: dict[str, Any], repository: Path) -> None:
    """Every library that some module imports is a dependency of the core or of an extra."""
    extras = project["project"]["optional-dependencies"].values()
    declared = [*project["project"]["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[^A-Za-z0-9_-]", line)[0].lower().replace("-", "_") for line in declared}
    known = {"yaml": "pyyaml", "markupsafe": "jinja2"}  # markupsafe is part of jinja2's interface
    missing = set()
    for path in (repository / "sml_agents").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module or ""]
            for module in modules:
                top = module.split(".")[0]
                if top not in sys.stdlib_module_names | {"sml_agents"} and known.get(top, top).lower() not in names:
                    missing.add(f"{path.relative_to(repository)}: {top}")
    assert not missing


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from what git has; no network is needed, the build backend is a development dependency."""
    copy = tmp_path_factory.mktemp("source") / "a folder"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=repository, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (repository / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / name, copy / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    done = subprocess.run(build, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next((copy / "out").glob("*.whl")))


def test_the_wheel_holds_one_package(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"sml_agents", f"sml_agents-{sml_agents.__version__}.dist-info"}


def test_the_wheel_holds_all_of_it(wheel: zipfile.ZipFile, repository: Path) -> None:
    listed = ["git", "ls-files", "--", "sml_agents"]
    files = subprocess.run(listed, cwd=repository, capture_output=True, text=True, check=True).stdout.splitlines()
    there = [name for name in files if (repository / name).is_file()]
    assert set(there) <= set(wheel.namelist())
    assert "sml_agents/py.typed" in wheel.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_wheel_carries_the_recipes_as_data(wheel: zipfile.ZipFile, repository: Path) -> None:
    for folder in ("graphs", "finetune"):
        here = {path.name for path in (repository / folder).glob("*.py")}
        there = {Path(name).name for name in wheel.namelist() if name.startswith(f"sml_agents/recipes/{folder}/")}
        assert here and here <= there


def test_an_installed_wheel_runs(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Unpacked somewhere else: no file of the checkout is needed."""
    wheel.extractall(tmp_path / "site")
    code = "import sys; sys.path.insert(0, 'site'); from sml_agents.cli import main; sys.exit(main(sys.argv[1:]))"
    for arguments in (["recipes", "list", "--json"], ["run", "--help"]):
        run = [sys.executable, "-S", "-c", f"import site; site.main(); {code}", *arguments]
        done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout
