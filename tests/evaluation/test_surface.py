"""Surface features: what a classifier that reads nothing makes of the tasks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sml_agents.errors import InputError
from sml_agents.evaluation.surface import FEATURES, SurfaceClassifier, auc, features_of, youden_threshold
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.types import Form, Task

GENERATED = ["arithmetic?", "arithmetic?steps=1&largest=20&", "lists?", "functions?"]


def lacking(tasks: list[Task]) -> list[bool]:
    return [task.form is Form.UNDERSPECIFIED for task in tasks]


@pytest.mark.parametrize("spec", GENERATED)
def test_surface_features_do_not_tell_which_form_lacks_a_fact(spec: str) -> None:
    train, heldout = (load_tasks(f"{spec}form=paired&split={split}&n=200") for split in ("train", "heldout"))
    classifier = SurfaceClassifier.fit(train)
    reached = auc(classifier.scores(heldout), lacking(heldout))
    assert reached is not None and reached <= 0.60, (reached, dict(zip(FEATURES, classifier.weights, strict=True)))


DATA = Path(os.environ.get("SML_AGENTS_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


@pytest.mark.skipif(not (DATA / "gsm8k_train.jsonl").exists(), reason="GSM8K is not here: set SML_AGENTS_DATA")
@pytest.mark.parametrize("hide", ["sentence,clause", "vague", "drop", "sentence,clause,vague,drop"])
@pytest.mark.parametrize("full", ["original", "either"])
def test_nor_in_gsm8k_by_rule_however_a_fact_is_hidden(hide: str, full: str) -> None:
    form = f"form=paired&hide={hide}&full={full}"
    train = load_tasks(f"gsm8k:{DATA}/gsm8k_train.jsonl?{form}&split=train&n=200", report=LoadReport())
    heldout = load_tasks(f"gsm8k:{DATA}/gsm8k_test.jsonl?{form}&split=heldout", report=LoadReport())
    reached = auc(SurfaceClassifier.fit(train).scores(heldout), lacking(heldout))
    assert reached is not None and reached <= 0.62 and len(heldout) > 60, (reached, len(heldout))


@pytest.mark.parametrize("spec", GENERATED)
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_no_single_feature_tells_either(spec: str, split: str) -> None:
    tasks = load_tasks(f"{spec}form=paired&split={split}&n=200")
    table, wanted = features_of(task.prompt for task in tasks), lacking(tasks)
    for name, column in zip(FEATURES, table.T, strict=True):
        reached = auc(column, wanted)
        assert reached is not None and 0.4 <= reached <= 0.6, (name, reached)


def test_a_cue_is_found_where_there_is_one() -> None:
    """Two forms that differ by a numeral: the classifier must see it, or it is no baseline."""
    tasks = load_tasks("arithmetic?form=paired&n=100")
    cued = [
        task.model_copy(update={"prompt": f"{task.prompt} 7."}) if task.form is Form.FULL else task for task in tasks
    ]
    classifier = SurfaceClassifier.fit(cued)
    reached = auc(classifier.scores(cued), lacking(cued))
    assert reached is not None and reached > 0.9
    right = [classifier.asks(task.prompt) == wanted for task, wanted in zip(cued, lacking(cued), strict=True)]
    assert np.mean(right) > 0.85


def test_one_kind_alone_is_refused() -> None:
    with pytest.raises(InputError, match="both"):
        SurfaceClassifier.fit(load_tasks("arithmetic?form=full&n=5"))


@pytest.mark.parametrize(
    ("scores", "wanted", "expected"),
    [
        ([0.1, 0.9], [False, True], 1.0),
        ([0.9, 0.1], [False, True], 0.0),
        ([0.5, 0.5], [False, True], 0.5),
        ([0.1, 0.4, 0.35, 0.8], [False, False, True, True], 0.75),
        ([0.2, 0.3], [True, True], None),
        ([], [], None),
    ],
)
def test_auc(scores: list[float], wanted: list[bool], expected: float | None) -> None:
    assert auc(scores, wanted) == expected


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([0.1, 0.2, 0.7, 0.9], [False, False, True, True]),
        ([0.1, 0.6, 0.5, 0.9], [False, False, True, True]),
        ([0.5, 0.5], [False, True]),
        ([1.0, 0.0], [True, False]),
    ],
)
def test_the_threshold_parts_the_two_kinds_best(scores: list[float], wanted: list[bool]) -> None:
    def gap(threshold: float) -> float:
        asks = [score >= threshold for score in scores]
        rate = {kind: np.mean([a for a, w in zip(asks, wanted, strict=True) if w is kind]) for kind in (True, False)}
        return float(rate[True] - rate[False])

    assert gap(youden_threshold(scores, wanted)) == max(gap(at) for at in (*scores, -1, 2))


@pytest.mark.parametrize(
    ("prompt", "feature", "value"),
    [
        ("Tom has 3 pens and four cups. How many?", "numbers", 2),
        ("Tom has 1,200 pens for $5. He has 2.5 cups.", "numerals", 3),
        ("Some pens. Several cups. How many?", "vague words", 3),
        ("How many pens are there? Tom has 3 pens.", "words after the question", 4),
        ("Tom has pens.", "words after the question", 0),
        ("", "sentences", 1),
    ],
)
def test_features(prompt: str, feature: str, value: float) -> None:
    assert features_of([prompt])[0][list(FEATURES).index(feature)] == value
