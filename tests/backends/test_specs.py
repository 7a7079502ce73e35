"""Reading of model specs and settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel

from sml_agents.backends import EndpointSettings, LocalSettings, describe, resolve
from sml_agents.errors import BackendSpecError, MissingExtra
from sml_agents.testing import ScriptedModel


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.json"
    path.write_text('["One.", "Two."]')
    return path


def test_an_openai_spec_with_everything() -> None:
    model: Any = resolve("openai:org/some-model:7b@http://localhost:8000/v1/?temperature=0&max_tokens=64&stop=END")
    assert model.model == "org/some-model:7b"
    assert model.settings == EndpointSettings(
        base_url="http://localhost:8000/v1/", temperature=0, max_tokens=64, stop=("END",)
    )
    assert describe(model) == {
        "backend": "openai",
        "model": "org/some-model:7b",
        "base_url": "http://localhost:8000/v1",
        "temperature": 0.0,
        "top_p": None,
        "max_tokens": 64,
        "stop": ["END"],
    }


def test_keywords_win_over_the_spec_and_none_means_not_given() -> None:
    model: Any = resolve("openai:m@http://h/v1?temperature=1&timeout=9", temperature=0.5, timeout=None)
    assert (model.settings.temperature, model.settings.timeout) == (0.5, 9)


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-env/v1")
    assert describe(resolve("openai:m"))["base_url"] == "http://from-env/v1"
    assert describe(resolve("openai:m?base_url=http://from-spec/v1"))["base_url"] == "http://from-spec/v1"


def test_openai_itself_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendSpecError, match="OPENAI_API_KEY"):
        resolve("openai:gpt-5")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-value")
    model = resolve("openai:gpt-5?max_tokens=5")
    assert "sk-secret-value" not in json.dumps(describe(model)) + repr(model)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            "openai:m@http://h/v1?temprature=1",
            "no setting 'temprature'; valid settings: alternate, api, api_key, backoff",
        ),
        ("openai:m@http://h/v1?threads=2", "no setting 'threads'"),
        ("openai:m@http://h/v1?temperature=hot", "openai: temperature"),
        ("openai:m@http://h/v1?temperature", "key=value"),
        ("openai:m@http://h/v1?max_tokens=0", "max_tokens"),
        ("openai:", "names no model"),
        ("openai:@http://h/v1", "names no model"),
        ("transformers:", "names no model"),
        ("transformers:./no/such/folder", "no folder ./no/such/folder"),
        ("transformers:/no/such", "no folder /no/such"),
        ("embedded:other", "one embedded model"),
        ("embedded?colour=red", "no setting 'colour'"),
        ("scripted:", "names no model"),
        ("scripted:missing.json", "cannot read missing.json: No such file"),
        ("gpt-5", "openai:MODEL"),
        ("", "names no model"),
        ("nonsense:model", "openai:MODEL"),
        ("nonsense:model?budget_calls=3", "budget_calls"),
    ],
)
def test_a_wrong_spec_says_what_is_wrong_in_one_sentence(spec: str, says: str) -> None:
    with pytest.raises(BackendSpecError) as caught:
        resolve(spec)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_script_takes_no_settings(script: Path) -> None:
    with pytest.raises(BackendSpecError, match="valid settings: none"):
        resolve(f"scripted:{script}", temperature=0)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(BackendSpecError, match=r"no config\.json"):
        resolve(f"transformers:{tmp_path}")


def test_objects_pass_through() -> None:
    foreign = FakeListChatModel(responses=["a"])
    assert resolve(foreign) is foreign
    with pytest.raises(BackendSpecError, match="ready-made"):
        resolve(foreign, temperature=0)
    assert describe(foreign)["backend"].endswith("FakeListChatModel")
    ours = resolve("openai:m@http://h/v1", temperature=1)
    changed: Any = resolve(ours, max_tokens=3)
    assert changed is not ours
    assert (changed.settings.temperature, changed.settings.max_tokens) == (1, 3)
    assert changed.settings.base_url == "http://h/v1"
    with pytest.raises(BackendSpecError, match="no setting 'speed'"):
        resolve(ours, speed=3)


def test_other_providers_go_to_langchain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_API_VERSION", "1")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "http://localhost/")
    model = resolve("azure_openai:gpt?temperature=0.5")
    assert type(model).__name__ == "AzureChatOpenAI"
    assert describe(model)["temperature"] == 0.5
    with pytest.raises(BackendSpecError, match="no setting 'threads'; valid settings: base_url, max_retries"):
        resolve("azure_openai:gpt?threads=1")
    with pytest.raises(BackendSpecError, match="langchain-groq"):
        resolve("groq:llama")


def test_embedded_settings_reach_the_model() -> None:
    model: Any = resolve("embedded:?temperature=0.7&batch_size=4", max_tokens=9)
    assert model.settings == LocalSettings(temperature=0.7, batch_size=4, max_tokens=9)
    assert describe(model)["temperature"] == 0.7
    assert describe(resolve("embedded"))["max_tokens"] == 512


def test_without_torch_the_message_holds_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sml_agents.backends.specs.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingExtra, match=r"pip install 'sml-agents\[local\]'"):
        resolve("embedded")


def test_resolving_loads_no_torch(script: Path) -> None:
    code = f"""
import sys
from sml_agents.backends import resolve, describe
for spec in ("openai:m@http://h/v1", "scripted:{script}", "embedded"):
    describe(resolve(spec))
assert "torch" not in sys.modules and "transformers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_describe_is_equal_for_equal_scripts(script: Path) -> None:
    same, other = ScriptedModel(replies=["One.", "Two."]), ScriptedModel(replies=["One."])
    assert describe(resolve(f"scripted:{script}")) == describe(same) != describe(other)


def test_a_module_of_ones_own_is_told_how_an_agent_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_agent.py").write_text("graph = None")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BackendSpecError, match=r"An agent of your own is written agent:my_agent:graph\.$"):
        resolve("my_agent:graph")
    with pytest.raises(BackendSpecError) as error:
        resolve("no_such.module:graph")
    assert "agent:" not in str(error.value)
