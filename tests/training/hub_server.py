"""A stand-in for the Hub on loopback: what `huggingface_hub` asks of it to make a repository and push files."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LFS = (".safetensors", ".parquet")


@dataclass
class Hub:
    """What was pushed, by repository."""

    url: str = ""
    token: str = "hf_right"
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    """Refuse commits."""


@contextmanager
def hub_server() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                whole = b""
                while size := int(self.rfile.readline(), 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return whole
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def say(self, status: int, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_PUT(self) -> None:
            hub.blobs[self.path.rsplit("/", 1)[-1]] = self.body()
            self.say(200, {})

        def do_GET(self) -> None:
            self.say(404, {"error": "not here"})

        def do_POST(self) -> None:
            body, path = self.body(), self.path.partition("?")[0]
            if self.headers.get("Authorization") != f"Bearer {hub.token}" and "/lfs/" not in path:
                self.say(401, {"error": "Invalid username or password."})
            elif path == "/api/repos/create":
                asked = json.loads(body)
                name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
                exists = name in hub.repositories
                hub.repositories.setdefault(name, asked)
                self.say(409 if exists else 200, {"url": f"{hub.url}/{name}", "error": "it exists"})
            elif path == "/api/validate-yaml":
                self.say(200, {"errors": [], "warnings": []})
            elif "/preupload/" in path:
                files = [
                    {"path": one["path"], "uploadMode": "lfs" if one["path"].endswith(LFS) else "regular"}
                    for one in json.loads(body)["files"]
                ]
                self.say(200, {"files": [{**one, "shouldIgnore": False} for one in files]})
            elif path.endswith("/info/lfs/objects/batch"):
                upload = [
                    {**one, "actions": {"upload": {"href": f"{hub.url}/upload/{one['oid']}", "header": {}}}}
                    for one in json.loads(body)["objects"]
                ]
                self.say(200, {"transfer": "basic", "objects": upload})
            elif "/commit/" in path and not hub.down:
                name = "/".join(path.split("/")[3:5])
                kept = hub.files.setdefault(name, {})
                for line in body.splitlines():
                    entry = json.loads(line)
                    if entry["key"] == "file":
                        kept[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
                    elif entry["key"] == "lfsFile":
                        kept[entry["value"]["path"]] = hub.blobs[entry["value"]["oid"]]
                self.say(200, {"success": True, "commitOid": "0" * 40, "commitUrl": f"{hub.url}/{name}/commit/0"})
            else:
                self.say(403, {"error": "not now"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
