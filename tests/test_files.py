"""Files that a user names: what is read, and what is put in which place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sml_agents.errors import InputError
from sml_agents.files import parse_json, read_text, refusal, write_whole
from sml_agents.traces import TraceStore


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert parse_json(read_text(tmp_path / "tools.json")) == [1]


def test_what_is_nested_too_deeply_is_wrong_as_any_other_json() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        parse_json("[" * 100_000)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(Path("there", "file"))
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "file").read_text() == "new"


def test_nothing_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no ordinary file"):
        write_whole(tmp_path / "pipe", "new")
    assert (tmp_path / "pipe").is_fifo()


def test_a_store_of_dialogues_is_not_written_over(tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "run.sqlite"):
        pass
    before = (tmp_path / "run.sqlite").read_bytes()
    with pytest.raises(InputError, match="store of dialogues"):
        write_whole(tmp_path / "run.sqlite", "<html>")
    assert (tmp_path / "run.sqlite").read_bytes() == before
    write_whole(tmp_path / "run.html", "<html>")
    write_whole(tmp_path / "run.html", "<html lang=en>")


def test_what_a_user_can_mend_is_told_and_nothing_else() -> None:
    denied = refusal(PermissionError(errno.EACCES, "Permission denied", "locked/x"))
    assert denied is not None
    assert denied.startswith("locked/x: Permission denied: check")
    assert refusal(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None
