"""The page and its data over HTTP, on this machine alone.

The address holds a token after its `#`, which a browser sends nowhere: the page's script sends it with every request
for data. Requests under another host's name (DNS rebinding) and from another page (`Origin`) are refused, and what is
sent may not be large.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from signal import SIGINT, SIGTERM
from typing import Any, Literal

import orjson
from aiohttp import web
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from sml_agents.errors import InputError, SmlError, StoreError, complaint
from sml_agents.evaluation.page import part, style_hash
from sml_agents.mining import decide
from sml_agents.traces import TraceStore
from sml_agents.traces.search import Query
from sml_agents.viewer.content import row, whole

__all__ = ["Viewer", "make_app", "serve"]

PAGE = 50
_LARGEST = 1_000_000
"""Bytes of a request."""
_HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Decision(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    decision: Literal["accepted", "rejected"]
    version: int
    question: str | None = None
    answer: str | None = None


@dataclass(frozen=True)
class _Search(Query):
    __pydantic_config__ = ConfigDict(extra="forbid")

    page: int = 0


_SEARCH = TypeAdapter(_Search)


class Viewer:
    """One store, its token, and what may be asked of it.

    Args:
        store: opened for writing where decisions may be taken.
        writable: whether they may.
    """

    def __init__(self, store: TraceStore, *, writable: bool) -> None:
        self.store, self.writable = store, writable
        self.token = secrets.token_urlsafe(24)
        self.decided = 0
        """Decisions taken so far."""

    def list(self, asked: _Search) -> dict[str, Any]:
        """One page of what fits."""
        found, total = self.store.search(asked, limit=PAGE, offset=PAGE * max(0, asked.page))
        return {"rows": [row(trace) for trace in found], "total": total, "per_page": PAGE}

    def about(self) -> dict[str, Any]:
        """What the page needs once."""
        return {"store": self.store.name, "writable": self.writable, "kinds": self.store.kinds()}

    def one(self, id: str) -> dict[str, Any]:
        """A whole trace, with the version that a decision on it has to name."""
        version = self.store.version_of(id)
        return {**whole(self.store.get(id)), "version": version}

    def decide(self, id: str, given: _Decision) -> tuple[int, dict[str, Any]]:
        """Keep a decision on a lesson, if nobody has decided since it was read; a status and what stands there now."""
        if not self.writable:
            raise InputError("the store was opened to be read alone; start the viewer without --read-only")
        decided = decide(self.store.get(id), given.decision, question=given.question, answer=given.answer)
        kept = self.store.replace(decided, given.version)
        self.decided += kept
        now = self.one(id)
        return (200, now) if kept else (409, {"error": "somebody else has changed this lesson: look again", "now": now})


def make_app(viewer: Viewer) -> web.Application:
    """The server's routes."""

    async def page(request: web.Request) -> web.Response:
        text, policy = _page()
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def about(request: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(viewer.about))

    async def listed(request: web.Request) -> web.Response:
        asked = _SEARCH.validate_python({name: value for name, value in request.query.items() if value})
        return _json(await asyncio.to_thread(viewer.list, asked))

    async def one(request: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(viewer.one, request.match_info["id"]))

    async def decided(request: web.Request) -> web.Response:
        given = _Decision.model_validate_json(await request.read())
        status, body = await asyncio.to_thread(viewer.decide, request.match_info["id"], given)
        return _json(body, status)

    app = web.Application(client_max_size=_LARGEST, middlewares=[_guard(viewer)])
    app.add_routes(
        [
            web.get("/", page),
            web.get("/api/about", about),
            web.get("/api/traces", listed),
            web.get("/api/traces/{id}", one),
            web.post("/api/traces/{id}", decided),
        ]
    )
    return app


async def serve(viewer: Viewer, port: int, ready: Callable[[str], None]) -> None:
    """Serves on 127.0.0.1 until SIGINT or SIGTERM; `ready` is given the address. InputError when the port is taken."""
    runner = web.AppRunner(make_app(viewer), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=2).start()
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used: {error.strerror or error}; --port 0 takes a free one"
            ) from error
        ready(f"http://127.0.0.1:{runner.addresses[0][1]}/#{viewer.token}")
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal in (SIGINT, SIGTERM):
            loop.add_signal_handler(signal, ended.set)
        await ended.wait()
    finally:
        await runner.cleanup()


def _guard(viewer: Viewer) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
        if (host or request.host) not in _HERE:
            return _json({"error": "this page is served to this machine alone"}, 403)
        if request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
            return _json({"error": "asked for by another page"}, 403)
        given = request.headers.get("X-Token", "")
        if request.path != "/" and not hmac.compare_digest(given.encode(), viewer.token.encode()):
            return _json({"error": "the token is missing or wrong: open the address that the command printed"}, 403)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            return _json({"error": error.reason}, error.status)
        except ValidationError as error:
            where, what = complaint(error)
            return _json({"error": f"{where or 'the request'}: {what}"}, 400)
        except StoreError as error:
            return _json({"error": str(error)}, 503)
        except SmlError as error:
            return _json({"error": str(error)}, 400)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return guard


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def _page() -> tuple[str, str]:
    """The page, and the policy under which nothing but its own style and script runs."""
    folder = resources.files("sml_agents.viewer").joinpath("page")
    html, style, script = (
        folder.joinpath(f"view.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    style = part("base.css") + style
    policy = (
        f"default-src 'none'; style-src '{style_hash(style)}'; script-src '{style_hash(script)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html.replace("{{ style }}", Markup(style)).replace("{{ script }}", Markup(script)), policy
