"""What `docs/training.md` shows is run as it stands, with a model made small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from sml_agents.errors import InputError
from sml_agents.traces import TraceStore
from sml_agents.training.card import add_figures
from sml_agents.types import Form
from tests.training.test_preference import ANSWERED, ASKED
from tests.training.test_rows import TELLS, ask, attempt, trace


def blocks(repository: Path, language: str) -> list[str]:
    text = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_every_snippet_runs(
    repository: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with TraceStore.open("t.sqlite") as store:
        for number in range(4):
            store.add(trace(ask(), TELLS, attempt(True), id=f"m{number}", pair=f"p{number}"))
            store.add(trace(attempt(True), id=f"c{number}", form=Form.FULL, pair=f"p{number}"))
        for one in (*ASKED, *ANSWERED):
            store.add(one)
    [shown] = blocks(repository, "yaml")
    (tmp_path / "train.yaml").write_text(shown.replace("embedded:", str(tiny_model)))
    snippets = blocks(repository, "python")
    for snippet in snippets:
        exec(compile(snippet.replace("embedded:", str(tiny_model)), "training.md", "exec"), {})
    assert len(snippets) == 3
    printed = capsys.readouterr().out
    assert "{'asked_over_guessed': 1, 'answered_over_asked': 1}" in printed

    card = (tmp_path / "runs" / "dpo" / "README.md").read_text()
    assert "| From | 1 asked_over_guessed |" in card and "| Recipe | dpo |" in card
    assert "Nothing has been measured yet" in card
    metric = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 8}
    unknown = {"value": None, "low": None, "high": None, "n": 0}
    report = {"students": {"trained": {"metrics": {"asks_when_needed": metric, "correction": unknown}}}}
    add_figures(tmp_path / "runs" / "dpo", report, on="arithmetic?n=8")
    add_figures(tmp_path / "runs" / "dpo", report, on="lists?n=8")
    card = (tmp_path / "runs" / "dpo" / "README.md").read_text()
    (result,) = [one for one in ModelCard(card).data.eval_results if one.metric_value == 0.5]
    assert (result.dataset_name, result.metric_type) == ("lists?n=8", "asks_when_needed")
    assert "| students trained metrics | asks_when_needed | 0.500 | 0.250 to 0.750 | 8 |" in card
    assert "On `lists?n=8`" in card and "arithmetic" not in card and "correction" not in card
    with pytest.raises(InputError, match="no figures in this report"):
        add_figures(tmp_path / "runs" / "dpo", {}, on="x")
    with pytest.raises(InputError, match="holds no model card"):
        add_figures(tmp_path, report, on="x")


def test_the_commands_name_what_there_is(repository: Path) -> None:
    text = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(?:finetune/)?(train_\w+\.yaml)`", text):
        assert (repository / "finetune" / name).is_file(), name
    for path in re.findall(r"`(benchmarks/\w+\.py)`", text):
        assert (repository / path).is_file(), path
