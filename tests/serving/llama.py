"""llama.cpp's own server on a GGUF file, out of the wheel of the `xllamacpp` package."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Llama", "llama_server"]


class Llama:
    """A running server: its address, and what it answers to a path and a body."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, body: Any) -> Any:
        sent = json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}{path}", sent, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=600) as reply:
            return json.load(reply)

    def prompt_ids(self, text: str) -> list[int]:
        """How it reads what a person says, by the file's own chat template."""
        prompt = self.post("/apply-template", {"messages": [{"role": "user", "content": text}]})["prompt"]
        read = {"content": prompt, "add_special": False, "parse_special": True}
        return list(self.post("/tokenize", read)["tokens"])

    def greedy(self, ids: list[int], tokens: int) -> list[int]:
        """The ids with which it goes on."""
        sent = {"prompt": ids, "n_predict": tokens, "temperature": 0, "return_tokens": True, "cache_prompt": False}
        return list(self.post("/completion", sent)["tokens"])


@contextmanager
def llama_server(file: Path) -> Iterator[Llama]:
    """The server, one conversation at a time, on one thread, in a process of its own."""
    command = [sys.executable, __file__, str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            address = next((line for line in process.stdout if line.startswith("http://")), None)
            assert address is not None, "llama.cpp has not taken the file"
            yield Llama(address.strip())
        finally:
            process.kill()


def main() -> None:
    """Serve the file that is named until standard input ends."""
    import xllamacpp

    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    params = xllamacpp.CommonParams()
    params.model.path, params.port, params.n_ctx, params.n_parallel = sys.argv[1], port, 1024, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.use_jinja, params.warmup, params.verbosity = True, False, 0
    server = xllamacpp.Server(params)
    print(f"\n{server.listening_address}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
