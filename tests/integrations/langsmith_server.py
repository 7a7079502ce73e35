"""As much of LangSmith's server, on loopback, as its client needs for data sets and `evaluate()`."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TENANT = str(uuid.UUID(int=1))
NOW = dt.datetime.now(dt.UTC).isoformat()


@dataclass
class Kept:
    """What the server has."""

    url: str = ""
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name."""
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id."""
    projects: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    runs: int = 0
    unknown: list[str] = field(default_factory=list)
    """Requests that nothing here answers."""


@contextmanager
def langsmith_server() -> Iterator[Kept]:
    """The server in a thread of its own."""
    kept = Kept()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Nothing."""

        def answer(self, body: Any, status: int = 200) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                data = b""
                while size := int(self.rfile.readline(), 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            sent, asked = self.body(), {name: values[0] for name, values in parse_qs(parts.query).items()}
            found = reply(kept, self.command, parts.path, asked, sent, str(self.headers.get("Content-Type")))
            self.answer(*found if isinstance(found, tuple) else (found,))

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def reply(kept: Kept, method: str, path: str, asked: dict[str, str], sent: bytes, kind: str) -> Any:
    """What is answered to one request."""
    match method, path.strip("/").split("/"):
        case "GET", ["info"]:
            return {
                "version": "0.13",
                "instance_flags": {"dataset_examples_multipart_enabled": True, "zstd_compression_enabled": False},
            }
        case "GET", ["datasets"]:
            return [one for one in kept.datasets.values() if asked.get("name") in (None, one["name"])]
        case "POST", ["datasets"]:
            made = json.loads(sent)
            return kept.datasets.setdefault(
                made["name"], {**made, "id": str(uuid.uuid4()), "created_at": NOW, "example_count": 0}
            )
        case "GET", ["datasets", id]:
            return next(one for one in kept.datasets.values() if one["id"] == id)
        case "POST", ["v1", "platform", "datasets", id, "examples"]:
            return {"example_ids": list(take(kept, id, sent, kind)), "count": 0, "as_of": NOW}
        case "GET", ["examples"]:
            there = [one for one in kept.examples.values() if one["dataset_id"] == asked["dataset"]]
            start = int(asked.get("offset", 0))
            return there[start : start + int(asked.get("limit", 100))]
        case "GET", ["sessions"]:
            return [{"id": TENANT, "tenant_id": TENANT, "reference_dataset_id": None}]
        case "POST", ["sessions"]:
            made = json.loads(sent)
            kept.projects.append({"tenant_id": TENANT, **made, "id": made.get("id", str(uuid.uuid4()))})
            return kept.projects[-1]
        case "PATCH", ["sessions", _] | ["sessions"]:
            return kept.projects[-1]
        case "POST", ["feedback"]:
            kept.feedback.append(json.loads(sent))
            return kept.feedback[-1]
        case "POST", ["feedback", "batch"]:
            kept.feedback += json.loads(sent)
            return {}
        case "POST", ["runs", *_]:
            kept.runs += sent.count(b'"inputs"') or 1
            if kind.startswith("multipart/form-data"):
                kept.feedback += [value for name, value in parts_of(sent, kind) if name.startswith("feedback.")]
            return {}, 202
        case _:
            kept.unknown.append(f"{method} {path}")
            return {"detail": "not here"}, 404


def parts_of(sent: bytes, kind: str) -> Iterator[tuple[str, Any]]:
    """Name and value of each part of a form."""
    form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + sent)
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            yield name, json.loads(part.get_payload(decode=True) or b"null")  # type: ignore[arg-type]


def take(kept: Kept, dataset: str, sent: bytes, kind: str) -> Iterator[str]:
    """Put the examples of an upload into a data set; yields their ids."""
    for name, value in parts_of(sent, kind):
        id, _, what = name.partition(".")
        if not what:
            assert id not in kept.examples, "an example is made once"
            about = {"dataset_id": dataset, "created_at": NOW, "inputs": {}, "outputs": None}
            kept.examples[id] = {"id": id, **about, "metadata": {**value.get("metadata", {})}}
            kept.examples[id]["metadata"]["dataset_split"] = [value["split"]]
            yield id
        else:
            kept.examples[id][what] = value
