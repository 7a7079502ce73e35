"""Secrets do not reach the disk; nothing else is touched."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from sml_agents.traces import Redactor, TraceStore
from sml_agents.traces.redaction import secret_values
from sml_agents.types import Call, Reply, StopReason, ToolCall
from tests.traces.samples import make_trace

PEM_BODY = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 4)
# Written in two parts, so that no scanner takes this file for a leak.
SECRETS = {
    "openai": "sk-" + "proj-abcDEF0123456789abcDEF0123456789",
    "anthropic": "sk-" + "ant-api03-aaaaBBBB1111-cccc_DDDD2222",
    "github": "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345",
    "github app": "ghs" + "_0123456789abcdefghijABCDEFGHIJ012345",
    "github fine-grained": "github" + "_pat_11ABCDEFG0aaaaaaaaaaaaaaaaaaaaaaaaaaaa_bbb",
    "gitlab": "glpat" + "-abcdefghij0123456789",
    "hugging face": "hf" + "_abcdefghijABCDEFGHIJ0123456789abcd",
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "google": "AIza" + "SyA-0123456789abcdefghijklmnopqrstu",
    "slack": "xoxb" + "-123456789012-abcdefABCDEF",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1g",
    "bearer": "Bearer " + "abcdefGHIJKL0123456789.-_~+/==",
    "pem": "-----BEGIN RSA " + f"PRIVATE KEY-----\n{PEM_BODY}\n-----END RSA " + "PRIVATE KEY-----",
    "pem with headers": "-----BEGIN EC "
    + f"PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n{PEM_BODY}\n-----END EC "
    + "PRIVATE KEY-----",
    "pem cut off": "-----BEGIN " + f"PRIVATE KEY-----\n{PEM_BODY}",
    "pem escaped": "-----BEGIN " + "PRIVATE KEY-----\\n" + PEM_BODY.replace("\n", "\\n"),
    "url": "postgresql://ada:" + "hunter2-and-more@db.example.org/traces",
}
PLACES = ["{}", "\n{}", 'key="{}"', "({})", "use {}.", "a:{},b"]


def heart(secret: str) -> str:
    """A part of the secret that nothing harmless contains."""
    if "://" in secret:
        return secret.split(":")[2].split("@")[0]
    middle = len(secret) // 2
    return secret[middle - 4 : middle + 6]


@pytest.fixture
def redact() -> Redactor:
    return Redactor(environ={})


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_known_shapes_are_found(redact: Redactor, kind: str, place: str) -> None:
    secret = SECRETS[kind]
    clean = redact(place.format(secret))
    core = heart(secret)
    assert core not in clean
    assert "[redacted " in clean
    head = place.split("{}")[0]
    assert clean.startswith(head)


@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_reaches_the_file(tmp_path: Path, kind: str) -> None:
    secret = SECRETS[kind]
    trace = make_trace(text=f"I used\n{secret}", error=f"EndpointError: {secret}", settings={"url": [secret]})
    with TraceStore.open(tmp_path / "t.db", redactor=Redactor(environ={})) as store:
        store.start_run({"student": secret})
        store.put_reply("1", "student/0", Reply(text=secret, call=Call(completion_ids=(1, 2))))
        store.add(trace)
        assert store.replies_of("1")["student/0"].call == Call(), "the ids would spell it"
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    core = heart(secret)
    assert core.encode() not in data


def test_values_of_the_environment_are_found_whatever_they_look_like(tmp_path: Path) -> None:
    environ = {"MY_API_KEY": 'correct "horse" battery', "HF_TOKEN": "plain words here", "USER_TOKENS": "not a secret!!"}
    environ |= {"LOCAL_API_KEY": "EMPTY", "MAX_TOKEN": "4096", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG"}
    assert set(secret_values(environ).values()) == {"MY_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"}
    text = 'say correct "horse" battery and plain words here, EMPTY 4096 not a secret!!'
    with TraceStore.open(tmp_path / "t.db", redactor=Redactor(environ=environ)) as store:
        store.add(make_trace(text=text))
        said = next(store.traces()).student_turns[0].text
    assert said == "say [redacted MY_API_KEY] and [redacted HF_TOKEN], EMPTY 4096 not a secret!!"


def test_the_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "not-of-any-known-shape")
    with TraceStore.open(tmp_path / "t.db") as store:
        store.add(make_trace(stop=StopReason.FAILED, error="401 for not-of-any-known-shape"))
        assert str(next(store.traces()).error) == "401 for [redacted SOME_API_KEY]"


def test_values_under_telling_keys(redact: Redactor) -> None:
    settings = {
        "api_key": "x",
        "openai-api-key": "y",
        "headers": {"Authorization": "Basic abc", "Accept": "json"},
        "access_token": "z",
        "password": "",
        "token": "pad",
        "max_tokens": 12,
        "api_key_env": "OPENAI_API_KEY",
    }
    assert redact.clean(settings) == {
        "api_key": "[redacted api_key]",
        "openai-api-key": "[redacted openai-api-key]",
        "headers": {"Authorization": "[redacted Authorization]", "Accept": "json"},
        "access_token": "[redacted access_token]",
        "password": "",
        "token": "pad",
        "max_tokens": 12,
        "api_key_env": "OPENAI_API_KEY",
    }


IN_TEXTS = {
    "password: hunter2!": "hunter2!",
    '{"password": "x"}': '"x"',
    '{"user": "ada", "password": "correct horse"}': "correct horse",
    '{\\"password\\": \\"x7\\"}': "x7",
    '"{\\\\\\"api_key\\\\\\": \\\\\\"zz9\\\\\\"}"': "zz9",
    "DB_PASSWORD=p4ssw0rd": "p4ssw0rd",
    "host: db\npassword: swordfish\nport: 5": "swordfish",
    "X-API-Key: abc123def": "abc123def",
    "Authorization: Basic dXNlcjpwYXNz": "dXNlcjpwYXNz",
    "login(user='ada', password='open sesame')": "open sesame",
    "client_secret => 'zz top'": "zz top",
    "access-token=a.b.c1": "a.b.c1",
    "passphrase: two-words!x": "two-words!x",
}
NO_SECRETS = [
    "password = None",
    "password: str",
    "def login(user, password: str = None): ...",
    "password=os.environ['PASSWORD_1']",
    "password=get_password_1()",
    "password: ${DB_PASSWORD}",
    "password: <your password>",
    "PASSWORD=********",
    '{"password": {"type": "string"}}',
    '{"password": ""}',
    "What is the password?",
    "The secret: be patient.",
    "max_tokens: 4096, token: pad",
    "author: ada, keyword: 12345",
    '{"password": "[redacted password]"}',
]


@pytest.mark.parametrize("text", IN_TEXTS)
def test_secrets_that_a_text_names(redact: Redactor, tmp_path: Path, text: str) -> None:
    assert redact.suspects(text)
    clean = redact(text)
    assert IN_TEXTS[text] not in clean and "[redacted " in clean
    assert redact(clean) == clean
    trace = make_trace(text="done")
    call = ToolCall(name="read", arguments={"file": text}, result=text)
    turns = tuple(turn.model_copy(update={"tool_calls": (call,)}) for turn in trace.turns)
    with TraceStore.open(tmp_path / "t.db", redactor=redact) as store:
        store.add(trace.model_copy(update={"turns": turns}))
        for turn in next(store.traces()).turns:
            for one in turn.tool_calls or ():
                assert IN_TEXTS[text] not in (one.result or "") + one.arguments["file"]


@pytest.mark.parametrize("text", NO_SECRETS)
def test_names_without_a_value_stay(redact: Redactor, text: str) -> None:
    assert redact(text) == text


def test_a_number_under_a_telling_key(redact: Redactor) -> None:
    assert redact.clean({"password": 1234, "secret": True}) == {"password": "[redacted password]", "secret": True}


def test_a_hook_of_the_user(tmp_path: Path) -> None:
    redactor = Redactor(environ={}, hook=lambda text: text.replace("Ada", "[name]"))
    with TraceStore.open(tmp_path / "t.db", redactor=redactor) as store:
        store.add(make_trace())
        assert next(store.traces()).task.prompt.startswith("[name] buys")


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    trace = make_trace(text=SECRETS["openai"])
    with TraceStore.open(tmp_path / "t.db", redact=False) as store:
        store.add(trace)
        assert next(store.traces()) == trace


def test_token_ids_go_with_the_text_that_they_spell(tmp_path: Path) -> None:
    trace = make_trace(text=SECRETS["aws"], turns=2)
    ids = {"prompt_ids": (1, 2, 3), "completion_ids": (4,)}
    trace = trace.model_copy(update={"turns": tuple(turn.model_copy(update=ids) for turn in trace.turns)})
    with TraceStore.open(tmp_path / "t.db") as store:
        store.add(trace)
        calls = [turn.call or Call() for turn in next(store.traces()).turns]
        assert {(call.prompt_ids, call.completion_ids) for call in calls} == {(None, None)}


def test_no_false_alarm_on_a_thousand_rows_of_maths_and_code(redact: Redactor) -> None:
    import argparse
    import http.client
    import json.decoder
    import textwrap
    import urllib.parse

    draw = random.Random(0)
    rows = [
        f"Task-{n}: {draw.randint(1, 10**12)} tokens at ${draw.random():.4f}; ask-for-the-total-number-of-things-sold? "
        f"\\boxed{{{draw.getrandbits(200):x}}} = {draw.getrandbits(160)}/{draw.randint(1, 99)} see http://a.b:80/c?d=e@f"
        for n in range(500)
    ]
    for module in (argparse, http.client, json.decoder, textwrap, urllib.parse):
        assert module.__file__ is not None
        lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
        rows += ["\n".join(lines[start : start + 5]) for start in range(0, len(lines), 5)]
    assert len(rows) >= 1000
    assert [row for row in rows if redact(row) != row] == []


BEGIN = "-----BEGIN " + "PRIVATE KEY-----"
PIECES = [
    "password",
    "password: ",
    'password": "',
    "api_key=",
    "secret\\\\",
    "sk-",
    "sk-a1",
    "eyJ",
    "eyJaaaaaaaa.",
    "Bearer ",
    "ghp_",
    "AKIA",
    "xoxb-",
    "hf_",
    "a",
    "://",
    "://a:b",
]


@pytest.mark.parametrize("piece", [*PIECES, BEGIN, f"{BEGIN}\nA: b\n", "://" + "a" * 60])
def test_time_grows_linearly(redact: Redactor, piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            redact(text)
            redact.suspects(text)
            best = min(best, time.process_time() - began)
        return best

    small, large = seconds(50_000), seconds(400_000)
    assert large < max(0.05, 30 * small), "eight times the text may not take sixty-four times as long"
    assert large < 2


@pytest.mark.parametrize("kind", SECRETS)
def test_the_fast_look_passes_over_no_secret(redact: Redactor, kind: str) -> None:
    for before in ("", "g gh a A e x", "\u0130 Gr\u00fc\u00dfe ", "p passion, authority, a key of music: "):
        text = f'{{"text":"{before} {SECRETS[kind]}"}}'
        assert redact.suspects(text) or redact(text) == text
    assert redact.suspects(f'{{"text":"{SECRETS[kind]}"}}')
