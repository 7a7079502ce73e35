"""Whatever a client sends is refused with a reason, or dropped, and the server serves the next as before."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import zlib
from typing import Any

import aiohttp
import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field

from sml_agents.backends.scripted import ScriptedModel
from tests.serving.served import HELLO, Server, SlowModel, body, http, post, raw, script, serving

DEEP = b'{"model": "m", "messages": ' + b"[" * 5000 + b"]" * 5000 + b"}"
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "[1"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
NESTED: Any = {}
for _ in range(300):
    NESTED = {"items": NESTED}

REFUSED: dict[str, tuple[bytes, int]] = {
    "not JSON": (http(b"{'model': 'm'}"), 400),
    "cut JSON": (http(json.dumps(body()).encode()[:-9]), 400),
    "nothing": (http(b""), 400),
    "bytes that are no text": (http(b"\xff\xfe\x00" * 50), 400),
    "a list": (http([body()]), 400),
    "a number": (http(b"1e999"), 400),
    "not a number": (http(b'{"model": "m", "messages": [], "temperature": NaN}'), 400),
    "thousands of brackets": (http(DEEP), 400),
    "a schema without bottom": (http(body(tools=[{**TOOL, "function": {"name": "f", "parameters": NESTED}}])), 400),
    "no messages": (http({"model": "m"}), 400),
    "empty messages": (http(body(messages=[])), 400),
    "messages of the wrong type": (http(body(messages="hello")), 400),
    "an unknown role": (http(body(messages=[{"role": "root", "content": "."}])), 400),
    "content that is a number": (http(body(messages=[{"role": "user", "content": 7}])), 400),
    "a message without content": (http(body(messages=[{"role": "user"}])), 400),
    "arguments that are no JSON": (http(body(messages=[{"role": "assistant", "tool_calls": [CALL]}])), 400),
    "a tool's result of no call": (http(body(messages=[{"role": "tool", "content": "x"}])), 400),
    "huge max_tokens": (http(b'{"model": "m", "messages": [], "max_tokens": ' + b"9" * 500 + b"}"), 400),
    "negative max_tokens": (http(body(max_tokens=-1)), 400),
    "max_tokens in words": (http(body(max_tokens="many")), 400),
    "a hot temperature": (http(body(temperature=1e300)), 400),
    "a thousand choices": (http(body(n=1000)), 400),
    "a true n": (http(body(n=True)), 400),
    "endless stops": (http(body(stop=["x"] * 1000)), 400),
    "a seed beyond 64 bits": (http(body(seed=2**80)), 400),
    "alternatives without end": (http(body(logprobs=True, top_logprobs=10**6)), 400),
    "what cannot be done": (http(body(response_format={"type": "json_object"})), 400),
    "what is unknown": (http(body(grammar="root ::= x")), 400),
    "an unknown model": (http(body(model="gpt-5")), 404),
    "another path": (http(body(), path="/v1/embeddings"), 404),
    "a path with dots": (http(body(), path="/v1/../../etc/passwd"), 404),
    "another method": (http(body(), method="GET"), 405),
    "a form": (http(b"model=m", "Content-Type: text/plain").replace(b"Content-Type: application/json\r\n", b""), 415),
    "a compressed bomb": (http(zlib.compress(b" " * 10**7), "Content-Encoding: deflate"), 415),
    "too large": (http(body(messages=[{"role": "user", "content": "x" * 100_000}])), 413),
    "thousands of headers": (http(body(), *(f"X-{k}: {k}" for k in range(5000))), 400),
    "a header without end": (http(body(), "X: " + "x" * 100_000), 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, 400),
    "a length that is no number": (http(body(), "Content-Length: many"), 400),
    "a negative length": (http(body(), "Content-Length: -5"), 400),
    "another host's name": (http(body()).replace(b"Host: localhost", b"Host: evil.example"), 403),
    "half a surrogate pair": (http(json.dumps(body(messages=[{"role": "user", "content": "\ud83d"}])).encode()), 400),
    "a mark of byte order": (http(b"\xef\xbb\xbf" + json.dumps(body()).encode()), 400),
    "two requests' bodies": (http(json.dumps(body()).encode() * 2), 400),
    "no choices": (http(body(n=0)), 400),
    "no probability": (http(body(top_p=0)), 400),
    "an infinite temperature": (
        http(b'{"model": "m", "messages": [{"role": "user", "content": "."}], "temperature": 1e400}'),
        400,
    ),
    "a stream in words": (http(body(stream="yes")), 400),
    "an empty stop": (http(body(stop="")), 400),
    "stops that are numbers": (http(body(stop=[1, 2])), 400),
    "tools that are no list": (http(body(tools={"f": TOOL})), 400),
    "a tool without a name": (http(body(tools=[{"type": "function", "function": {"name": ""}}])), 400),
    "thousands of tools": (http(body(tools=[TOOL] * 300)), 400),
    "a choice of tools that is a number": (http(body(tools=[TOOL], tool_choice=5)), 400),
    "a call without an id": (
        http(body(messages=[{"role": "assistant", "tool_calls": [{**CALL, "id": "", "function": {"name": "f"}}]}])),
        400,
    ),
    "arguments that are a list": (
        http(
            body(
                messages=[{"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[]"}}]}]
            )
        ),
        400,
    ),
    "a model that is a list": (http(body(model=["m"])), 400),
    "a small method": (http(body(), method="post"), 400),
    "a page's question whether it may": (http(b"", method="OPTIONS"), 405),
    "a tunnel": (http(b"", method="CONNECT", path="evil.example:443"), 404),
    "two slashes": (http(body(), path="//v1/chat/completions"), 404),
    "a zero byte in the path": (http(body(), path="/v1/\0/completions"), 400),
    "an expectation": (http(body(), "Expect: the-impossible"), 417),
    "a chunk of no size": (http(b"zz\r\nabc\r\n", "Transfer-Encoding: chunked", "Content-Length:"), 400),
    "a version to come": (http(body()).replace(b"HTTP/1.1", b"HTTP/9.9"), 400),
    "no host": (http(body()).replace(b"Host: localhost\r\n", b""), 400),
    "a smuggled request": (http(body(), "Content-Length: 5", "Transfer-Encoding: chunked"), 400),
}


async def health(server: Server) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/../health") as response:
        return await response.json()


async def still_serves(server: Server) -> None:
    status, answer = await post(server, body())
    assert (status, answer["choices"][0]["message"]["content"]) == (200, HELLO)


async def test_each_is_refused_and_the_next_is_served() -> None:
    async with serving(script(), body_kb=64) as server:
        for what, (sent, status) in REFUSED.items():
            got = await raw(server, sent)
            head, _, said = got.partition(b"\r\n\r\n")
            assert head.split(b" ", 2)[1] == str(status).encode(), (what, got[:300])
            assert b"Traceback" not in got and b'File "' not in got, what
            if b"application/json" in head:
                error = json.loads(said)["error"]
                assert error["message"] and error["type"], what
            await still_serves(server)
    assert server.task.result().failed == 0, "none reached the model"
    assert len(REFUSED) >= 30


async def test_what_is_wrong_is_said() -> None:
    async with serving(script()) as server:
        for changes, words, param in (
            ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1", "max_tokens"),
            ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content", "messages.0.content.str"),
            ({"logit_bias": {"5": 100}}, "logit_bias", "logit_bias"),
            ({"frequency_penalty": 0.5}, "frequency_penalty", "frequency_penalty"),
            ({"grammar": "x"}, "grammar: Extra inputs are not permitted", "grammar"),
        ):
            status, answer = await post(server, body(**changes))
            assert status == 400 and words in answer["error"]["message"], answer
            assert answer["error"]["param"] == param and answer["error"]["type"] == "invalid_request_error"


async def test_what_changes_nothing_is_taken() -> None:
    harmless: dict[str, Any] = {
        "temperature": 1, "top_p": 1.0, "n": None, "stop": None, "stream": None, "user": "u", "store": False,
        "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "response_format": {"type": "text"},
        "parallel_tool_calls": True, "metadata": {"a": "b"}, "tools": [], "tool_choice": "auto", "max_tokens": 10**9,
    }  # fmt: skip
    async with serving(script()) as server:
        for name, value in harmless.items():
            status, answer = await post(server, body(**{name: value}))
            assert status == 200, (name, answer)
        status, answer = await post(server, body(**harmless))
        assert status == 200, answer


async def test_slow_and_cut_requests_hold_nothing_up() -> None:
    whole = http(body())
    async with serving(script(), patience=0.4) as server:
        idle = [asyncio.create_task(raw(server, whole[:size])) for size in (0, 1, 10, 60, len(whole) - 3) for _ in "ab"]
        await asyncio.sleep(0.1)
        await still_serves(server)
        answers = await asyncio.gather(*idle)
        assert {answer.split(b" ", 2)[1] for answer in answers if answer} == {b"408"}, "those whose head was whole"
        assert sum(not answer for answer in answers) == 8, "the others are closed"
        await still_serves(server)


async def test_pipelined_requests_are_answered_in_order() -> None:
    one = http(body()).replace(b"Connection: close\r\n", b"")
    async with serving(script(), patience=0.3) as server:
        unknown = http(body(model="x")).replace(b"Connection: close\r\n", b"")
        got = await raw(server, one * 3 + unknown + one)
        assert re.findall(rb"HTTP/1\.1 (\d+)", got) == [b"200", b"200", b"200", b"404", b"200"]


async def test_who_goes_away_makes_room() -> None:
    model = SlowModel(replies=[HELLO], seconds=30)
    async with serving(model, at_once=2) as server:
        for stream in (False, True):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(http(body(stream=stream)))
            await asyncio.sleep(0.2)
            writer.close()
        await asyncio.sleep(0.2)
    assert len(model.given_up) == 2
    assert server.task.result().running == 0


async def test_the_queue_is_bounded() -> None:
    async with serving(SlowModel(replies=[HELLO], seconds=0.3), at_once=3) as server:
        got = await asyncio.gather(*[post(server, body(n=n)) for n in (1, 1, 1, 1, 2)])
        statuses = [status for status, _ in got]
        assert statuses.count(200) == 3 and statuses.count(429) == 2
        assert got[statuses.index(429)][1]["error"]["type"] == "rate_limit_error"
        assert (await post(server, body(n=3)))[0] == 200, "and freed again"


async def test_a_reply_takes_no_longer_than_it_may() -> None:
    async with serving(SlowModel(replies=[HELLO], seconds=20), timeout=0.2) as server:
        for stream in (False, True):
            status, answer = await post(server, body(stream=stream))
            assert status == 504 and "within 0.2 s" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer wrong-key", 401),
        ("Bearer ", 401),
        ("Basic c2VjcmV0LWtleQ==", 401),
        ("secret-key", 401),
        ("Bearer secret-key ", 200),  # HTTP strips white space around a value
        ("Bearer secret-keys", 401),
        ("Bearer schlüssel", 401),
        ("Bearer secret-key", 200),
    ],
)
async def test_the_key(header: str | None, status: int) -> None:
    async with serving(script(), key="secret-key") as server:
        headers = {} if header is None else {"Authorization": header}
        got, answer = await post(server, body(), **headers)
        assert got == status
        assert "secret" not in json.dumps(answer)


async def test_without_a_key_only_this_machine_s_names() -> None:
    async with serving(script()) as server:
        for host in ("localhost:1", "127.0.0.1", "[::1]:8", "LOCALHOST"):
            assert (await post(server, body(), Host=host))[0] == 200, host
        for host in ("a.localhost", "evil.example:80", "127.0.0.1.evil.example", "example.org"):
            assert (await post(server, body(), Host=host))[0] == 403, host
    async with serving(script(), key="secret-key") as server:
        assert (await post(server, body(), Host="my.example", Authorization="Bearer secret-key"))[0] == 200


async def test_who_reads_nothing_loses_the_place() -> None:
    """Its stream is more than all buffers between the two hold: the server's last words find no place either."""
    model = Begins(replies=[" ".join(["x" * 200_000] * 150)])
    async with serving(model, timeout=0.5) as server:
        with socket.socket() as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            place.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(place, ("127.0.0.1", server.port))
            await loop.sock_sendall(place, http(body(stream=True)))
            await model.begun.wait()
            while (await health(server))["running"]:
                await asyncio.sleep(0.02)
    assert server.task.result().failed == 1


class Begins(ScriptedModel):
    """Says when it was asked."""

    begun: asyncio.Event = Field(default_factory=asyncio.Event)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        self.begun.set()
        return await super()._areply(messages, stop, **kwargs)


class Writes(ScriptedModel):
    """Answers with a message of whatever kind."""

    message: AIMessage

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        return self.message


async def test_whatever_a_model_writes_comes_through() -> None:
    huge = {"name": "f", "args": {"n": 2**70, "half": "\ud83d"}, "id": "1"}
    broken = {"name": "f", "args": '{"n": ', "id": "2", "error": None, "type": "invalid_tool_call"}
    said = AIMessage("half \ud83d", tool_calls=[huge], invalid_tool_calls=[broken])
    async with serving(Writes(replies=["."], message=said)) as server:
        status, answer = await post(server, body(tools=[TOOL]))
    (choice,) = answer["choices"]
    assert status == 200 and choice["finish_reason"] == "tool_calls" and choice["message"]["content"] == "half \ufffd"
    first, second = (call["function"]["arguments"] for call in choice["message"]["tool_calls"])
    assert json.loads(first)["n"] == 2**70 and second == '{"n": '
    only = AIMessage("", invalid_tool_calls=[broken])
    async with serving(Writes(replies=["."], message=only)) as server:
        status, answer = await post(server, body(tools=[TOOL]))
    assert answer["choices"][0]["finish_reason"] == "tool_calls", "not an empty reply"


async def test_a_key_that_ends_in_a_line_is_the_key() -> None:
    async with serving(script(), key="secret-key\n") as server:
        assert (await post(server, body(), Authorization="Bearer secret-key"))[0] == 200
        assert (await post(server, body(), Authorization="Bearer secret"))[0] == 401
