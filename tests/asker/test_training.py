"""Training, resuming, the threshold, and the weights coming back."""

from __future__ import annotations

import json
import random
import runpy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sml_agents.asker.load import load_asker
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.read import AskerModel
from sml_agents.asker.rows import Example, Pair, Row
from sml_agents.asker.threshold import AskerRecord, Scores, line, values_of, with_values
from sml_agents.asker.train import AskerSettings, Step, _refuse_unless_fresh, in_passes, steps_of, train_asker
from sml_agents.asker.trees import Tree, side_by_side
from sml_agents.asker.weights import _check, mean_of
from sml_agents.errors import InputError, TrainingError

TOOL = ToolView("ring", "Ring somebody up", (Argument("person"), Argument("minute")))


def row(rng: random.Random) -> Row:
    """Two conversations: the one lacks what the other has."""
    name = rng.choice(("Ann", "Bob", "Eve"))
    whole = Example((Said("user", f"Ring {name}"),), {"person": name})
    return Row(TOOL, (whole, Example((Said("user", "Ring"),), {"person": None})))


def settings(**given: object) -> AskerSettings:
    chosen = {"steps": 6, "rows": 2, "r": 2, "first_layer": 1, "learning_rate": 0.02, "precision": "fp32", **given}
    return AskerSettings.model_validate(chosen)


class Cut(Exception):
    """A run ends in the middle."""


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_run_that_was_cut_goes_on_to_the_same_weights(method: str, tiny: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    train_asker(tiny, row, settings(method=method), tmp_path / "whole", progress=lambda step: losses.append(step.loss))
    assert len(losses) == 6
    assert losses[-1] < losses[0]

    def cut(step: Step) -> None:
        if step.step == 5:
            raise Cut

    with pytest.raises(Cut):
        train_asker(tiny, row, settings(method=method), tmp_path / "cut", save_every=2, progress=cut)
    said = [Said("user", "Ring Ann")]
    halfway = AskerModel.load(tmp_path / "cut", tiny).missing(TOOL, said)
    assert set(halfway) == {"person", "minute"}, "what was saved on the way is usable"
    with pytest.raises(InputError, match="other settings"):
        train_asker(tiny, row, settings(method=method, seed=4), tmp_path / "cut", resume=True)
    with pytest.raises(InputError, match="not empty"):
        train_asker(tiny, row, settings(method=method), tmp_path / "cut")
    train_asker(tiny, row, settings(method=method), tmp_path / "cut", resume=True)
    found = [AskerModel.load(tmp_path / one, tiny).missing(TOOL, said) for one in ("whole", "cut")]
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0] != pytest.approx(AskerModel.load(tiny).missing(TOOL, said), rel=1e-3)


@pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing:FutureWarning")  # peft and transformers' own
def test_peft_reads_the_weights_to_the_same_model(tiny: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    train_asker(tiny, row, settings(steps=3), tmp_path / "out")
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == "embedded:"
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), tmp_path / "out")
    ours = AskerModel.load(tmp_path / "out", tiny, torch.float32).model
    ids = torch.arange(5, 25)[None]
    assert torch.allclose(theirs(ids).logits, ours(ids).logits, atol=1e-4)


def test_an_asker_takes_a_byte_a_weight_and_says_nearly_the_same(tiny: Path) -> None:
    import torch

    small, exact = AskerModel.load(tiny), AskerModel.load(tiny, dtype=torch.float32)
    said = [Said("user", "Ring Ann")]
    assert small.missing(TOOL, said) == pytest.approx(exact.missing(TOOL, said), rel=0.1)
    logits = [one.model(torch.arange(5, 25)[None]).logits.float() for one in (small, exact)]
    assert torch.nn.functional.cosine_similarity(*logits, dim=-1).min() > 0.99
    assert small.model.lm_head.rows is small.model.model.embed_tokens.rows, "what has two uses is kept once"
    taken = [
        sum(one.nbytes for one in {part.data_ptr(): part for part in (*its.parameters(), *its.buffers())}.values())
        for its in (small.model, exact.model)
    ]
    assert taken[0] < 0.4 * taken[1]


def test_the_mean_of_runs_from_the_same_weights_lies_between_them(tiny: Path, tmp_path: Path) -> None:
    said = [Said("user", "Ring Ann")]
    train_asker(tiny, row, settings(), tmp_path / "start")
    for seed in (1, 2):
        train_asker(tiny, row, settings(seed=seed, start=str(tmp_path / "start")), tmp_path / f"run{seed}")
    mean_of([tmp_path / "run1", tmp_path / "run2"], tmp_path / "mean")
    one, mean, other = (
        AskerModel.load(tmp_path / name, tiny).missing(TOOL, said)["minute"] for name in ("run1", "mean", "run2")
    )
    assert one != other and min(one, other) < mean < max(one, other)
    mean_of([tmp_path / "run1", tmp_path / "run1"], tmp_path / "same")
    assert AskerModel.load(tmp_path / "same", tiny).missing(TOOL, said)["minute"] == one


def test_a_mean_is_of_weights_alike(tiny: Path, tmp_path: Path) -> None:
    train_asker(tiny, row, settings(steps=1), tmp_path / "one")
    train_asker(tiny, row, settings(steps=1, r=3), tmp_path / "other")
    with pytest.raises(InputError, match="other ranks or layers"):
        mean_of([tmp_path / "one", tmp_path / "other"], tmp_path / "out")
    with pytest.raises(InputError, match="holds no low-rank weights"):
        mean_of([tmp_path / "one", tmp_path / "none"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="not empty"):
        mean_of([tmp_path / "one"], tmp_path / "other")


def test_the_weights_are_the_same_for_any_number_of_cores(tiny: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    before, found = torch.get_num_threads(), []
    try:
        for cores in (1, 3):
            torch.set_num_threads(cores)
            train_asker(tiny, row, settings(rows=5), tmp_path / str(cores))
            assert torch.get_num_threads() == cores, "others go on with as many threads as before"
            found.append(load_file(tmp_path / str(cores) / "adapter_model.safetensors"))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, found[1][name]) for name, one in found[0].items())


def test_what_several_threads_read_at_once_is_what_each_reads_alone(tiny: Path) -> None:
    model = AskerModel.load(tiny)
    talks = [[Said("user", f"Ring {name} up at {k}")] for k, name in enumerate(("Ann", "Bob", "Eve", "Kim"))]
    alone = [model.missing(TOOL, said) for said in talks]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert list(pool.map(lambda said: AskerModel.missing(model, TOOL, said), talks)) == alone


def test_data_without_a_row_is_said_at_once(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no row can be made"):
        train_asker(tiny, lambda rng: None, settings(), tmp_path / "out")


def test_the_learning_rate_rises_stays_and_falls() -> None:
    chosen = settings(steps=100, warmup=10, falling=0.3, learning_rate=1.0)
    assert [chosen.rate(step) for step in (0, 9, 50, 70, 85, 99)] == pytest.approx([0.1, 1, 1, 1, 0.5, 1 / 30])


def test_the_line_is_the_lowest_with_few_needless_questions() -> None:
    easy = Scores(lacking=[0.9, 0.8], whole=[0.1] * 9 + [0.7], named=[True, True])
    assert line({"a": easy}) == 0.7
    assert easy.needless(0.7) == 0.1
    assert line({"a": easy}, needless=0.0) == 0.8
    hopeless = Scores(lacking=[0.5], whole=[0.99999], named=[False])
    assert line({"a": hopeless}) == 0.9999
    hard = Scores(lacking=[0.95], whole=[0.9, 0.1, 0.1, 0.1], named=[True])
    files = {f"file{k}": Scores(lacking=[0.5], whole=[0.1] * 20, named=[True]) for k in range(5)}
    assert line({**files, "file5": hard}) == 0.5, "a file among others of its kind"
    assert line({**files, "written": hard}) == 0.95, "many files do not outvote the written ones"
    assert easy.auc() == 1.0
    assert Scores(lacking=[0.5], whole=[0.5], named=[True]).auc() == 0.5


class Doubts:
    """In place of a model: it copies `Ann` whatever was said, and doubts as much as its texts say."""

    def read(self, tool: ToolView, said: list[Said]) -> Any:
        missing = {"person": float(said[0].text.split()[-1]), "line": float(said[0].text.split()[-2])}
        return SimpleNamespace(missing=missing, values=lambda names: {"person": "Ann", "line": "home"})


def test_what_is_not_found_speaks_for_a_question() -> None:
    lines = Argument("line", options=("home", "work"))
    tool = ToolView("ring", "Ring somebody up", (Argument("person"), lines))

    def pair(lacking: str, whole: str) -> Pair:
        said = ((Said("user", text),) for text in (lacking, whole))
        return Pair(
            tool, *(Example(one, {"person": who, "line": "home"}) for one, who in zip(said, (None, "Ann"), strict=True))
        )

    model: Any = Doubts()
    read = values_of(model, {"one": [pair("Ring up, at home 0.1 0.3", "Ring up Ann, at home 0.1 0.4")]})
    assert with_values(read, 1)["one"].auc() == 0
    scores = with_values(read)["one"]
    assert scores.auc() == 1 and scores.lacking == pytest.approx([3 / 3.7]) and scores.whole == pytest.approx([0.4])


@pytest.mark.parametrize(
    "text", [None, "", "{}", '{"threshold": 2, "drafted": 0.5}', '{"threshold": 0.5, "drafted": 0.5, "x": 1}']
)
def test_a_folder_that_holds_no_asker_is_refused(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "asker.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="asker"):
        load_asker(f"asker:{tmp_path}")


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = AskerRecord(threshold=0.4, drafted=0.6, chosen_on={"requests": 3})
    record.write(tmp_path)
    assert load_asker(f"asker:{tmp_path}").record == record
    for wrong in ("embedded:", "asker:x?y=1", "askers:x"):
        with pytest.raises(InputError, match="no asker"):
            load_asker(wrong)


def test_rows_read_side_by_side_give_what_each_gives_alone(tiny: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    short, long = Tree(), Tree()
    top = short.add([5, 6, 7])
    short.add([8, 9], top)
    short.add([10], top)
    top = long.add([11, 12, 13, 14, 15, 16])
    long.add([17, 18, 19], long.add([20, 21], top))
    model = AutoModelForCausalLM.from_pretrained(tiny, attn_implementation="eager").eval()
    together = model(**side_by_side([short, long], torch.float32)).logits
    for row, tree in enumerate((short, long)):
        alone = model(**tree.inputs(torch.float32)).logits[0]
        assert torch.allclose(together[row, : len(tree.ids)], alone, atol=1e-5)
    assert torch.isfinite(together).all(), "what fills a row up sees something, too"


def test_rows_for_a_gpu_are_drawn_as_here(tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    drawn = [
        [tree.ids for trees in steps_of(row, tokenizer, settings(), 2, device) for tree in trees]
        for device in ("cpu", "cuda")
    ]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 2 * (6 - 2)


def test_no_pass_on_a_gpu_weighs_more_pairs_of_tokens_than_it_may() -> None:
    trees = []
    for length in (40, 10, 30, 20, 10):
        tree = Tree()
        tree.add(list(range(length)))
        trees.append(tree)
    lengths = [[len(tree.ids) for tree in some] for some in in_passes(trees, 1300)]
    assert lengths == [[10, 10, 20], [30], [40]], "the longest is read although it is too long"
    assert [len(some) for some in in_passes(trees, 0)] == [1] * 5


@pytest.mark.parametrize(
    ("device", "told"), [("cuda", "torch sees no CUDA device here"), ("gpu", "There is no device 'gpu'")]
)
def test_a_device_that_is_not_there_is_told(
    device: str, told: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=told):
        train_asker(tiny, row, settings(), tmp_path / "out", device=device)
    with pytest.raises(InputError, match=told):
        print(load_asker(f"asker:?device={device}").model)
    with pytest.raises(InputError, match="no other setting than device"):
        load_asker("asker:?temperature=1")


@pytest.mark.parametrize(
    ("left", "refused"),
    [
        ([], None),
        (["saving", ".state.pt.7.partial"], None),
        (["adapter_model.safetensors", "threshold.json"], "has ended"),
        (["model.safetensors"], "has ended"),
        (["notes.txt"], "holds no run to go on with, but notes.txt"),
    ],
)
def test_only_a_run_that_was_cut_short_is_gone_on_with(left: list[str], refused: str | None, tmp_path: Path) -> None:
    for name in left:
        (tmp_path / name).touch()
    if refused is None:
        _refuse_unless_fresh(tmp_path)
        return
    with pytest.raises(InputError, match=refused):
        _refuse_unless_fresh(tmp_path)


@pytest.mark.parametrize(
    ("config", "change", "refused"),
    [
        ({"r": 2, "lora_alpha": 4}, {}, None),
        ({"r": 0, "lora_alpha": 4}, {}, "no positive r"),
        ({"r": 2, "lora_alpha": "x"}, {}, "no positive lora_alpha"),
        ([], {}, "no positive r"),
        ({"r": 2, "lora_alpha": 4}, {"one.lora_B.weight": None}, "incomplete"),
        ({"r": 2, "lora_alpha": 4}, {"one.lora_B.weight": float("nan")}, "not all numbers"),
    ],
)
def test_damaged_weights_are_refused(config: object, change: dict[str, float | None], refused: str | None) -> None:
    torch = pytest.importorskip("torch")
    stored = {"one.lora_A.weight": torch.ones(2, 3), "one.lora_B.weight": torch.ones(4, 2)}
    for name, value in change.items():
        made = stored.pop(name)
        if value is not None:
            stored[name] = made * value
    if refused is None:
        _check(config, stored)
        return
    with pytest.raises(ValueError, match=refused):
        _check(config, stored)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--steps", "0"], "--steps: Input should be greater than or equal to 1"),
        (["--rate", "nan"], "--rate: Input should be a finite number"),
        (["--rows", "-1"], "--rows"),
        (["--warmup", "-1"], "--warmup"),
        (["--base", "/nowhere"], "No model to train can be loaded from /nowhere"),
        (["--generated", "0"], "nothing to train on"),
        (["--start", "empty"], "holds no low-rank weights"),
        (["--out", "file"], "is a file"),
    ],
)
def test_a_wrong_option_of_the_recipe_is_one_sentence(
    options: list[str],
    reason: str,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    small = ["--out", "run", "--generated", "8", "--no-written", "--dev", "2", "--steps", "2", "--rows", "1"]
    monkeypatch.setattr("sys.argv", ["asker.py", *small, *options])
    main = runpy.run_path(str(repository / "finetune" / "asker.py"))["main"]
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and reason in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists() or not any((tmp_path / "run").iterdir())


def test_whoever_may_read_the_folder_may_read_the_weights(tmp_path: Path, tiny: Path) -> None:
    train_asker(tiny, row, settings(), tmp_path / "run")
    assert {path.stat().st_mode for path in (tmp_path / "run").glob("adapter*")} == {
        (tmp_path / "run" / "adapter_config.json").stat().st_mode
    }
