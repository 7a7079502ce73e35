"""The report: one HTML file with the figures, the curves and dialogues to read. It loads nothing and sends nothing.

write_report(source, out)     from a trace store, or from a folder with `summary.json` and its stores
render_report(summary, ...)   the page as text, from what is in memory

What models wrote is data throughout: the template escapes it, the dialogues travel as JSON that cannot end its element,
the page's script only ever inserts text, and its content security policy allows that one script and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from sml_agents.evaluation.charts import marker
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.definitions import DEFINITIONS
from sml_agents.evaluation.dialogues import Chosen, Streams, choose
from sml_agents.evaluation.log_report import render_log
from sml_agents.evaluation.page import part, style_hash
from sml_agents.evaluation.panels import STOPS, Student, charts, facts, headline, notes, sentence, spec_panel, tiles
from sml_agents.evaluation.sources import open_source
from sml_agents.files import write_whole

__all__ = ["render_report", "write_report"]

MAX_DIALOGUES = 200


def write_report(
    source: str | Path, out: str | Path, *, title: str | None = None, dialogues: int = MAX_DIALOGUES
) -> Path:
    """Write the report of `source` to the file `out` and return its path.

    `source` is a trace store (path or URL) or a folder that holds `summary.json`. At most `dialogues` dialogues are put
    into the page, a mix chosen by rule; the page says how many there are. Raises InputError when `source` holds nothing
    to report on or `out` cannot be written.
    """
    page = _of_log(source, title, dialogues)
    if page is not None:
        write_whole(Path(out), page)
        return Path(out)
    with open_source(source) as (summary, streams):
        page = render_report(summary, streams, title=title, dialogues=dialogues)
    path = Path(out)
    write_whole(path, page)
    return path


def _of_log(source: str | Path, title: str | None, dialogues: int) -> str | None:
    """The page of a store of logs; None for any other source."""
    from sml_agents.traces.store import TraceStore

    if "://" not in str(source) and not Path(source).is_file():
        return None
    with TraceStore.open(str(source), read_only=True) as store:
        return render_log(store.traces(), title=title, dialogues=dialogues)


def render_report(
    summary: Summary, streams: Streams | None = None, *, title: str | None = None, dialogues: int = MAX_DIALOGUES
) -> str:
    """The page. `streams` gives the dialogues of each student of `summary`; None leaves them out."""
    alone = len(summary.students) == 1
    students = [Student(name, 1 if alone else number) for number, name in enumerate(summary.students)]
    chosen = choose(streams, dialogues) if streams else Chosen()
    style, script = part("base.css") + part("report.css"), part("report.js")
    page: str = _template().render(
        title=title or _title(students),
        sentence=sentence(summary, students),
        facts=facts(summary, chosen),
        students=students,
        tiles=tiles(summary, students),
        rows=headline(summary, students),
        notes=notes(summary, students),
        charts=charts(summary, students),
        specs=spec_panel(summary, students),
        tasks=chosen.tasks,
        kinds=sorted({task["kind"] for task in chosen.tasks}),
        stops=STOPS,
        shown=_shown(chosen),
        words=DEFINITIONS.items(),
        shapes=[marker(number, 0, 0, 6) for number in range(4)],
        data=_embedded(
            {
                "students": [student.name for student in students],
                "numbers": {student.name: student.number for student in students},
                "short": {student.name: student.short for student in students},
                "tasks": chosen.tasks,
            }
        ),
        style=Markup(style),
        script=Markup(script),
        style_hash=style_hash(style),
        script_hash=style_hash(script),
    )
    return page


def _title(students: list[Student]) -> str:
    names = [student.short for student in students]
    if len(names) > 2:
        return f"{len(names)} students in dialogue"
    return f"{' and '.join(names) or 'Nobody'} in dialogue"


def _shown(chosen: Chosen) -> str:
    if not chosen.total:
        return "No dialogues were found beside the figures."
    if not chosen.shown:
        return f"None of the {chosen.total:,} dialogues is in this page."
    if chosen.shown == chosen.total:
        return f"All {chosen.total:,} dialogues."
    return (
        f"{chosen.shown:,} of {chosen.total:,} dialogues: a mix of all kinds of task, outcome and first turn, chosen "
        "by rule, with all students on the same tasks. It is for reading: the figures above count every dialogue."
    )


def _template() -> Any:
    environment = Environment(
        loader=DictLoader({"report": part("report.html.j2")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report")


def _embedded(data: Mapping[str, Any]) -> Markup:
    """JSON that may stand in a script element: nothing in it can be read as markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
