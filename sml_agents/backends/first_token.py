"""What a model is about to do, read off the probabilities of the token that opens its reply.

That is the first one, and nothing is generated; of a model that thinks before it speaks, the one after its thought.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sml_agents.backends.decision import Decision

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from sml_agents.backends.local import TransformersChatModel

__all__ = ["Kinds", "Opening", "first_tokens", "kinds_of", "openings_of"]

_ASKING = ("Question", "How", "What", "Which", "Who", "When", "Where", "Could", "Can", "Do", "Does", "Is", "Are")
_ANSWERING = ("Answer", "The", "So", "To", "We", *map(str, range(10)))
_ROWS = 48
_LONGEST_THOUGHT = 128
"""Tokens; what has not opened after so many is read at its first token."""


class Kinds(NamedTuple):
    """The tokens with which a turn of each kind opens."""

    ask: tuple[int, ...]
    answer: tuple[int, ...]


class Opening(NamedTuple):
    """How a model would open its reply to one conversation."""

    ask: float
    """Probability of the tokens that open a question."""
    answer: float
    """Probability of the tokens that open an answer."""
    likeliest: int
    """The token that greedy decoding takes."""

    @property
    def share(self) -> float:
        """Probability of asking, of the two kinds' together; one half where neither has any."""
        return self.ask / (self.ask + self.answer) if self.ask + self.answer > 0 else 0.5


def kinds_of(tokenizer: Any, decision: Decision | None = None) -> Kinds:
    """The tokens of `decision`, or else those of the words with which questions and answers usually open."""
    if decision is not None:
        return Kinds((decision.ask,), (decision.answer,))

    def firsts(words: Sequence[str]) -> tuple[int, ...]:
        encoded = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
        return tuple(dict.fromkeys(ids[0] for ids in encoded if ids))

    ask, answer = firsts(_ASKING), firsts(_ANSWERING)
    return Kinds(tuple(token for token in ask if token not in answer), answer)


def openings_of(
    backend: TransformersChatModel, conversations: Sequence[Sequence[BaseMessage]], kinds: Kinds | None = None
) -> tuple[list[Opening], Kinds]:
    """How the model behind `backend` would open its reply to each of `conversations`.

    The weights are loaded once more, for this call alone. `kinds` as in `first_tokens`; None takes `kinds_of`.
    """
    from sml_agents.backends.loading import load_model

    model, tokenizer = load_model(type(backend)._place(backend.model), backend.model, backend.settings)
    decision = Decision.read(backend.model) if Path(backend.model).is_dir() else None
    kinds = kinds or kinds_of(tokenizer, decision)
    return first_tokens(model, tokenizer, conversations, kinds, thinks=decision is not None), kinds


def first_tokens(
    model: Any, tokenizer: Any, conversations: Sequence[Sequence[BaseMessage]], kinds: Kinds, *, thinks: bool = False
) -> list[Opening]:
    """The same for a model in hand, such as one that is being trained; it is left in the mode that it was in.

    With `thinks` it may say something, by greedy choice, before one of the `kinds` is the likeliest token.
    """
    import torch

    from sml_agents.backends.chat_format import ChatFormat
    from sml_agents.backends.text import to_openai

    form = ChatFormat(tokenizer, "the model")
    prompts = [form.encode(to_openai(list(messages))) for messages in conversations]
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    found: dict[int, Opening] = {}
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for start in range(0, len(order), _ROWS):
                places = order[start : start + _ROWS]
                if thinks:
                    thoughts = _thoughts(model, [prompts[place] for place in places], kinds)
                    for place, thought in zip(places, thoughts, strict=True):
                        prompts[place] = [*prompts[place], *thought]
                ids_BS, mask_BS = _padded([prompts[place] for place in places])
                logits_BV = model(
                    input_ids=ids_BS.to(model.device),
                    attention_mask=mask_BS.to(model.device),
                    position_ids=(mask_BS.cumsum(dim=1) - 1).clamp(min=0).to(model.device),
                    logits_to_keep=1,
                ).logits[:, -1]
                probs_BV = logits_BV.float().softmax(dim=-1)
                asks_B = probs_BV[:, list(kinds.ask)].sum(dim=-1).tolist()
                answers_B = probs_BV[:, list(kinds.answer)].sum(dim=-1).tolist()
                likeliest_B = probs_BV.argmax(dim=-1).tolist()
                for row in zip(places, asks_B, answers_B, likeliest_B, strict=True):
                    found[row[0]] = Opening(*row[1:])
    finally:
        model.train(training)
    return [found[place] for place in range(len(prompts))]


def _thoughts(model: Any, prompts: Sequence[Sequence[int]], kinds: Kinds) -> list[list[int]]:
    """What the model says to each prompt before it opens a question or an answer; nothing where it never does."""
    from transformers import GenerationConfig, StoppingCriteriaList

    openings = {*kinds.ask, *kinds.answer}
    ids_BS, mask_BS = _padded(prompts)
    given = ids_BS.shape[1]

    def opened(ids_BS: Any, _: Any, **more: Any) -> Any:
        return ids_BS.new_tensor([not openings.isdisjoint(row[given:]) for row in ids_BS.tolist()]).bool()

    config = GenerationConfig(
        max_new_tokens=_LONGEST_THOUGHT,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=model.generation_config.eos_token_id,
    )
    made = model.generate(
        input_ids=ids_BS.to(model.device),
        attention_mask=mask_BS.to(model.device),
        generation_config=config,
        stopping_criteria=StoppingCriteriaList([opened]),
    )
    thoughts = []
    for row in made[:, given:].tolist():
        at = next((at for at, token in enumerate(row) if token in openings), 0)
        thoughts.append(row[:at])
    return thoughts


def _padded(prompts: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Token ids, padded on the left, and where they are real."""
    import torch

    width = max(map(len, prompts))
    ids_BS = torch.tensor([[0] * (width - len(prompt)) + [*prompt] for prompt in prompts])
    mask_BS = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids_BS, mask_BS
