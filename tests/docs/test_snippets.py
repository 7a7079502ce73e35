"""Every snippet of the pages without a test of their own runs, in order, as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import run_forked

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ELSEWHERE = {
    "chat-ui.md": "graphs/test_chat_ui.py",
    "clarify.md": "agents/test_guide.py",
    "code.md": "sandbox/test_docs.py",
    "deploy.md": "docs/test_deploy.py",
    "engines.md": "engines/test_verifiers.py",
    "evaluators.md": "engines/test_inspect.py",
    "from-logs.md": "docs/test_from_logs.py",
    "own/asker.md": "docs/test_own_asker.py",
    "reinforcement.md": "training/test_grpo.py",
    "serving.md": "serving/test_clients.py",
    "training.md": "training/test_docs.py",
}
"""Pages whose snippets need models, servers or other numbers: the test that runs them."""
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if page.relative_to(DOCS).as_posix() not in ELSEWHERE and "\n```" in page.read_text(encoding="utf-8")
]


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Language, title (the name of a file) and text of each fenced block."""
    fence = r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```'
    yield from re.findall(fence, page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_the_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    embedded_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for language, title, text in blocks(page):
        if title:
            (tmp_path / title).write_text(text, encoding="utf-8")
        elif language == "python":
            exec(compile(text, page.name, "exec", dont_inherit=True), names)
        elif language == "bash":
            for command in text.splitlines():
                words = shlex.split(command)
                assert words[0] == "sml-agents", command
                done = run_forked(*words[1:], cwd=tmp_path)
                assert done.code == 0, f"{command}\n{done.err}"
    if page.stem == "first-hour":
        said = capsys.readouterr().out.splitlines()
        assert not any("Booked" in line for line in said[: said.index("What is the date?")])
        assert "tool   Booked Paris for 2027-05-05." in said and said[-1] == "ai     You travel to Paris on 5 May 2027."
        assert "trained" in (tmp_path / "first.html").read_text(encoding="utf-8")
    for name in [name for name in names if name.startswith("Test")]:
        suite = names[name]
        for test in [test for test in dir(suite) if test.startswith("test_")]:
            getattr(suite(), test)()  # type: ignore[operator]


def test_the_pages_that_are_run_elsewhere_are_there() -> None:
    assert all((DOCS / page).exists() and (ROOT / "tests" / test).exists() for page, test in ELSEWHERE.items())
