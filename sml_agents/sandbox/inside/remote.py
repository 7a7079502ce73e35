"""A conversation between a suite and the program that it tests, each in a process of its own.

One side calls, and until the answer is there the other may call back: a function that it was given, the next item of
an iterator. Messages, with their values as the text of a tree in `body`:

    {"do": "call", "of": place or null}      arguments     null: the function under test
    {"do": "next", "of": place}              what is sent into a generator
    {"do": "return"}                         the value, and what the call changed in its arguments
    {"do": "raise", "kinds": [names]}        the arguments of an error, its built-in classes by name, nearest first

Values are copies, with what Python's own calls keep: an argument that comes back is the same object, and one that is
in the arguments twice is one object. Functions and iterators stay where they are and are called there.
"""

from __future__ import annotations

import builtins
import json
import operator
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from sml_agents.sandbox.inside.codec import NotPlain, decode, encode, show
from sml_agents.sandbox.inside.lines import Lines

__all__ = ["Remote", "Unfit"]

_MUTABLE = (list, dict, set, deque, bytearray)
_SHOWN = 300


class Unfit(BaseException):
    """The suite hands over what does not travel: it can't be run here. Not for the suite to catch."""


class _Raised(Exception):
    """The other side raised something that has no built-in class."""


class _Frame:
    """The mutable objects in the arguments of one call, numbered alike on both sides."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.objects: list[Any] = []
        self.places: dict[int, int] = {}

    def add(self, value: Any) -> Any:
        self.places[id(value)] = len(self.objects)
        self.objects.append(value)
        return value

    def pack(self, value: Any, *, arguments: bool = False) -> Any:
        """The tree of `value`. Of `arguments` the mutable objects are numbered, as they come to an end."""

        def hook(value: Any, plain: Callable[[], Any]) -> Any:
            if (place := self.places.get(id(value))) is not None and self.objects[place] is value:
                return {"o": place}
            if arguments and type(value) in _MUTABLE:
                tree = plain()
                self.add(value)
                return {"n": tree}
            try:
                return plain()
            except NotPlain:
                if (handle := self.remote.export(value)) is None:
                    raise
                return handle

        return encode(value, hook)

    def unpack(self, tree: Any) -> Any:
        def make(tag: str, inner: Any) -> Any:
            if tag == "o":
                return self.objects[inner]
            if tag == "n":
                return self.add(decode(inner, make))
            return self.remote.imported(tag, inner)

        return decode(tree, make)

    def content(self, value: Any) -> Any:
        """The tree of a numbered object itself, and not its number."""
        place = self.places.pop(id(value))
        tree = self.pack(value)
        self.places[id(value)] = place
        return tree


class Remote:
    """One side of the conversation.

    `foreign`: the side of the program, whose own faults are its own to catch. Without `changes` what the other side
    changes in its arguments is seen only where it returns None, as a function does that is there for its changes.
    """

    def __init__(
        self, lines: Lines, describe: Callable[[BaseException], Any], *, foreign: bool, changes: bool = True
    ) -> None:
        self.lines, self.describe, self.foreign, self.changes = lines, describe, foreign, changes
        self.exported: list[Any] = []
        self.proxies: dict[int, tuple[Any, int]] = {}
        self.calls = 0

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call, once all that the other side calls in between is answered."""
        self.lines.send(message)
        while (answer := self.lines.receive())["do"] in ("call", "next"):
            self.lines.send(self.serve(answer, None))
        return answer

    def call(self, of: int | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls the other side's function. What it raises to end an iteration does not end one here: `all(map(f, xs))`
        would hold for a function that does so at once."""
        frame = _Frame(self)
        try:
            body = json.dumps([frame.pack(list(args), arguments=True), frame.pack(kwargs, arguments=True)]).encode()
        except NotPlain as error:
            raise (TypeError if self.foreign else Unfit)(str(error)) from None
        answer = self.ask({"do": "call", "of": of, "shown": show(list(args), _SHOWN), "body": body})
        self.calls += of is None
        try:
            value, changed = self._taken(answer, frame)
        except (StopIteration, StopAsyncIteration) as error:
            raise _Raised(*error.args) from None
        if self.changes or value is None:
            new = [(frame.objects[place], frame.unpack(tree)) for place, tree in changed]
            for target, content in new:
                _assign(target, content)
        return value

    def _taken(self, answer: dict[str, Any], frame: _Frame) -> tuple[Any, list[Any]]:
        """What an answer returns, or raises."""
        try:
            first, second = json.loads(answer["body"])
            value = frame.unpack(first)
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError, AttributeError):
            raise _Raised("it returned what is no plain value") from None
        if answer["do"] == "raise":
            raise _error(answer["kinds"], value)
        return value, second

    def serve(self, message: dict[str, Any], entry: Any) -> dict[str, Any]:
        """Does what the other side asks for; the answer. Raises NotPlain for a value that does not travel."""
        frame = _Frame(self)
        target = entry if message["of"] is None else self.exported[message["of"]]
        tree = json.loads(message["body"])
        try:
            if message["do"] == "next":
                sent = frame.unpack(tree)
                value = next(target) if sent is None else target.send(sent)
                return {"do": "return", "body": json.dumps([frame.pack(value), []]).encode()}
            args, kwargs = (frame.unpack(part) for part in tree)
            before = [_state(thing) for thing in frame.objects]
            value = target(*args, **kwargs)
        except Unfit:
            raise
        except BaseException as error:
            return {**_raised(error, frame), "error": self.describe(error)}
        changed = [
            [place, frame.content(thing)]
            for place, (thing, was) in enumerate(zip(frame.objects, before, strict=True))
            if not _is_same(was, _state(thing))
        ]
        body = json.dumps([frame.pack(value), changed]).encode()
        return {"do": "return", "shown": show(value), "changed": bool(changed) and value is not None, "body": body}

    def export(self, value: Any) -> Any:
        """The tree of something that stays here: an iterator or something to call. None for what is neither."""
        if id(value) in self.proxies and self.proxies[id(value)][0] is value:
            return {"y": self.proxies[id(value)][1]}
        tag = "g" if hasattr(type(value), "__next__") else "u" if callable(value) else ""
        if not tag:
            return None
        self.exported.append(value)
        return {tag: len(self.exported) - 1}

    def imported(self, tag: str, place: int) -> Any:
        """What stands here for something of the other side, or our own that comes back."""
        if tag == "y":
            return self.exported[place]
        if tag not in ("g", "u"):
            raise ValueError("no value")
        proxy = self._items(place) if tag == "g" else self._function(place)
        self.proxies[id(proxy)] = (proxy, place)
        return proxy

    def _function(self, place: int) -> Callable[..., Any]:
        return lambda *args, **kwargs: self.call(place, args, kwargs)

    def _items(self, place: int) -> Generator[Any, Any, Any]:
        sent = None
        while True:
            body = json.dumps(_Frame(self).pack(sent)).encode()
            try:
                value, _ = self._taken(self.ask({"do": "next", "of": place, "body": body}), _Frame(self))
            except StopIteration as end:
                return end.value
            sent = yield value


def _state(thing: Any) -> list[Any]:
    return [*thing, *thing.values()] if type(thing) is dict else list(thing)


def _is_same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))


def _assign(target: Any, content: Any) -> None:
    if isinstance(target, list | bytearray):
        target[:] = content
        return
    target.clear()
    (target.extend if isinstance(target, deque) else target.update)(content)


def _raised(error: BaseException, frame: _Frame) -> dict[str, Any]:
    """The message that `error` was raised. Its classes are named, built-in ones only: the others live here."""
    kinds = [kind for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    names = [type(error).__name__, *(kind.__name__ for kind in kinds if issubclass(kind, Exception))]
    try:
        args = frame.pack(list(error.args))
    except NotPlain:
        args = [f"{error}"]
    return {"do": "raise", "kinds": names, "body": json.dumps([args, None]).encode()}


def _error(kinds: list[str], args: Any) -> Exception:
    """An exception of the first class that is built in, under the name that it had."""
    name, *bases = map(str, kinds)
    for base in bases:
        kind = getattr(builtins, base, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                made: Exception = (kind if name == base else type(name, (kind,), {}))(*args)
                return made
            except (TypeError, ValueError):
                continue
    return _Raised(*args)
