"""96 usual ways to write a program, and some that the sandbox refuses.

What CPython makes of each is found out by running it there.

PROGRAMS   whole programs: source, standard input
SUITES     functions with tests that are no cases: source, tests
REFUSED    what CPython runs and the sandbox does not, by the reason that docs/code.md gives
"""

# ruff: noqa: E501 - programs, many of them one a line

from __future__ import annotations

_SUM = "3\n1 2 3\n"

PROGRAMS: dict[str, tuple[str, str]] = {
    # ends
    "exit()": ("print(input())\nexit()\nprint('no')", _SUM),
    "quit() with a status": ("print(input())\nquit(0)", _SUM),
    "sys.exit in a function": ("import sys\ndef main():\n    print(1)\n    sys.exit()\nmain()", ""),
    "raise SystemExit": ("print(1)\nraise SystemExit", ""),
    "os._exit after a flush": ("import os, sys\nprint(7)\nsys.stdout.flush()\nos._exit(0)", ""),
    "os._exit after os.write": ("import os\nos.write(1, b'7\\n')\nos._exit(0)", ""),
    "a thread that is not joined": ("import threading\nthreading.Thread(target=lambda: print(input())).start()", _SUM),
    "a thread that starts a thread": (
        "import threading, time\ndef a():\n    time.sleep(.4)\n    threading.Thread(target=print, args=(2,)).start()\n"
        "threading.Thread(target=a).start()\nprint(1)",
        "",
    ),
    "a deep stack in a thread": (
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 27)\n"
        "def f(n): return n and 1 + f(n - 1)\ndef main(): print(f(20000))\nt = threading.Thread(target=main)\nt.start()",
        "",
    ),
    "a daemon that is dropped": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint(1)",
        "",
    ),
    "a timer": ("import threading\nthreading.Timer(.4, print, ('late',)).start()\nprint('early')", ""),
    "atexit": ("import atexit\natexit.register(print, 'bye')\nprint('hi')", ""),
    "atexit that joins lines": (
        "import atexit\nout = []\natexit.register(lambda: print('\\n'.join(out)))\nout += ['a', 'b']",
        "",
    ),
    "__del__ at the end": ("class A:\n    def __del__(self): print('gone')\na = A()\nprint('here')", ""),
    "weakref.finalize": ("import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'end')", ""),
    "a generator closed at the end": (
        "def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\nx = g()\nprint(next(x))",
        "",
    ),
    "an executor": (
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n"
        "    print(*pool.map(lambda x: x * x, range(4)))",
        "",
    ),
    # input
    "input in a loop": (
        "while True:\n    try:\n        print(input()[::-1])\n    except EOFError:\n        break",
        _SUM,
    ),
    "sys.stdin as lines": ("import sys\nfor line in sys.stdin:\n    print(line.split())", _SUM),
    "sys.stdin.readline as input": (
        "import sys\ninput = sys.stdin.readline\nn = int(input())\nprint(n, input().strip())",
        _SUM,
    ),
    "sys.stdin.buffer": ("import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))", _SUM),
    "open(0)": ("print(open(0).read().split())", _SUM),
    "open('/dev/stdin')": ("with open('/dev/stdin') as file:\n    print(file.readlines())", _SUM),
    "os.read by its size": ("import os\nprint(os.read(0, os.fstat(0).st_size).split())", _SUM),
    "io.BytesIO over input": (
        "import io, os, sys\nsys.stdin = io.TextIOWrapper(io.BytesIO(os.read(0, 1 << 20)))\nprint(input(), input())",
        _SUM,
    ),
    "fileinput": ("import fileinput\nfor line in fileinput.input():\n    print(len(line))", _SUM),
    "iter with an end": ("for line in iter(input, '.'):\n    print(line)", "a\nb\n.\nc\n"),
    "mapped memory": (
        "import mmap\nwith mmap.mmap(0, 0, access=mmap.ACCESS_READ) as m:\n    print(m.readline())",
        _SUM,
    ),
    "not ASCII": ("print(input().upper(), 'Größe', '🎉')", "straße ü\n"),
    "no line end at the end": ("import sys\nprint(sys.stdin.readlines())", "a\nb"),
    "other line ends": ("import sys\nprint(sys.stdin.read().splitlines())", "a\r\nb\rc\n"),
    "select on the input": ("import select, sys\nprint(bool(select.select([sys.stdin], [], [], 0)[0]), input())", _SUM),
    # output
    "sys.__stdout__": (
        "import io, sys\nsys.stdout = io.StringIO()\nprint('lost')\nsys.__stdout__.write('kept\\n')",
        "",
    ),
    "redirect_stdout": (
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n    print('x')\nprint(out.getvalue() * 2)",
        "",
    ),
    "sys.stdout.buffer": ("import sys\nsys.stdout.buffer.write(b'7\\n')", ""),
    "print to a file": ("import sys\nprint(1, 2, sep='-', end='!\\n', file=sys.stdout, flush=True)", ""),
    "another writer over it": (
        "import sys, io\nsys.stdout = io.TextIOWrapper(open(1, 'wb', 0), write_through=True)\nprint('x')",
        "",
    ),
    "writelines": ("import sys\nsys.stdout.writelines(f'{k}\\n' for k in range(3))", ""),
    "logging to standard output": (
        "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(levelname)s %(message)s')\nlogging.warning('x')",
        "",
    ),
    "pprint": ("from pprint import pprint\npprint({'b': [1] * 40, 'a': {2: 3}})", ""),
    # the module
    "the main guard": ("def main():\n    print(__name__)\nif __name__ == '__main__':\n    main()", ""),
    "annotations from the future": (
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\n@dataclass(order=True)\nclass P:\n"
        "    x: int\n    ys: list[int] = field(default_factory=list)\nprint(P(1) < P(2), P.__annotations__)",
        "",
    ),
    "annotations that are values": (
        "from dataclasses import dataclass, fields\n@dataclass\nclass P:\n    x: int\nprint(fields(P)[0].type)",
        "",
    ),
    "type hints looked up": (
        "from __future__ import annotations\nimport typing\nclass A:\n    b: list[A]\nprint(typing.get_type_hints(A)['b'].__args__[0] is A)",
        "",
    ),
    "its own source": ("import inspect\ndef f(): return 1\nprint(inspect.getsource(f))", ""),
    "a program that prints itself": ("print(open(__file__).read())", ""),
    "import __main__": ("import __main__\nx = 5\nprint(__main__.x)", ""),
    "pickle of a class": ("import pickle\nclass A:\n    x = 1\nprint(pickle.loads(pickle.dumps(A())).x)", ""),
    "a module that it writes": (
        "import sys\nwith open('helper.py', 'w') as file:\n    file.write('x = 3')\nimport helper\nprint(helper.x)",
        "",
    ),
    "doctest": (
        "def f(x):\n    '''\n    >>> f(2)\n    4\n    '''\n    return x * x\nimport doctest\nprint(doctest.testmod())",
        "",
    ),
    "argv": ("import sys\nprint(len(sys.argv), sys.argv[0].endswith('.py'))", ""),
    "a warning": ("import warnings\nwarnings.warn('old')\nprint('done')", ""),
    "an enum, a match": (
        "import enum\nclass C(enum.IntEnum):\n    A = 1\nmatch [C.A, 2]:\n    case [C.A, x]:\n        print(x)",
        "",
    ),
    "asyncio": (
        "import asyncio\nasync def main():\n    print(await asyncio.wait_for(asyncio.sleep(.01, 'x'), 5))\nasyncio.run(main())",
        "",
    ),
    "a temporary file": (
        "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as file:\n    file.write('x'); file.seek(0)\n    print(file.read())",
        "",
    ),
    "sqlite in memory": ("import sqlite3\nprint(sqlite3.connect(':memory:').execute('select 1 + 1').fetchone())", ""),
    "an alarm": (
        "import signal, time\ndef late(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, .02)\n"
        "try:\n    time.sleep(5)\nexcept TimeoutError:\n    print('late')",
        "",
    ),
    "a copied file": ("import shutil\nopen('a', 'w').write('x')\nshutil.copy('a', 'b')\nprint(open('b').read())", ""),
    "a huge whole number": ("import sys\nsys.set_int_max_str_digits(0)\nprint(len(str(7 ** 9000)))", ""),
    "recursion to the usual depth": ("def f(n): return n and 1 + f(n - 1)\nprint(f(970))", ""),
}

SUITES: dict[str, tuple[str, str]] = {
    "a generator": ("def f(n):\n    for k in range(n): yield k", "assert list(f(3)) == [0, 1, 2]"),
    "a generator without end": ("def f(n):\n    while True:\n        yield n\n        n += 1", "from itertools import islice\nassert list(islice(f(2), 3)) == [2, 3, 4]"),
    "a generator's type": ("def f(n): yield n", "import types\nassert isinstance(f(1), types.GeneratorType) and next(f(5)) == 5"),
    "a generator that is sent to": (
        "def f(n):\n    while True:\n        got = yield n\n        n = n * 2 if got is None else got",
        "g = f(1)\nassert [next(g), next(g), g.send(10), next(g)] == [1, 2, 10, 20]",
    ),
    "a generator that returns": ("def f(n):\n    yield 1\n    return n", "g = f(7)\nnext(g)\ntry:\n    next(g)\nexcept StopIteration as end:\n    assert end.value == 7"),
    "a generator that fails": ("def f(n):\n    yield 1\n    raise KeyError(n)", "g = f(7)\nnext(g)\ntry:\n    next(g)\n    assert False\nexcept KeyError as e:\n    assert e.args == (7,)"),
    "map and zip": ("def f(xs): return zip(xs, map(str, xs))", "assert dict(f([1, 2])) == {1: '1', 2: '2'}"),
    "a range": ("def f(n): return range(n)", "assert f(3) == range(3) and list(f(2)) == [0, 1]"),
    "the keys of a dict": ("def f(d): return d.keys()", "assert sorted(f({2: 0, 1: 0})) == [1, 2] and 2 in f({2: 0})"),
    "in place, a list": ("def f(a): a.sort()", "a = [3, 1, 2]\nf(a)\nassert a == [1, 2, 3]"),
    "in place, and None": ("def f(a): a.reverse()", "a = [1, 2]\nassert f(a) is None\nassert a == [2, 1]"),
    "in place, a matrix": (
        "def f(m):\n    n = len(m)\n    for i in range(n):\n        for j in range(i): m[i][j], m[j][i] = m[j][i], m[i][j]\n    m.reverse()",
        "m = [[1, 2], [3, 4]]\nrow = m[0]\nf(m)\nassert m == [[2, 4], [1, 3]] and m[1] is row",
    ),
    "in place, a dict": ("def f(d):\n    for k in list(d): d[k] += 1\n    del d['a']", "d = {'a': 1, 'b': 2}\nf(d)\nassert d == {'b': 3}"),
    "in place, a set": ("def f(s): s |= {9}; s.discard(1)", "s = {1, 2}\nf(s)\nassert s == {2, 9}"),
    "in place, a deque": ("def f(q): q.rotate(1)", "from collections import deque\nq = deque([1, 2, 3])\nf(q)\nassert q == deque([3, 1, 2])"),
    "in place, one list twice": ("def f(a, b): a.append(1); assert b[-1] == 1", "a = []\nf(a, a)\nassert a == [1]"),
    "the same object back": ("def f(a): return a", "a = [1]\nassert f(a) is a"),
    "another object back": ("def f(a): return a[:]", "a = [[1]]\nb = f(a)\nassert b is not a and b[0] is a[0]"),
    "an exception of its own": ("class E(ValueError): pass\ndef f(n): raise E('no')", "try:\n    f(1)\n    assert False\nexcept ValueError as e:\n    assert str(e) == 'no'"),
    "the name of its own exception": ("class TooBig(OverflowError): pass\ndef f(n): raise TooBig(n)", "try:\n    f(1)\n    assert False\nexcept ArithmeticError as e:\n    assert type(e).__name__ == 'TooBig'"),
    "the arguments of a KeyError": ("def f(d): return d['x']", "try:\n    f({})\n    assert False\nexcept KeyError as e:\n    assert e.args == ('x',) and str(e) == \"'x'\""),
    "an assertion of its own": ("def f(n):\n    assert n > 0, 'small'\n    return n", "try:\n    f(0)\nexcept AssertionError as e:\n    assert str(e) == 'small'\nelse:\n    raise SystemExit"),
    "a Unicode error": ("def f(b): return b.decode('ascii')", "try:\n    f(b'\\xff')\n    assert False\nexcept UnicodeDecodeError as e:\n    assert e.start == 0"),
    "an error of the system": ("def f(p): return open(p)", "try:\n    f('nothing-here')\n    assert False\nexcept FileNotFoundError as e:\n    assert e.errno == 2"),
    "a function as an argument": ("def f(g, xs): return [g(x) for x in xs]", "assert f(lambda x: x + 1, [1, 2]) == [2, 3]"),
    "a key function": ("def f(xs, key): return sorted(xs, key=key)", "assert f(['bb', 'a'], key=len) == ['a', 'bb']"),
    "a function as a result": ("def f(n): return lambda x: x + n", "assert f(2)(3) == 5"),
    "a decorator": ("def f(g):\n    def again(*a): return g(*a) * 2\n    return again", "@f\ndef h(x): return x + 1\nassert h(1) == 4"),
    "a function that fails in it": ("def f(g):\n    try:\n        return g()\n    except ZeroDivisionError:\n        return 'caught'", "assert f(lambda: 1 / 0) == 'caught'"),
    "an iterator as an argument": ("def f(xs): return sum(xs)", "assert f(x * x for x in range(4)) == 14 and f(iter([1])) == 1"),
    "a named tuple": ("from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)", "assert f() == (1, 2)\nx, y = f()"),
    "a Counter": ("from collections import Counter\ndef f(s): return Counter(s)", "assert f('aab') == {'a': 2, 'b': 1}"),
    "fractions and decimals": ("from fractions import Fraction\nfrom decimal import Decimal\ndef f(): return Fraction(1, 3), Decimal('0.1')", "from fractions import Fraction\na, b = f()\nassert a == Fraction(1, 3) and str(b) == '0.1'"),
    "state between calls": ("seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)", "assert [f(5), f(5)] == [1, 2]"),
    "a cache": ("from functools import lru_cache\n@lru_cache(None)\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)", "assert f(90) == 2880067194370816120"),
    "dataclasses with annotations from the future": ("from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(n): return P(n).x", "assert f(4) == 4"),
}  # fmt: skip

REFUSED: dict[str, tuple[str, str]] = {
    "other processes": ("import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)", "Other processes"),
    "os.fork": ("import os\npid = os.fork()\nif pid:\n    os.waitpid(pid, 0)\n    print('parent')", "Other processes"),
    "multiprocessing": ("from multiprocessing import get_context\nif __name__ == '__main__':\n    with get_context('fork').Pool(1) as p: print(p.map(abs, [-1]))", "Other processes"),
    "a socket": ("import socket\nwith socket.socket() as s: s.bind(('127.0.0.1', 0))\nprint('bound')", "Sockets"),
    "files of the machine": ("print(len(open('/etc/passwd').read()) > 0)", "Files"),
    "other packages": ("import pip\nprint(bool(pip.__version__))", "Packages"),
}  # fmt: skip
