"""`sml-agents serve` as a program: started, asked, told to stop."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sml_agents.testing.loopback import completion

from .conftest import PROGRAM, Cli, write_script


def ask(url: str, key: str | None = None) -> Any:
    sent = json.dumps({"model": "script", "messages": [{"role": "user", "content": "Hi."}]}).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/chat/completions", sent, headers), timeout=20) as reply:
        return json.load(reply)


def test_it_serves_until_it_is_told_to_stop(work: Path) -> None:
    spec = write_script(work, ["How many?"])
    command = [PROGRAM, "serve", spec, "--port", "0", "--name", "script", "--json"]
    environment = {**os.environ, "SML_AGENTS_KEY": "a-long-key"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=work, env=environment
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        said = process.stderr.readline()
        found = re.fullmatch(r"script at (http://127\.0\.0\.1:\d+/v1) \(Ctrl-C ends it\)\n", said)
        assert found, said
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(found[1])
        assert ask(found[1], "a-long-key")["choices"][0]["message"]["content"] == "How many?"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert json.loads(process.stdout.read()) == {
            "model": "script", "requests": 1, "failed": 0, "refused": 1, "tokens": 2,
        }  # fmt: skip
        assert process.stderr.read() == ""


@contextmanager
def slow_model() -> Iterator[tuple[str, threading.Event]]:
    """A model's server that answers once it is let: its address, and what lets it."""
    go_on = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Nothing."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            go_on.wait(60)
            answer = json.dumps(completion("At last.")).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", go_on
    finally:
        go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_sigterm_finishes_what_runs(work: Path) -> None:
    environment = {**os.environ, "OPENAI_API_KEY": "none"}
    with slow_model() as (upstream, go_on), ThreadPoolExecutor(1) as pool:
        command = [PROGRAM, "serve", f"openai:script@{upstream}", "--port", "0", "--name", "script", "--json"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=work, env=environment
        ) as process:
            assert process.stderr is not None and process.stdout is not None
            url = process.stderr.readline().split()[2]
            asked = pool.submit(ask, url)
            while not json.load(urllib.request.urlopen(url.replace("/v1", "/health"), timeout=20))["running"]:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(urllib.error.URLError):
                while True:  # it listens no longer
                    urllib.request.urlopen(url.replace("/v1", "/health"), timeout=20).close()
            assert process.poll() is None and not asked.done()
            go_on.set()
            assert asked.result(20)["choices"][0]["message"]["content"] == "At last."
            assert process.wait(20) == 0
            assert json.loads(process.stdout.read())["requests"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere/at-all"], "nowhere/at-all"),
        (["."], "config.json"),
        (["scripted:none.json"], "none.json"),
        (["SCRIPT", "--host", "0.0.0.0"], "SML_AGENTS_KEY"),
        (["SCRIPT", "--key", "short"], "less than 8"),
        (["SCRIPT", "--host", "203.0.113.1", "--port", "0", "--open"], "cannot serve at 203.0.113.1:0"),
        (["SCRIPT", "--port", "99999"], "--port"),
        (["SCRIPT", "--at-once", "0"], "--at-once"),
        ([], "FOLDER|BACKEND"),
    ],
)
def test_wrong_input(cli: Cli, work: Path, arguments: list[str], words: str) -> None:
    spec = write_script(work, ["Hi."])
    done = cli("serve", *(spec if word == "SCRIPT" else word for word in arguments), "--json")
    assert done.code == 2, done.err
    assert words in done.json["error"]
