"""Personal data is taken out on request, and nothing else with it."""

from __future__ import annotations

import pytest

from sml_agents.traces import Redactor
from tests.pace import within

PERSONAL = {
    "ann.lee+x@mail.example.org": "mail address",
    "+49 171 1234567": "phone number",
    "(212) 555-0142": "phone number",
    "212-555-0142": "phone number",
    "4111 1111 1111 1111": "card number",
    "DE89 3704 0044 0532 0130 00": "iban",
    "078-05-1120": "social security number",
    "192.168.10.254": "ip address",
    "ann@firma.de": "mail address",
    "ANN@EXAMPLE.COM": "mail address",
    "mailto:ann@lab.zone": "mail address",
    "+33 6 12 34 56 78": "phone number",
    "+1.212.555.0142": "phone number",
    "+1 (212) 555-0142": "phone number",
}
HARMLESS = [
    "4111 1111 1111 1112",
    "2024-11-25 13:50:00",
    "3.14159265358979",
    "1234567890123456",
    "version 1.2.3",
    "$1,234,567.89",
    "1 + 2 = 3, 100-200-300",
    "DE00 3704 0044 0532 0130 00",
    "x = [1, 22, 333, 4444]",
    "+1.5 2.5 3.5 4.5 5.5",
    "[+10.25 -3.5 +20.75 40.5]",
    "+1 2 3 4 5 6 7 8 9",
    "A@B.shape",
    "(W @ x, W@x.T)",
    "self.q@self.k.transpose(0, 1)",
    "x@w.to(device)",
    "grad@model.weight",
    "@app.route",
    "@pytest.mark.parametrize",
    "version 1.2.3.4",
    "v1.2.3.4",
    "pip install tool==1.2.3.4",
    "Chrome/120.0.0.0",
    "see section 3.1.4.1",
    "http://127.0.0.1:8000",
    "bind to 0.0.0.0",
    "range 100-200-3000",
    "range 200-300-4000",
    "000-12-3456",
    "pages 300-400-5000",
]


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_is_taken_out_on_request_only(text: str) -> None:
    said = f"call me: {text}, please"
    head = "mailto:" if text.startswith("mailto:") else ""
    assert Redactor(environ={}, personal=True)(said) == f"call me: {head}[redacted {PERSONAL[text]}], please"
    assert Redactor(environ={})(said) == said


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_that_are_none_stay(text: str) -> None:
    assert Redactor(environ={}, personal=True)(text) == text


@pytest.mark.parametrize("text", ["1 " * 50_000, "a@" * 50_000, "1.1." * 25_000, "+1-" * 30_000, "AB12 " * 20_000])
def test_time_grows_linearly(text: str) -> None:
    with within(2):
        Redactor(environ={}, personal=True)(text)
