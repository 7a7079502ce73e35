"""How soon threads hand the interpreter over while a store on a server is written to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.traces import AsyncWriter, TraceStore
from sml_agents.traces.handover import quick_handover


@pytest.fixture(autouse=True)
def usual() -> Iterator[float]:
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_it_is_as_before_when_the_last_of_several_has_ended(usual: float) -> None:
    first, second = quick_handover(), quick_handover()
    first.__enter__()
    quick = sys.getswitchinterval()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == quick < usual
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == usual


@pytest.mark.parametrize("chosen", [1e-6, 1e-4, 0.02])
def test_who_chose_a_time_keeps_it(chosen: float) -> None:
    sys.setswitchinterval(chosen)
    chosen = sys.getswitchinterval()
    with quick_handover():
        assert sys.getswitchinterval() == min(chosen, 0.0005)
    assert sys.getswitchinterval() == chosen
    with quick_handover():
        sys.setswitchinterval(0.001)
    assert sys.getswitchinterval() == 0.001


@pytest.mark.postgres
async def test_a_writer_has_it_where_a_thread_writes(postgres: str, tmp_path: Path, usual: float) -> None:
    with TraceStore.open(tmp_path / "file.sqlite") as file, TraceStore.open(postgres) as server:
        alone = AsyncWriter(file)
        assert sys.getswitchinterval() == usual
        writer = AsyncWriter(server)
        assert sys.getswitchinterval() < usual
        await alone.drain()
        await writer.drain()
        await writer.drain()
    assert sys.getswitchinterval() == usual
