"""Takes secrets out of traces before they are written.

    Redactor()(text)          text with every known secret replaced by `[redacted KIND]`
    Redactor().clean(value)   the same for all strings inside a JSON value

What is found: the values of environment variables whose names say that they are secret (`OPENAI_API_KEY`, `HF_TOKEN`),
values under keys such as `api_key` or `password`, and strings of the well-known shapes below. Each shape is anchored
and bounded, so that time grows linearly with the text. On request (`personal=True`) also personal data of the shapes
that a pattern can tell: mail addresses, phone numbers, card numbers and IBANs with right check digits, IP addresses, US
social security numbers. Not promised: a secret of a shape and name unknown here stays, and so do names and postal
addresses; give a `hook` for your own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
_PERSONAL = (
    ("mail address", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w-])")),
    ("iban", re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")),
    ("card number", re.compile(r"(?<![\w.-])\d{4}(?:[ -]?\d){9,15}(?![\w-]|\.\d)")),
    ("social security number", re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")),
    (
        "ip address",
        re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)"),
    ),
    (
        "phone number",
        re.compile(
            r"(?<![\w.$\u20ac\u00a3-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?(?:\d[ .-]?){6,11}\d"
            r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|\.\d)"
        ),
    ),
)
_OPENAI_HINT = re.compile(r"sk-[A-Za-z0-9_-]{20}")
"""`sk-` alone is in every `task-1`."""
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:api_?key|access_?key|secret(?:_?key)?|token|password|passwd|pat)$", re.IGNORECASE
)
_SECRET_KEY = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|access[_-]?key|secret(?:[_-]?key)?|(?:access|auth|api|hf|bearer)[_-]?token"
    r"|password|passwd|authorization)$",
    re.IGNORECASE,
)
_KEY_HINTS = ('key"', 'secret"', 'token"', 'password"', 'passwd"', 'authorization"')
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
        in_json = [json.dumps(value, ensure_ascii=False)[1:-1] for value in self._known]
        self._hints = (*in_json, *dict.fromkeys(shape.hint for shape in _SHAPES if shape.hint not in ("://", "sk-")))

    def suspects(self, json_text: str) -> bool:
        """False only if `json_text` surely holds nothing to redact: a fast look before the slow walk."""
        if self._hook is not None or self._personal or any(hint in json_text for hint in self._hints):
            return True
        if "://" in json_text and "@" in json_text:
            return True
        if "sk-" in json_text and _OPENAI_HINT.search(json_text):
            return True
        lower = json_text.lower()
        return any(hint in lower for hint in _KEY_HINTS)

    def __call__(self, text: str) -> str:
        for value, name in self._known.items():
            if value in text:
                text = text.replace(value, f"[redacted {name}]")
        for kind, hint, pattern in _SHAPES:
            if hint in text:
                text = pattern.sub(f"[redacted {kind}]", text)
        if self._personal:
            text = _without_personal(text)
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
        if isinstance(value, str) and value and isinstance(name, str) and _SECRET_KEY.search(name):
            return f"[redacted {name}]"
        return self.clean(value)


def _without_personal(text: str) -> str:
    for kind, pattern in _PERSONAL:
        text = pattern.sub(lambda found, kind=kind: _named(kind, found.group()), text)  # type: ignore[misc]
    return text


def _named(kind: str, found: str) -> str:
    """What stands for `found`; long numbers that fail their check digits are only numbers."""
    if kind == "card number" and not _is_card(found):
        return found
    if kind == "iban" and not _is_iban(found):
        return found
    return f"[redacted {kind}]"


def _is_card(text: str) -> bool:
    """Luhn's check."""
    digits = [int(sign) for sign in reversed(text) if sign.isdecimal()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """ISO 7064, modulo 97."""
    plain = text.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1
