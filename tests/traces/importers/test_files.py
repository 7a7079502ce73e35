"""Files in any state: what is damaged is lost with its place, and nothing else; nothing hangs or fills the memory."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import lzma
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from sml_agents.traces.importers import import_logs
from sml_agents.traces.importers.lines import rows
from sml_agents.traces.importers.record import Loss
from tests.pace import within
from tests.traces.importers.reading import agent, person, read, said

ROWS = [{"messages": [person(f"q {n} \u00e9\u4e2d"), agent(f"a {n}")], "n": n} for n in range(5)]


def found_in(path: Path, *inside: str) -> tuple[list[Any], list[Loss]]:
    losses: list[Loss] = []
    return [row.value for row in rows(str(path), losses.append, inside=inside)], losses


TEXTS = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "lines with spaces between": "\n\n \n".join(f"  {json.dumps(row)}\r" for row in ROWS),
    "an array on one line": json.dumps(ROWS),
    "an indented array": json.dumps(ROWS, indent=2),
    "an array of lines": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "one after the other": "".join(map(json.dumps, ROWS)),
    "indented, one after the other": "\n".join(json.dumps(row, indent=1) for row in ROWS),
    "a JSON text sequence": "".join(f"\x1e{json.dumps(row)}\n" for row in ROWS),
    "inside an object": json.dumps({"about": {"x": [1]}, "runs": ROWS, "next": None}),
    "inside an object, indented": json.dumps({"runs": ROWS}, indent=3),
    "arrays one after the other": json.dumps(ROWS[:2]) + "\n" + json.dumps(ROWS[2:]),
    "not escaped": json.dumps(ROWS, ensure_ascii=False),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_form_in_every_encoding(name: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(TEXTS[name].encode(encoding))
    assert found_in(tmp_path / "log", "runs") == (ROWS, [])


def packed_by_zstd(data: bytes) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, packed_by_zstd])
def test_every_packing(pack: Any, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(pack(TEXTS["lines"].encode()))
    assert found_in(tmp_path / "log") == (ROWS, [])


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("name", TEXTS)
def test_wherever_a_piece_of_the_file_ends(
    name: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sml_agents.traces.importers.unpack.PIECE", piece)
    (tmp_path / "log").write_text(TEXTS[name], encoding="utf-8")
    assert found_in(tmp_path / "log", "runs") == (ROWS, [])


def test_byte_order_marks_inside_a_file(tmp_path: Path) -> None:
    mark = codecs.BOM_UTF8
    (tmp_path / "lines").write_bytes(b"".join(mark + json.dumps(row).encode() + b"\n" for row in ROWS))
    assert found_in(tmp_path / "lines") == (ROWS, [])
    (tmp_path / "arrays").write_bytes(mark + json.dumps(ROWS[:2]).encode() + mark + json.dumps(ROWS[2:]).encode())
    assert found_in(tmp_path / "arrays") == (ROWS, [])


ODD = {
    '{"x": NaN}': {"x": None},
    '{"x": [Infinity, -Infinity, 1]}': {"x": [None, None, 1]},
    '{"x": "\\ud800"}': {"x": "\ufffd"},
    '{"x": "a\\udfffb \\ud83d\\ude00"}': {"x": "a\ufffdb \U0001f600"},
    '{"x": "a\tb"}': {"x": "a\tb"},
    '{"x": 123456789012345678901234567890}': {"x": 123456789012345678901234567890},
}


@pytest.mark.parametrize("text", ODD, ids=repr)
@pytest.mark.parametrize("form", ["{0}\n{{}}\n", "[{0}, {{}}]", "[\n {0},\n {{}}\n]", '{{"runs": [{0}, {{}}]}}'])
def test_what_only_some_parsers_take(text: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(form.format(text))
    found, losses = found_in(tmp_path / "log", "runs")
    assert losses == [] and len(found) == 2
    assert repr(found[0]) == repr(ODD[text]) or float(found[0]["x"]) == float(ODD[text]["x"])


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"x": "caf\xe9"}\n{"x": 1}\n')
    assert found_in(tmp_path / "log") == ([{"x": "caf\ufffd"}, {"x": 1}], [])


GOOD = [json.dumps(row) for row in ROWS]
BAD = {
    "no brackets closed": GOOD[2][:-3],
    "one bracket too many": GOOD[2] + "}",
    "a quote that is missing": GOOD[2].replace('"q', "q", 1),
    "a quote too many": GOOD[2].replace("q 2", 'q" 2', 1),
    "cut in a text": GOOD[2][:30],
    "a comma too many": GOOD[2].replace("}]", "},]", 1),
    "no JSON at all": "{x}",
    "a number": "7",
    "null": "null",
    "a text": '"x"',
    "a list": "[1, [2, 3]]",
    "nested too deeply": '{"x": ' + "[" * 5000 + "]" * 5000 + "}",
    "brackets that do not match": GOOD[2].replace("]", "}", 1),
}
FORMS = {
    "lines": ("", "\n", ""),
    "one line": ("[", ", ", "]"),
    "lines of an array": ("[\n", ",\n", "\n]"),
    "indented": ("[\n  ", ",\n  ", "\n]"),
    "inside": ('{"runs": [', ", ", "]}"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_bad_row_costs_that_row_alone(bad: str, form: str, at: int, tmp_path: Path) -> None:
    if form == "lines" and at == 0 and bad == "a list":
        pytest.skip("a file that begins with a list is one")
    start, between, end = FORMS[form]
    parts = [BAD[bad] if number == at else good for number, good in enumerate(GOOD)]
    (tmp_path / "log").write_text(start + between.join(parts) + end)
    found, losses = found_in(tmp_path / "log", "runs")
    kept = [row["n"] for row in found if "n" in row]
    missing = {number for number in range(5) if number != at} - set(kept)
    assert not missing, (missing, losses)
    if bad == "one bracket too many" and form != "lines":
        assert losses == [] and kept == [
            2 if number == at else number for number in range(5)
        ]  # it is whole, what comes after it is not
    else:
        assert losses and all(loss.where and "\n" not in loss.why for loss in losses)


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    for name in ("an array on one line", "an indented array", "inside an object"):
        text = TEXTS[name]
        (tmp_path / "log").write_text(text[: int(len(text) * 0.7)])
        found, losses = found_in(tmp_path / "log", "runs")
        assert 2 <= len(found) < 5 and found == ROWS[: len(found)] and losses


def test_10000_damaged_rows_of_an_array(tmp_path: Path) -> None:
    """No crash, no hang, and every row is either there or lost."""
    draw = random.Random(5)
    parts = []
    for number in range(10_000):
        row = json.dumps({"messages": [person(f"q {number}"), agent("a" * draw.randrange(200))], "n": number})
        if draw.random() < 0.3:
            at = draw.randrange(1, len(row))
            row = row[:at] + row[at + draw.randrange(1, 4) :]
        parts.append(row)
    (tmp_path / "log").write_text("[" + ", ".join(parts) + "]")
    with within(20):
        found, losses = found_in(tmp_path / "log")
    kept = {row.get("n") for row in found}
    assert len(kept) > 7_000 and losses
    assert len(found) + len(losses) >= 10_000 - 500


def test_what_unpacks_to_far_too_much(tmp_path: Path) -> None:
    """300 KB that unpack to 300 MB end in less than 5 s with one sentence, whatever is in them."""
    for number, content in enumerate((b"\n", b" ", b"[", b"{}\n", b'{"messages": []}\n', b"x")):
        path = tmp_path / f"{number}.jsonl.gz"
        path.write_bytes(gzip.compress(content * ((1 << 20) // len(content))) * 300)
        assert path.stat().st_size < 1 << 20
        with within(5), TraceStore.open(tmp_path / f"{number}.sqlite") as store:
            report = import_logs(f"openai:{path}", store)
        assert report.imported == 0
        losses = report.losses
        assert len(losses) == 1
        assert "unpacks to more than 250 times its size" in losses[-1].why
        path.unlink()


def test_blanks_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A bracket and 100 MB of blanks, in a process of its own that may have 50 MB more than it starts with."""
    with (tmp_path / "log.json").open("wb") as file:
        file.write(b"[")
        for _ in range(100):
            file.write(b" " * (1 << 20))
    code = (
        "import resource, sys\n"
        "from sml_agents.traces.importers.lines import rows\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = list(rows(sys.argv[1], print))\n"
        "print(len(found), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log.json")], capture_output=True, text=True, check=True
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == 0 and megabytes < 50


def test_an_object_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sml_agents.traces.importers.lines.LONGEST", 10_000)
    long = {"messages": [person("x" * 50_000)], "n": 9}
    (tmp_path / "log").write_text(json.dumps([ROWS[0], long, ROWS[1]]))
    found, losses = found_in(tmp_path / "log")
    assert found == ROWS[:2] and len(losses) == 1
    many = {"runs": [ROWS[0]] * 1000}  # too long as a whole, and none of it is
    (tmp_path / "log").write_text(json.dumps(many))
    assert found_in(tmp_path / "log", "runs") == ([ROWS[0]] * 1000, [])


def test_tables(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.Table.from_pylist([*ROWS, {"messages": [{"role": "user", "content": "x", "weight": 0}]}])
    parquet.write_table(table, tmp_path / "log.parquet")
    found, losses = read(f"openai:{tmp_path / 'log.parquet'}")
    assert losses == [] and [said(trace)[0][1] for trace in found] == [*(f"q {n} \u00e9\u4e2d" for n in range(5)), "x"]
    data = (tmp_path / "log.parquet").read_bytes()
    for cut in (20, len(data) // 2, len(data) - 9):
        (tmp_path / "cut.parquet").write_bytes(data[:cut])
        found, losses = read(f"openai:{tmp_path / 'cut.parquet'}")
        assert found == [] and len(losses) == 1 and "cannot be read on" in losses[0].why
    same = pyarrow.Table.from_pydict({"messages": pyarrow.array(["x" * 1000] * 30_000)})
    parquet.write_table(same, tmp_path / "many.parquet", compression="zstd")
    found, losses = read(f"openai:{tmp_path / 'many.parquet'}")
    assert found == [] and "250 times" in losses[0].why


def test_arrays_that_never_close_are_looked_through_a_few_times_only(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("[1" * 20_000 + '{"messages": []}')
    losses: list[Loss] = []
    with within(5):  # to look for the end of each takes minutes
        found = [row.value for row in rows(str(tmp_path / "log.json"), losses.append)]
    assert found == [{"messages": []}], "what stands in them is read"


def test_a_run_of_openings_is_one_loss(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("[" * 100_000)
    losses: list[Loss] = []
    assert not list(rows(str(tmp_path / "log.json"), losses.append))
    assert len(losses) == 1
