"""Takes secrets out of traces before they are written.

    Redactor()(text)          text with every known secret replaced by `[redacted KIND]`
    Redactor().clean(value)   the same for all strings inside a JSON value

What is found: the values of environment variables whose names say that they are secret (`OPENAI_API_KEY`, `HF_TOKEN`),
values under keys such as `api_key` or `password`, the same written in a text (`password: ...`, JSON and code in it),
and strings of the well-known shapes below. Each shape is anchored and bounded, so that time grows linearly with the
text. On request (`personal=True`) also personal data of the shapes that a pattern can tell, see
`sml_agents.traces.personal`. Not promised: a secret of a shape and name unknown here stays, and so do names and postal
addresses; give a `hook` for your own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sml_agents.text.letters import folded
from sml_agents.traces.personal import without_personal

__all__ = ["Redactor", "secret_values"]


class _Shape(NamedTuple):
    kind: str
    hint: str
    """Text without this cannot match: a plain search for it is far faster than the pattern."""
    pattern: re.Pattern[str]


def _shape(kind: str, prefix: str, rest: str, hint: str = "") -> _Shape:
    """A secret that begins with `prefix`, not inside a longer word.

    The look-behind stands after the prefix, where the regex engine still looks for the prefix as plain text. It also
    keeps a text of repeated prefixes from costing quadratic time.
    """
    return _Shape(kind, hint or prefix, re.compile(f"{prefix}(?<![A-Za-z0-9_-]{prefix}){rest}"))


_SHAPES = (
    _shape("openai key", "sk-", r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}"),
    *(_shape("github token", f"gh{kind}_", r"[A-Za-z0-9]{30,}") for kind in "pousr"),
    _shape("github token", "github_pat_", r"[A-Za-z0-9_]{30,}"),
    _shape("gitlab token", "glpat-", r"[A-Za-z0-9_-]{20,}"),
    _shape("hugging face token", "hf_", r"[A-Za-z0-9]{30,}"),
    _shape("aws key id", "AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("aws key id", "ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape("google key", "AIza", r"[A-Za-z0-9_-]{35}"),
    _shape("slack token", "xox[abeoprs]-", r"[A-Za-z0-9-]{10,}", hint="xox"),
    _shape("jwt", "eyJ", r"[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    _shape("bearer token", "[Bb]earer ", r" {0,3}(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{16,}=*", hint="earer "),
    _Shape(
        "private key",
        "PRIVATE KEY-----",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:\s{0,4}[A-Za-z-]{1,20}: [^\n]{0,200}\n){0,4}"
            r"[A-Za-z0-9+/=\s\\]{40,}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
        ),
    ),
    _Shape("password in a url", "://", re.compile(r"(?<=://)[^\s/:@\"'<>]{1,64}:[^\s/@\"'<>]{1,128}(?=@)")),
)
_OPENAI_HINT = re.compile(r"sk-[A-Za-z0-9_-]{20}")
"""`sk-` alone is in every `task-1`."""


def _any_of(texts: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """Patterns that together find whether a text holds one of `texts`: one for each first letter, because the regex
    engine looks for a fixed beginning faster than `in` looks for a short text, and for one beginning at a time."""
    rests: dict[str, list[str]] = {}
    for text in texts:
        rests.setdefault(text[0], []).append(re.escape(text[1:]))
    return tuple(re.compile(f"{re.escape(first)}(?:{'|'.join(rest)})") for first, rest in rests.items())


_HINTS = _any_of(dict.fromkeys(shape.hint for shape in _SHAPES if shape.hint not in ("://", "sk-")))
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:api_?key|access_?key|secret(?:_?key)?|token|password|passwd|pat)$", re.IGNORECASE
)
_NAME_HINTS = _any_of(("secret", "passw", "passphrase", "authorization"))
_KEY_HINTS = _any_of(("token", "key"))
_OWNER_HINTS = _any_of(("api", "access", "private", "auth", "bearer", "hf"))
"""What makes a `key` or `token` a secret one: `token` alone is in the record of every model call."""
_NAMES = (
    r"api[_-]?key|access[_-]?key|secret(?:[_-]?key)?|(?:access|auth|api|hf|bearer)[_-]?token"
    r"|private[_-]?key|password|passwd|passphrase|authorization"
)
_BETWEEN = r"(?:\\{0,7}[\"'])?[ \t]{0,4}(?:[:=]|=>)[ \t]{0,4}"
_SECRET_KEY = re.compile(f"(?:^|[_-])(?:{_NAMES})$", re.IGNORECASE)
_ASSIGNS = re.compile(f"(?:{_NAMES}){_BETWEEN}")
_ASSIGNED = re.compile(
    rf"(?<![A-Za-z0-9])(?P<name>{_NAMES})(?P<between>{_BETWEEN})"
    r"(?:(?P<quote>\\{0,7}[\"'])(?P<quoted>[^\"'\\\n]{1,400})(?P=quote)"
    r"|(?P<scheme>(?:basic|bearer|token|digest) )?(?P<bare>[^\s\"'`,;(){}\[\]<>\\]{4,400}))",
    re.IGNORECASE,
)
"""A name that says secret and its value, as `password: ...`, `PASSWORD=...`, JSON, and JSON within JSON."""
_PLACEHOLDER = re.compile(r"[$<*\[%{&]|\.\.\.|x{3,}$|/", re.IGNORECASE)
"""What stands in for a value, or says where it is."""
_NO_VALUES = frozenset(
    """
    none null true false required optional string str text bytes any secret password hidden missing unset
    """.split()  # noqa: SIM905
)
_TELLING = re.compile(r"\d|[!@#%^&*~?|+=$](?=.)")
"""A value without quotation marks that has none of these may be a word, a type or a variable."""
_SHORTEST_VALUE = 12
"""Shorter values, such as the `EMPTY` or `not-needed` given to local servers, would hit ordinary words."""


def secret_values(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Values of environment variables that look secret, with the variable's name; the longest first."""
    environ = os.environ if environ is None else environ
    found = {value.strip(): name for name, value in environ.items() if _SECRET_NAME.search(name)}
    return {value: found[value] for value in sorted(found, key=len, reverse=True) if len(value) >= _SHORTEST_VALUE}


class Redactor:
    """Replaces secrets in text. Callable with a string; `clean` walks a JSON value.

    `environ` is where known values come from (default: the process's, read once, now). `hook` gets each text after the
    built-in rules and returns it with your own secrets replaced. `personal` takes out personal data, too.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        hook: Callable[[str], str] | None = None,
        personal: bool = False,
    ) -> None:
        self._known = secret_values(environ)
        self._hook = hook
        self._personal = personal
        self._in_json = [json.dumps(value, ensure_ascii=False)[1:-1] for value in self._known]

    def suspects(self, json_text: str) -> bool:
        """False only if `json_text` surely holds nothing to redact: a fast look before the slow walk."""
        if self._hook is not None or self._personal or any([value in json_text for value in self._in_json]):
            return True
        if "@" in json_text and "://" in json_text:
            return True
        return _finds(_HINTS, json_text) or _OPENAI_HINT.search(json_text) is not None or _may_assign(json_text)

    def __call__(self, text: str) -> str:
        for value, name in self._known.items():
            if value in text:
                text = text.replace(value, f"[redacted {name}]")
        for kind, hint, pattern in _SHAPES:
            if hint in text:
                text = pattern.sub(f"[redacted {kind}]", text)
        if _may_assign(text):
            text = _ASSIGNED.sub(_without_value, text)
        if self._personal:
            text = without_personal(text)
        return self._hook(text) if self._hook is not None else text

    def clean(self, value: Any) -> Any:
        """`value`, made of dicts, lists and plain values, with the secrets in its strings replaced; keys are kept."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {name: self._field(name, inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(inner) for inner in value]
        return value

    def _field(self, name: Any, value: Any) -> Any:
        is_value = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
        if is_value and isinstance(name, str) and _SECRET_KEY.search(name):
            return f"[redacted {name}]"
        return self.clean(value)


def _may_assign(text: str) -> bool:
    lower = folded(text)
    named = _finds(_NAME_HINTS, lower) or (_finds(_KEY_HINTS, lower) and _finds(_OWNER_HINTS, lower))
    return named and _ASSIGNS.search(lower) is not None


def _finds(patterns: tuple[re.Pattern[str], ...], text: str) -> bool:
    return any([pattern.search(text) for pattern in patterns])  # a generator costs as much as a search


def _without_value(found: re.Match[str]) -> str:
    value = found["quoted"] or found["bare"]
    if _PLACEHOLDER.match(value) or (found["quoted"] is None and not _says_secret(found)):
        return found.group()
    quote = found["quote"] or ""
    return f"{found['name']}{found['between']}{quote}[redacted {found['name']}]{quote}"


def _says_secret(found: re.Match[str]) -> bool:
    """Whether a value without quotation marks is one: no word, type, variable or call."""
    text, start, end = found.string, found.start(), found.end()
    if text[end : end + 1] in ("(", "["):
        return False
    if found["scheme"] or _TELLING.search(found["bare"]):
        return True
    # A word is one where it is all that its line tells, as in a file of settings.
    before, after = text[text.rfind("\n", 0, start) + 1 : start], text[end : end + 2]
    alone = len(before) < 40 and not before.strip(" -_") and after.lstrip(" \r")[:1] in ("", "\n")
    return alone and ":" in found["between"] and found["bare"].lower() not in _NO_VALUES
