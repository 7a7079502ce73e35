"""vLLM as TRL's own client speaks to it: a stand-in for the server, and for the engine in the same process.

All that is not TRL's own code here is what needs a GPU: the engine, and NCCL, by which weights travel.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trl.generation import vllm_client, vllm_generation

from sml_agents.traces import TraceStore
from sml_agents.training import GRPOSettings, train_grpo
from sml_agents.training.trainers.generator import TrlGenerator


class Server:
    """What a `vllm serve` with a weight-transfer engine answers; samples among three replies."""

    def __init__(self, replies: list[list[int]], *, transfers: bool = True) -> None:
        self.replies = replies
        self.transfers = transfers
        self.log: list[tuple[str, Any]] = []
        self.weights: list[dict[str, torch.Tensor]] = []
        here = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self.answer(None)

            def do_POST(self) -> None:
                self.answer(json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null"))

            def answer(self, asked: Any) -> None:
                path = self.path.partition("?")[0]
                here.log.append((path, asked))
                data = json.dumps(here.reply(path, asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def reply(self, path: str, asked: Any) -> Any:
        if path == "/v1/models":
            return {"data": [{"id": "served"}]}
        if path == "/server_info":
            transfer = {"backend": "nccl"} if self.transfers else None
            about = {"weight_transfer_config": transfer, "model_config": {"logprobs_mode": "processed_logprobs"}}
            return {"vllm_config": about}
        if path == "/get_world_size":
            return {"world_size": 1}
        if path == "/v1/completions":
            count = sum(len(one["prompt"]) for at, one in self.log[:-1] if at == path)
            return {"choices": [self.choice(prompt, count + at) for at, prompt in enumerate(asked["prompt"])]}
        return {}

    def choice(self, prompt: list[int], number: int) -> dict[str, Any]:
        ids = self.replies[number * number % len(self.replies)]
        tokens = [f"token_id:{id}" for id in ids]
        logprobs = {"tokens": tokens, "token_logprobs": [-0.4] * len(ids), "top_logprobs": [None] * len(ids)}
        return {"prompt_token_ids": prompt, "token_ids": ids, "logprobs": logprobs}

    def count(self, path: str) -> int:
        return sum(at == path for at, _ in self.log)


@pytest.fixture
def server(guesser: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(guesser)
    said = ("The answer is 4.", "The answer is 5.", "What is two?")
    stand_in = Server([tokenizer(f"{text}<|im_end|>", add_special_tokens=False)["input_ids"] for text in said])

    class Nccl:
        """Weights go straight to the stand-in."""

        @staticmethod
        def trainer_send_weights(iterator: Any, trainer_args: Any) -> None:
            stand_in.weights.append({name: weight.clone() for name, weight in iterator})

    def joined(self: Any, device: Any = 0) -> None:
        self.communicator = None
        assert self.get_server_info()["weight_transfer_config"] is not None

    for module in (vllm_client, vllm_generation):
        monkeypatch.setattr(module, "is_vllm_available", lambda **_: True)
    monkeypatch.setattr(vllm_client, "NCCLWeightTransferEngine", Nccl, raising=False)
    monkeypatch.setattr(vllm_client, "NCCLTrainerSendWeightsArgs", SimpleNamespace, raising=False)
    monkeypatch.setattr(vllm_client.VLLMClient, "init_communicator", joined)
    yield stand_in
    stand_in.close()


def test_a_step_pushes_its_weights_once(server: Server, guesser: Path, problems: str, tmp_path: Path) -> None:
    steps = 3
    trl = {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": server.url}
    settings = GRPOSettings(
        model=str(guesser),
        tasks=(problems,),
        generator="trl",
        max_turns=3,
        max_tokens=8,
        group=4,
        batch_size=8,
        max_steps=steps,
        learning_rate=1e-2,
        warmup=0.0,
        precision="fp32",
        device="cpu",
        trl=trl,
    )
    result = train_grpo(settings, tmp_path / "out")
    assert server.count("/start_weight_update") == server.count("/finish_weight_update") == steps
    assert server.count("/update_weights") == server.count("/reset_prefix_cache") == len(server.weights) == steps
    announced = [asked["update_info"]["names"] for path, asked in server.log if path == "/update_weights"]
    assert announced == [list(pushed) for pushed in server.weights]
    from safetensors.torch import load_file

    start, end = (load_file(folder / "model.safetensors") for folder in (guesser, tmp_path / "out"))
    assert all(torch.equal(server.weights[0][name], start[name]) for name in start), "the first step samples from these"
    moved = [name for name in start if not torch.equal(server.weights[1][name], start[name])]
    assert moved and any(not torch.equal(server.weights[-1][name], end[name]) for name in moved)
    rounds = [asked for path, asked in server.log if path == "/v1/completions"]
    assert all(asked["return_token_ids"] and isinstance(asked["prompt"][0][0], int) for asked in rounds)
    assert {asked["max_tokens"] for asked in rounds} == {8}
    with TraceStore.open(tmp_path / "out" / "dialogues.sqlite") as store:
        calls = [turn.call for trace in store.traces() for turn in trace.student_turns if turn.call]
    assert len(calls) == sum(len(asked["prompt"]) for asked in rounds) > len(rounds), "a round asks for many turns"
    assert all(call.logprobs == (-0.4,) * len(call.completion_ids or ()) for call in calls)
    ratios = [point["sampling/importance_sampling_ratio/mean"] for point in result.curve]
    assert all(0 < ratio < 10 for ratio in ratios), "TRL corrects by what the server said"


@pytest.mark.parametrize("turns", [1, 3, 5])
def test_one_that_sleeps_is_woken_once_a_step(tiny_model: Path, monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    from transformers import AutoTokenizer

    happened: list[str] = []

    class Engine:
        """A colocated vLLM: asleep it has no weights, and generates nothing."""

        awake: set[str]

        def __init__(self) -> None:
            self.awake = set()
            model = SimpleNamespace(load_weights=self.load)
            runner = SimpleNamespace(model_runner=SimpleNamespace(model=model))
            self.llm_engine = SimpleNamespace(model_executor=SimpleNamespace(driver_worker=runner))

        def load(self, pairs: Any) -> None:
            assert "weights" in self.awake
            happened.append("push")

        def wake_up(self, tags: list[str]) -> None:
            self.awake |= set(tags)

        def sleep(self, level: int) -> None:
            happened.append("sleep")
            self.awake = set()

        def reset_prefix_cache(self) -> None:
            pass

        def generate(self, prompts: Any, **_: Any) -> Any:
            assert self.awake == {"weights", "kv_cache"}
            happened.append("generate")
            said = SimpleNamespace(token_ids=[7], logprobs=[{7: SimpleNamespace(rank=1, logprob=-0.5)}])
            return [SimpleNamespace(prompt_token_ids=one["prompt_token_ids"], outputs=[said]) for one in prompts]

    monkeypatch.setattr(vllm_generation, "SamplingParams", SimpleNamespace, raising=False)
    monkeypatch.setattr(vllm_generation, "empty_cache", lambda: None)
    vllm: Any = vllm_generation.VLLMGeneration.__new__(vllm_generation.VLLMGeneration)
    vllm.__dict__.update(
        llm=Engine(), mode="colocate", enable_sleep_mode=True, _llm_weights_sleeping=True, accelerator=None,
        model=torch.nn.Linear(1, 1),
        temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0, max_completion_length=4, logprobs=0,
        generation_kwargs={}, structured_outputs_regex=None, tensor_parallel_size=1,
        _iter_named_params=lambda: iter([("weight", torch.zeros(1))]),
    )  # fmt: skip
    generator = TrlGenerator(SimpleNamespace(vllm_generation=vllm), AutoTokenizer.from_pretrained(tiny_model))
    for _ in range(3):
        vllm.sync_weights()  # as TRL does where a step's dialogues begin
        generator.refresh()
        for _ in range(turns):
            _, ids, logprobs, _ = vllm.generate([[1, 2]], None, 1)
            assert (ids, logprobs) == ([[7]], [[[-0.5]]])
        generator.rest()
        generator.rest()
    assert happened == ["push", *["generate"] * turns, "sleep"] * 3
    assert vllm.enable_sleep_mode and vllm._llm_weights_sleeping
    generator.refresh()
    assert happened[-1] == "push", "weights that sleep are pushed before anything is generated"
