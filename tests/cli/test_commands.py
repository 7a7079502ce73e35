"""The commands as a user runs them, with a scripted student and a store in a file."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore

from .conftest import STUDENT, TASKS, Cli

Script = Callable[[Sequence[Any]], str]


def test_run_says_what_came_of_it(program: Cli, script: Script) -> None:
    arguments = ("run", "--tasks", TASKS, "--student", script(["The answer is 1."]), "--store", "new/place/s.sqlite")
    done = program(*arguments)
    assert done.code == 0, done.err
    assert "6 dialogues" in done.out
    assert "6/6 done" in done.err, "progress goes to standard error"
    assert "done" not in done.out


def test_run_counts_in_json(cli: Cli, script: Script) -> None:
    arguments = ("--max-turns", "2", "--samples", "2", "--seed", "5", "--json")
    done = cli("run", "--tasks", TASKS, "--student", script(["The answer is 1."]), "--store", "s.sqlite", *arguments)
    assert done.code == 0, done.err
    result = done.json
    assert (result["n"], result["failed"], result["resumed"], result["interrupted"]) == (12, 0, 0, False)
    assert sum(result["stops"].values()) == 12


def test_several_specs_and_a_repeated_one(cli: Cli, script: Script) -> None:
    specs = ("--tasks", TASKS, "--tasks", "arithmetic?form=full&n=2&seed=9", "--tasks", TASKS)
    done = cli("run", *specs, "--student", script(["The answer is 1."]), "--store", "s.sqlite", "--json")
    assert done.json["n"] == 8


def test_resume_finishes_and_refuses_other_settings(cli: Cli, script: Script, store: Path) -> None:
    student = script(STUDENT)
    arguments = ["run", "--tasks", TASKS, "--student", student, "--store", store, "--json", "--max-turns"]
    again = cli(*arguments, "3")
    assert (again.code, again.json["type"]) == (2, "InputError")
    assert "--resume" in again.json["error"]
    other = cli(*arguments, "2", "--resume")
    assert (other.code, other.json["type"]) == (2, "SettingsMismatch")
    assert "max_turns" in other.json["error"]
    with sqlite3.connect(store) as database:
        database.execute("DELETE FROM dialogues WHERE position >= 4")
    done = cli(*arguments, "3", "--resume")
    assert (done.code, done.json["n"], done.json["resumed"]) == (0, 6, 4)


def test_failed_dialogues_are_recorded_and_told_by_the_exit_code(cli: Cli, script: Script) -> None:
    silent = script([{"when": "nobody says this", "reply": "x"}])
    done = cli("run", "--tasks", TASKS, "--student", silent, "--store", "s.sqlite")
    assert done.code == 1
    assert "6 failed" in done.out
    listed = cli("show", "s.sqlite", "--stop", "failed", "--json").json
    assert len(listed["dialogues"]) == 6
    assert "no rule" in listed["dialogues"][0]["error"]


def test_each_role_has_settings_of_its_own(cli: Cli, script: Script, tmp_path: Path) -> None:
    teacher = tmp_path / "teacher.json"
    teacher.write_text('["Think about it once more."]')
    student = script(["The answer is 1."])
    done = cli("run", "--tasks", TASKS, "--student", student, "--teacher", f"scripted:{teacher}", "--store", "s.sqlite")
    assert done.code == 0, done.err
    first = cli("show", "s.sqlite", "--json").json["dialogues"][0]["id"]
    trace = cli("show", "s.sqlite", first, "--json").json["trace"]
    assert trace["turns"][2]["text"] == "Think about it once more."
    assert trace["settings"]["student"] != trace["settings"]["teacher"]


def test_q_priming_marks_what_it_wrote(cli: Cli, script: Script) -> None:
    arguments = ("--q-priming", "1", "--max-turns", "3", "--store", "s.sqlite")
    done = cli("run", "--tasks", TASKS, "--student", script(["The answer is 0.5."]), *arguments)
    assert done.code == 0, done.err
    exported = cli("export", "s.sqlite", "--format", "trl", "--primed", "--out", "x.jsonl", "--json")
    assert exported.json["taken"] >= 1, exported


def test_show_lists_and_reads(cli: Cli, store: Path) -> None:
    listed = cli("show", store, "--limit", "2", "--json").json
    assert (listed["finished"], len(listed["dialogues"])) == (6, 2)
    chosen = listed["dialogues"][0]
    assert chosen["acts"][0] == "clarification"
    page = cli("show", store, chosen["id"][:10]).out
    for word in ("teacher", "student 1", "clarification", "private: the student never saw this", "answer:"):
        assert word in page
    trace = cli("show", store, chosen["id"], "--json").json["trace"]
    assert trace["id"] == chosen["id"]
    assert trace["task"]["private"]["answer"] in page


def test_a_call_is_shown_once(cli: Cli, tmp_path: Path) -> None:
    """The answer that was read of a turn is its calls, which stand there anyway."""
    tasks = "requests?form=paired&n=1"
    cli("eval", "--tasks", tasks, "--student", "script:repeat", "--max-turns", "2", "--out", tmp_path / "out")
    (store,) = (tmp_path / "out").glob("never-ask*.sqlite")
    found = cli("show", store, "--json").json["dialogues"][0]["id"]
    trace = cli("show", store, found, "--json").json["trace"]
    tool = trace["turns"][1]["tool_calls"][0]["name"]
    page = cli("show", store, found).out
    said = page[page.index("student 1") :]
    assert said.count(f"{tool}(") == sum(len(turn["tool_calls"] or ()) for turn in trace["turns"])
    assert f'"name":"{tool}"' not in said.split("answer:")[0]


def test_a_screen_is_80_columns_and_nothing_a_model_said_drives_it(cli: Cli, store: Path) -> None:
    first = cli("show", store, "--json").json["dialogues"][0]["id"]
    for arguments in (["show", store], ["show", store, first], ["doctor"], ["--help"], ["run", "--help"]):
        page = cli(*arguments)
        assert page.code == 0
        assert "\x1b" not in page.out
        mends = ("   -> ",)  # commands to copy are not broken into lines
        too_long = [line for line in page.out.splitlines() if len(line) > 80 and not line.startswith(mends)]
        assert not too_long
    assert "\\x1b[31mred" in cli("show", store, first).out


def test_an_unknown_id_is_the_users_mistake(cli: Cli, store: Path) -> None:
    done = cli("show", store, "zzz", "--json")
    assert (done.code, done.json["type"]) == (2, "InputError")
    assert "zzz" in done.json["error"]


@pytest.mark.parametrize("format", ["trl", "trl-prompt-completion", "openai", "sharegpt", "parquet"])
def test_export_in_each_format(cli: Cli, store: Path, format: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = cli("export", store, "--format", format, "--out", out, "--wrong-attempts", "--json")
    assert done.code == 0, done.err
    rows = done.json["rows"]
    assert rows >= 6
    if format != "parquet":
        lines = out.read_text(encoding="utf-8").splitlines()
        assert len(lines) == rows
        assert all(json.loads(line) for line in lines)


def test_export_filters(cli: Cli, store: Path) -> None:
    common = ("export", store, "--format", "trl-prompt-completion", "--json", "--out")
    asked = cli(*common, "asked.jsonl", "--act", "clarification", "--last-turn", "1", "--form", "underspecified").json
    assert (asked["rows"], asked["taken"]) == (3, 3)
    assert cli(*common, "none.jsonl", "--solved").code == 2, "nothing is left: loosen the filter"
    prompted = cli(*common, "prompted.jsonl", "--student-prompt")
    assert prompted.code == 0
    both = cli(*common, "x.jsonl", "--student-prompt", "--system", "Be brief.")
    assert "exclude each other" in both.json["error"]


def test_report_of_a_store(cli: Cli, store: Path, tmp_path: Path) -> None:
    done = cli("report", store, "--out", tmp_path / "deep" / "report.html", "--json")
    assert done.code == 0, done.err
    page = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    assert done.json["bytes"] == len(page.encode())
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")


def test_eval_compares_two_students(cli: Cli, tmp_path: Path) -> None:
    guesser, asker = tmp_path / "guesser.json", tmp_path / "asker.json"
    guesser.write_text('["The answer is 1."]')
    asker.write_text('["How many are there?", "The answer is 1."]')
    students = ("--student", f"scripted:{asker}", "--baseline", f"scripted:{guesser}")
    arguments = ("--tasks", TASKS, "--tasks", "arithmetic?n=2&seed=4", "--max-turns", "3", "--out", "result")
    done = cli("eval", *students, *arguments, "--json")
    assert done.code == 0, done.err
    result = done.json
    assert list(result["students"]) == ["base", "trained"]
    base, trained = result["students"]["base"], result["students"]["trained"]
    assert (base["n"], trained["n"]) == (8, 8)
    assert base["metrics"]["asks_when_needed"]["value"] == 0
    assert trained["metrics"]["asks_when_needed"]["value"] == 1
    for name in ("needless_questions", "coverage", "premature_attempts", "question_rate", "correction", "repeat"):
        assert set(trained["metrics"][name]) == {"value", "low", "high", "n"}
    assert set(trained["metrics"]["success_at"]) == {"1", "2", "3"}
    assert len(trained["by_spec"]) == 2
    folder = Path(result["report"]).parent
    kept = json.loads((tmp_path / "work" / folder / "summary.json").read_text())
    assert kept["students"] == result["students"]
    assert cli("report", "result", "--out", "again.html").code == 0


def test_eval_of_one_student_as_a_table_keeps_nothing(cli: Cli, script: Script, tmp_path: Path) -> None:
    done = cli("eval", "--student", script(["How many are there?"]), "--tasks", TASKS, "--max-turns", "2")
    assert done.code == 0, done.err
    assert "asks when needed" in done.out.lower()
    assert max(map(len, done.out.splitlines())) <= 80
    assert not list((tmp_path / "work").iterdir())


def test_eval_compares_many_students_by_name(cli: Cli, script: Script) -> None:
    asks = script(["How many are there?"])
    students = ("--student", f"asks={asks}", "--student", "script:repeat", "--student", "tries=script:bisect")
    done = cli("eval", *students, "--tasks", TASKS, "--max-turns", "2", "--json")
    summary = done.json
    assert {"asks", "script:repeat", "tries"} <= set(summary["students"])
    assert {name: one["minus"] for name, one in summary["differences"].items()} == {
        "script:repeat": "asks",
        "tries": "asks",
    }
    twice = cli("eval", "--student", "a=script:bisect", "--student", "a=script:repeat", "--tasks", TASKS)
    assert (twice.code, "two students are called 'a'" in twice.err) == (2, True)


def test_eval_refuses_too_few_tasks_for_the_difference_that_has_to_show(cli: Cli) -> None:
    few = ("eval", "--student", "script:repeat", "--tasks", "arithmetic?n=5", "--max-turns", "1", "--min-effect")
    refused = cli(*few, "0.1")
    assert refused.code == 2
    assert "needs 391 tasks" in refused.err
    assert "there are 5" in refused.err
    assert all("above 0 and at most 1" in cli(*few, wrong).err for wrong in ("0", "2"))
    assert "there are 5" in cli(*few, "0.6").err
    assert cli(*few[:-1], "--json").code == 0


def test_eval_runs_a_suite_by_its_name(cli: Cli, script: Script) -> None:
    listed = cli("eval", "--suite", "list", "--json")
    assert "lost-in-conversation:FILE" in listed.json["suites"] and "single-turn[:FILE]" in listed.json["suites"]
    student = ("--student", script(["The answer is 1."]))
    done = cli("eval", *student, "--suite", "single-turn", "--tasks", "arithmetic?form=full&n=2", "--json")
    assert done.code == 0, done.err
    [(title, counts)] = done.json["students"]["student"]["by_spec"].items()
    assert title == "single-turn: arithmetic?form=full&n=2" and set(counts["metrics"]["success_at"]) == {"1"}
    for wrong in (("--suite", "requests", "--tasks", "arithmetic"), ("--suite", "lost"), ("--suite", "in3")):
        refused = cli("eval", *student, *wrong)
        assert refused.code == 2 and refused.err.count("\n") < 5, refused.err


FAILING = """
from langgraph.graph import END, START, MessagesState, StateGraph

def answer(state):
    raise RuntimeError("database down")

graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer").add_edge("answer", END)
bad = graph.compile()
"""


def test_a_student_that_fails_throughout_is_told_why_beside_scripts_that_have_scores(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "work" / "my_agent.py").write_text(FAILING)
    line = ("eval", "--student", "agent:my_agent:bad", "--tasks", "arithmetic?form=paired&n=6", "--max-turns", "3")
    done = cli(*line)
    assert done.code == 1, done.err
    assert "student: 12 of 12 failed (the first: student: RuntimeError: database down)\n" in done.out
    table = done.out.partition("beside scripts that understand nothing")[2].partition("numbers in")[0]
    assert "success@3" in table
    rows = {
        name: line for line in table.splitlines() for name in ("student", "never ask") if line.startswith(f" {name}")
    }
    assert "%" not in rows["student"] and "%" in rows["never ask"][-14:]
    figures = cli(*line, "--out", "kept", "--json").json["students"]["student"]
    assert figures["first_error"] == "student: RuntimeError: database down"
    assert "database down" in (tmp_path / "work" / "kept" / "report.html").read_text()


def test_chat_as_a_user_reads_lines_from_a_pipe(cli: Cli, script: Script) -> None:
    student = script(["First.", "Second."])
    done = cli("chat", "--student", student, stdin="hello\n\nand you?\n")
    assert done.code == 0, done.err
    assert done.out.index("First.") < done.out.index("Second.")
    short = cli("chat", "--student", student, "--json", stdin="hello\n/quit\nnever read\n")
    assert [message["role"] for message in short.json["messages"]] == ["user", "assistant"]
    assert cli("chat", "--student", student, "--json").json == {"messages": []}


TABLES: dict[str, Any] = {"name": "book", "input_schema": {"type": "object", "properties": {"day": {"type": "string"}}}}


def test_chat_takes_the_agents_prompt_and_tools(cli: Cli, tmp_path: Path) -> None:
    """The person types what a call returns, and the student goes on with it; the script sees all of it."""
    (tmp_path / "work" / "tools.json").write_text(json.dumps(TABLES))
    rules = [
        {"when": "Friday", "calls": [{"name": "book", "args": {"day": "Friday"}}]},
        {"when": "B17", "reply": "Booked as B17."},
        {"when": "table", "reply": "For which day?"},
    ]
    (tmp_path / "work" / "agent.json").write_text(json.dumps(rules))
    common = ("chat", "--student", "scripted:agent.json", "--tools", "tools.json", "--system", "You book.")
    done = cli(*common, "--json", stdin="A table\nFriday\nok, B17\n/quit\n")
    assert done.code == 0, done.err
    said = done.json["messages"]
    assert [one["role"] for one in said] == ["user", "assistant", "user", "assistant", "tool", "assistant"]
    assert said[3]["tool_calls"][0]["function"] == {"name": "book", "arguments": '{"day":"Friday"}'}
    assert said[4]["content"] == "ok, B17" and said[5]["content"] == "Booked as B17."
    shown = cli(*common, stdin="Friday\n")
    assert shown.code == 0 and 'book(day="Friday")' in shown.out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--student", "asker:"), "asker: reads requests to tools: give them with --tools FILE"),
        (("--student", "asker:", "--tools", "t.json", "--system", "Hi"), "takes no system prompt"),
        (("--student", "agent:my:graph", "--system", "Hi"), "agent:my:graph takes no system prompt"),
        (("--student", "agent:my:graph", "--tools", "t.json"), "agent:my:graph takes no tools"),
        (("--student", "script:bisect", "--tools", "t.json"), "script:bisect takes no tools"),
        (("--as", "teacher", "--tasks", "arithmetic?n=1", "--tools", "t.json"), "--tools belongs to --as user"),
    ],
)
def test_chat_refuses_prompts_and_tools_where_they_would_change_nothing(
    cli: Cli, tmp_path: Path, given: tuple[str, ...], said: str
) -> None:
    (tmp_path / "work" / "t.json").write_text(json.dumps(TABLES))
    done = cli("chat", *given, stdin="hello\n")
    assert done.code == 2 and said in done.err and not done.out
    assert done.err.count("\n") == 1


def test_chat_with_the_asker_asks_and_calls(cli: Cli, tmp_path: Path) -> None:
    schema = {**TABLES["input_schema"], "required": ["day"]}
    (tmp_path / "work" / "t.json").write_text(json.dumps({"name": "book", "parameters": schema}))
    done = cli("chat", "--student", "asker:", "--tools", "t.json", "--json", stdin="Book a table, please\nFriday\n")
    assert done.code == 0, done.err
    said = done.json["messages"]
    assert said[1] == {"role": "assistant", "content": "What should the day be?"}
    assert said[3]["tool_calls"][0]["function"] == {"name": "book", "arguments": '{"day":"Friday"}'}


def test_chat_as_a_teacher_is_a_dialogue_with_a_trace(cli: Cli, script: Script) -> None:
    arguments = ("chat", "--student", script(["How many are there?", "The answer is 1."]), "--as", "teacher")
    one = ("--tasks", "arithmetic?form=underspecified&n=1", "--store", "s.sqlite", "--json")
    done = cli(*arguments, *one, stdin="Look again.\nStill wrong.\n")
    assert done.code == 0, done.err
    trace = done.json["trace"]
    assert trace["stop"] == "teacher_stopped"
    assert [turn["text"] for turn in trace["turns"][:3]][1:] == ["How many are there?", "Look again."]
    assert trace["settings"]["teacher"] == {"model": "human"} and trace["turns"][2]["call"] is None
    assert "private" in done.err, "the person is told what the student is not"
    assert cli("show", "s.sqlite", "--json").json["finished"] == 1


def test_run_with_a_person_as_the_teacher_goes_on_later(cli: Cli, script: Script) -> None:
    arguments = ["run", "--teacher", "human", "--student", script(["What?", "The answer is 1."]), "--max-turns", "2"]
    arguments += ["--tasks", "arithmetic?form=underspecified&n=3", "--store", "s.sqlite", "--json"]
    begun = cli(*arguments, stdin="Look.\n")
    assert (begun.code, begun.json["n"]) == (0, 1), begun.err
    done = cli(*arguments, "--resume", stdin="Look.\nLook.\nLook.\n")
    assert (done.code, done.json["n"], done.json["resumed"]) == (0, 3, 1), done.err


def test_doctor_knows_the_machine_and_tells_no_secret(cli: Cli, tmp_path: Path) -> None:
    secrets = {"OPENAI_API_KEY": "sk-very-secret", "OPENAI_BASE_URL": "http://user:pass@host:81/very-secret?k=hidden"}
    done = cli("doctor", "--json", SML_AGENTS_CACHE=str(tmp_path / "cache"), **secrets)
    assert done.code == 0, done.err
    checks = {check["name"]: check for check in done.json["checks"]}
    assert done.json["ok"] is True
    assert checks["Endpoints"]["data"] == {
        "keys": ["OPENAI_API_KEY"],
        "addresses": {"OPENAI_BASE_URL": "http://host:81"},
    }
    assert not any(secret in done.out + done.err for secret in ("very-secret", "pass", "hidden"))
    assert checks["Embedded model"]["state"] == "note"
    assert checks["Embedded model"]["mend"]
    assert checks["Cores"]["data"]["cores"] >= 1
    assert all(check["state"] == "ok" or check["detail"] for check in checks.values())


def test_doctor_finds_what_is_missing(program: Cli, tmp_path: Path) -> None:
    """A package that cannot be found, and a cache that cannot be written."""
    (tmp_path / "file").write_text("")
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['trl'] = None\n")
    done = program("doctor", "--json", SML_AGENTS_CACHE=str(tmp_path / "file" / "cache"), PYTHONPATH=str(tmp_path))
    checks = {check["name"]: check for check in done.json["checks"]}
    assert checks["Cache folder"]["state"] == "missing"
    assert checks["Extra [train]"]["state"] == "missing"
    assert "sml-agents[train]" in checks["Extra [train]"]["mend"]


def test_recipes_are_listed_and_copied(cli: Cli, tmp_path: Path) -> None:
    recipes = cli("recipes", "list", "--json").json["recipes"]
    assert {recipe["name"].split("/")[0] for recipe in recipes} == {"graphs", "finetune"}
    assert all(recipe["summary"] for recipe in recipes)
    name = recipes[0]["name"]
    done = cli("recipes", "copy", name, "--to", "mine", "--json")
    assert done.code == 0, done.err
    copied = [tmp_path / "work" / path for path in done.json["copied"]]
    assert len(copied) == len(recipes[0]["files"])
    assert all(path.stat().st_size for path in copied)
    again = cli("recipes", "copy", name, "--to", "mine", "--json").json
    assert (again["copied"], again["unchanged"]) == ([], done.json["copied"]), "nothing of anybody's is overwritten"
    copied[0].write_text("mine now")
    refused = cli("recipes", "copy", name, "--to", "mine", "--json")
    assert refused.code == 2
    assert "--force" in refused.json["error"] and refused.json["error"].startswith(done.json["copied"][0])
    assert copied[0].read_text() == "mine now"
    assert cli("recipes", "copy", name, "--to", "mine", "--force", "--json").json["copied"] == done.json["copied"][:1]


def test_a_recipe_lies_where_the_documentation_has_it(cli: Cli, tmp_path: Path) -> None:
    missing = cli("train", "--config", "finetune/train_from_logs.yaml")
    assert missing.code == 2 and missing.err == (
        "sml-agents: there is no settings file finetune/train_from_logs.yaml: `sml-agents recipes copy finetune/train` "
        "writes it\n"
    )
    assert cli("recipes", "copy", "train").code == 0
    assert (tmp_path / "work" / "finetune" / "train_from_logs.yaml").is_file()
    found = cli("train", "--config", "finetune/train_from_logs.yaml")
    assert found.code == 2 and "runs/from-logs/lessons.sqlite" in found.err
    flat = cli("train", "--config", "train_cpu.yaml").err
    assert "`sml-agents recipes copy finetune/train --to .` writes it" in flat
    assert "start from one of those that" in cli("train", "--config", "my.yaml").err
    assert cli("recipes", "copy", "student_teacher").code == 0 and (tmp_path / "work" / "graphs").is_dir()


PAGES = ("README.md", *(f"docs/{name}.md" for name in ("from-logs", "training", "reinforcement", "first-hour")))


@pytest.mark.parametrize("page", PAGES)
def test_settings_files_in_a_page_are_there_in_an_empty_folder(
    page: str, cli: Cli, repository: Path, tmp_path: Path
) -> None:
    """After the commands before them, word by word."""
    lines = (repository / page).read_text().splitlines()
    commands = [line.strip() for line in lines if re.match(r"(    )?sml-agents ", line)]
    trained = 0
    for command in commands:
        words = command.split("#")[0].split()
        if words[1:3] == ["recipes", "copy"]:
            assert cli(*words[1:]).code == 0
        elif words[1] == "train":
            trained += 1
            assert (tmp_path / "work" / words[words.index("--config") + 1]).is_file(), command
    assert trained


def test_version(cli: Cli) -> None:
    assert cli("--version").out.startswith("sml-agents 0.")
    assert set(cli("--version", "--json").json) == {"version"}


def test_demonstrations_make_training_rows_of_both_forms(tmp_path: Path) -> None:
    """What the README's sequence relies on: a student that solves nothing still leaves something to learn from."""
    script, store = tmp_path / "script.json", tmp_path / "t.sqlite"
    script.write_text('["I do not know."]', encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "import sys; from sml_agents.cli import main; sys.exit(main())",
        "run",
        "--tasks",
        "arithmetic?form=paired&n=4",
    ]
    command += ["--student", f"scripted:{script}", "--teacher", "oracle", "--store", str(store), "--demonstrate"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "--q-priming" in refused.stderr
    done = subprocess.run([*command, "--q-priming", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    from sml_agents.traces import TraceStore
    from sml_agents.training import training_rows

    with TraceStore.open(store, read_only=True) as traces:
        assert {row.missing for row in training_rows(traces.traces(), "q_primed")} == {True, False}


def test_a_store_says_how_to_run_the_same_again(cli: Cli, script: Script) -> None:
    student = script(["How many are there?", "The answer is 1."])
    asked = ("--tasks", "arithmetic?form=paired&n=3&seed=4", "--student", student, "--max-turns", "3", "--seed", "7")
    primed = ("--q-priming", "1", "--demonstrate", "--samples", "2")
    assert cli("run", *asked, *primed, "--store", "first.sqlite").code == 0
    assert cli("run", "--config", "first.sqlite", "--store", "second.sqlite").code == 0
    assert cli("run", "--config", "first.sqlite", "--store", "third.sqlite", "--seed", "8").code == 0

    def said(name: str) -> list[tuple[str, list[str]]]:
        with TraceStore.open(cli.keywords["cwd"] / name, read_only=True) as store:  # type: ignore[attr-defined]
            return [(trace.id, [turn.text for turn in trace.turns]) for trace in store.traces()]

    assert said("first.sqlite") == said("second.sqlite") != said("third.sqlite")
    assert len(said("first.sqlite")) == 12


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--student", "scripted:x"), "--tasks is missing"),
        (("--tasks", "arithmetic?n=1"), "--student is missing"),
        (("--config", "nothing.sqlite"), "nothing.sqlite"),
        (("--tasks", "arithmetic?n=1", "--student", "embedded:", "--primer", "student"), "--primer is about Q-priming"),
    ],
)
def test_what_is_missing_is_said(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    done = cli("run", *arguments, "--store", "s.sqlite", "--json")
    assert done.code == 2 and says in done.json["error"]


def test_the_students_own_model_writes_the_questions(cli: Cli, script: Script) -> None:
    """The paper's Q-priming, from the command line."""
    student = script(
        [{"when": "Write the one question", "reply": "How many are there?"}, "The answer is 1.", "The answer is 2."]
    )
    asked = ("--tasks", "arithmetic?form=underspecified&n=1", "--student", student, "--max-turns", "2")
    done = cli("run", *asked, "--q-priming", "1", "--primer", "student", "--store", "s.sqlite", "--json")
    assert done.code == 0, done.err
    (one,) = cli("show", "s.sqlite", "--json").json["dialogues"]
    trace = cli("show", "s.sqlite", one["id"], "--json").json["trace"]
    assert trace["settings"]["primer"]["model"] == trace["settings"]["student"]["model"]
    assert [(turn["text"], turn["primed"]) for turn in trace["turns"]][1] == ("How many are there?", True)


def test_answer_loss_is_of_models_that_run_here(cli: Cli, script: Script) -> None:
    arguments = ("eval", "--tasks", "arithmetic?n=1", "--student", script(["The answer is 1."]), "--answer-loss")
    done = cli(*arguments, "--json")
    assert done.code == 2 and "answer loss needs a model that runs here" in done.json["error"]
