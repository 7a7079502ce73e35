"""The viewer: what it finds and refuses over HTTP, and the page in a real Chromium."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from aiohttp import web

from sml_agents.mining import mine, moment_of
from sml_agents.traces import TraceStore
from sml_agents.traces.search import Query
from sml_agents.traces.store import Batch
from sml_agents.types import Fact, Private, Role, StopReason, Task, ToolCall, Trace, Turn
from sml_agents.viewer import Viewer, make_app
from tests.cli.conftest import PROGRAM
from tests.mining.test_mining import booking, recorded
from tests.pace import within

HOSTILE = (
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "</style><script>window.hacked=1</script>",
    "</title><img src=x onerror=window.hacked=1>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "javascript:window.hacked=1",
    '"><b onmouseover=window.hacked=1>x</b>',
    "' autofocus onfocus='window.hacked=1",
    "{{ 7*7 }}${window.hacked=1}`${window.hacked=1}`",
    "<!-- <script> -->",
    "\u202eevil\u202c \u2028 \u2029",
    "\x1b[31mred\x1b[0m \x07",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "a" * 20_000,
    "\ud7ff\ufdd0 \u0000 \ufffe",
)
"""Seventeen texts that a careless page would run, break on, or be led astray by."""


def hostile(text: str, number: int) -> Trace:
    """A trace with `text` in every field that can hold one."""
    call = ToolCall(name=text, arguments={text: text, "deep": {text: [text]}}, result=text)
    tool = {"type": "function", "function": {"name": text, "description": text, "parameters": {"type": "object"}}}
    private = Private(answer=text, facts=(Fact(name=text or "a", statement=text, question=text),), solution=text)
    turns = (
        Turn(role=Role.TEACHER, text=text),
        Turn(
            role=Role.STUDENT,
            text=text,
            thought=text,
            tool_calls=(call,),
            primed=True,
            replaced=text,
            leak=text,
            reveals=(text,),
        ),
    )
    task = Task(id=text, family=text, prompt=text, private=private, split=text, meta={"source": text, "system": text})
    tags = {"started": text, "reviews": [{"name": text, "decision": text, "words": text}]}
    return Trace(
        id=f"{number:016x}",
        task=task,
        turns=turns,
        stop=StopReason.RECORDED,
        tags=tags,
        tools=(tool,),
        system=text,
        error=text,
    )


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lessons mined from twenty corrections."""
    place = tmp_path_factory.mktemp("viewer") / "lessons.sqlite"
    logs = []
    for day in range(1, 21):
        said = (
            f"Book me a table, please. Guest {day}.",
            ("Booked.", booking(day="2027-01-01")),
            f"No, I meant {day} May.",
            ("Booked again.", booking(day=f"2027-05-{day:02}")),
            "Thanks!",
        )
        logs.append(recorded(*said).model_copy(update={"id": f"log-{day}"}))
    with TraceStore.open(place) as store:
        report = mine(logs, store)
        assert report.kinds["corrected"] == 20
    return place


@contextmanager
def serving(store: TraceStore, *, writable: bool = True) -> Iterator[tuple[str, Viewer]]:
    """The address of a viewer that runs in a thread, and the viewer."""
    viewer = Viewer(store, writable=writable)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(make_app(viewer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    try:
        runner = asyncio.run_coroutine_threadsafe(start(), loop).result()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", viewer
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def ask(address: str, path: str, token: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = Request(address + path, data=data, headers={"X-Token": token, **headers})
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_store_is_searched_by_words_and_kinds(tmp_path: Path, postgres: str) -> None:
    texts = ["How many STAMPS?", "Wie viele Äpfel sind es?", 'He said "stop".', "100% sure_thing", "nothing"]
    for place in (tmp_path / "s.sqlite", postgres):
        with TraceStore.open(place) as store:
            for number, text in enumerate(texts):
                task = Task(id=str(number), family="a" if number % 2 else "b", prompt=text, private=Private(answer="1"))
                turns = (Turn(role=Role.TEACHER, text=text),)
                stop, solved = (StopReason.SOLVED, True) if number < 2 else (StopReason.MAX_TURNS, False)
                store.add(Trace(id=f"{number:04}", task=task, turns=turns, stop=stop, solved=solved))

            def found(store: TraceStore = store, **given: Any) -> list[str]:
                rows, total = store.search(Query(**given))
                assert total == len(rows)
                return [row.id for row in rows]

            assert found(words="stamps") == found(words="STAMPS how") == ["0000"]
            assert found(words="äpfel") == found(words="Äpfel") == ["0001"]
            assert found(words='"stop".') == ["0002"] and found(words="100% sure_") == ["0003"]
            assert found(words="sureXthing") == found(words="zebra") == []
            assert found(family="a") == ["0001", "0003"] and found(outcome="solved", family="b") == ["0000"]
            assert found(stop="max_turns", outcome="open") == []
            assert [row.id for row in store.search(Query(), limit=2, offset=3)[0]] == ["0003", "0004"]
            assert store.kinds()["family"] == ["a", "b"]


def test_only_who_has_the_address_is_answered(lessons: Path) -> None:
    with TraceStore.open(lessons) as store, serving(store) as (address, viewer):
        assert ask(address, "/api/about", viewer.token)[0] == 200
        for token in ("", "x", viewer.token[:-1], viewer.token + "x"):
            assert ask(address, "/api/about", token)[0] == 403
        assert ask(address, "/api/about", viewer.token, Host="evil.example")[0] == 403
        assert ask(address, "/api/about", viewer.token, Origin="http://evil.example")[0] == 403
        with urlopen(address, timeout=10) as page:
            policy, text = page.headers["Content-Security-Policy"], page.read().decode()
        assert (
            "default-src 'none'" in policy
            and viewer.token not in text
            and "lessons" not in text.split("<body>")[1][:40]
        )


def test_a_request_that_is_wrong_is_answered_in_one_sentence(lessons: Path) -> None:
    with TraceStore.open(lessons) as store, serving(store) as (address, viewer):
        id = store.search(Query())[0][0].id
        wrong: list[tuple[str, Any]] = [
            ("/api/traces?outcome=maybe", None),
            ("/api/traces?page=x", None),
            ("/api/traces?unknown=1", None),
            ("/api/traces/nobody", None),
            (f"/api/traces/{id}", {"decision": "perhaps", "version": 1}),
            (f"/api/traces/{id}", {"decision": "accepted"}),
            (f"/api/traces/{id}", {"decision": "accepted", "version": store.version_of(id), "question": " "}),
            (f"/api/traces/{id}", b"{"),
            (f"/api/traces/{id}", b"\xff\xfe"),
            (f"/api/traces/{id}", [1]),
            (f"/api/traces/{id}", b"x" * 2_000_000),
            ("/api/nothing", None),
        ]
        for path, body in wrong:
            code, said = ask(address, path, viewer.token, body)
            assert code in (400, 404, 413) and set(said) == {"error"} and "\n" not in said["error"], (path, code, said)
        assert store.counts().solved == 0


def test_two_people_review_at_once_and_nothing_is_lost(lessons: Path, tmp_path: Path) -> None:
    place = tmp_path / "both.sqlite"
    place.write_bytes(lessons.read_bytes())
    with (
        TraceStore.open(place) as one,
        TraceStore.open(place) as two,
        serving(one) as (a, first),
        serving(two) as (b, second),
    ):
        ids = [row.id for row in one.search(Query())[0]]
        sides = ((a, first.token, "accepted"), (b, second.token, "rejected"))
        read = {(side, id): ask(side[0], f"/api/traces/{id}", side[1])[1]["version"] for side in sides for id in ids}

        def decide(given: tuple[Any, str]) -> tuple[str, str, int]:
            (address, token, decision), id = given
            code, said = ask(address, f"/api/traces/{id}", token, {"decision": decision, "version": read[given]})
            if code == 409:
                assert said["now"]["lesson"]["review"] != "open" and "look again" in said["error"]
            return id, decision, code

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(decide, [(side, id) for id in ids for side in sides]))
        assert {code for *_, code in done} == {200, 409}
        for id in ids:
            (kept,) = [decision for which, decision, code in done if which == id and code == 200]
            moment = moment_of(one.get(id))
            assert moment is not None and moment.review == kept


def test_the_command_serves_until_it_is_stopped(lessons: Path) -> None:
    command = [PROGRAM, "view", lessons, "--no-open", "--read-only"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        match = re.search(r"(http://127\.0\.0\.1:\d+)/#(\S+)", line)
        assert match is not None, line
        address, token = match.groups()
        code, listed = ask(address, "/api/traces", token)
        assert code == 200 and listed["total"] == 20
        id = listed["rows"][0]["id"]
        version = ask(address, f"/api/traces/{id}", token)[1]["version"]
        code, said = ask(address, f"/api/traces/{id}", token, {"decision": "accepted", "version": version})
        assert code == 400 and "--read-only" in said["error"]
        running.terminate()
        assert running.wait(20) == 0


# -- in the browser ----------------------------------------------------------------------------------------------------

Open = Callable[..., Any]


def until(page: Any, holds: str) -> None:
    """Waits for an expression to be true: the page's policy lets no string be evaluated inside it."""
    deadline = time.monotonic() + 30
    while not page.evaluate(holds):
        assert time.monotonic() < deadline, holds
        page.wait_for_timeout(20)


@pytest.fixture
def open_page(chromium: str) -> Iterator[Open]:
    """Opens a viewer's address; in the end nothing may have been complained of, run, or asked for elsewhere."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        complaints: list[str] = []
        pages: list[Any] = []

        def opened(address: str, viewer: Viewer, *, width: int = 1280, height: int = 900, **options: Any) -> Any:
            page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda made: made.url.startswith(address) or complaints.append(made.url))
            page.goto(f"{address}/#{viewer.token}")
            until(page, "document.getElementById('count').textContent !== ''")
            pages.append(page)
            return page

        yield opened
        assert [text for text in complaints if "409" not in text] == []
        assert not any(page.evaluate("window.hacked") for page in pages)
        browser.close()


@pytest.mark.browser
def test_a_person_reviews_with_the_keyboard(open_page: Open, lessons: Path, tmp_path: Path) -> None:
    place = tmp_path / "mine.sqlite"
    place.write_bytes(lessons.read_bytes())
    with TraceStore.open(place) as store, serving(store) as (address, viewer):
        page = open_page(address, viewer)
        page.wait_for_selector(".lesson")
        assert page.text_content("#count") == "1 to 20 of 20" and "2027-05-01" in page.text_content("#detail")
        assert "No, I meant 1 May." in page.text_content(".lesson")
        page.keyboard.press("a")
        until(page, "document.querySelectorAll('.state-accepted').length === 1")
        until(page, "document.getElementById('detail').textContent.includes('Guest 2.')")
        page.keyboard.press("e")
        page.fill("#editor textarea", "On which day in May?")
        page.keyboard.press("Control+Enter")
        until(page, "document.getElementById('review').textContent === 'accepted'")
        assert "On which day in May?" in page.text_content(".lesson")
        page.keyboard.press("j")
        until(page, "document.getElementById('detail').textContent.includes('Guest 3.')")
        # Somebody else decides first: theirs stands, and is shown.
        id = page.get_attribute(".row[aria-current=true]", "data-id")
        from sml_agents.mining import decide

        store.add(decide(store.get(id), "accepted"))
        page.keyboard.press("r")
        until(page, "document.getElementById('review').textContent === 'accepted'")
        assert "somebody else" in page.text_content("#word")
        page.keyboard.press("/")
        page.keyboard.type("booked 2027-05-17")
        until(page, "document.getElementById('count').textContent === '1 to 1 of 1'")
        assert store.counts().solved == 3


@pytest.mark.browser
def test_no_text_of_a_trace_does_anything(open_page: Open, tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "hostile.sqlite", redact=False) as store:
        for number, text in enumerate(HOSTILE):
            store.add(hostile(text, number))
        with serving(store) as (address, viewer):
            page = open_page(address, viewer)
            for number in range(len(HOSTILE)):
                page.click(f".row[data-id='{number:016x}']")
                until(page, f"document.querySelector('#detail p.small')?.textContent.startsWith('{number:016x}')")
                page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                assert (
                    page.evaluate("document.querySelectorAll('#detail :is(script, img, iframe, svg, a)').length") == 0
                )
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_twenty_thousand_are_listed_and_searched_in_time_on_any_width(open_page: Open, tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "many.sqlite") as store:
        batch = Batch()
        for number in range(20_000):
            task = Task(id=str(number), family="a", prompt=f"Question {number}: how many?", private=Private(answer="1"))
            turns = tuple(
                Turn(role=role, text=f"{role} says something about {number}, at some length. " * 4)
                for role in (Role.TEACHER, Role.STUDENT) * 2
            )
            trace = Trace(id=f"{number:016x}", task=task, turns=turns, stop=StopReason.MAX_TURNS, solved=False)
            batch.done.append(store.done_row(trace, position=number))
        store.write(batch)
        with serving(store) as (address, viewer):
            # Of server and test together.
            with within(1):
                page = open_page(address, viewer)
                assert page.text_content("#count") == "1 to 50 of 20,000"
            with within(2):
                page.fill("#words", "19877")
                until(page, "document.getElementById('count').textContent === '1 to 1 of 1'")
            narrow = open_page(address, viewer, width=390, height=800, color_scheme="dark")
            narrow.click(".row")
            narrow.wait_for_selector("#detail .turn")
            assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
            narrow.click("text=Back to the list")
            assert narrow.is_visible("#rows")
