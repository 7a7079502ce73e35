"""What is said of a file under the wrong format or none, and of conversations that bring nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sml_agents.cli.imports import import_
from sml_agents.cli.result import FAILED
from sml_agents.errors import InputError
from sml_agents.traces import TraceStore
from sml_agents.traces.importers import FORMATS, ImportReport, import_logs, log_place
from sml_agents.traces.importers.likeness import likeness
from tests.traces.importers.reading import agent, person, read, write

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
SAID = [person("q"), agent("done")]
FORMAT = {"deepagents": "langgraph", "inspect": "inspect", "langfuse": "langfuse", "langsmith": "langsmith"}
ROWS: dict[str, Any] = {
    "openai": {"messages": SAID},
    "sharegpt": {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "done"}]},
    "mint": {"state": {"history": SAID}, "task": {"task_id": "1"}},
    "lost-in-conversation": {"conv_id": "1", "trace": SAID},
    "langsmith": {
        "runs": [{"id": "r", "run_type": "llm", "inputs": {"messages": SAID[:1]}, "outputs": {"output": "a"}}]
    },
    "langfuse": {"id": "t", "type": "GENERATION", "traceId": "t", "input": "q", "output": "done"},
    "otel": {"traceId": "t", "spanId": "s", "attributes": {"gen_ai.prompt": "q"}},
}
TABLE = 'id,who,words\n1,user,"Book, please"\n1,assistant,Done\n'
TRANSCRIPT = "User: Book a table\nAgent: For how many?\nFour would be too many.\nUser: Two.\n"
OTHERS = {
    "table.csv": (TABLE, r"a table \(CSV\) with the columns id, who, words"),
    "semicolons.csv": (TABLE.replace(",", ";"), "a table"),
    "tabs.tsv": ("who\twords\nuser\tBook\nassistant\tDone\n", "a table"),
    "talk.txt": (TRANSCRIPT, "a transcript"),
    "timed.txt": ("[10:00] Ann: Book a table\n[10:01] Agent: Done\n", "a transcript"),
    "prose.txt": ("Once there was a table.\nNobody had booked it.\n", "plain text"),
    "picture.png": ("\x89PNG\r\n\x1a\n\x00\x00\x00", "no text at all"),
}


def report_of(spec: str, folder: Path) -> ImportReport:
    with TraceStore.open(folder / "s.sqlite") as store:
        return import_logs(spec, store)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_exports_of_real_services_are_known_without_their_format(sample: Path) -> None:
    wanted = next((format for name, format in FORMAT.items() if sample.name.startswith(name)), "otel")
    with pytest.raises(InputError, match="is not FORMAT:PATH") as told:
        log_place(str(sample))
    assert f"give {wanted}:{sample}" in str(told.value)


@pytest.mark.parametrize("wanted", ROWS)
@pytest.mark.parametrize("form", ["lines", "array", "object"])
def test_rows_of_every_format_are_known(wanted: str, form: str, tmp_path: Path) -> None:
    row = ROWS[wanted]
    text = {"lines": f"{json.dumps(row)}\n" * 3, "array": json.dumps([row] * 3), "object": json.dumps(row, indent=1)}
    (tmp_path / "log").write_text(text[form])
    found = likeness(str(tmp_path / "log"))
    assert found is not None and found.format == wanted


@pytest.mark.parametrize("wanted", ROWS)
@pytest.mark.parametrize("given", [format for format in FORMATS if format != "langgraph"])
def test_a_log_under_another_format_is_imported_or_known(given: str, wanted: str, tmp_path: Path) -> None:
    path = write(tmp_path / "log.json", ROWS[wanted])
    report = report_of(f"{given}:{path}", tmp_path)
    same = FORMATS[given] is FORMATS[wanted]
    assert report.imported or f"give {wanted}:{path}" in report.hint or same
    assert not (report.imported and report.hint) and not (same and report.hint)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_json(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, looks = OTHERS[name]
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    for spec in (f"openai:{tmp_path / name}", f"langsmith:{tmp_path / name}"):
        done = import_([spec], str(tmp_path / "s.sqlite"))
        assert done.code == FAILED and done.show is not None
        done.show()
        told = capsys.readouterr().out
        assert told.count("it looks like") == 1 and told.count("it is not JSON") <= 1, told
        assert told.count("it is not a JSON object") <= 1, told
    with pytest.raises(InputError, match=looks):
        log_place(str(tmp_path / name))


def test_containers(tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "store.sqlite"):
        pass
    report = report_of(f"openai:{tmp_path / 'store.sqlite'}", tmp_path)
    assert "a trace store: it is imported already" in report.hint
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("talks.jsonl", "{}")
    assert "a zip archive: unpack it" in report_of(f"openai:{tmp_path / 'log.zip'}", tmp_path).hint
    log = write(tmp_path / "log.jsonl", ROWS["openai"])
    with pytest.raises(InputError, match=f"give openai:{log}"):
        report_of(f"langgraph:{log}", tmp_path)


@pytest.mark.parametrize("text", ["", "\n", '{"messages": [', '{"x": 1}\n', "[1, 2]", "\x00"], ids=repr)
def test_what_looks_like_nothing_costs_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(text)
    report = report_of(f"openai:{tmp_path / 'log'}", tmp_path)
    assert report.imported == 0 and report.lost >= 1 and (not report.hint or text == "\x00")
    for place in (tmp_path / "log", tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="is not FORMAT:PATH"):
            log_place(str(place))


EMPTY: dict[str, list[Any]] = {
    "no words": [{"role": "user"}],
    "blank ones": [person(" \n"), agent("")],
    "a system prompt": [{"role": "system", "content": "Be brief."}, {"role": "user"}],
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_conversation_in_which_nobody_says_anything_is_lost(name: str, tmp_path: Path) -> None:
    found, losses = read(f"openai:{write(tmp_path / 'log.jsonl', {'messages': EMPTY[name]}, ROWS['openai'])}")
    assert len(found) == 1 and losses == [("line 1", "nobody says anything in it")]


def test_what_was_there_in_place_of_words_is_named(tmp_path: Path) -> None:
    mute = [{"role": "user", "sketch": "x"}, agent("")]
    path = write(tmp_path / "log.jsonl", {"messages": mute}, {"messages": [*mute, *SAID]})
    found, losses = read(f"openai:{path}")
    assert len(found) == 1 and losses == [("line 1", "nobody says anything in it, only 1 x field sketch")]


def test_places_are_counted_from_one(tmp_path: Path) -> None:
    bad = {"messages": [person("q"), {"role": "nobody", "content": "x"}]}
    for text, where in ((json.dumps([bad]), "item 1"), (f"{json.dumps(bad)}\n{json.dumps(bad)}\n", "line 1")):
        (tmp_path / "log.json").write_text(text)
        _, losses = read(f"openai:{tmp_path / 'log.json'}")
        assert losses[0].where == where and losses[0].why.startswith("message 2: there is no role 'nobody'")
    (tmp_path / "log.json").write_text(json.dumps({"runs": [1]}))
    assert read(f"langsmith:{tmp_path / 'log.json'}")[1][0].where == "line 1 item 1"
    generation = {"type": "GENERATION", "input": None, "output": None}
    write(tmp_path / "log.json", {"id": "t", "observations": [generation]})
    assert read(f"langfuse:{tmp_path / 'log.json'}")[1][0].where.endswith("observation 1")


def test_rows_of_tables_are_counted_from_one(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": [{"role": "x"}]}]), tmp_path / "log.parquet")
    assert read(f"openai:{tmp_path / 'log.parquet'}")[1][0].where == "row 1"


@pytest.mark.parametrize("form", ["line", "object"])
def test_what_is_too_long_is_told_with_what_to_do(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sml_agents.traces.importers.lines.LONGEST", 1 << 20)
    good, long = json.dumps(ROWS["openai"]), json.dumps({"messages": [person("x" * (5 << 20))]})
    rows = {"line": f"{good}\n{long}\n{good}\n", "object": f"[{good},\n{long},\n{good}]"}
    (tmp_path / "log").write_text(rows[form])
    found, losses = read(f"openai:{tmp_path / 'log'}")
    assert len(found) == 2 and len(losses) == 1, losses
    assert ("it is 5.0 MB long" if form == "line" else "does not end within") in losses[0].why
    assert losses[0].why.endswith("such as images and files") and "split it" in losses[0].why


def test_the_exit_code_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = (
        write(tmp_path / "good.jsonl", ROWS["openai"]),
        write(tmp_path / "bad.jsonl", {"x": 1}, *["x {"] * 12, "[1]"),
    )

    def told(*logs: Path, strict: bool = False) -> tuple[int, str, Any]:
        done = import_([f"openai:{log}" for log in logs], str(tmp_path / "s.sqlite"), strict=strict)
        assert done.show is not None
        done.show()
        return done.code, capsys.readouterr().out, done.payload["failed"]

    code, out, failed = told(good, bad)
    assert code == FAILED and failed == f"nothing was imported from {bad}"
    assert out.splitlines()[-1] == f"exit code 1: {failed}"
    assert "line 2 and 11 more like it: it is not JSON (" in out and "line 14: it is not a JSON object" in out
    code, out, failed = told(good)
    assert (code, failed) == (0, "") and "exit code" not in out
    both = write(tmp_path / "both.jsonl", ROWS["openai"], "{")
    assert told(both)[0] == 0 and told(both, strict=True)[2] == "1 record was lost, and --strict was given"
