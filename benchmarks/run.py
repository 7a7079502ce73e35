"""All benchmarks, one after the other: `python benchmarks/run.py [--quick]`. Each can be run alone with options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMANDS = {
    "Client CPU per model call": ["throughput.py"],
    "Where that CPU goes": ["parts.py"],
    "The trace store": ["store.py"],
    "The local model": ["local.py"],
}
QUICK = {
    "Client CPU per model call": ["--repeats", "1"],
    "Where that CPU goes": ["--dialogues", "50", "--repeats", "3"],
    "The trace store": ["--traces", "5000"],
    "The local model": ["--dialogues", "8", "--turns", "2", "--max-tokens", "16", "--alone", "1"],
}


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    failed = 0
    for title, command in COMMANDS.items():
        print(f"\n{title}\n{'-' * len(title)}", flush=True)
        more = QUICK[title] if quick else []
        failed |= subprocess.run([sys.executable, str(HERE / command[0]), *command[1:], *more], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
