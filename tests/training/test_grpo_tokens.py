"""What GRPO trains on is what was sampled: ids, masks, rewards, and the gradient itself."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sml_agents.backends.chat_format import ChatFormat
from sml_agents.backends.settings import LocalSettings
from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.errors import TrainingError
from sml_agents.roles import ChatStudent, OracleTeacher
from sml_agents.tasks import load_tasks
from sml_agents.training.online.curriculum import TaskOrder
from sml_agents.training.online.policy import PolicyChatModel, PolicyEngine
from sml_agents.training.online.rewards import dialogue_reward, turn_advantages, turn_returns, turn_rewards
from sml_agents.training.online.rollouts import Rollouts
from sml_agents.training.online.trajectories import Trajectory, trajectory_of
from sml_agents.training.settings import GRPOSettings
from sml_agents.types import Act, Call, Fact, Form, Outcome, Private, Role, StopReason, Task, Trace, Turn, Verdict
from tests.models import small_config
from tests.training.templates import dressed

FAMILIES = ["chatml", "llama3", "qwen2_5", "gemma", "mistral", "qwen3_thinking"]


def trace_of(
    acts: list[Act | bool],
    *,
    form: Form = Form.FULL,
    stop: StopReason = StopReason.MAX_TURNS,
    reveal_at: int | None = None,
    leak_at: int | None = None,
) -> Trace:
    """A dialogue of student turns: an act, or an attempt that is right or wrong. Ids count up from 10."""
    facts = (Fact(name="price", statement="A pen costs 2."),)
    task = Task(id="t", family="f", form=form, prompt="p", private=Private(answer="4", facts=facts))
    turns = [Turn(role=Role.TEACHER, text="p")]
    ids = [10, 11]
    solved = None if stop is StopReason.FAILED else False
    for number, act in enumerate(acts, start=1):
        verdict = None
        if isinstance(act, bool):
            verdict = Verdict(outcome=Outcome.CORRECT if act else Outcome.INCORRECT)
            solved = solved or act
        kind = Act.ANSWER_ATTEMPT if isinstance(act, bool) else act
        text = "How much does a pen cost?" if kind is Act.CLARIFICATION else "s"
        said = tuple(range(len(ids) + 10, len(ids) + 10 + 2 + number))
        turns.append(
            Turn(
                role=Role.STUDENT,
                text=text,
                act=kind,
                verdict=verdict,
                call=Call(prompt_ids=tuple(ids), completion_ids=said),
            )
        )
        ids += said
        if number < len(acts):
            reveals = ("price",) if reveal_at == number else ()
            turns.append(
                Turn(role=Role.TEACHER, text="t", reveals=reveals, leak="verbatim" if leak_at == number else None)
            )
            ids += range(len(ids) + 10, len(ids) + 13)
    stop = StopReason.SOLVED if solved else stop
    return Trace(id=f"d{len(acts)}", task=task, turns=tuple(turns), stop=stop, solved=solved)


@pytest.fixture(scope="module")
def formats(embedded_model: Path) -> dict[str, ChatFormat]:
    return {family: ChatFormat(dressed(embedded_model, family), family) for family in FAMILIES}


class TestConversationsContinuedByIds:
    @pytest.mark.parametrize("family", FAMILIES)
    @given(
        said=st.lists(
            st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=12), min_size=1, max_size=3
        ),
        cut=st.booleans(),
    )
    @settings(max_examples=12, deadline=None)
    def test_the_text_is_the_templates_and_the_ids_stay(
        self, formats: dict[str, ChatFormat], family: str, said: list[str], cut: bool
    ) -> None:
        writer = formats[family]
        end = writer.tokenizer.encode(_end_of(writer), add_special_tokens=False)
        messages = [{"role": "user", "content": "Solve it."}]
        ids = writer.encode(messages)
        for text in said:
            text = text.strip() or "x"
            lead = " " if family == "mistral" else ""  # its generation prompt ends before a space
            sampled = writer.tokenizer(lead + text, add_special_tokens=False)["input_ids"]
            before = [*ids, *sampled, *([] if cut else end)]
            messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "No. <|im_end|> Again."}]
            ids = writer.encode_after(before, messages)
            assert ids[: len(before)] == before
        assert writer.tokenizer.decode(ids) == writer.tokenizer.decode(writer.encode(messages))


def _end_of(writer: ChatFormat) -> str:
    from tests.training.templates import END_OF_TURN

    return END_OF_TURN[writer.name]


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_trained_on_are_the_ids_sampled(embedded_model: Path, family: str) -> None:
    """Real dialogues in which eight students, all at once, say what random weights say: ragged, cut and empty turns."""
    from transformers import LlamaForCausalLM

    tokenizer = dressed(embedded_model, family)
    torch.manual_seed(1)
    config = small_config(
        tokenizer, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, pad_token_id=0
    )
    model: Any = LlamaForCausalLM(config).eval()
    # Ends at once about one time in four.
    model.lm_head = torch.nn.Linear(16, len(tokenizer))
    with torch.no_grad():
        model.lm_head.bias[tokenizer.eos_token_id] = math.log(len(tokenizer) / 3)
    sampling = LocalSettings(temperature=1.0, max_tokens=4, batch_size=8)
    engine = PolicyEngine(model, tokenizer, sampling, bf16=False)
    student = ChatStudent(PolicyChatModel.over(engine, "m", sampling), verbatim=True)
    tasks = load_tasks("arithmetic?form=paired&n=2")
    cast = Cast(student, OracleTeacher(), DialogueSettings(max_turns=3))
    rollouts = Rollouts(TaskOrder(tasks, 0, curriculum=False), cast, group=2, concurrency=8, filler=0)
    try:
        trajectories = rollouts.run(0, 8)
    finally:
        rollouts.close()
        engine.stop()
    lengths = {
        len((turn.call or Call()).completion_ids or ())
        for trajectory in trajectories
        for turn in trajectory.trace.student_turns
    }
    assert {1, 4} <= lengths
    assert len({len(trajectory.completion_ids) for trajectory in trajectories}) > 1
    for trajectory in trajectories:
        assert len(trajectory.mask) == len(trajectory.turn_of) == len(trajectory.completion_ids)
        assert trajectory.trace.stop is StopReason.MAX_TURNS
        text = tokenizer.decode(trajectory.prompt_ids)
        assert trajectory.trace.task.prompt[-30:] in text
        students = trajectory.trace.student_turns
        for number, turn in enumerate(students, start=1):
            kept = [id for id, of in zip(trajectory.completion_ids, trajectory.turn_of, strict=True) if of == number]
            assert turn.call is not None and tuple(kept) == turn.call.completion_ids
        between = tokenizer.decode(
            [id for id, of in zip(trajectory.completion_ids, trajectory.turn_of, strict=True) if not of]
        )
        for turn in trajectory.trace.turns[1:]:
            if turn.role is Role.TEACHER:
                assert turn.text in between


def test_prompts_that_do_not_continue_are_refused() -> None:
    trace = trace_of([False, True])
    turns = list(trace.turns)
    turns[3] = turns[3].model_copy(update={"call": Call(prompt_ids=(10, 11, 99), completion_ids=(12,))})
    with pytest.raises(TrainingError, match="does not continue the ids before it"):
        trajectory_of(trace.model_copy(update={"turns": tuple(turns)}), 0)
    turns[3] = turns[3].model_copy(update={"call": None})
    with pytest.raises(TrainingError, match="has no token ids"):
        trajectory_of(trace.model_copy(update={"turns": tuple(turns)}), 0)


class TestRewards:
    @pytest.mark.parametrize("k", [1, 2, 3])
    def test_success_is_discounted_by_turns_taken(self, k: int) -> None:
        trace = trace_of([False] * (k - 1) + [True])
        assert dialogue_reward(trace, "success", 0.7) == pytest.approx(0.7 ** (k - 1))
        assert turn_returns(turn_rewards(trace, {"success": 1.0}), 0.7) == pytest.approx(
            [0.7 ** (k - j) for j in range(1, k + 1)]
        )

    def test_no_success_is_nothing_and_no_score_is_none(self) -> None:
        assert dialogue_reward(trace_of([False, False]), "success", 0.7) == 0
        assert dialogue_reward(trace_of([], stop=StopReason.FAILED), "success", 0.7) is None

    def test_needless_questions(self) -> None:
        ask = Act.CLARIFICATION
        weigh = {"success": 1.0, "needless_question": 0.1}
        assert turn_rewards(trace_of([ask, True]), weigh) == [-0.1, 1.0]
        missing = trace_of([ask, ask, True], form=Form.UNDERSPECIFIED, reveal_at=1)
        assert turn_rewards(missing, weigh) == [0.0, -0.1, 1.0]

    def test_a_leak_is_paid_for_by_the_turn_before_it(self) -> None:
        assert turn_rewards(trace_of([False, True], leak_at=1), {"success": 1.0, "leak": 0.5}) == [-0.5, 1.0]


@pytest.mark.parametrize("curriculum", [False, True])
def test_an_epoch_sees_every_task_once(curriculum: bool) -> None:
    tasks = load_tasks("lists?n=12")
    order = TaskOrder(tasks, 3, curriculum=curriculum)
    first = [task.id for task in order.next(12)]
    assert sorted(first) == sorted(task.id for task in tasks)
    again = TaskOrder(tasks, 3, curriculum=curriculum)
    assert [task.id for _ in range(4) for task in again.next(3)][: 3 if curriculum else 12] == first[
        : 3 if curriculum else 12
    ]


def test_the_curriculum_prefers_tasks_that_are_sometimes_solved() -> None:
    tasks = load_tasks("lists?n=30")
    order = TaskOrder(tasks, 0, curriculum=True)
    for number, task in enumerate(tasks):
        for _ in range(3):
            order.record(task, {0: 0, 1: 8, 2: 4}[number % 3], 8)
    drawn = [tasks.index(task) % 3 for _ in range(60) for task in order.next(3)]
    assert drawn.count(2) > 120
    assert drawn.count(0) > 0
    restored = TaskOrder(tasks, 0, curriculum=True)
    restored.restore(order.state())
    assert [task.id for task in restored.next(5)] == [task.id for task in order.next(5)]


# --- the gradient -----------------------------------------------------------------------------------------------------

GAMMA = 0.7
GROUPS = [
    [trace_of([True]), trace_of([False, True]), trace_of([False, False, False]), trace_of([False, False, True])],
    [trace_of([False, True]), trace_of([False, True]), trace_of([False, True]), trace_of([False, True])],
    [trace_of([True]), trace_of([], stop=StopReason.FAILED), trace_of([False]), trace_of([False, False])],
]
REWARDS = [[1.0, 0.7, 0.0, 0.49], [0.7] * 4, [1.0, None, 0.0, 0.0]]


def by_hand(credit: str) -> list[list[float]]:
    """The advantage of each turn of each dialogue, written out."""
    found: list[list[float]] = []
    for traces, rewards in zip(GROUPS, REWARDS, strict=True):
        scored = [reward for reward in rewards if reward is not None]
        mean = sum(scored) / len(scored)
        deviation = (sum((reward - mean) ** 2 for reward in scored) / (len(scored) - 1)) ** 0.5
        for trace, reward in zip(traces, rewards, strict=True):
            turns = len(trace.student_turns)
            if reward is None or deviation == 0:
                found.append([0.0] * turns)
            elif credit == "dialogue":
                found.append([(reward - mean) / (deviation + 1e-4)] * turns)
            else:
                own = [reward / GAMMA**j for j in range(turns)]
                found.append([(own[j] - mean / GAMMA**j) / (deviation + 1e-4) for j in range(turns)])
    return found


@pytest.mark.parametrize(("loss_type", "temperature"), [("dapo", 1.0), ("grpo", 1.0), ("dapo", 0.5)])
@pytest.mark.parametrize("credit", ["dialogue", "turn"])
def test_the_gradient_is_the_one_written_by_hand(
    tiny_model: Path, tmp_path: Path, credit: str, loss_type: str, temperature: float
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl.trainer.grpo_config import GRPOConfig

    from sml_agents.training.runtime import known_warnings
    from sml_agents.training.trainers.grpo import DialogueGRPOTrainer

    trajectories = [trajectory_of(trace, 0) for group in GROUPS for trace in group]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    reference: Any = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    seen: dict[str, Any] = {}

    class Look(TrainerCallback):
        def on_pre_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
            seen["gradient"] = {name: value.grad.clone() for name, value in model.named_parameters()}

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if "loss" in logs:
                seen["loss"] = float(logs["loss"])

    class Given:
        group, order = 4, SimpleNamespace(record=lambda *_: None)

        def run(self, *args: Any, **kwargs: Any) -> list[Trajectory]:
            return trajectories

        def close(self) -> None: ...

    arguments = GRPOConfig(
        str(tmp_path),
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=3,
        gradient_accumulation_steps=4,
        num_generations=4,
        max_steps=1,
        max_grad_norm=1e9,
        loss_type=loss_type,
        temperature=temperature,
        activation_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
    )
    notes: dict[str, Any] = {}
    with known_warnings():
        trainer = DialogueGRPOTrainer(
            model=model,
            args=arguments,
            processing_class=tokenizer,
            callbacks=[Look()],
            settings=GRPOSettings(model="m", tasks=("t",), credit=credit, batch_size=12, gamma=GAMMA),  # type: ignore[arg-type]
            tasks=3,
            make_rollouts=lambda *_: Given(),  # type: ignore[arg-type, return-value]
            bf16_copy=False,
            notes=notes,
        )
        scored: list[torch.Tensor] = []
        score = trainer._generate_and_score_completions

        def scoring(inputs: Any) -> Any:
            output = score(inputs)
            scored.append(output["advantages"])
            return output

        trainer._generate_and_score_completions = scoring  # type: ignore[method-assign]
        trainer.train()

    advantages = by_hand(credit)
    given = scored[0] if scored[0].dim() == 2 else scored[0][:, None].expand(-1, 99)
    for row, (trajectory, expected) in enumerate(zip(trajectories, advantages, strict=True)):
        for at, turn in enumerate(trajectory.turn_of):
            if turn:
                assert float(given[row, at]) == pytest.approx(expected[turn - 1], abs=1e-5)
    total = sum(sum(trajectory.mask) for trajectory in trajectories)
    terms: list[tuple[torch.Tensor, int]] = []
    loss: Any
    for trajectory, expected in zip(trajectories, advantages, strict=True):
        ids = torch.tensor([trajectory.prompt_ids + trajectory.completion_ids])
        logits = reference(input_ids=ids).logits[0, len(trajectory.prompt_ids) - 1 : -1] / temperature
        log_probs = logits.log_softmax(-1).gather(1, torch.tensor(trajectory.completion_ids)[:, None])[:, 0]
        of = [expected[turn - 1] if turn else 0.0 for turn in trajectory.turn_of]
        weighted = (log_probs - log_probs.detach()).exp() * torch.tensor(of)
        terms.append((weighted.sum(), max(1, sum(trajectory.mask))))
    if loss_type == "dapo":  # every token of the step counts the same
        loss = -sum(term for term, _ in terms) / total
    else:  # every dialogue counts the same
        loss = -sum(term / length for term, length in terms) / len(terms)
    loss.backward()
    assert seen["loss"] == pytest.approx(loss.item(), abs=1e-4)  # the log is rounded
    for name, parameter in reference.named_parameters():
        difference = (parameter.grad - seen["gradient"][name]).abs().max()
        assert float(difference) < 1e-5, name
    largest = max(float(parameter.grad.abs().max()) for parameter in reference.parameters())
    assert largest > 1e-3
    assert (notes["groups"], notes["flat_groups"]) == (3, 1)


def test_turns_of_a_flat_group_get_nothing() -> None:
    assert turn_advantages([[0.7, 1.0], [0.7, 1.0]], 0.7) == [[0.0, 0.0], [0.0, 0.0]]
    assert turn_advantages([None, None], 0.7) == [[], []]
