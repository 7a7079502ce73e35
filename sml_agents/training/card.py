"""The model card of a trained folder: what it was trained on, how, and what was measured with which interval."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sml_agents.errors import InputError
from sml_agents.files import write_whole
from sml_agents.text.markdown import markdown_table
from sml_agents.training.tokens.nouns import DataCounts

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

__all__ = ["add_figures", "write_card"]

_NAME = "README.md"
_START, _END = "<!-- figures -->", "<!-- end of figures -->"
_NOTHING = "Nothing has been measured yet: `sml-agents eval`, then `sml_agents.training.card.add_figures`."


def write_card(folder: Path, record: dict[str, Any], *, name: str | None = None) -> None:
    """Write `README.md` from what `training.json` holds; `name` is the model's, if not the folder's."""
    name = name or folder.resolve().name
    settings, data = record["settings"], DataCounts.model_validate(record["data"])
    steps = f"{record['steps']} of {record['planned_steps']} steps of {data.in_step(record['rows_a_step'])}"
    where = f"{record['precision']} on {_devices(record)}"
    loss = "not logged"
    if record["first_loss"] is not None:
        loss = f"{record['first_loss']:.3f} to {record['last_loss']:.3f} (means of the first and last tenth of the run)"
    rows = [
        ("Base model", settings["model"]),
        ("Recipe", record["recipe"]),
        ("Training", f"{settings['method']}, {steps}, {where}, seed {settings['seed']}"),
        *data.in_words(),
        ("Loss", loss),
    ]
    rows += [("From", f"{count} {name}") for name, count in record["notes"].get("sources", {}).items()]
    rows += [("Versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items()))]
    table = markdown_table(("", ""), rows)
    text = (
        f"# {name}\n\n"
        "A student fine-tuned on dialogues with sml-agents: it is to ask for what is missing and to answer what is not."
        f" `training.json` beside this file holds every setting and the loss curve.\n\n{table}\n\n"
        f"## Measured\n\n{_START}\n{_NOTHING}\n{_END}\n"
    )
    _write(folder / _NAME, _about(name, settings, record["recipe"]), text)


def _devices(record: dict[str, Any]) -> str:
    names = Counter(record["devices"])
    each = ", ".join(name if count == 1 else f"{count} x {name}" for name, count in names.items())
    processes = f"{record['processes']} processes on " if record["processes"] > 1 else ""
    return f"{processes}{record['device']} ({each})"


def _about(name: str, settings: dict[str, Any], recipe: str) -> ModelCardData:
    """What a hub reads: see https://huggingface.co/docs/hub/model-cards."""
    from huggingface_hub import ModelCardData

    whole = settings["method"] == "full" or (settings["lora"]["merge"] and settings.get("quantize") is None)
    base = settings["model"].removeprefix("transformers:")
    known = re.fullmatch(r"[\w.-]+/[\w.-]+", base) is not None and not Path(base).exists()
    hub = settings.get("hub") or {}
    license = hub.get("license") or _license_of(Path(base))
    if settings["model"].partition(":")[0] == "embedded":
        base, known, license = "HuggingFaceTB/SmolLM2-135M-Instruct", True, license or "apache-2.0"
    return ModelCardData(
        base_model=base if known else None,  # a folder of this machine would be a dead link
        datasets=list(hub.get("datasets") or ()) or None,
        library_name="transformers" if whole else "peft",
        license=license,
        pipeline_tag="text-generation",
        tags=["sml-agents", recipe],
        model_name=name,
    )


def _license_of(base: Path) -> str | None:
    """What the card of a model on this machine says."""
    from huggingface_hub import ModelCard

    card = base / "README.md"
    try:
        found: Any = ModelCard(card.read_text(encoding="utf-8"), ignore_metadata_errors=True).data
    except (OSError, ValueError):
        return None
    return str(found.license) if getattr(found, "license", None) else None


def _write(path: Path, about: ModelCardData, text: str) -> None:
    write_whole(path, f"---\n{about.to_yaml()}\n---\n\n{text}")


def add_figures(folder: str | Path, report: dict[str, Any], *, on: str) -> None:
    """Put the figures of an evaluation, each with its n and 95 % interval, into the card of a trained model.

    Args:
        report: what `sml-agents eval --json` printed.
        on: the tasks measured on, as they were given.

    Raises:
        InputError: the folder has no card of ours, or the report no figures.
    """
    from huggingface_hub import EvalResult, ModelCard

    path = Path(folder) / _NAME
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, found, rest = text.partition(_START)
    _, ended, after = rest.partition(_END)
    if not (found and ended):
        raise InputError(f"{folder} holds no model card of sml-agents: give the folder of a trained model")
    figures = list(_figures(report))
    if not figures:
        raise InputError("there are no figures in this report: give what `sml-agents eval --json` prints")
    table = markdown_table(
        ("who", "figure", "value", "95 % interval", "n"),
        [
            (who, name, f"{one['value']:.3f}", f"{one['low']:.3f} to {one['high']:.3f}", one["n"])
            for who, name, one in figures
        ],
    )
    card = ModelCard(f"{before}{_START}\nOn `{on}`:\n\n{table}\n{_END}{after}", ignore_metadata_errors=True)
    about = cast("ModelCardData", card.data)
    about.eval_results = [
        EvalResult(
            task_type="text-generation",
            dataset_type="sml-agents",
            dataset_name=on,
            metric_type=name,
            metric_name=f"{who} {name} ({one['low']:.3f} to {one['high']:.3f}, n = {one['n']})".strip(),
            metric_value=round(one["value"], 4),
        )
        for who, name, one in figures
    ]
    _write(path, about, card.text.lstrip("\n"))


def _figures(report: Any, who: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every figure in the report, wherever it stands: a mapping with a value, an interval and an n."""
    if not isinstance(report, dict):
        return
    for name, value in report.items():
        if isinstance(value, dict) and {"value", "low", "high", "n"} <= value.keys():
            if value["value"] is not None:
                yield who, name, value
        else:
            yield from _figures(value, f"{who} {name}".strip())
