"""The report in a real Chromium: that it works, alone, for everybody, and that model text stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sml_agents.evaluation.report import render_report
from tests.evaluation.crafted import task, trace
from tests.evaluation.pages import ARABIC, ATTACK, awkward, study, summarised

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
pytestmark = pytest.mark.browser

ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
Open = Callable[..., Any]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")

NAMES = (Path(__file__).parent / "names.js").read_text(encoding="utf-8")


def page_of(dialogues: dict[str, dict[str, list[Any]]]) -> str:
    """As the page of a store: every reading starts anew."""

    def reader(specs: dict[str, list[Any]]) -> Callable[[], list[Any]]:
        return lambda: [one for traces in specs.values() for one in traces]

    return render_report(summarised(dialogues), {name: reader(specs) for name, specs in dialogues.items()})


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    pair = study(24)
    for student in pair:
        pair[student]["awkward"] = awkward()
    many = {f"student {k} /models/checkpoints/a-long-run-{k}/final": pair["trained"] for k in range(6)}
    written: dict[str, dict[str, dict[str, list[Any]]]] = {
        "pair": pair,
        "one": {"trained": study(10)["trained"]},
        "unscored": {"base": {"spec": [trace("t", task(f"t{k}")) for k in range(3)]}},
        "many": many,
        "empty": {"base": {"spec": []}},
    }
    for name, dialogues in written.items():
        text = page_of(dialogues).encode("utf-8", "replace")
        (folder / f"{name}.html").write_bytes(text)
    return folder


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS.split())
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any, pages: Path) -> Iterator[Open]:
    """Opens a page; at the end of the test it may have complained of nothing and asked for nothing.

    All of it is laid out, as for a reader who followed a link in it; `fresh`: as the browser opened it.
    `before` is a script that runs before those of the page.
    """
    contexts, complaints, requests = [], [], []

    def opened(
        name: str = "pair",
        *,
        width: int = 1280,
        height: int = 900,
        address: str = "",
        fresh: bool = False,
        before: str = "",
        **options: Any,
    ) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(before)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((pages / f"{name}.html").as_uri() + address)
        if not fresh:
            page.evaluate("document.documentElement.classList.add('settled')")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


LAID_OUT = """where => [...document.querySelectorAll(where)].filter(
    (e) => e.checkVisibility({ contentVisibilityAuto: true })).length"""
"""How many of the elements are laid out; with `checkVisibility()` alone, what is skipped for now would count."""


def laid_out(page: Any, where: str) -> int:
    found: int = page.evaluate(LAID_OUT, where)
    return found


def wait_until(page: Any, expression: str) -> None:
    """As `wait_for_function`, which the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {expression}")


def selected(page: Any) -> str:
    found: str = page.get_attribute("#list [aria-selected=true]", "id")
    return found


def show(page: Any, id: str) -> None:
    page.fill("#find", "")
    index = page.evaluate(
        "id => JSON.parse(document.getElementById('data').textContent).tasks.findIndex((t) => t.id === id)", id
    )
    row = f"#task-{index}"
    page.click(row)
    if page.get_attribute(row, "aria-selected") != "true":  # the list moves once, when it is first seen
        page.click(row)


@pytest.mark.parametrize("name", ["pair", "one", "unscored", "many", "empty"])
def test_nothing_sticks_out_of_the_page(open_page: Open, name: str) -> None:
    page = open_page(name)
    for width in (320, 360, 620, 960, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for id in ("long", "attack", "arabic", "surrogate") if name == "pair" else ():
            show(page, id)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (id, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["pair", "many", "unscored"])
def test_text_can_be_read(open_page: Open, name: str, scheme: str) -> None:
    page = open_page(name, color_scheme=scheme)
    page.click("details summary")
    for id in ("long", "down", "masked", "timeout", "primed") if name == "pair" else ("",):
        if id:
            show(page, id)
        found = page.evaluate(CONTRAST)
        assert found["checked"] > 60
        assert found["bad"] == []


@pytest.mark.parametrize("name", ["pair", "one", "unscored", "many", "empty"])
def test_everything_has_a_name_and_a_place(open_page: Open, name: str) -> None:
    found = open_page(name, width=360).evaluate(NAMES)
    for kind in ("unnamed", "twice", "dangling", "anchors", "scrollable", "landmarks"):
        assert found[kind] == [], kind
    assert found["headers"] == 0
    assert (found["language"], bool(found["title"])) == ("en", True)
    assert found["headings"][0] == 1 and found["headings"].count(1) == 1
    assert all(after - before <= 1 for before, after in zip(found["headings"], found["headings"][1:], strict=False))


def test_what_models_wrote_does_not_run(open_page: Open) -> None:
    page = open_page()
    show(page, "attack")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#dialogue img, #dialogue script, #dialogue b").count() == 0
    assert ATTACK[:60] in page.inner_text("#dialogue")
    assert "{{ 7*7 }}" in page.inner_text("#dialogue")


def test_a_script_that_got_in_would_not_run(open_page: Open, browser: Any, pages: Path) -> None:
    """The content security policy holds by itself, if the escaping ever failed."""
    text = (pages / "pair.html").read_text(encoding="utf-8")
    (pages / "broken.html").write_text(
        text.replace("<main", "<script>window.hacked=1</script><img src=x onerror='hacked=1'><main")
    )
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((pages / "broken.html").as_uri())
    assert page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in message for message in refused)
    page.close()


def test_the_keyboard_reaches_everything(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", reached[-1]
        if reached[-1] == "next":
            break
    wanted = ["student", "kind", "outcome", "asked", "stop", "differ", "find", "reset", "list", "private"]
    places = [reached.index(id) for id in wanted if id != "student"]
    assert places == sorted(places)


NOT_YET = "window.IntersectionObserver = class { observe() {} disconnect() {} };"
"""A reader whose keys are faster than the browser's first word of what is on the screen."""


@pytest.mark.parametrize("before", ["", NOT_YET], ids=["seen", "not yet seen"])
def test_arrows_and_letters_go_through_the_list(open_page: Open, before: str) -> None:
    page = open_page(before=before)
    page.focus("#list")
    page.keyboard.press("Home")
    first = selected(page)
    assert first == "task-0"
    page.keyboard.press("ArrowDown")
    assert selected(page) == "task-1"
    assert page.get_attribute("#list", "aria-activedescendant") == "task-1"
    page.keyboard.press("j")
    assert selected(page) == "task-2"
    page.keyboard.press("k")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert selected(page) == "task-0"
    page.keyboard.press("End")
    last = page.locator("#list li").count() - 1
    assert selected(page) == f"task-{last}"
    in_view = """() => {
        const box = document.getElementById('list').getBoundingClientRect();
        const row = document.querySelector('#list [aria-selected=true]').getBoundingClientRect();
        return row.top >= box.top - 1 && row.bottom <= box.bottom + 1;
    }"""
    assert page.evaluate(in_view)
    assert page.is_disabled("#next") and page.is_enabled("#previous")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "bench"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("jk p")
    assert page.input_value("#find") == "jk p"


def test_private_knowledge_can_be_put_away(open_page: Open) -> None:
    page = open_page()
    panel = page.locator("#dialogue > .private")
    assert panel.is_visible()
    assert "the student never sees this" in panel.inner_text()
    assert "28" in panel.inner_text() and "Each ticket costs 7 dollars." in panel.inner_text()
    assert re.search(r"trained: told after turn \d", panel.inner_text())
    page.click("#private")
    assert page.get_attribute("#private", "aria-pressed") == "false"
    assert page.locator(".private:visible").count() == 0
    assert "It is not a multiple of 7." not in page.inner_text("#dialogue")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    assert page.locator(".private:visible").count() == 0
    page.keyboard.press("p")
    assert panel.is_visible()


def test_filters_choose_and_say_how_many(open_page: Open) -> None:
    page = open_page()
    every = page.locator("#list li:visible").count()
    assert page.inner_text("#count") == f"{every} of {every} tasks"
    page.select_option("#kind", "arithmetic · full")
    page.select_option("#student", "trained")
    page.select_option("#asked", "yes")
    rows = page.locator("#list li:visible")
    assert 0 < rows.count() < every
    assert page.inner_text("#count") == f"{rows.count()} of {every} tasks"
    assert all("arithmetic · full" in text and "base" not in text for text in rows.all_inner_texts())
    assert page.locator(".talk").count() == 1
    page.fill("#find", "no such words anywhere")
    assert page.inner_text("#count") == f"0 of {every} tasks"
    assert page.is_visible("#empty") and page.is_hidden("#bench")
    page.click("#reset")
    assert page.locator("#list li:visible").count() == every
    page.select_option("#differ", "asked")
    page.click("#list li:visible >> nth=0")
    acts = page.locator(".talk").all_inner_texts()
    assert len(acts) == 2 and ("clarification" in acts[0]) != ("clarification" in acts[1])


def test_a_dialogue_is_told_with_acts_verdicts_and_reveals(open_page: Open) -> None:
    page = open_page()
    page.select_option("#kind", "arithmetic · underspecified")
    page.select_option("#student", "trained")
    page.select_option("#outcome", "solved")
    page.select_option("#asked", "yes")
    text = page.inner_text(".talk")
    for words in ("clarification", "tells: price", "answer attempt", "✓ right: 28", "solved in turn"):
        assert words in text
    left = "s => document.querySelector(s).getBoundingClientRect().left"
    assert page.evaluate(left, ".turn.student .bubble") > page.evaluate(left, ".turn.teacher .bubble")


def test_two_students_stand_side_by_side_only_where_there_is_room(open_page: Open) -> None:
    tops = "[...document.querySelectorAll('.talk')].map((e) => Math.round(e.getBoundingClientRect().top))"
    wide = open_page(width=1600).evaluate(tops)
    phone = open_page(width=360).evaluate(tops)
    assert len(wide) == len(phone) == 2
    assert wide[0] == wide[1]
    assert phone[0] < phone[1]


def test_long_and_foreign_texts(open_page: Open) -> None:
    page = open_page(width=360)
    show(page, "long")
    more = page.locator(".more").first
    before = page.evaluate("document.querySelector('.text.long').clientHeight")
    assert before < 300
    more.click()
    assert more.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.querySelector('.opening .text').clientHeight") > before
    show(page, "arabic")
    bubble = page.locator(".turn .text", has_text=ARABIC[:20]).first
    assert page.evaluate("e => getComputedStyle(e).direction", bubble.element_handle()) == "rtl"


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_theme_follows_the_system_and_the_button(open_page: Open, scheme: str, dark: bool) -> None:
    page = open_page(color_scheme=scheme)

    def is_dark() -> bool:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3])) < 380

    assert is_dark() is dark
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: light" and not is_dark()
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: dark" and is_dark()
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: auto" and is_dark() is dark


def test_less_motion_is_respected(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert page.evaluate("document.getAnimations().length") == 0


def test_a_dialogue_has_an_address(open_page: Open) -> None:
    page = open_page()
    page.focus("#list")
    page.keyboard.press("End")
    address = page.evaluate("location.hash")
    there = open_page(address=address)
    assert selected(there) == selected(page)
    assert selected(open_page(address="#task=%E0%A4%A")).startswith("task-")


def test_the_curves_say_what_they_show(open_page: Open) -> None:
    page = open_page()
    charts = page.locator("svg.chart")
    assert charts.count() == 3
    for number in range(3):
        text = page.evaluate("e => e.querySelector('desc').textContent", charts.nth(number).element_handle())
        assert "base" in text and "trained" in text and "%" in text
    assert page.locator("#curves .band").count() == 4
    heights = page.evaluate("[...document.querySelectorAll('svg.chart')].map((e) => e.getBoundingClientRect().height)")
    assert all(height > 100 for height in heights)
    titles = page.locator("svg.chart g > title").all_text_contents()
    assert any(re.search(r"trained, turn 4: \d+.%", title) for title in titles)
    sizes = open_page(width=360).evaluate(
        "[...document.querySelectorAll('svg.chart text')].map((e) => parseFloat(getComputedStyle(e).fontSize)"
        " * e.ownerSVGElement.getBoundingClientRect().width / e.ownerSVGElement.viewBox.baseVal.width)"
    )
    assert min(sizes) > 10.5


def test_it_prints_without_its_controls(open_page: Open) -> None:
    page = open_page(color_scheme="dark", fresh=True)
    page.emulate_media(media="print", color_scheme="light")
    assert page.locator(".side:visible, .tools:visible, #theme:visible").count() == 0
    assert page.is_visible(".headline") and page.is_visible(".talk")
    assert laid_out(page, "#words dt") == page.locator("#words dt").count() > 0
    assert len(page.pdf()) > 10_000


def test_without_script_the_figures_are_there(open_page: Open) -> None:
    page = open_page(java_script_enabled=False, fresh=True)
    assert page.is_visible(".headline") and page.is_visible("svg.chart >> nth=0")
    assert "need JavaScript" in page.inner_text("#dialogues")
    assert page.is_hidden("#reader") and page.is_hidden("#theme")
    assert laid_out(page, "#words dt") == page.locator("#words dt").count() > 0


@pytest.mark.parametrize(("width", "share"), [(390, 0.2), (1280, 0.45)])
def test_what_is_far_from_the_screen_is_not_laid_out_at_first(open_page: Open, width: int, share: float) -> None:
    """A report of six students opens at once, since the browser does a part of it."""
    page = open_page("many", width=width, height=800, fresh=True)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert laid_out(page, ".tiles *") == page.locator(".tiles *").count() > 0
    assert laid_out(page, "#dialogues *, #words *") == 0
    assert laid_out(page, "main *") < share * page.locator("main *").count()
    page.evaluate("document.getElementById('dialogues').scrollIntoView({ behavior: 'instant' })")
    wait_until(page, f"({LAID_OUT})('.talk') === 6")
    assert laid_out(page, "#words *") == 0 or width > 390


def test_the_key_end_leads_to_the_end(open_page: Open) -> None:
    page = open_page("many", width=390, reduced_motion="reduce", fresh=True)
    page.keyboard.press("End")
    wait_until(page, "document.querySelector('footer').getBoundingClientRect().bottom <= innerHeight")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("section", ["figures", "curves", "specs", "dialogues", "words"])
def test_links_lead_where_they_say(open_page: Open, width: int, section: str) -> None:
    """Though how high the sections in between are is not known before."""
    top = f"document.getElementById('{section}').getBoundingClientRect().top"
    lowest = "Math.abs(document.documentElement.scrollHeight - innerHeight - scrollY) < 2"
    clicked = open_page("many", width=width, reduced_motion="reduce", fresh=True)
    clicked.click(f"nav a[href='#{section}']")
    opened = open_page("many", width=width, reduced_motion="reduce", address=f"#{section}", fresh=True)
    for page in (clicked, opened):
        wait_until(page, f"Math.abs({top} - 16) < 2 || ({lowest} && {top} > 0)")


def test_the_selected_task_is_in_view_when_the_list_is(open_page: Open) -> None:
    keys = open_page().evaluate("JSON.parse(document.getElementById('data').textContent).tasks.map((t) => t.key)")
    page = open_page(address=f"#task={keys[-1]}", fresh=True)
    page.evaluate("document.getElementById('dialogues').scrollIntoView({ behavior: 'instant' })")
    wait_until(page, "document.getElementById('list').scrollTop > 0")


def test_the_figures_are_those_of_the_summary(open_page: Open) -> None:
    summary = json.loads(summarised({**study(10)}).model_dump_json())
    value = summary["students"]["trained"]["metrics"]["asks_when_needed"]["value"]
    text = open_page("one").inner_text(".tiles")
    assert f"{100 * value:.0f}\u202f%" in text
