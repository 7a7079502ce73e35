"""Exports hold what the student could see, the turns that the filter takes, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sml_agents.data.export import FORMATS, TraceFilter, export
from sml_agents.errors import InputError
from sml_agents.traces import TraceStore
from sml_agents.types import Act, Fact, Form, Outcome, Private, Role, StopReason, Task, Trace, Turn, Verdict

CANARY = "CANARY-7f3a"
PROMPT = "Ada buys 4 pencils. What does she pay?"


def task(number: int = 0, form: Form = Form.UNDERSPECIFIED, **more: Any) -> Task:
    fact = Fact(name="price", statement="A pencil costs 3 dollars.", keywords=("cost", "price"), question=CANARY)
    facts = () if form is Form.FULL else (fact, Fact(name="other", statement=CANARY, keywords=("zebra",)))
    private = Private(answer=CANARY, facts=facts, solution=CANARY)
    return Task(
        id=f"t{number}", family="arithmetic", form=form, prompt=PROMPT, private=private, meta={"key": CANARY}, **more
    )


def teacher(text: str, **more: Any) -> Turn:
    return Turn(role=Role.TEACHER, text=text, **more)


def student(text: str, act: Act, correct: bool | None = None, **more: Any) -> Turn:
    verdict = None
    if correct is not None:
        outcome = Outcome.CORRECT if correct else Outcome.INCORRECT
        verdict = Verdict(outcome=outcome, extracted=CANARY, diagnosis=CANARY)
    return Turn(role=Role.STUDENT, text=text, act=act, verdict=verdict, trainable=True, **more)


def ask(text: str = "What does a pencil cost?", **more: Any) -> Turn:
    return student(text, Act.CLARIFICATION, **more)


def attempt(correct: bool, text: str = "The answer is 12.", **more: Any) -> Turn:
    return student(text, Act.ANSWER_ATTEMPT, correct, **more)


TELLS = teacher("A pencil costs 3 dollars.", reveals=("price",))


def trace(*turns: Turn, id: str = "a", of: Task | None = None, **more: Any) -> Trace:
    solved = any(turn.verdict is not None and turn.verdict.correct for turn in turns)
    stop = more.pop("stop", StopReason.SOLVED if solved else StopReason.MAX_TURNS)
    settings = {"secret": CANARY}
    return Trace(
        id=id, task=of or task(), turns=(teacher(PROMPT), *turns), stop=stop, solved=solved, settings=settings, **more
    )


ASKED = trace(ask(), TELLS, attempt(True), id="asked")
GUESSED = trace(attempt(False, "The answer is 8."), teacher("No."), attempt(False, "The answer is 9."), id="guessed")
WAY = trace(attempt(False, "The answer is 8."), teacher("No."), ask(), TELLS, attempt(True), id="way")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(traces: list[Trace], format: str, out: Path, **filters: Any) -> list[dict[str, Any]]:
    export(traces, format, out, TraceFilter(**{"wrong_attempts": True, **filters}))
    return read(out)


class TestFormats:
    def test_trl_is_the_dialogue_up_to_the_last_taken_turn(self, tmp_path: Path) -> None:
        ended_by_teacher = trace(ask(), TELLS, id="asked")
        rows = run([ASKED, ended_by_teacher], "trl", tmp_path / "rows.jsonl")
        assert [message["role"] for message in rows[0]["messages"]] == ["user", "assistant", "user", "assistant"]
        assert [message["content"] for message in rows[0]["messages"]][:2] == [PROMPT, "What does a pencil cost?"]
        assert len(rows[1]["messages"]) == 2

    def test_prompt_completion_has_a_row_for_each_student_turn(self, tmp_path: Path) -> None:
        rows = run([ASKED], "trl-prompt-completion", tmp_path / "rows.jsonl")
        assert [(len(row["prompt"]), row["completion"][0]["content"], row["act"]) for row in rows] == [
            (1, "What does a pencil cost?", "clarification"),
            (3, "The answer is 12.", "answer_attempt"),
        ]
        assert all(row["completion"][0]["role"] == "assistant" and len(row["completion"]) == 1 for row in rows)

    def test_openai_keeps_turns_that_are_not_taken_out_of_the_loss(self, tmp_path: Path) -> None:
        (row,) = run([WAY], "openai", tmp_path / "rows.jsonl", wrong_attempts=False)
        assert set(row) == {"messages"}
        weights = [message.get("weight") for message in row["messages"] if message["role"] == "assistant"]
        assert weights == [0, None, None]

    @pytest.mark.parametrize("format", ["trl", "sharegpt"])
    def test_formats_without_masks_leave_out_dialogues_taken_in_part(self, format: str, tmp_path: Path) -> None:
        report = export([WAY, ASKED], format, tmp_path / "rows.jsonl", TraceFilter(wrong_attempts=False))
        assert [row["id"] for row in read(tmp_path / "rows.jsonl")] == ["asked"]
        assert (report.traces, report.taken, report.rows) == (2, 2, 1)
        assert [count for reason, count in report.left_out.items() if "no mask" in reason] == [1]

    def test_sharegpt(self, tmp_path: Path) -> None:
        export([ASKED], "sharegpt", tmp_path / "rows.jsonl", system="Be short.")
        (row,) = read(tmp_path / "rows.jsonl")
        assert [said["from"] for said in row["conversations"]] == ["system", "human", "gpt", "human", "gpt"]
        assert row["conversations"][0]["value"] == "Be short."

    @pytest.mark.parametrize("format", [format for format in FORMATS if format != "parquet"])
    def test_loads_with_datasets(self, format: str, tmp_path: Path) -> None:
        import datasets

        out = tmp_path / "rows.jsonl"
        report = export([ASKED, GUESSED, trace(ask(replaced="8", primed=True), TELLS, id="p")], format, out, system="S")
        loaded = datasets.load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
        assert loaded.num_rows == report.rows > 0
        assert loaded[0] == {**dict.fromkeys(loaded.column_names), **read(out)[0]}

    def test_parquet_folder_loads_with_datasets_and_has_a_card(self, tmp_path: Path) -> None:
        import datasets

        leaky = trace(ask(), teacher("It is 12.", leak="verbatim"), attempt(True), id="leaky")
        out = tmp_path / "set"
        report = export([ASKED, GUESSED, leaky], "parquet", out, licence="cc-by-4.0", name="Pencils: a set")
        loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
        assert loaded.num_rows == report.rows == 3
        assert loaded["solved"] == [True, False, True]
        assert loaded[0]["messages"][1] == {
            "role": "assistant",
            "content": "What does a pencil cost?",
            "act": "clarification",
            "outcome": None,
            "taken": True,
            "primed": False,
            "tool_calls": [],
        }
        assert [message["taken"] for message in loaded[1]["messages"]] == [False] * 4  # wrong attempts
        card = (out / "README.md").read_text(encoding="utf-8")
        import yaml

        head = yaml.safe_load(card.split("---")[1])
        assert head["license"] == "cc-by-4.0" and head["pretty_name"] == "Pencils: a set"
        assert "16.67% (1 of 6)" in card
        assert "| clarification | 2 |" in card
        assert report.leak_rate == pytest.approx(1 / 6)

    def test_licence_is_unknown_unless_given(self, tmp_path: Path) -> None:
        export([ASKED], "parquet", tmp_path / "set")
        assert "license: unknown\n" in (tmp_path / "set" / "README.md").read_text(encoding="utf-8")


class TestPrivacy:
    @pytest.mark.parametrize("format", FORMATS)
    def test_private_knowledge_is_in_no_format(self, format: str, tmp_path: Path) -> None:
        guarded = teacher("I will not say.", leak="verbatim", masked=True)
        traces = [
            trace(ask(primed=True, replaced="The answer is 8."), TELLS, attempt(True), id="one"),
            trace(attempt(False, "The answer is 5."), guarded, attempt(True), id="two"),
            trace(attempt(True), id="three", of=task(1, Form.FULL)),
            trace(ask("Which?"), teacher("All is told."), attempt(True), id="four", of=task(1, Form.FULL)),
        ]
        out = tmp_path / "out"
        report = export(traces, format, out)
        assert report.rows > 0
        files = [path for path in (out.rglob("*") if out.is_dir() else [out]) if path.is_file()]
        if format == "parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(out / "data" / "train-00000-of-00001.parquet")
            assert CANARY not in json.dumps(table.to_pylist())
            files.append(out / "README.md")
        assert all(CANARY.encode() not in path.read_bytes() for path in files)


class TestFilters:
    def taken(self, traces: list[Trace], **filters: Any) -> list[tuple[str, list[str]]]:
        kept = [TraceFilter(**{"wrong_attempts": True, **filters}).take(one) for one in traces]
        return [(one.trace.id, [one.turns[at].text for at in one.targets]) for one in kept if not isinstance(one, str)]

    @pytest.mark.parametrize(
        ("filters", "ids"),
        [
            ({"solved": True}, ["asked", "way"]),
            ({"solved": False}, ["guessed"]),
            ({"families": ("arithmetic",)}, ["asked", "guessed", "way"]),
            ({"families": ("other",)}, []),
            ({"forms": (Form.FULL,)}, []),
            ({"stops": (StopReason.MAX_TURNS,)}, ["guessed"]),
            ({"splits": ("train",)}, []),
            ({"min_turns": 3}, ["way"]),
            ({"max_turns": 2}, ["asked", "guessed"]),
            ({"primed": True}, []),
            ({"primed": False}, ["asked", "guessed", "way"]),
            ({"acts": (Act.CLARIFICATION,)}, ["asked", "way"]),
            ({"acts": (Act.CLARIFICATION,), "last_turn": 1}, ["asked"]),
            ({"wrong_attempts": False}, ["asked", "way"]),
        ],
    )
    def test_dialogues(self, filters: dict[str, Any], ids: list[str]) -> None:
        assert [id for id, _ in self.taken([ASKED, GUESSED, WAY], **filters)] == ids

    def test_turns(self) -> None:
        assert self.taken([WAY], last_turn=2) == [("way", ["The answer is 8.", "What does a pencil cost?"])]
        assert self.taken([WAY], wrong_attempts=False) == [("way", ["What does a pencil cost?", "The answer is 12."])]
        untrainable = trace(ask().model_copy(update={"trainable": False}), TELLS, attempt(True))
        assert self.taken([untrainable]) == [("a", ["The answer is 12."])]

    def test_failed_dialogues_are_left_out_unless_wanted(self) -> None:
        failed = trace(ask(), stop=StopReason.FAILED, error="HTTP 500")
        assert self.taken([failed]) == []
        assert len(self.taken([failed], failed=True)) == 1

    def test_leaks_cut_the_dialogue_unless_masked_or_kept(self) -> None:
        leak = teacher("It is 12.", leak="verbatim")
        leaky = trace(ask(), leak, attempt(True), id="leaky")
        masked = trace(ask(), leak.model_copy(update={"masked": True}), attempt(True), id="masked")
        at_once = trace(attempt(True), id="first").model_copy(update={"turns": (leak, attempt(True))})
        both = ["What does a pencil cost?", "The answer is 12."]
        assert self.taken([leaky, masked, at_once]) == [("leaky", both[:1]), ("masked", both)]
        assert self.taken([leaky, masked], leaks="drop") == [("masked", both)]
        assert self.taken([leaky, masked], leaks="keep") == [("leaky", both), ("masked", both)]


class TestPairs:
    def pairs(self, traces: list[Trace], tmp_path: Path, **filters: Any) -> list[tuple[str, str, str]]:
        rows = run(traces, "preference", tmp_path / "pairs.jsonl", **filters)
        assert all(len(row["chosen"]) == len(row["rejected"]) == 1 for row in rows)
        return [(row["source"], row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows]

    def test_a_primed_question_over_the_attempt_that_it_replaced(self, tmp_path: Path) -> None:
        primed = trace(ask(primed=True, replaced="The answer is 8."), TELLS, attempt(True))
        assert self.pairs([primed], tmp_path) == [("primed", "What does a pencil cost?", "The answer is 8.")]

    def test_asking_over_guessing_where_a_fact_is_missing(self, tmp_path: Path) -> None:
        rows = self.pairs([GUESSED, ASKED, GUESSED, ASKED], tmp_path)
        assert rows == [("asked_over_guessed", "What does a pencil cost?", "The answer is 8.")]

    def test_answering_over_asking_where_nothing_is_missing(self, tmp_path: Path) -> None:
        full = task(form=Form.FULL)
        rows = self.pairs([trace(ask(), of=full), trace(attempt(True), of=full)], tmp_path)
        assert rows == [("answered_over_asked", "The answer is 12.", "What does a pencil cost?")]

    def test_a_question_that_names_nothing_missing_is_not_preferred(self, tmp_path: Path) -> None:
        vague = trace(ask("Can you help me?"), teacher("With what?"), id="vague")
        with pytest.raises(InputError, match="no pair could be made of 2 traces"):
            self.pairs([vague, GUESSED], tmp_path)

    def test_a_lucky_guess_is_not_rejected_and_other_histories_are_not_compared(self, tmp_path: Path) -> None:
        later = trace(ask(), teacher("Say more."), attempt(False, "The answer is 7."), id="later")
        with pytest.raises(InputError, match="no pair"):
            self.pairs([trace(attempt(True), id="lucky"), later], tmp_path)

    def test_a_few_pairs_at_each_history(self, tmp_path: Path) -> None:
        asked = [trace(ask(f"What is the price, number {number}?"), TELLS) for number in range(9)]
        guessed = [trace(attempt(False, f"The answer is {number}.")) for number in range(9)]
        report = export([*asked, *guessed], "preference", tmp_path / "pairs.jsonl")
        assert report.rows == 4
        assert report.sources == {"asked_over_guessed": 4}


class TestWriting:
    def many(self, n: int) -> Iterator[Trace]:
        for number in range(n):
            yield ASKED.model_copy(update={"id": str(number)})

    @pytest.mark.parametrize("format", ["trl", "parquet"])
    def test_a_failure_leaves_what_was_there(self, format: str, tmp_path: Path) -> None:
        def broken() -> Iterator[Trace]:
            yield from self.many(10)
            raise RuntimeError("store went away")

        out = tmp_path / "out"
        export(self.many(3), format, out)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(RuntimeError, match="went away"):
            export(broken(), format, out)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize("format", ["trl", "parquet", "preference"])
    def test_nothing_left_names_the_filter_and_writes_nothing(self, format: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"1 traces with families: gsm8k \(1 other family\)"):
            export([ASKED], format, tmp_path / "out", TraceFilter(families=("gsm8k",)))
        with pytest.raises(InputError, match="no trace to export"):
            export([], format, tmp_path / "out")
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize(
        ("format", "out", "reason"),
        [
            ("csv", "rows.csv", "unknown export format 'csv'"),
            ("trl", ".", "is a folder"),
            ("parquet", "rows.parquet", "writes a folder"),
            ("parquet", "mine", "was not written by an export"),
            ("trl", "file/rows.jsonl", "cannot write to"),
        ],
    )
    def test_unusable_output(self, format: str, out: str, reason: str, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "README.md").write_text("my own notes")
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match=reason):
            export([ASKED], format, tmp_path / out)
        assert (tmp_path / "mine" / "README.md").read_text() == "my own notes"

    def test_lone_surrogates_are_a_clear_error(self, tmp_path: Path) -> None:
        for format in ("trl", "parquet"):
            with pytest.raises(InputError, match="UTF-8"):
                export([trace(ask("\ud800"))], format, tmp_path / "out")

    def test_from_a_store_in_one_pass(self, tmp_path: Path) -> None:
        with TraceStore.open(tmp_path / "traces.db") as store:
            for one in self.many(50):
                store.add(one)
            report = export(store.traces(), "trl", tmp_path / "deep" / "rows.jsonl")
        assert report.rows == 50
        assert [row["id"] for row in read(tmp_path / "deep" / "rows.jsonl")] == [str(number) for number in range(50)]
