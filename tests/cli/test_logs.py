"""What a builder does with their agent's log: look, mine, review, measure a decider, export, redact."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import mining as synthetic
from sml_agents.traces import TraceStore
from sml_agents.types import ToolCall, Trace, Turn
from tests.cli.conftest import Cli

KEY = "sk-" + "proj-abcDEF0123456789abcDEF0123456789"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "logs.sqlite"
    with TraceStore.open(path) as store:
        for number, one in enumerate(synthetic.written(30, seed=5)):
            trace = one.trace.model_copy(update={"system": "You arrange things."})
            run = {"tags": ["prod"], "metadata": {"customer": "acme" if number % 2 else "other"}}
            store.add(
                trace.model_copy(update={"tags": {**trace.tags, "run": run, "ended": f"2027-03-{1 + number % 28:02}"}})
            )
    return path


@pytest.fixture(scope="module")
def lessons(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sml_agents.mining import mine

    path = tmp_path_factory.mktemp("lessons") / "lessons.sqlite"
    with TraceStore.open(logs, read_only=True) as store, TraceStore.open(path) as out:
        mine(store.traces(), out, heldout=0.4)
    return path


def test_lists_have_request_and_date_and_pages_calls_and_arguments(cli: Cli, logs: Path) -> None:
    listed = cli("show", logs)
    assert listed.code == 0 and "request" in listed.out and "2027-03-01 09:00" in listed.out
    assert "60 conversations" in listed.out and "recorded full" not in listed.out
    first = cli("show", logs, "--json").json["dialogues"][0]["id"]
    page = cli("show", logs, first).out
    assert "person" in page and "agent 1" in page and "You arrange things." in page
    assert "-> ok" in page and "=" in page.partition("agent 1")[2].splitlines()[1]
    assert "teacher" not in page and "student" not in page and "private" not in page


def test_what_a_log_says_of_a_conversation_is_listed_and_chosen_by(cli: Cli, tmp_path: Path) -> None:
    log, store, rows = tmp_path / "log.jsonl", tmp_path / "logs.sqlite", tmp_path / "rows.jsonl"
    said = [{"role": "user", "content": "Book a table for four"}, {"role": "assistant", "content": "Done."}]
    told = [
        {"id": "conv-3", "created_at": "2026-10-31T12:00:00Z", "tags": ["prod", "beta"]},
        {"id": "conv-30", "created_at": "2026-11-02T12:00:00+02:00", "tags": ["prod"], "metadata": {"userId": "u1"}},
        {"id": "01a212d0-00a3-7209-8618-90abcfc72dde"},
    ]
    log.write_text("".join(json.dumps({**one, "messages": said}) + "\n" for one in told))
    assert cli("import", f"openai:{log}", "--store", store).code == 0
    listed = cli("show", store)
    assert max(map(len, listed.out.splitlines())) <= 80
    assert "conv-3 " in listed.out and "2026-11-02 10:00" in listed.out and "01a212d0-" in listed.out
    found = cli("show", store, "--json").json["dialogues"]
    assert [one["source"] for one in found] == [one["id"] for one in told]
    assert cli("show", store, "conv-3", "--json").json["trace"]["id"] == found[0]["id"]
    assert "Done." in cli("show", store, "01a2").out
    several = cli("show", store, "conv")
    assert several.code == 2 and "names several dialogues" in several.err and found[1]["id"] in several.err

    def chosen(*choice: str) -> list[str]:
        done = cli("export", store, "--format", "sharegpt", "--out", rows, *choice)
        return [json.loads(line)["id"] for line in rows.read_text().splitlines()] if done.code == 0 else []

    ids = [one["id"] for one in found]
    assert chosen("--since", "2026-11-01") == ids[1:2]
    assert chosen("--where", "tag=prod") == ids[:2]
    assert chosen("--where", "tag=prod", "--where", "tag=beta") == ids[:1]
    assert chosen("--where", "user_id=u1") == ids[1:2]


@pytest.mark.parametrize("wrong", ["openai:none.jsonl", "nosuch:{log}", "openai"])
def test_a_log_that_is_mistyped_leaves_no_store_and_reads_none_of_the_others(
    cli: Cli, tmp_path: Path, wrong: str
) -> None:
    log, store = tmp_path / "log.jsonl", tmp_path / "made.sqlite"
    log.write_text(
        json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hm"}]})
    )
    done = cli("import", f"openai:{log}", wrong.format(log=log), "--store", store, "--json")
    assert done.code == 2 and not store.exists(), done.json
    assert cli("import", f"openai:{log}", "--store", store, "--json").json["imported"] == 1


def test_mining_refuses_the_store_of_the_logs_itself(cli: Cli, logs: Path, tmp_path: Path) -> None:
    done = cli("mine", logs, "--store", logs.parent / "x" / ".." / logs.name, "--json")
    assert done.code == 2 and "store of their own" in done.json["error"]
    done = cli("mine", logs, "--store", tmp_path / "l.sqlite", "--json")
    assert done.code == 0 and sum(done.json["splits"].values()) == done.json["moments"]


def test_mining_says_which_conversations_are_dialogues_of_its_own(
    cli: Cli, script: Callable[[list[str]], str], logs: Path, tmp_path: Path
) -> None:
    """Their teacher's turns are no person's: what is found in them is seldom a lesson."""
    own = tmp_path / "own.sqlite"
    student = script(["The answer is 1."])
    assert cli("run", "--tasks", "arithmetic?form=full&n=2", "--student", student, "--store", own).code == 0
    assert "2 are dialogues that were run here" in cli("mine", own, "--store", tmp_path / "l.sqlite").out
    assert "run here" not in cli("mine", logs, "--store", tmp_path / "k.sqlite").out


def test_review_shows_the_guessed_call(cli: Cli, lessons: Path) -> None:
    done = cli("review", lessons, "--kind", "corrected", stdin="/quit\n")
    assert done.code == 0 and "in place of: " in done.out and "person" in done.out
    assert "(" in done.out.partition("in place of: ")[2].splitlines()[1]


def test_review_shows_what_the_agent_knew_once(cli: Cli, lessons: Path, tmp_path: Path) -> None:
    """Whether something was missing can only be judged under the agent's prompt, and what its tools require."""
    done = cli("review", lessons, stdin="s\ns\ns\n/quit\n")
    assert done.code == 0 and "4 of " in done.out
    heading, _, rest = done.out.partition("\nsystem\n")
    assert heading.count("\n") < 4 and rest.startswith("  You arrange things.\n")
    assert re.fullmatch(r"  \w+\(\w+\??(, \w+\??)*\)", rest.partition("tools\n")[2].splitlines()[0])

    bare = tmp_path / "bare.sqlite"
    with TraceStore.open(lessons, read_only=True) as store, TraceStore.open(bare) as out:
        one = next(iter(store.traces()))
        long = "Be kind. " * 1_000
        out.add(one.model_copy(update={"system": "", "tools": ()}))
        for id in ("l" * 16, "m" * 16):
            out.add(one.model_copy(update={"id": id, "system": long}))
    done = cli("review", bare, stdin="s\ns\ns\n")
    assert "not known of the agent: its system prompt and its tools" in done.out
    said = " ".join(done.out.split())
    assert 150 < said.count("Be kind.") < 200 and "more characters: sml-agents show" in said


def test_review_says_that_a_key_is_unknown_and_what_was_decided_now(cli: Cli, lessons: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.sqlite"
    shutil.copy(lessons, mine)
    done = cli("review", mine, stdin="z\nquit\nA\nreject\n/quit\n")
    assert done.code == 0
    assert "there is no key 'z'; the keys are:" in done.out and "there is no key 'quit'" in done.out
    assert done.out.endswith(f"now: 1 accepted, 1 rejected\nin all: 1 accepted, 1 rejected, {whole(mine) - 2} open\n")
    sure = cli("review", mine, "--accept-above", "0.6", "--json").json
    assert sure["now"] == {"accepted": sure["accepted"] - 1, "rejected": 0} and sure["accepted"] > 2
    again = cli("review", mine, "--accept-above", "0.6")
    assert again.out.startswith(f"now: 0 accepted, 0 rejected\nin all: {sure['accepted']} accepted, 1 rejected, ")


def whole(store: Path) -> int:
    with TraceStore.open(store, read_only=True) as lessons:
        return sum(1 for _ in lessons.traces())


def test_review_refuses_a_store_without_lessons(cli: Cli, logs: Path) -> None:
    done = cli("review", logs, "--json", stdin="a\n")
    assert done.code == 2 and "no lesson" in done.json["error"] and "sml-agents mine" in done.json["error"]


def test_a_decider_is_measured_beside_the_rule_on_held_out_threads(cli: Cli, lessons: Path, tmp_path: Path) -> None:
    script = tmp_path / "asks.json"
    script.write_text(json.dumps(["On which date would you like that?"]))
    done = cli("eval", "--decider", f"scripted:{script}", "--lessons", lessons, "--json")
    assert done.code == 0, done.err
    figures = {name: one["at"] for name, one in done.json["deciders"].items()}
    assert set(figures) == {"decider", "tolerant rule", "always asks", "never asks"}
    assert figures["decider"]["asks_when_needed"]["value"] == figures["decider"]["needless"]["value"] == 1.0
    rule = figures["tolerant rule"]
    assert (
        rule["asks_when_needed"]["value"] > 0.9 and rule["needless"]["value"] < 0.1 and rule["names_it"]["value"] > 0.9
    )
    assert figures["never asks"]["f1"]["value"] == 0.0 and figures["always asks"]["needless"]["value"] == 1.0
    for one in figures.values():
        assert set(one["f1"]) == {"value", "low", "high", "n"}
    with TraceStore.open(lessons, read_only=True) as store:
        heldout = sum(trace.task.split == "heldout" for trace in store.traces())
    assert (
        done.json["cases"]
        == heldout
        < cli("eval", "--decider", f"scripted:{script}", "--lessons", lessons, "--split", "all", "--json").json["cases"]
    )
    page = cli("eval", "--decider", f"scripted:{script}", "--lessons", lessons)
    assert "when needed" in page.out and "…" not in page.out and "tolerant rule" in page.out


def test_the_curve_over_the_threshold_of_a_decider_of_ones_own(cli: Cli, lessons: Path) -> None:
    done = cli("eval", "--decider", "tests.cli.deciding:sure", "--lessons", lessons, "--threshold", "0.6", "--json")
    assert done.code == 0, done.err
    report = done.json["deciders"]["decider"]
    assert report["at"]["f1"]["value"] == 1.0 and report["at"]["threshold"] == 0.6
    shares = [at["needless"]["value"] for at in report["curve"]]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--decider", "scripted:x.json"), "go together"),
        (("--lessons", "x.sqlite"), "go together"),
        ((), "--student and --tasks"),
        (("--decider", "no.such:thing", "--lessons", "LESSONS"), "no.such"),
        (("--decider", "scripted:none.json", "--lessons", "LESSONS"), "none.json"),
        (("--decider", "transformers:nope", "--lessons", "LESSONS"), "no language model could be loaded from nope"),
        (("--decider", "embedded:", "--lessons", "LOGS"), "mine"),
        (("--decider", "embedded:", "--lessons", "LESSONS", "--split", "dev"), "heldout"),
    ],
)
def test_what_cannot_be_measured_is_said(
    cli: Cli, lessons: Path, logs: Path, arguments: tuple[str, ...], words: str
) -> None:
    places = {"LESSONS": str(lessons), "LOGS": str(logs)}
    done = cli("eval", *(places.get(one, one) for one in arguments), "--json")
    assert done.code == 2 and words in done.json["error"]


def test_export_takes_selections_times_and_places(cli: Cli, logs: Path, lessons: Path, tmp_path: Path) -> None:
    def rows(store: Path, *more: str) -> int:
        done = cli("export", store, "--format", "openai", "--out", tmp_path / "rows.jsonl", *more, "--json")
        assert done.code == 0, done.json
        assert len(done.json["sha256"]) == 64
        return int(done.json["rows"])

    assert rows(logs) == 60
    assert rows(logs, "--where", "customer=acme") == 30
    assert rows(logs, "--where", "tag=prod", "--since", "2027-03-27") == 4
    assert rows(logs, "--no-tool-calls") == 60
    assert '"tool' not in (tmp_path / "rows.jsonl").read_text()
    for wrong, words in (("--since", "soon"), ("--where", "acme"), ("--select", "best")):
        done = cli("export", logs, "--format", "trl", "--out", tmp_path / "x", wrong, words, "--json")
        assert done.code == 2 and words in done.json["error"]


def test_export_writes_the_lessons_that_were_accepted_and_says_what_it_left(
    cli: Cli, lessons: Path, tmp_path: Path
) -> None:
    from sml_agents.mining.run import accept_above

    mine = tmp_path / "mine.sqlite"
    shutil.copy(lessons, mine)
    written = ("export", mine, "--format", "trl", "--out", tmp_path / "rows.jsonl")
    none = cli(*written, "--json")
    assert none.code == 2 and "not accepted in a review): accept lessons first" in none.json["error"]
    with TraceStore.open(mine) as store:
        accepted = accept_above(store, 0.6)
        out = sum(trace.task.split == "heldout" for trace in store.traces(solved=True))
    done = cli(*written, "--json").json
    assert 0 < out < accepted < done["traces"] and done["taken"] == accepted - out
    waiting = done["traces"] - accepted
    left = {"not accepted in a review": waiting, "held out to measure on (split: heldout)": out}
    assert left.items() <= done["left_out"].items()
    assert cli(*written, "--split", "heldout", "--json").json["taken"] == out


def test_a_thread_that_is_wholly_held_out_is_said(cli: Cli, logs: Path, tmp_path: Path) -> None:
    from sml_agents.mining.lessons import split_of

    path, lessons = tmp_path / "one.sqlite", tmp_path / "lessons.sqlite"
    with TraceStore.open(logs, read_only=True) as store, TraceStore.open(path) as one:
        one.add(next(trace for trace in store.traces() if split_of(trace, 0.2) == "heldout"))
    said = cli("mine", path, "--store", lessons).out
    assert "0 to train on; 1 held out to measure on" in said and "mine again with --heldout 0" in said
    assert "held out" not in cli("mine", path, "--store", lessons, "--heldout", "0").out


def test_a_store_that_is_recorded_already_can_be_redacted(cli: Cli, tmp_path: Path) -> None:
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    trace = synthetic.written(1, seed=1)[0].trace.model_copy(update={"id": "log-one"})
    trace = trace.model_copy(update={"task": trace.task.model_copy(update={"id": "log-one", "meta": {}})})
    said = (Turn(role=trace.turns[0].role, text="mail ann@example.org"), *trace.turns[1:])
    call = ToolCall(
        name="pay", arguments={"key": KEY, "to": {"mail": "bob@example.org"}}, result="sent to ann@example.org"
    )
    secret: Trace = trace.model_copy(
        update={"turns": (*said, said[1].model_copy(update={"tool_calls": (call,)})), "system": f"Use {KEY}"}
    )
    from sml_agents.traces.redaction import Redactor

    with TraceStore.open(old, redactor=Redactor(hook=lambda text: text)) as store:
        store.add(secret)
    assert cli("redact", old, "--store", old, "--json").code == 2
    done = cli("redact", old, "--store", new, "--redact-personal", "--json")
    assert done.code == 0 and done.json["copied"] == 1
    with TraceStore.open(new, read_only=True) as store:
        text = next(store.texts())
    assert KEY not in text and secret.id in text
    assert "example.org" not in text, text[max(0, text.index("example.org") - 80) :][:200]


def test_what_checkpoints_do_not_hold_is_said_and_given(cli: Cli, tmp_path: Path) -> None:
    log, tools, store = tmp_path / "log.jsonl", tmp_path / "tools.json", tmp_path / "logs.sqlite"
    asked = {"role": "user", "content": "A table for two"}
    made = {"id": "1", "type": "function", "function": {"name": "book", "arguments": '{"people": 2}'}}
    called = {"role": "assistant", "content": "", "tool_calls": [made]}
    own = {"role": "system", "content": "You are another one."}
    rows = [{"messages": [asked, called]}, {"messages": [own, {"role": "user", "content": "Hi"}, {**called}]}]
    log.write_text("\n".join(map(json.dumps, rows)))
    tools.write_text(json.dumps({"name": "book", "parameters": {"properties": {"people": {"type": "integer"}}}}))
    done = cli("import", f"openai:{log}", "--store", store)
    assert "1 without a system prompt: --system" in done.out and "2 without definitions of the tools" in done.out
    done = cli("import", f"openai:{log}", "--store", store, "--system", "You book tables.", "--tools", tools)
    assert done.code == 0 and "without" not in done.out
    with TraceStore.open(store, read_only=True) as held:
        traces = list(held.traces())
    assert sorted(trace.system for trace in traces) == ["You are another one.", "You book tables."]
    assert {trace.tools[0]["function"]["name"] for trace in traces} == {"book"}
    tools.write_text("{")
    refused = cli("import", f"openai:{log}", "--store", store, "--tools", tools)
    assert refused.code == 2 and "is not JSON" in refused.err


def test_lessons_and_nothing_are_not_mined(cli: Cli, lessons: Path, tmp_path: Path) -> None:
    refused = cli("mine", lessons, "--store", tmp_path / "more.sqlite")
    assert refused.code == 2 and "these are lessons already" in refused.err
    assert not (tmp_path / "more.sqlite").exists()
    with TraceStore.open(tmp_path / "empty.sqlite"):
        pass
    refused = cli("mine", tmp_path / "empty.sqlite", "--store", tmp_path / "more.sqlite")
    assert refused.code == 2 and "holds no conversation" in refused.err
    assert not (tmp_path / "more.sqlite").exists()
    refused = cli("eval", "--decider", "asker:", "--lessons", lessons, "--out", tmp_path / "out")
    assert refused.code == 2 and "--json prints all figures" in refused.err


def test_logs_that_were_not_mined_are_exported_with_a_word_of_it(cli: Cli, logs: Path, tmp_path: Path) -> None:
    done = cli("export", logs, "--format", "openai", "--out", tmp_path / "rows.jsonl")
    assert done.code == 0 and "60 are logs as recorded, wrong guesses among them: sml-agents mine" in done.out
