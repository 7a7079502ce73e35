"""Generation with continuous batching: conversations join and leave a running batch at any step.

A pass of the model costs a small machine nearly as much for one row as for eight, and replies differ in length; so
rows that are finished leave at once and waiting ones take their place. New prompts are computed together where they
are of similar length, and only from where they differ from something computed before.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from transformers.cache_utils import DynamicCache

from sml_agents.backends.kv import Place, PrefixStore, RowCache, can_hold
from sml_agents.backends.sampling import Sampler, choose
from sml_agents.errors import BackendError

__all__ = ["Decoder", "Likelihood", "Row", "SingleDecoder", "decoder_for"]

_TOKENS_AT_ONCE = 2048
"""Most prompt tokens, padding included, in one pass."""


class Likelihood(NamedTuple):
    """Natural logarithms of the model's own probabilities at one place, before temperature and opening bias."""

    sampled: float
    likeliest: tuple[tuple[int, float], ...]
    """Tokens with theirs, from the likeliest on."""


@dataclass(eq=False)
class Row:
    """One conversation under way."""

    prompt_ids: list[int]
    sampler: Sampler
    max_tokens: int
    tag: Any = None
    """Whatever the caller wants to find again."""
    ids: list[int] = field(default_factory=list)
    """Sampled so far; the last one has not been computed yet."""
    computed: int = 0
    """Tokens whose states are in the cache."""
    alternatives: int | None = None
    """How many of the likeliest tokens are kept at each place, with what was sampled; None: no `likelihoods` at all."""
    likelihoods: list[Likelihood] = field(default_factory=list)
    """One for each of `ids`."""

    @property
    def all_ids(self) -> list[int]:
        return self.prompt_ids + self.ids


class Decoder:
    """Runs `model` (a causal language model of transformers) over rows. Not thread-safe: one thread owns it."""

    def __init__(self, model: Any, cache_bytes: int) -> None:
        self.model = model
        self.rows: list[Row] = []
        self.prefixes = PrefixStore(cache_bytes)
        config = model.config.get_text_config()
        self._layers: int = config.num_hidden_layers
        self._layer_types = set(getattr(config, "layer_types", None) or ())
        self._window: int | None = getattr(config, "sliding_window", None)
        self._eager = config._attn_implementation != "sdpa"
        self._cache = RowCache(self._layers)
        self._cache_name = cache_name(model)
        self.computed_tokens = self.reused_tokens = 0
        """Of prompts: for tests and measurements."""

    @torch.inference_mode()
    def add(self, rows: Sequence[Row]) -> None:
        """Compute the prompts of `rows` and sample the first token of each."""
        for group in self._groups(rows):
            first = len(self.rows)
            self.rows.extend(group)
            self._cache.reserve(len(self.rows), max(len(row.prompt_ids) for row in self.rows) + 1)
            for index, row in enumerate(group, start=first):
                states, row.computed = self.prefixes.longest(row.prompt_ids)
                self.reused_tokens += row.computed
                if states is not None:
                    self._cache.load(index, states, row.computed)
            self._prefill(first)

    @torch.inference_mode()
    def step(self) -> None:
        """Sample one more token for each row."""
        logits_BV = self._forward(0, [[row.ids[-1]] for row in self.rows])
        _sample(self.rows, logits_BV)

    @torch.inference_mode()
    def remove(self, row: Row, *, keep: bool = True) -> None:
        """Take `row` out; `keep` its states for the conversation's next turn."""
        index, last = self.rows.index(row), len(self.rows) - 1
        if keep and row.computed and self.prefixes.limit:
            self.prefixes.put(row.all_ids[: row.computed], self._cache.save(index, row.computed))
        if index != last:
            self.rows[index] = self.rows[last]
            self._cache.move(last, index, self.rows[last].computed)
        self.rows.pop()
        if not self.rows:
            self.reset()

    def reset(self) -> None:
        """Drop all rows."""
        self.rows.clear()
        self._cache = RowCache(self._layers)

    def forget(self) -> None:
        """Drop all rows, and the states of earlier conversations."""
        self.reset()
        self.prefixes = PrefixStore(self.prefixes.limit)

    def _groups(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Rows whose new tokens are of similar number, so that little is padded away.

        A prompt that begins like one just before it waits for that one's states: samples of one task share them.
        """
        waiting = list(rows)
        while waiting:
            waiting.sort(key=lambda row: len(row.prompt_ids) - self.prefixes.longest(row.prompt_ids)[1])
            group: list[Row] = []
            longest = 0
            for row in list(waiting):
                new = len(row.prompt_ids) - self.prefixes.longest(row.prompt_ids)[1]
                similar = not group or (new <= 1.5 * longest + 8 and new * (len(group) + 1) <= _TOKENS_AT_ONCE)
                twin = self.prefixes.limit and any(_alike(row.prompt_ids, other.prompt_ids) for other in group)
                if similar and not (twin and new > 16):
                    group.append(row)
                    longest = max(longest, new)
                    waiting.remove(row)
            yield group

    def _prefill(self, first: int) -> None:
        group = self.rows[first:]
        while True:
            # Right-aligned, so that every row's last token is in the last column; long prompts go in several passes.
            new = [row.prompt_ids[row.computed :] for row in group]
            size = max(1, _TOKENS_AT_ONCE // len(group))
            if max(map(len, new)) <= size:
                break
            self._forward(first, [ids[: min(size, len(ids) - 1)] for ids in new])
        self.computed_tokens += sum(map(len, new))
        logits_BV = self._forward(first, new)
        if self.prefixes.limit:
            for index, row in enumerate(group, start=first):
                if not self.prefixes.has(row.prompt_ids):
                    self.prefixes.put(row.prompt_ids, self._cache.save(index, row.computed))
        _sample(group, logits_BV)

    def _forward(self, first: int, tokens: list[list[int]]) -> torch.Tensor:
        """One pass over the rows from `first` on; returns the logits after the last token of each, (B, V)."""
        rows = self.rows[first : first + len(tokens)]
        device = self.model.device
        width = max(map(len, tokens))
        starts_B = torch.tensor([row.computed for row in rows])
        pads_B = torch.tensor([width - len(ids) for ids in tokens])
        input_BS = torch.tensor([[0] * (width - len(ids)) + ids for ids in tokens])
        positions_BS = starts_B[:, None] + torch.arange(width) - pads_B[:, None]
        batch_N, columns_N = (positions_BS >= starts_B[:, None]).nonzero(as_tuple=True)
        slots_N = positions_BS[batch_N, columns_N]
        length = int(slots_N.max()) + 1
        self._cache.reserve(first + len(rows), length)
        self._cache.place = Place(
            first=first,
            last=first + len(rows),
            length=length,
            rows=(batch_N + first).to(device),
            batch=batch_N.to(device),
            columns=columns_N.to(device),
            slots=slots_N.to(device),
        )
        positions_BS = positions_BS.clamp(min=0).to(device)
        output = self.model(
            input_ids=input_BS.to(device),
            attention_mask=self._mask(positions_BS, length),
            position_ids=positions_BS,
            use_cache=True,
            **{self._cache_name: self._cache},
            logits_to_keep=1,
        )
        for row, ids in zip(rows, tokens, strict=True):
            row.computed += len(ids)
        logits_BV: torch.Tensor = output.logits[:, -1].float()
        return logits_BV

    def _mask(self, positions_BS: torch.Tensor, length: int) -> Any:
        """Which slots each token sees, (B, 1, S, length), in the form this model wants it."""
        slots_L = torch.arange(length, device=positions_BS.device)
        behind_BSL = positions_BS[:, :, None] - slots_L
        full = self._formed(behind_BSL >= 0)
        if self._window is None or (self._layer_types and "sliding_attention" not in self._layer_types):
            return full
        near = self._formed((behind_BSL >= 0) & (behind_BSL < self._window))
        if not self._layer_types:
            return near
        return {"full_attention": full, "sliding_attention": near}

    def _formed(self, seen_BSL: torch.Tensor) -> torch.Tensor:
        seen_B1SL = seen_BSL[:, None]
        if not self._eager:
            return seen_B1SL
        zeros = torch.zeros(seen_B1SL.shape, dtype=self.model.dtype, device=seen_B1SL.device)
        return zeros.masked_fill(~seen_B1SL, torch.finfo(self.model.dtype).min)


def _sample(rows: Sequence[Row], logits_BV: torch.Tensor) -> None:
    """Append a token to each row."""
    if not torch.isfinite(logits_BV.amax(dim=-1)).all():
        raise BackendError("The model computed values that are not numbers; try dtype=float32.")
    told = [index for index, row in enumerate(rows) if row.alternatives is not None]
    logprobs_RV = logits_BV[told].log_softmax(dim=-1) if told else None  # a copy: the opening changes the logits
    for index, row in enumerate(rows):
        opening = row.sampler.opening
        if opening and int(logits_BV[index].argmax()) in opening and opening.keys().isdisjoint(row.ids):
            for token, bias in opening.items():
                logits_BV[index, token] += bias
            decided = logits_BV[index].argmax()
            logits_BV[index] = -torch.inf  # at any temperature: the kind of a turn is not left to chance
            logits_BV[index, decided] = 0.0
    for row, token in zip(rows, choose(logits_BV, [row.sampler for row in rows]), strict=True):
        row.ids.append(token)
    if logprobs_RV is not None:
        for index, logprobs_V in zip(told, logprobs_RV, strict=True):
            row = rows[index]
            likeliest = logprobs_V.topk(min(row.alternatives or 0, len(logprobs_V)))
            pairs = tuple(zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True))
            row.likelihoods.append(Likelihood(float(logprobs_V[row.ids[-1]]), pairs))


def cache_name(model: Any) -> str:
    """What transformers calls a model's cache: `cache` from 5.24 on, `past_key_values` before."""
    inner = model.get_base_model() if hasattr(model, "peft_config") else model
    return "cache" if "cache" in inspect.signature(inner.forward).parameters else "past_key_values"


def _alike(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two prompts share most of their beginning."""
    shared = min(len(a), len(b)) * 3 // 4
    return shared > 0 and a[:shared] == b[:shared]


class SingleDecoder:
    """The same for models whose layers keep something else than keys and values: one row at a time, nothing kept."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.rows: list[Row] = []
        self._caches: dict[int, DynamicCache] = {}
        self._cache_name = cache_name(model)

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.rows.append(row)
            self._caches[id(row)] = DynamicCache(config=self.model.config)
            self._advance(row, row.prompt_ids)

    def step(self) -> None:
        for row in self.rows:
            self._advance(row, [row.ids[-1]])

    def remove(self, row: Row, *, keep: bool = True) -> None:
        self.rows.remove(row)
        del self._caches[id(row)]

    def reset(self) -> None:
        self.rows.clear()
        self._caches.clear()

    forget = reset

    @torch.inference_mode()
    def _advance(self, row: Row, tokens: list[int]) -> None:
        input_1S = torch.tensor([tokens], device=self.model.device)
        output = self.model(input_ids=input_1S, use_cache=True, **{self._cache_name: self._caches[id(row)]})
        row.computed += len(tokens)
        _sample([row], output.logits[:, -1].float())


def decoder_for(model: Any, cache_bytes: int) -> Decoder | SingleDecoder:
    """The fast decoder if `model` agrees with it on a small example, else the general one."""
    if can_hold(model.config):
        decoder = Decoder(model, cache_bytes)
        prompts = [[3, 5, 7, 4], [6, 4], [3, 5, 7, 4, 5, 6, 7]]
        try:
            decoder.add([Row(ids, Sampler(), 1) for ids in prompts])
            decoder.step()
            got = {tuple(row.prompt_ids): row.ids for row in decoder.rows}
        except (TypeError, ValueError, RuntimeError, KeyError, IndexError, AttributeError, AssertionError):
            got = {}
        decoder.reset()
        if all(_would_say(model, ids, got.get(tuple(ids), ())) for ids in prompts):
            return Decoder(model, cache_bytes)
    return SingleDecoder(model)


@torch.inference_mode()
def _would_say(model: Any, ids: list[int], said: Sequence[int]) -> bool:
    """Whether each token of `said` is the likeliest after `ids` and those before it, computed without any cache.

    Two tokens may be as likely but for rounding, in bfloat16 more often than not: either is right.
    """
    ids = list(ids)
    for token in said:
        logits_V = model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0, -1]
        best = float(logits_V.max())
        if best - float(logits_V[token]) > 2 * torch.finfo(logits_V.dtype).eps * abs(best):
            return False
        ids.append(token)
    return bool(said)
