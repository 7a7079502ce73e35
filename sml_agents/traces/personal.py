"""Personal data of the shapes that a pattern can tell: mail addresses, phone numbers, card numbers and IBANs with right
check digits, IP addresses, US social security numbers.

A shape alone is not enough where code and figures have it, too: `A@B.shape` is a product of matrices, `version 1.2.3.4`
no address, and `+1.5 2.5 3.5` no number to call. Not promised: names, postal addresses, other countries' ids.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

__all__ = ["without_personal"]


class _Kind(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    is_one: Callable[[re.Match[str]], bool]
    """Whether what the pattern found is meant."""


def without_personal(text: str) -> str:
    """`text` with `[redacted KIND]` in place of personal data."""
    for name, pattern, is_one in _KINDS:
        text = pattern.sub(partial(_replaced, name, is_one), text)
    return text


def _replaced(name: str, is_one: Callable[[re.Match[str]], bool], found: re.Match[str]) -> str:
    return f"[redacted {name}]" if is_one(found) else found.group()


_DOMAINS = frozenset(
    """
    com org net edu gov mil int info biz name pro app dev cloud online site store shop tech xyz blog email live world
    today agency digital group company solutions studio design media news academy school university health bank law
    art music games club life team work works space website page link click example test invalid local museum travel
    jobs mobi asia berlin london paris tokyo nyc bayern hamburg koeln wien swiss africa quebec
    """.split()  # noqa: SIM905
)
"""Top domains of more than two letters that mail addresses have; those of countries have two."""
_MAIL_BEFORE = re.compile(r"(?:mailto:|e-?mail\W{1,4}|<)$", re.IGNORECASE)
_NO_ADDRESS = re.compile(
    r"(?:\b(?:version|ver|v|release|rev|revision|build|firmware|section|sec|chapter|clause|article|figure|table|step"
    r"|release of)\.?[ :=#]{0,2}|[=<>~^!]=? ?|[A-Za-z]/|\u00a7 ?)$",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(r"\b(?:ranges?|from|between|pages?|lines?|rows?|items?|ids?|steps?)[ :=]{1,2}$", re.IGNORECASE)


def _before(found: re.Match[str], length: int = 24) -> str:
    return found.string[max(0, found.start() - length) : found.start()]


def _is_mail(found: re.Match[str]) -> bool:
    text, end = found.string, found.end()
    if text[end : end + 1] in ("(", "["):  # a method's call, an index
        return False
    top = found.group().rpartition(".")[2]
    if not (top.islower() or top.isupper()):
        return False
    return len(top) == 2 or top.lower() in _DOMAINS or _MAIL_BEFORE.search(_before(found)) is not None


def _is_card(found: re.Match[str]) -> bool:
    """Luhn's check."""
    digits = [int(sign) for sign in reversed(found.group()) if sign.isdecimal()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + doubled) % 10 == 0


def _is_iban(found: re.Match[str]) -> bool:
    """ISO 7064, modulo 97."""
    plain = found.group().replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _is_address(found: re.Match[str]) -> bool:
    if found.group().startswith(("127.", "0.", "255.")):
        return False
    return _NO_ADDRESS.search(_before(found)) is None


def _is_phone(found: re.Match[str]) -> bool:
    text = found.group()
    if not text.startswith("+"):
        return _NO_NUMBER.search(_before(found)) is None
    groups = re.findall(r"\d+", text)
    signs = set(re.findall(r"[ .-]", text))
    alone = [len(group) == 1 for group in groups[1:]]
    if "." in signs and len(signs) > 1:  # figures with fractions
        return False
    # A country's first group may be one digit, two of them in a row are figures.
    return len("".join(groups)) <= 15 and not any(one and other for one, other in pairwise(alone))


def _always(_: re.Match[str]) -> bool:
    return True


_KINDS = (
    _Kind(
        "mail address",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w-])"),
        _is_mail,
    ),
    _Kind(
        "iban",
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"),
        _is_iban,
    ),
    _Kind("card number", re.compile(r"(?<![\w.-])\d{4}(?:[ -]?\d){9,15}(?![\w-]|\.\d)"), _is_card),
    _Kind(
        "social security number",
        re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
        _always,
    ),
    _Kind(
        "ip address",
        re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)"),
        _is_address,
    ),
    _Kind(
        "phone number",
        re.compile(
            r"(?<![\w.$\u20ac\u00a3-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?(?:\d[ .-]?){6,11}\d"
            r"|\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d{4}|[2-9]\d{2}([.-])[2-9]\d{2}\1\d{4})(?![\w-]|\.\d)"
        ),
        _is_phone,
    ),
)
