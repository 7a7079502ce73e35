"""How fast the report of six students opens in Chromium, at a phone's width and a desk's, light and dark.

    python benchmarks/report_opening.py --out benchmarks/results/report_opening.json

Six scripted students hold 200 dialogues each; the report is written as it comes (200 dialogues in the page) and with
all of them, and an empty page is opened beside it, in turn. Each opening has a profile of its own. Times are in ms from
the navigation on: `loaded` until its script has run, `painted` until there is something to read, `frame` until the
first frame after loading; `cpu` is what the page's main thread worked until then, `layout` the layout and the styles in
it, which other work on the machine changes little. A `slower` browser has its processor throttled four times, as a
phone's. `laid_out` counts the elements that the browser had laid out. Needs `pip install playwright` and a Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from sml_agents.evaluation.report import write_report
from sml_agents.evaluation.run import evaluate
from sml_agents.testing import ScriptedModel

ASK, GUESS, SUM = (
    "How many are there, and what does one of them cost?",
    "The answer is 12.",
    "I add them up: 3 + 4 = 7.",
)
STUDENTS = {
    "openai:a-small-model": [ASK, GUESS],
    "checkpoints/a-long-run-12/step-400/final": [GUESS],
    "an-instruct-model-1.5b": [SUM, ASK, "So the answer is 7."],
    "trained": [ASK, ASK, "Then the answer is 9."],
    "a-reasoning-model-8b": [f"{SUM} {SUM} Is anything missing?", GUESS, "No: the answer is 8."],
    "base": ["I do not know.", GUESS, ASK],
}
SIZES = {390: 844, 1280: 800}
ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
FRAME = """addEventListener("load", () => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { window.firstFrame = performance.now(); };
  channel.port2.postMessage(0);
}));"""
READ = """() => window.firstFrame && performance.getEntriesByName("first-contentful-paint").length && {
  loaded: performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  frame: window.firstFrame,
  elements: document.querySelectorAll("*").length,
  laid_out: [...document.querySelectorAll("*")]
    .filter((e) => e.checkVisibility({ contentVisibilityAuto: true })).length,
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=100, help="pairs of tasks, of which each student has both")
    parser.add_argument("--repeats", type=int, default=7, help="openings of each page in each way")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(written(Path(folder), arguments.pairs), arguments.repeats)
    for row in found:
        times = ", ".join(f"{name} {row[name][0]} ({row[name][1]} to {row[name][2]})" for name in ("loaded", "cpu"))
        way = f"{row['page']:8s} {row['width']:5d} {row['scheme']:5s} x{row['slower']}"
        print(f"{way} {times}, {row['laid_out']} laid out")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def written(folder: Path, pairs: int) -> dict[str, Path]:
    """The pages by name."""
    models: dict[str, Any] = {name: ScriptedModel(replies=replies) for name, replies in STUDENTS.items()}
    run = folder / "run"
    evaluate(models, [f"arithmetic?form=paired&n={pairs}"], str(run), max_turns=5, resamples=200, baselines=False)
    empty = folder / "empty.html"
    empty.write_text("<!doctype html><meta charset=utf-8><title>Empty</title><p>Empty.", encoding="utf-8")
    every = 2 * pairs * len(STUDENTS)
    return {
        "empty": empty,
        "report": write_report(run, folder / "report.html"),
        "all": write_report(run, folder / "all.html", dialogues=every),
    }


def measured(pages: dict[str, Path], repeats: int) -> list[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        sys.exit("no Chromium on this machine: apt-get install chromium")
    ways = [(width, scheme, 1) for width in SIZES for scheme in ("light", "dark")] + [(w, "light", 4) for w in SIZES]
    rows = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=ARGUMENTS.split())
        for width, scheme, slower in ways:
            openings: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
            for _ in range(repeats):
                for name, page in pages.items():
                    openings[name].append(opened(browser, page, width, scheme, slower))
            for name, page in pages.items():
                rows.append(
                    {"page": name, "bytes": page.stat().st_size, "width": width, "scheme": scheme, "slower": slower}
                    | summed_up(openings[name])
                )
        browser.close()
    return rows


def opened(browser: Any, page: Path, width: int, scheme: str, slower: int) -> dict[str, float]:
    """One opening, in a profile of its own."""
    phone = width < 600
    options = {"is_mobile": phone, "has_touch": phone, "device_scale_factor": 3 if phone else 1, "color_scheme": scheme}
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, **options)
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    tab.add_init_script(FRAME)
    tab.goto(page.as_uri(), wait_until="load", timeout=120_000)
    tab.wait_for_timeout(300)
    work = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    while not (found := tab.evaluate(READ)):
        tab.wait_for_timeout(100)
    context.close()
    layout = 1000 * (work["LayoutDuration"] + work["RecalcStyleDuration"])
    return {**found, "cpu": 1000 * work["TaskDuration"], "layout": layout, "script": 1000 * work["ScriptDuration"]}


def summed_up(openings: list[dict[str, float]]) -> dict[str, Any]:
    """Median, least and most of each time; the counts are the same every time, or the most of them."""
    found: dict[str, Any] = {name: max(one[name] for one in openings) for name in ("elements", "laid_out")}
    for name in ("loaded", "painted", "frame", "cpu", "layout", "script"):
        values = [one[name] for one in openings]
        found[name] = [round(value) for value in (median(values), min(values), max(values))]
    return found


if __name__ == "__main__":
    main()
