"""Where the program is in a text: told in parts, with fences in its texts, with any line ends, in linear time."""

# ruff: noqa: E501 - texts as models write them, one a line

from __future__ import annotations

import pytest

from sml_agents.text.answers.code import find_code
from sml_agents.types import Case, Code, Private, Task, Verdict
from sml_agents.verifiers.code import CodeVerifier
from tests.pace import within

FUNCTION = Code(entry="f", cases=(Case(given="2.5", expected="2"),))
PROGRAM = Code(cases=(Case(given="21\n", expected="42\n"),))

PARTS = {
    "imports apart": "```python\nimport math\n```\nthen\n```python\ndef f(x): return math.floor(x)\n```",
    "names imported apart": "```python\nfrom math import ceil, floor as down\n```\n```python\ndef f(x): return down(x)\n```",
    "a helper before": "```python\ndef g(x): return x + 0\n```\n```python\ndef f(x): return int(g(x))\n```",
    "a helper after": "```python\ndef f(x): return g(x)\n```\nwhere\n```python\ndef g(x): return int(x)\n```",
    "a helper of a helper": "```py\nimport math as m\n```\n```py\ndef g(x): return m.floor(x)\n```\n```py\ndef f(x): return g(x)\n```",
    "a constant": "```python\nLIMIT = 2\n```\n```python\ndef f(x): return min(int(x), LIMIT)\n```",
    "a class": "```python\nclass A:\n    def __init__(self, x): self.x = x\n```\n```python\ndef f(x):\n    return int(A(x).x)\n```",
    "a better helper": "```python\ndef g(x): return 0\n```\nNo:\n```python\ndef g(x): return 2\n```\n```python\ndef f(x): return g(x)\n```",
    "an example that fails": "```python\ndef f(x):\n    result = int(x)\n    return result\n```\nNow\n```python\nresult = f(2)\nassert result == 9\n```",
    "a draft that fails": "```python\ndef f(x:\n```\nI mean\n```python\ndef f(x):\n    return int(x)\n```",
    "a parameter that is a name elsewhere": "```python\nx = input()\nraise ValueError\n```\n```python\ndef f(x):\n    return int(x)\n```",
    "a fence in a docstring": '```python\ndef f(x):\n    """So:\n    ```\n    f(1)\n    ```\n    """\n    return int(x)\n```',
    "one that is not indented": "```python\ndef f(x):\n    '''So:\n```\nf(1)\n```\n    '''\n    return int(x)\n```\nDone.",
    "a marked one": '```python\ndef f(x):\n    """So:\n        ```python\n        f(1)\n        ```\n    """\n    return int(x)\n```',
    "a fence in a text": '```python\nT = """\n```\n"""\ndef f(x): return len(T.split()) + 1\n```',
    "quotes in a comment": '```python\ndef f(x):\n    return int(x)  # not """ and not \'\'\'\n```\nThat\'s """ it.',
    "quotes in a text": '```python\ndef f(x):\n    y = \'"""\'\n    return int(x)\n```\nBut ``` here.',
    "a longer fence": "````python\ndef f(x):\n    # ```\n    return int(x)\n````",
    "another fence": "~~~python\nT = '''\n```\n'''\ndef f(x):\n    return int(x)\n~~~",
    "quotes that never end, mended": '```python\ndef f(x):\n    """Oh\n    return 0\n```\nOops:\n```python\ndef f(x):\n    return int(x)\n```',
    "lone carriage returns": "```python\rdef f(x):\r    return int(x)\r```\rDone",
    "mixed line ends": "```python\r\ndef f(x):\n    x = int(x)\r    return x\r\n```",
    "carriage returns without a fence": "def f(x):\r    return int(x)\r",
    "a mark of the byte order": "\ufeffdef f(x):\n    return int(x)\n",
    "after a long thought": "Hm. " * 50_000 + "\n```python\ndef f(x):\n    return int(x)\n```",
    "a block that is cut off": "```python\ndef f(x):\n    return int(x)\n",
    "a block that nobody closed": "```python\nimport math\n```python\ndef f(x): return math.floor(x)\n```",
}
WHOLE = {
    "in two parts": "```python\ndef solve():\n    print(int(input()) * 2)\n```\nand call it\n```python\nsolve()\n```",
    "under a guard": "```python\nimport sys\ndef main():\n    print(int(sys.stdin.read()) * 2)\n```\n```python\nif __name__ == '__main__':\n    main()\n```",
    "and its output": "```python\nprint(int(input()) * 2)\n```\nOutput:\n```\n42\n```",
    "and its output in words": "```python\nprint(int(input()) * 2)\n```\nOutput:\n```\n42 (forty-two)\n```",
    "and how to start it": "```python\nprint(int(input()) * 2)\n```\n```bash\necho 21 | python main.py\n```",
    "in three parts": "```python\nfrom math import *\nimport sys\n```\n```python\ndef g(x): return x * 2\n```\n```python\nfor line in sys.stdin:\n    print(g(int(line)))\n```",
    "a loop that calls nothing at its head": "```python\nwhile True:\n    try: print(int(input()) * 2)\n    except EOFError: break\n```\n```text\n42\n```",
}


async def graded(code: Code, text: str) -> Verdict:
    task = Task(id="t", family="f", prompt="p", private=Private(answer="", code=code), verifier="code")
    return await CodeVerifier().verify(task, text)


@pytest.mark.parametrize("name", PARTS)
async def test_a_function_is_found_as_it_was_meant(name: str) -> None:
    verdict = await graded(FUNCTION, PARTS[name])
    assert verdict.correct, (verdict.diagnosis, verdict.extracted)


@pytest.mark.parametrize("name", WHOLE)
async def test_so_is_a_whole_program(name: str) -> None:
    verdict = await graded(PROGRAM, WHOLE[name])
    assert verdict.correct, (verdict.diagnosis, verdict.extracted)


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("```python\ndef f(): 1\n```\n```python\nprint(f())\n```", "def f(): 1\n"),
        ("```python\ndef g(): 2\n```\n```python\ndef f(): 1\n```", "def f(): 1\n"),
        ("```python\nimport os\n```\n```python\ndef f(): 1\n```", "def f(): 1\n"),
        ("```python\nk = 7\n```\n```python\ndef f(): return [k for k in ()]\n```", "def f(): return [k for k in ()]\n"),
        ("```python\ndef f(): 1\n```\n```sh\nf\n```", "def f(): 1\n"),
    ],
)
def test_what_it_does_not_need_stays_out(text: str, program: str) -> None:
    assert find_code(text, "f") == program


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" * 60_000,
        "```python\nx=1\n```\n```python\n" + "def f(x " * 60_000,
        "```python\nx=1\n```\n```python\n" + "for x " * 60_000,
        "```python\nx=1\n```\n```python\n" + "a" * 500_000,
        "```python\n'''\n```\n" * 30_000,
        '```python\n"""\n' + '\\"' * 300_000,
        "".join(f"```python\na{k} = a{k - 1}\n```\n" for k in range(20_000)),
    ],
    ids=["fences", "parameters", "loops", "a word", "quotes", "escapes", "a chain"],
)
def test_finding_it_is_linear(text: str) -> None:
    with within(3):
        find_code(text, "f")
        find_code(text)
