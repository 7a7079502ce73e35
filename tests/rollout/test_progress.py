"""What a person sees of a run."""

from __future__ import annotations

import io
import os
import pty
import select

import pytest

from sml_agents.rollout import Progress, ProgressBar
from sml_agents.rollout.progress import describe


def progress(done: int, **changes: object) -> Progress:
    given = {"total": 100, "solved": 7, "asked": 3, "failed": 0, "resumed": 0, "tokens": 4100, "elapsed": 100.0}
    return Progress(done=done, **{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (progress(20), "20/100 done, 7 solved, 3 asked, 41 tokens/s, 6:40 left"),
        (progress(20, failed=2, tokens=0), "20/100 done, 7 solved, 3 asked, 2 failed, 6:40 left"),
        (progress(20, solved=0, primed=9, tokens=0), "20/100 done, 9 solved (9 by Q-priming), 3 asked, 6:40 left"),
        (progress(20, total=None), "20 done, 7 solved, 3 asked, 41 tokens/s"),
        (progress(60, resumed=59, elapsed=200.0), "60/100 done, 7 solved, 3 asked, 20 tokens/s, 2:13:20 left"),
        (progress(60, resumed=60, tokens=0), "60/100 done, 7 solved, 3 asked"),
        (progress(100), "100/100 done, 7 solved, 3 asked, 41 tokens/s, 0:00 left"),
    ],
)
def test_one_line(at: Progress, line: str) -> None:
    assert describe(at) == line


def test_rates_without_time_are_unknown_or_zero() -> None:
    start = progress(0, elapsed=0.0)
    assert (start.tokens_per_second, start.eta) == (0.0, None)


def test_where_there_is_no_terminal_the_first_and_the_last_are_lines() -> None:
    stream = io.StringIO()
    with ProgressBar("eval", stream=stream, every=60) as bar:
        for done in range(0, 101):
            bar(progress(done))
    lines = stream.getvalue().splitlines()
    assert [line.split(" done")[0] for line in lines] == ["eval: 0/100", "eval: 100/100"]


def test_lines_come_every_so_often_and_none_twice() -> None:
    stream = io.StringIO()
    with ProgressBar(stream=stream, every=0) as bar:
        for done in (0, 50, 100):
            bar(progress(done))
    assert len(stream.getvalue().splitlines()) == 3


def test_a_run_that_never_began_shows_nothing() -> None:
    stream = io.StringIO()
    with ProgressBar(stream=stream):
        pass
    assert stream.getvalue() == ""


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    main, side = pty.openpty()
    shown = ""
    with os.fdopen(side, "w") as stream:
        with ProgressBar("pencils", stream=stream) as bar:
            bar(progress(0))
            bar(progress(100))
        while select.select([main], [], [], 2)[0] and "\x1b[?25h" not in shown:  # it comes in pieces
            shown += os.read(main, 65536).decode()
    os.close(main)
    assert "pencils" in shown and "100/100" in shown and "7 solved, 3 asked, 41 tokens/s" in shown
    assert shown.rstrip().endswith("\x1b[?25h"), "the cursor is back"
