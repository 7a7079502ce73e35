"""Tool requests: what lacks something really lacks it, what is complete has all, and no count tells which is which.

Values are looked for by other code than made them: every way of saying a value that a person of these banks has.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.evaluation.bag import BagOfWords
from sml_agents.evaluation.surface import SurfaceClassifier, auc
from sml_agents.tasks import load_tasks
from sml_agents.tasks.tools.bank import load_bank
from sml_agents.text.questions import asked_facts
from sml_agents.types import Form, Task

SPLITS = ["train", "dev", "heldout"]


@cache
def pairs(split: str, n: int = 0) -> list[tuple[Task, Task]]:
    n = n or (320 if split == "heldout" else 150)
    tasks = load_tasks(f"requests?form=paired&split={split}&n={n}")
    return list(zip(tasks[::2], tasks[1::2], strict=True))


def schema_of(task: Task) -> dict[str, Any]:
    name = task.private.calls[0].name
    return next(tool["function"]["parameters"] for tool in task.tools if tool["function"]["name"] == name)


def words_of(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def required(schema: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for name in schema.get("required", ()):
        inner = schema["properties"][name]
        found += required(inner, f"{path}{name}.") if "properties" in inner else [f"{path}{name}"]
    return found


def says(prompt: str, value: Any, words: str) -> bool:
    """Whether a prompt tells a value: its words, its digits, any writing of its day or time."""
    forms = {words, str(value)} - {""}
    if isinstance(value, list):
        forms |= {str(one).replace("_", " ") for one in value}
    if isinstance(value, bool):
        forms = set()
    elif isinstance(value, int | float):
        forms |= {f"{value:,}", f"${value}"}
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        day = dt.date.fromisoformat(value)
        for month in (f"{day:%B}", f"{day:%b}"):
            forms |= {f"{day.day} {month}", f"{month} {day.day}", f"{day.day}th of {month}", f"{month} {day.day}th"}
    if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d", value):
        clock = dt.time.fromisoformat(value)
        forms |= {f"{clock.hour % 12 or 12}:{clock.minute:02}", f"{clock:%I:%M %p}"}
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", prompt, re.IGNORECASE) for form in forms)


@pytest.mark.parametrize("split", SPLITS)
def test_a_request_lacks_what_it_is_said_to_lack_and_tells_all_else(split: str) -> None:
    for pair in pairs(split):
        for task in pair:
            call, said = task.private.calls[0], task.meta["said"]
            lacking = [fact.name for fact in task.private.facts]
            assert bool(lacking) is (task.form is Form.UNDERSPECIFIED)
            wanted = required(schema_of(task))
            assert set(lacking) <= set(wanted) <= set(call.arguments)
            for path in wanted:
                value, words = call.arguments[path][0], said[path]
                if path in lacking:
                    assert not says(task.prompt, value, words), (path, value, task.prompt)
                elif words:
                    assert words.casefold() in task.prompt.casefold(), (path, words, task.prompt)
            for fact in task.private.facts:
                assert said[fact.name] in fact.statement
                assert fact.name in [found.name for found in asked_facts(fact.question, task.private.facts)]


@pytest.mark.parametrize("split", SPLITS)
def test_the_sides_of_a_pair_differ_in_what_was_exchanged_alone(split: str) -> None:
    for lacking, complete in pairs(split):
        assert lacking.pair == complete.pair and lacking.tools == complete.tools
        facts = {fact.name for fact in lacking.private.facts}
        told = set(lacking.meta["told"]) - set(complete.meta["told"])
        assert set(complete.meta["told"]) - set(lacking.meta["told"]) == facts
        assert len(told) <= len(facts)  # another stand-in is nothing that the tool knows
        # No other word is exchanged than those by which the missing value is told.
        bank = load_bank(split)
        tool = next(tool for tool in bank.tools if tool.name == lacking.template)
        own = [lacking.meta["said"][fact] for fact in facts]
        for argument in tool.arguments:
            if argument.path.replace("_", "").lower() in {fact.replace("_", "").lower() for fact in facts}:
                own += [*argument.phrases, argument.noun]
        exchanged = words_of(complete.prompt) - words_of(lacking.prompt)
        # Where what is not told is spoken of, it is the one argument in the one form and the other in the other.
        own += [argument.noun for argument in tool.arguments]
        known = words_of(" ".join([*own, *tool.goals, *bank.style.sentences, *bank.style.phrases]))
        assert exchanged and set(exchanged) <= set(known), (lacking.prompt, complete.prompt)
        shared = {path: words for path, words in complete.meta["said"].items() if path in lacking.meta["told"]}
        assert all(words.casefold() in lacking.prompt.casefold() for words in shared.values())


@pytest.mark.parametrize("split", SPLITS)
def test_calls_fit_their_schemas(split: str) -> None:
    for pair in pairs(split):
        schema = schema_of(pair[0])
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for task in pair:
            call = task.private.calls[0]
            assert schema_of(task) == schema
            validator.validate(call.usual)
            assert json.loads(task.private.answer) == {"name": call.name, "arguments": call.usual}
            names = [tool["function"]["name"] for tool in task.tools]
            assert len(set(names)) == len(names)
            assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)


def test_neither_counts_nor_words_tell_which_side_lacks_something() -> None:
    train = [task for pair in pairs("train", 500) for task in pair]
    heldout = [task for pair in pairs("heldout") for task in pair]
    kinds = [[task.form is Form.UNDERSPECIFIED for task in tasks] for tasks in (train, heldout)]
    counted = auc(SurfaceClassifier.fit(train).scores(heldout), kinds[1])
    bag = BagOfWords.fit([task.prompt for task in train], kinds[0])
    worded = auc(bag.scores(task.prompt for task in heldout), kinds[1])
    assert counted is not None and worded is not None
    assert max(counted, 1 - counted) <= 0.6 and max(worded, 1 - worded) <= 0.6, (counted, worded)


def test_a_question_by_a_name_in_the_schema_names_that_argument_alone() -> None:
    own_words = 0
    for lacking, _ in pairs("heldout"):
        facts, every = lacking.private.facts, leaf_paths(schema_of(lacking))
        missing = {fact.name for fact in facts}
        for path in every:
            called = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", path.rpartition(".")[2]).lower()
            for question in (f"What should the {called} be?", f"What is the {path.rpartition('.')[2]}?"):
                found = {fact.name for fact in asked_facts(question, facts, (lacking.prompt,), lacking.tools)}
                assert found == {path} & missing, (lacking.prompt, question, facts)
            own_words += path in missing and not any(key in called for fact in facts for key in fact.keywords)
        shotgun = " ".join(f"What is the {re.sub('_', ' ', path)}?" for path in every if path not in missing)
        assert (
            not asked_facts(f"{shotgun} What is the {facts[0].name}?", facts, (), lacking.tools)
            or len(every) - len(missing) < 2
        )
    assert own_words > 20  # as many are called otherwise by the person


def leaf_paths(schema: dict[str, Any], above: str = "") -> list[str]:
    return [
        path
        for name, one in schema["properties"].items()
        for path in (leaf_paths(one, f"{above}{name}.") if "properties" in one else [f"{above}{name}"])
    ]


def test_the_splits_share_no_tool_no_sentence_and_no_list_of_values() -> None:
    banks = [load_bank(split) for split in SPLITS]
    for k, one in enumerate(banks):
        for other in banks[k + 1 :]:
            assert not {tool.name for tool in one.tools} & {tool.name for tool in other.tools}
            assert not {goal for tool in one.tools for goal in tool.goals} & {g for t in other.tools for g in t.goals}
            for field in (
                "frames",
                "questions",
                "openers",
                "closers",
                "sentences",
                "phrases",
                "hints",
                "asks",
                "today",
            ):
                assert not set(getattr(one.style, field)) & set(getattr(other.style, field)), field
            values = [{value for pool in bank.pools.values() for value in pool} for bank in (one, other)]
            assert not values[0] & values[1]


def test_the_same_spec_gives_the_same_tasks_and_another_seed_others() -> None:
    one, again = (load_tasks("requests?form=mixed&n=40&seed=3") for _ in range(2))
    assert one == again
    assert len({task.id for task in one}) == len(one)
    other = load_tasks("requests?form=mixed&n=40&seed=4")
    assert not {task.id for task in one} & {task.id for task in other}
    assert load_tasks("requests?form=paired&n=10&offset=5")[0] == load_tasks("requests?form=paired&n=6")[10]


def test_a_request_that_no_tool_serves_has_no_call() -> None:
    for task in load_tasks("requests?form=full&unserved=100&n=60&split=heldout"):
        assert task.tools and not task.private.calls and not task.private.facts and not task.private.answer
        assert not any(tool["function"]["name"].lower().endswith(task.meta["tool"]) for tool in task.tools)
    mixed = load_tasks("requests?form=mixed&n=300")
    assert 0.05 < sum(not task.private.calls for task in mixed) / len(mixed) < 0.2


def test_fewer_tools_beside_the_right_one_change_nothing_else() -> None:
    spec = "requests?form=paired&n=30&split=heldout"
    plenty = load_tasks(spec)
    assert max(len(task.tools) for task in plenty) > 3
    for most in (0, 1, 4, 9):
        for task, fewer in zip(plenty, load_tasks(f"{spec}&distractors={most}"), strict=True):
            assert len(fewer.tools) == min(len(task.tools), most + 1)
            assert (fewer.prompt, fewer.private, schema_of(fewer)) == (task.prompt, task.private, schema_of(task))
    for task in load_tasks("requests?form=full&unserved=100&n=20&distractors=0"):
        assert len(task.tools) == 1 and not task.private.calls


def test_a_tool_of_few_arguments_has_no_more() -> None:
    sizes = {}
    for most in (2, 3):
        tasks = load_tasks(f"requests?form=paired&distractors=0&arguments={most}&n=60&split=heldout")
        sizes[most] = {len(task.private.calls[0].arguments) for task in tasks}
        assert all(len(required(schema_of(task))) <= most for task in tasks) and len(tasks) == 120
        assert max(len(leaf_paths(schema_of(task))) for task in tasks) == most
    assert max(sizes[2]) == 2 and max(sizes[3]) == 3


def test_a_sharded_request_tells_nothing() -> None:
    for task in load_tasks("requests?form=sharded&n=60&split=dev"):
        assert [fact.name for fact in task.private.facts] == required_in_order(task)
        for fact in task.private.facts:
            value = task.private.calls[0].arguments[fact.name][0]
            assert not says(task.prompt, value, task.meta["said"][fact.name])


def required_in_order(task: Task) -> list[str]:
    return [path for path in task.private.calls[0].arguments if path in required(schema_of(task))]


@pytest.mark.parametrize(
    "spec",
    [
        "requests?form=paired&unserved=10",
        "requests?form=full&unserved=101",
        "requests?form=nested",
        "requests?unserved=x",
        "requests?distractors=-1",
        "requests?distractors=few",
        "requests?arguments=1",
        "requests?tools=3",
    ],
)
def test_a_spec_that_asks_for_what_there_is_not_is_refused(spec: str) -> None:
    with pytest.raises(TaskSpecError):
        load_tasks(spec)


def test_the_page_tells_what_there_is(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (repository / "docs" / "tool-requests.md").read_text(encoding="utf-8")
    for split, words in (("train", "{} tools to train on"), ("dev", "{} for choosing"), ("heldout", "{} held out")):
        assert words.format(len(load_bank(split).tools)) in page
    for code in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        exec(code, {})
    assert "| ()" in capsys.readouterr().out
