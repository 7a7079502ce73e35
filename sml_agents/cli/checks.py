"""What `sml-agents doctor` looks at. No check needs the network, and none prints a key."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

EXTRAS = {
    "local": ("torch", "transformers", "gguf", "safetensors"),
    "train": ("trl", "peft", "datasets", "accelerate"),
    "tasks": ("reasoning_gym", "datasets"),
    "agents": ("langchain",),
    "parquet": ("pyarrow",),
    "mcp": ("mcp",),
    "logs": ("langgraph.checkpoint.sqlite", "langgraph.checkpoint.postgres", "psycopg"),
    "postgres": ("psycopg",),
}
KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "HF_TOKEN",
)
ENDPOINTS = ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HTTP_PROXY", "HTTPS_PROXY")
GIB = 1024**3
NEEDED_DISK_GIB = 2.0
"""The embedded model in both forms, one trained copy, and room to write."""
NEEDED_MEMORY_GIB = 4.0
"""Training the embedded model in single precision."""


@dataclass(frozen=True)
class Check:
    name: str
    state: Literal["ok", "note", "missing"]
    detail: str
    mend: str = ""
    needed: bool = False
    """Nothing works without it; `doctor` then exits 1."""
    data: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def all_checks() -> Iterator[Check]:
    yield python()
    yield packages()
    yield cores()
    yield memory()
    yield from torch_checks()
    yield embedded_model()
    yield from disk()
    yield from extras()
    yield sandbox()
    yield chromium()
    yield endpoints()


def python() -> Check:
    found = platform.python_version()
    fits = sys.version_info >= (3, 11)
    return Check(
        "Python", "ok" if fits else "missing", f"{found} on {platform.system()} {platform.machine()}",
        "" if fits else "install Python 3.11 or newer", needed=True, data={"version": found},
    )  # fmt: skip


def packages() -> Check:
    found = {name: _version(name) for name in ("langgraph", "langgraph-checkpoint", "langchain-core", "pydantic")}
    missing = [name for name, number in found.items() if number is None]
    old = _older(found["langgraph"], (1, 0, 10)) or _older(found["langgraph-checkpoint"], (3, 0))
    mend = "pip install --upgrade sml-agents" if missing or old else ""
    detail = ", ".join(f"{name} {number or 'not installed'}" for name, number in found.items())
    if old:
        detail += " (releases with known holes)"
    return Check("LangGraph", "missing" if mend else "ok", detail, mend, needed=True, data=dict(found))


def cores() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = load > usable * 0.75
    detail = f"{usable} usable, load {load:.1f}" + ("; other work is running, so times will be longer" if busy else "")
    return Check("Cores", "note" if busy else "ok", detail, data={"cores": usable, "load": load})


def memory() -> Check:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (AttributeError, ValueError, OSError):
        return Check("Memory", "note", "unknown on this system")
    limit = _cgroup_limit_gib()
    size = min(total, limit) if limit else total
    enough = size >= NEEDED_MEMORY_GIB
    detail = f"{size:.1f} GiB" + ("" if enough else f"; training wants {NEEDED_MEMORY_GIB:.0f} GiB")
    return Check("Memory", "ok" if enough else "note", detail, data={"gib": round(size, 2)})


def torch_checks() -> Iterator[Check]:
    if importlib.util.find_spec("torch") is None:
        yield Check(
            "torch", "missing", "no local models and no training; remote endpoints work without it",
            "pip install 'sml-agents[local]'",
        )  # fmt: skip
        return
    try:
        import torch
    except Exception as error:
        yield Check("torch", "missing", f"installed but broken: {error}", "pip install --force-reinstall torch")
        return
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    threads = torch.get_num_threads()
    yield Check(
        "torch", "ok", f"{torch.__version__} ({build}), {threads} threads",
        data={"version": str(torch.__version__), "cuda": torch.version.cuda, "threads": threads},
    )  # fmt: skip
    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
        names = [f"{card.name} ({card.total_memory / GIB:.0f} GiB)" for card in cards]
        yield Check("GPU", "ok", ", ".join(names), data={"gpus": names, "bf16": torch.cuda.is_bf16_supported()})
    else:
        why = "this torch is a CPU build" if not torch.version.cuda else "torch sees none"
        yield Check("GPU", "note", f"none ({why}); everything runs on the CPU", data={"gpus": []})
    native = bool(getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)()) and _cpu_has_bf16()
    words = "in hardware" if native else "not in hardware: float32 is faster here and is the default"
    yield Check("bfloat16 on the CPU", "ok" if native else "note", words, data={"native": native})


def embedded_model() -> Check:
    from sml_agents.backends.embedded import MODEL_NAME, cache_dir, is_cached

    data = {"cached": is_cached(), "folder": str(cache_dir())}
    if data["cached"]:
        return Check("Embedded model", "ok", f"{MODEL_NAME}, ready in {cache_dir()}", data=data)
    mend = "python -c 'from sml_agents.backends import embedded_path as fetch; fetch()'"
    return Check("Embedded model", "note", "not fetched yet (93 MB, once); its first use does that", mend, data=data)


def disk() -> Iterator[Check]:
    from sml_agents.backends.embedded import cache_dir

    for name, folder in (("Cache folder", cache_dir()), ("This folder", Path.cwd())):
        there = folder
        while not there.exists() and there != there.parent:
            there = there.parent
        free = shutil.disk_usage(there).free / GIB
        data = {"path": str(folder), "free_gib": round(free, 1)}
        if not os.access(there, os.W_OK | os.X_OK):
            mend = "export SML_AGENTS_CACHE=FOLDER" if name == "Cache folder" else "cd to a folder of yours"
            yield Check(name, "missing", f"{folder} cannot be written", mend, data=data)
        elif free < NEEDED_DISK_GIB:
            detail = f"{folder}: {free:.1f} GiB free, {NEEDED_DISK_GIB:.0f} GiB are wanted"
            yield Check(name, "note", detail, "free some space", data=data)
        else:
            yield Check(name, "ok", f"{folder}: {free:.0f} GiB free, writable", data=data)


def extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        absent = [module for module in modules if importlib.util.find_spec(module) is None]
        mend = f"pip install 'sml-agents[{extra}]'" if absent else ""
        detail = f"without {', '.join(absent)}" if absent else ", ".join(modules)
        yield Check(f"Extra [{extra}]", "missing" if absent else "ok", detail, mend, data={"absent": absent})


def sandbox() -> Check:
    """The level of isolation that a program gets here, found out by starting one."""
    from sml_agents.errors import InputError, SandboxError
    from sml_agents.sandbox import Level, Limits, least_isolation, open_sandbox

    try:
        least = least_isolation()
        guest = open_sandbox().open(Limits())
    except (SandboxError, InputError) as error:
        mend = "export SML_AGENTS_SANDBOX=docker:python:3.12-slim"
        return Check("Sandbox for code", "missing", str(error), mend, data={"level": None})
    guest.close()
    found = guest.isolation
    data = {"level": str(found.level), "layers": list(found.layers), "least": str(least)}
    if found.level < least:
        return Check(
            "Sandbox for code", "missing", f"{found}, and {least} is asked for", _higher(found.layers), data=data
        )
    mend = _higher(found.layers) if found.level < Level.LAYERED else ""
    return Check("Sandbox for code", "ok" if not mend else "note", str(found), mend, data=data)


def _higher(layers: tuple[str, ...]) -> str:
    """The command that brings the next level within reach."""
    if "namespaces" not in layers and shutil.which("sysctl"):
        return "sysctl -w user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1  # in docker: --privileged"
    if shutil.which("bwrap"):
        return "export SML_AGENTS_SANDBOX=bubblewrap"
    if shutil.which("docker"):
        return "docker pull python:3.12-slim && export SML_AGENTS_SANDBOX=docker:python:3.12-slim"
    return "apt-get install bubblewrap && export SML_AGENTS_SANDBOX=bubblewrap"


def chromium() -> Check:
    for program in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(program):
            return Check("Browser for tests", "ok", path, data={"path": path})
    mend = "apt-get install chromium"
    return Check(
        "Browser for tests", "note", "no Chromium: only tests of the report want it", mend, data={"path": None}
    )


def endpoints() -> Check:
    """Which keys are set, never what they are; addresses without what may be secret in them."""
    keys = [name for name in KEYS if os.environ.get(name)]
    places = {name: _address(os.environ[name]) for name in ENDPOINTS if os.environ.get(name)}
    words = [*(f"{name} is set" for name in keys), *(f"{name}={place}" for name, place in places.items())]
    detail = ", ".join(words) or "no keys are set; local models need none"
    return Check("Endpoints", "ok" if words else "note", detail, data={"keys": keys, "addresses": places})


def _address(url: str) -> str:
    """Scheme, host and port of `url`: some services put the key into user, path or query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _older(found: str | None, floor: tuple[int, ...]) -> bool:
    if found is None:
        return True
    numbers = tuple(int(part) for part in found.split(".")[: len(floor)] if part.isdigit())
    return numbers < floor


def _cgroup_limit_gib() -> float | None:
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return int(Path(file).read_text()) / GIB
        except (OSError, ValueError):
            continue
    return None


def _cpu_has_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return platform.machine() == "arm64"
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))
