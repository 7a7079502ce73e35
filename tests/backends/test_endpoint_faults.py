"""What can go wrong behind an OpenAI-compatible endpoint, each against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessageChunk

from sml_agents.backends import resolve
from sml_agents.backends.openai_compatible import OpenAICompatibleModel
from sml_agents.errors import BackendSpecError, BudgetExceeded, EndpointError
from sml_agents.testing.loopback import Exchange, Scenario, completion, serve
from sml_agents.text.printable import printable

KEY = "sk-test-0123456789abcdef"


def model_at(url: str, **settings: Any) -> OpenAICompatibleModel:
    given = {"timeout": 60, "backoff": 0.01, "max_retries": 2, "api_key": KEY, **settings}
    model = resolve(f"openai:loopback@{url}", **given)
    assert isinstance(model, OpenAICompatibleModel)
    return model


async def ask(scenario: Scenario, **settings: Any) -> tuple[AIMessage, int]:
    """The model's answer, and how many requests it took."""
    async with serve(scenario) as server:
        message = await model_at(server.url, **settings).ainvoke("Hi")
        return message, len(server.requests)


async def refused(scenario: Scenario, **settings: Any) -> tuple[EndpointError, int]:
    """The error that the model raises, and how many requests came before it."""
    async with serve(scenario) as server:
        with pytest.raises(EndpointError) as caught:
            await model_at(server.url, **settings).ainvoke("Hi")
        text = str(caught.value)
        assert KEY not in text
        assert "\n" not in text
        assert len(text) < 500
        return caught.value, len(server.requests)


def first_fails(status: int, headers: dict[str, str] | None = None) -> Scenario:
    async def scenario(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.answer({"error": {"message": "later"}}, status, headers)
        else:
            await exchange.answer(completion())

    return scenario


def always(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Scenario:
    async def scenario(exchange: Exchange) -> None:
        await exchange.answer({"error": {"message": "no good"}} if body is None else body, status, headers)

    return scenario


def sends(body: Any, headers: dict[str, str] | None = None) -> Scenario:
    return always(200, body, headers)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_passing_status_is_tried_again(status: int) -> None:
    message, requests = await ask(first_fails(status))
    assert (message.content, requests) == ("Hello there.", 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_lasting_status_is_not(status: int) -> None:
    error, requests = await refused(always(status, {"error": {"message": f"bad key {KEY}"}}))
    assert (error.status, requests) == (status, 1)
    assert "bad key ***" in str(error)


async def test_a_lasting_outage_ends_after_the_allowed_attempts() -> None:
    error, requests = await refused(always(503))
    assert (error.status, requests) == (503, 3)
    assert "3 attempts" in str(error)


async def test_a_quota_that_is_used_up_is_not_a_rate_limit() -> None:
    _, requests = await refused(always(429, {"error": {"message": "pay", "code": "insufficient_quota"}}))
    assert requests == 1


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "1"}, 1.0),
        ({"Retry-After": "0.3"}, 0.3),
        ({"retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "DATE"}, 0.5),
        ({"Retry-After": "Fri, 01 Jan 1999 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        ({"Retry-After": "nan"}, 0.0),
    ],
)
async def test_retry_after_is_kept(headers: dict[str, str], least: float) -> None:
    if headers.get("Retry-After") == "DATE":
        headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)}
    begin = time.monotonic()
    _, requests = await ask(first_fails(429, headers))
    assert requests == 2
    assert least <= time.monotonic() - begin < least + 20


async def test_a_retry_after_beyond_the_timeout_ends_the_call_at_once() -> None:
    begin = time.monotonic()
    error, requests = await refused(always(429, headers={"Retry-After": "3600"}))
    assert requests == 1
    assert "timeout of 60 s" in str(error)
    assert time.monotonic() - begin < 50


async def test_refused_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EndpointError, match=r"Nothing answers at http://127\.0\.0\.1"):
        await model_at(f"http://127.0.0.1:{port}/v1").ainvoke("Hi")


async def test_unknown_host() -> None:
    with pytest.raises(EndpointError, match=r"host of http://no-such-host.invalid/v1 is unknown"):
        await model_at("http://no-such-host.invalid/v1").ainvoke("Hi")


async def test_connection_reset_is_tried_again() -> None:
    async def scenario(exchange: Exchange) -> None:
        if exchange.number == 1:
            # Lingering for no time makes the close a reset.
            sock = exchange.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            exchange.writer.transport.abort()
        else:
            await exchange.answer(completion())

    message, requests = await ask(scenario)
    assert (message.content, requests) == ("Hello there.", 2)


async def test_a_body_cut_off_is_tried_again() -> None:
    async def scenario(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.answer(b'{"id": "chatcmpl', length=5000)
            exchange.writer.close()
        else:
            await exchange.answer(completion())

    message, requests = await ask(scenario)
    assert (message.content, requests) == ("Hello there.", 2)


async def test_a_silent_server_is_left_after_the_read_timeout() -> None:
    async def scenario(exchange: Exchange) -> None:
        await asyncio.sleep(30)

    begin = time.monotonic()
    error, requests = await refused(scenario, read_timeout=0.2)
    assert requests == 3
    assert "silent for 0.2 s" in str(error)
    assert time.monotonic() - begin < 30


async def test_a_dripping_body_does_not_outlive_the_timeout() -> None:
    async def scenario(exchange: Exchange) -> None:
        await exchange.answer(b"{", length=100_000)
        while True:
            await exchange.send(b" ")
            await asyncio.sleep(0.05)

    begin = time.monotonic()
    error, requests = await refused(scenario, timeout=0.6)
    assert requests == 1
    assert "no complete answer within 0.6 s" in str(error)
    assert time.monotonic() - begin < 60, "the whole of it would take hours"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><html><body>Welcome</body></html>", "an HTML page: check base_url"),
        (b'{"choices": [{"message": {"content": "Hel', "not JSON"),
        (b"", "nothing"),
        ([1, 2], "a JSON list"),
        ({"choices": []}, "no choice"),
        ({"choices": None}, "no choice"),
        ({"choices": ["text"]}, "no choice"),
        ({"choices": [{"text": "completion"}]}, "no choice with a message"),
        ({"error": {"message": "model is loading"}}, "model is loading"),
        (completion(content=None), "no content"),
        (completion(content=17), "type int"),
        (completion(content="par", finish="content_filter"), "content filter"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_content_is_an_error_and_not_asked_for_again(body: Any, says: str) -> None:
    error, requests = await refused(sends(body))
    assert says in str(error)
    assert requests == 1


async def test_a_reply_cut_by_its_length_says_so() -> None:
    message, _ = await ask(sends(completion("Once upon a", finish="length")))
    assert message.response_metadata["finish_reason"] == "length"
    assert message.content == "Once upon a"
    message, _ = await ask(sends(completion(None, finish="length")))
    assert message.content == ""


async def test_a_huge_body_is_not_read() -> None:
    async def announced(exchange: Exchange) -> None:
        await exchange.answer(b" ", length=100 * 2**20)

    error, _ = await refused(announced)
    assert "longer than 16 MB" in str(error)

    sent = 0

    async def unannounced(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(100):
            await exchange.send(b" " * 2**20)
            sent += 1

    error, _ = await refused(unannounced)
    assert "longer than 16 MB" in str(error)
    assert sent < 60


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compression_bomb_is_stopped(coding: str) -> None:
    error, _ = await refused(sends(gzip.compress(b" " * 200 * 2**20, 1), {"Content-Encoding": coding}))
    assert "longer than 16 MB" in str(error)


async def test_compressed_answers() -> None:
    good = gzip.compress(json.dumps(completion()).encode())
    message, _ = await ask(sends(good, {"Content-Encoding": "gzip"}))
    assert message.content == "Hello there."
    error, _ = await refused(sends(b"not gzip", {"Content-Encoding": "gzip"}))
    assert "damaged" in str(error)
    error, _ = await refused(sends(b"??", {"Content-Encoding": "br"}))
    assert "'br'" in str(error)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (rb'"a\ud800b"', "a\ufffdb"),
        (rb'"a\u0000b"', "ab"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (b'"a\xffb"', "a\ufffdb"),
        ('"é\u202e"'.encode(), "é\u202e"),
    ],
)
async def test_text_that_no_store_could_hold_is_cleaned(raw: bytes, cleaned: str) -> None:
    body = json.dumps(completion("X")).encode().replace(b'"X"', raw)
    message, _ = await ask(sends(body))
    assert message.content == cleaned


async def test_a_surrogate_in_the_conversation_is_cleaned_on_its_way_out() -> None:
    async with serve(sends(completion())) as server:
        await model_at(server.url).ainvoke("a\ud800b")
        assert server.requests[0].json["messages"][0]["content"] == "a\ufffdb"


@pytest.mark.parametrize("usage", [None, "many", {"prompt_tokens": "7"}, {"prompt_tokens": -1}, {}])
async def test_no_usage_is_unknown_not_zero(usage: Any) -> None:
    message, _ = await ask(sends(completion(usage=usage)))
    assert message.usage_metadata is None


async def test_redirects_are_not_followed_with_the_key() -> None:
    error, requests = await refused(always(307, b"", {"Location": "http://elsewhere.invalid/v1"}))
    assert requests == 1
    assert "http://elsewhere.invalid/v1" in str(error)


async def test_passwords_in_the_address_stay_out_of_errors() -> None:
    async with serve(always(404)) as server:
        url = server.url.replace("//", "//me:hunter2@")
        model = model_at(url)
        with pytest.raises(EndpointError) as caught:
            await model.ainvoke("Hi")
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in json.dumps(model.describe())


SECRETIVE = [
    "{host}/v1?api_key=sk-0987654321fedcba",
    "{host}/v1?key=AIzaSyNotAKeyAtAll0123&alt=x",
    "{host}/v1/?subscription-key=hunter2hunter2&api-version=2024-10-21",
    "{host}/v1?code=aGVsbG8%3D%3D&sig=hunter2hunter2",
    "me:hunter2hunter2@{host}/v1",
    "me:p%40ss-hunter2@{host}/v1?token=hunter2hunter2",
]
WORDS = ("sk-0987654321fedcba", "AIzaSyNotAKeyAtAll0123", "hunter2", "aGVsbG8", KEY)


@pytest.mark.parametrize("address", SECRETIVE)
@pytest.mark.parametrize("what", ["echo", "redirect", "status 200", "event", "reset", "nobody"])
async def test_no_secret_is_said(address: str, what: str) -> None:
    """The server says back whatever it was sent, in every kind of answer."""

    async def scenario(exchange: Exchange) -> None:
        said = f"{exchange.path} {exchange.headers} is no good"
        if what == "echo":
            await exchange.answer({"error": {"message": said}}, 400)
        elif what == "redirect":
            await exchange.answer(b"", 302, {"Location": f"http://other{exchange.path}"})
        elif what == "status 200":
            await exchange.answer({"error": {"message": said}})
        elif what == "event":
            await exchange.stream({"error": {"message": said}})
        else:
            exchange.writer.transport.abort()

    async with serve(scenario) as server:
        host = server.url.removeprefix("http://").removesuffix("/v1")
        if what == "nobody":
            host = "127.0.0.1:9"
        given: dict[str, Any] = {"base_url": "http://" + address.format(host=host), "api_key": KEY, "max_retries": 0}
        model: Any = resolve("openai:loopback", timeout=5, **given)
        with pytest.raises(EndpointError) as caught:
            await (gathered(model.astream("Hi")) if what == "event" else model.ainvoke("Hi"))
        if what != "nobody":
            path, _, query = server.requests[0].path.partition("?")
            assert (path, query) == ("/v1/chat/completions", address.partition("?")[2]), "it reaches the server"
    shown = "".join(traceback.format_exception(caught.value)) + json.dumps(model.describe()) + repr(model)
    assert not [word for word in WORDS if word in shown]


@pytest.mark.parametrize(
    "spec", ["openai:m@http://h/v1?api_key=sk-0987654321&temperature", "openai:m@ftp://h?key=hunter2x"]
)
def test_no_secret_of_a_wrong_spec_is_said(spec: str) -> None:
    with pytest.raises(BackendSpecError) as caught:
        resolve(spec)
    assert "sk-0987654321" not in str(caught.value) and "hunter2x" not in str(caught.value)


CONTROLS = {
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "title": "\x1b]0;you are root\x1b\\",
    "link": "\x1b]8;;http://evil.invalid\x1b\\here\x1b]8;;\x1b\\",
    "colour": "\x1b[31mred\x1b[0m",
    "screen": "\x1b[2J\x1b[H",
    "C1": "\x9b31mred\x9d52;c;eA==\x9c",
    "device": "\x1bP1$r0m\x1b\\",
    "lines": "one\r\ntwo\x0bthree\x0c\u2028four",
    "back": "good\x08\x08\x08\x08bad\x7f",
    "direction": "\u202eevil\u2066\u200f",
}


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("where", ["body", "text", "finish", "event", "redirect", "encoding"])
async def test_no_control_character_is_said(name: str, where: str) -> None:
    said = f"no {CONTROLS[name]} good"
    header = said.encode("latin-1", "replace").decode("latin-1").replace("\r", "").replace("\n", "")

    async def scenario(exchange: Exchange) -> None:
        if where == "body":
            await exchange.answer({"error": {"message": said}}, 400)
        elif where == "text":
            await exchange.answer(said.encode(), 500, {"Content-Type": "text/plain"})
        elif where == "finish":
            await exchange.answer(completion("Hel", finish=said))
        elif where == "event":
            await exchange.stream({"error": {"message": said}})
        elif where == "redirect":
            await exchange.answer(b"", 302, {"Location": header})
        else:
            await exchange.answer(b"x", 200, {"Content-Encoding": header})

    async with serve(scenario) as server:
        model = model_at(server.url, max_retries=0)
        with pytest.raises(EndpointError) as caught:
            await (gathered(model.astream("Hi")) if where == "event" else model.ainvoke("Hi"))
    text = str(caught.value)
    assert text == printable(text) and "52;c" not in text


async def test_what_is_cut_of_a_compressed_answer_is_asked_for_again() -> None:
    packed = gzip.compress(json.dumps(completion("Hello there. " * 99)).encode())
    for coding in ("gzip", "deflate"):
        for length in (1, 5, 20, len(packed) // 2, len(packed) - 1):

            async def scenario(exchange: Exchange, coding: str = coding, length: int = length) -> None:
                whole = exchange.number > 1
                await exchange.answer(packed if whole else packed[:length], headers={"Content-Encoding": coding})

            message, requests = await ask(scenario)
            assert (message.text, requests) == ("Hello there. " * 99, 2)


@pytest.mark.parametrize("length", [10, 40, -1])
async def test_a_cut_compressed_stream_is_an_error(length: int) -> None:
    packed = gzip.compress(b"data: " + json.dumps(delta("Hello", "stop")).encode() + b"\n\ndata: [DO")

    async def scenario(exchange: Exchange) -> None:
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
        await exchange.send(head + packed[:length])
        exchange.writer.close()

    async with serve(scenario) as server:
        with pytest.raises(EndpointError, match="broke off in the middle of its compressed answer"):
            await gathered(model_at(server.url, max_retries=0).astream("Hi"))


async def test_budgets() -> None:
    async with serve(sends(completion())) as server:
        model = model_at(server.url, budget_calls=2)
        await model.ainvoke("1")
        await model.ainvoke("2")
        with pytest.raises(BudgetExceeded, match="2 model calls"):
            await model.ainvoke("3")
        assert len(server.requests) == 2
        model = model_at(server.url, budget_tokens=15)
        await model.ainvoke("1")
        await model.ainvoke("2")
        with pytest.raises(BudgetExceeded, match="15 tokens"):
            await model.ainvoke("3")
    async with serve(always(500)) as server:
        with pytest.raises(BudgetExceeded):
            await model_at(server.url, budget_calls=2, max_retries=9).ainvoke("retries count")
        assert len(server.requests) == 2


def delta(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}]}


async def gathered(chunks: AsyncIterator[BaseMessageChunk]) -> str:
    return "".join([chunk.text async for chunk in chunks])


async def streamed(scenario: Scenario, **settings: Any) -> str:
    async with serve(scenario) as server:
        return await gathered(model_at(server.url, **settings).astream("Hi"))


async def test_a_stream_in_odd_pieces() -> None:
    async def scenario(exchange: Exchange) -> None:
        wire = b": hello\r\n\r\n" + b"data: " + json.dumps(delta("Grü")).encode() + b"\r\n\r\n"
        wire += b"data:" + json.dumps(delta("ße", "stop"), ensure_ascii=False).encode() + b"\n\n"
        await exchange.stream(*[wire[i : i + 3] for i in range(0, len(wire), 3)])

    assert await streamed(scenario) == "Grüße"


async def test_a_stream_without_done_is_complete_if_it_said_why_it_stopped() -> None:
    async def finished(exchange: Exchange) -> None:
        await exchange.stream(delta("Hel"), delta("lo"), delta(None, "stop"), end=b"")

    assert await streamed(finished) == "Hello"

    async def cut(exchange: Exchange) -> None:
        await exchange.stream(delta("Hel"), delta("lo"), end=b"")

    with pytest.raises(EndpointError, match="ended in the middle"):
        await streamed(cut)


async def test_an_error_in_the_middle_of_a_stream() -> None:
    async def scenario(exchange: Exchange) -> None:
        await exchange.stream(delta("Hel"), {"error": {"message": "out of memory"}})

    with pytest.raises(EndpointError, match="out of memory"):
        await streamed(scenario)


async def test_a_dripping_stream_does_not_outlive_the_timeout() -> None:
    async def scenario(exchange: Exchange) -> None:
        await exchange.stream(*[delta("x")] * 1000, pause=0.05)

    begin = time.monotonic()
    with pytest.raises(EndpointError, match=r"within 0\.5 s"):
        await streamed(scenario, timeout=0.5)
    assert time.monotonic() - begin < 50, "the whole of it takes longer"


async def test_a_stream_is_retried_only_before_its_first_event() -> None:
    async with serve(first_fails(503)) as server:
        with pytest.raises(EndpointError, match="did not stream"):
            await gathered(model_at(server.url).astream("Hi"))
        assert len(server.requests) == 2

    async def breaks(exchange: Exchange) -> None:
        await exchange.stream(delta("Hel"), b"data: {broken\n\n")

    async with serve(breaks) as server:
        with pytest.raises(EndpointError, match="not JSON"):
            await gathered(model_at(server.url).astream("Hi"))
        assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://host/v1", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(BackendSpecError, match="base_url must look like"):
        resolve("openai:m", base_url=url, api_key=KEY)


async def test_a_cancelled_call_leaves_nothing_behind() -> None:
    async def scenario(exchange: Exchange) -> None:
        if exchange.number == 1:
            await asyncio.sleep(30)
        await exchange.answer(completion())

    async with serve(scenario) as server:
        model = model_at(server.url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await model.ainvoke("slow")
        assert (await model.ainvoke("next")).content == "Hello there."
