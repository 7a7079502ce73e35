"""The model card of a trained folder: what it was trained on, how, and what was measured with which interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sml_agents.errors import InputError
from sml_agents.training.tokens.nouns import DataCounts

__all__ = ["add_figures", "write_card"]

_NAME = "README.md"
_START, _END = "<!-- figures -->", "<!-- end of figures -->"
_NOTHING = "Nothing has been measured yet: `sml-agents eval`, then `sml_agents.training.card.add_figures`."


def write_card(folder: Path, record: dict[str, Any]) -> None:
    """Write `README.md` from what `training.json` holds."""
    settings, data = record["settings"], DataCounts.model_validate(record["data"])
    steps = f"{record['steps']} of {record['planned_steps']} steps of {settings['batch_size']} {data.sampled}"
    where = f"{record['precision']} on {record['device']}"
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
    table = "\n".join(f"| {name} | {_cell(value)} |" for name, value in rows)
    folder.joinpath(_NAME).write_text(
        f"---\ntags: [sml-agents, {record['recipe']}]\n---\n\n# {folder.parent.name}\n\n"
        "A student fine-tuned on dialogues with sml-agents: it is to ask for what is missing and to answer what is not."
        f" `training.json` beside this file holds every setting and the loss curve.\n\n| | |\n|-|-|\n{table}\n\n"
        f"## Measured\n\n{_START}\n{_NOTHING}\n{_END}\n",
        encoding="utf-8",
    )


def add_figures(folder: str | Path, report: dict[str, Any], *, on: str) -> None:
    """Put the figures of an evaluation, each with its n and 95 % interval, into the card of a trained model.

    Args:
        report: what `sml-agents eval --json` printed.
        on: the tasks measured on, as they were given.

    Raises:
        InputError: the folder has no card of ours, or the report no figures.
    """
    path = Path(folder) / _NAME
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, found, rest = text.partition(_START)
    _, ended, after = rest.partition(_END)
    if not (found and ended):
        raise InputError(f"{folder} holds no model card of sml-agents: give the folder of a trained model")
    lines = list(_figures(report))
    if not lines:
        raise InputError("there are no figures in this report: give what `sml-agents eval --json` prints")
    table = "\n".join(["| who | figure | value | 95 % interval | n |", "|-|-|-|-|-|", *lines])
    path.write_text(f"{before}{_START}\nOn `{on}`:\n\n{table}\n{_END}{after}", encoding="utf-8")


def _figures(report: Any, who: str = "") -> Any:
    """Every figure in the report, wherever it stands: a mapping with a value, an interval and an n."""
    if not isinstance(report, dict):
        return
    for name, value in report.items():
        if isinstance(value, dict) and {"value", "low", "high", "n"} <= value.keys():
            if value["value"] is not None:
                numbers = [f"{value[key]:.3f}" for key in ("value", "low", "high")]
                yield f"| {_cell(who)} | {_cell(name)} | {numbers[0]} | {numbers[1]} to {numbers[2]} | {value['n']} |"
        else:
            yield from _figures(value, f"{who} {name}".strip())


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
