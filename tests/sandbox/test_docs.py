"""The snippet in docs/code.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_the_snippet_says_what_it_should(repository: Path) -> None:
    (snippet,) = re.findall(
        r"```python\n(.*?)\n```\n\nA task", (repository / "docs" / "code.md").read_text(), re.DOTALL
    )
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, timeout=120, check=True)
    right, wrong, isolation = done.stdout.strip().split(" | ")
    assert right == "correct" and "which is not right" in wrong and "process" in isolation
