"""Reading the asker: P(missing) of each required argument, and which tool serves a request."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sml_agents.asker.likeness import shares
from sml_agents.asker.prompt import MISSING, NO_TOOL, Argument, Said, ToolView, branch, choice, conversation, opening
from sml_agents.asker.trees import Tree
from sml_agents.backends.memory import give_back_freed_memory
from sml_agents.backends.threads import available_cpus
from sml_agents.errors import InputError

__all__ = ["GREETING", "AskerModel", "Reading"]

GREETING = (Said("user", "Hello."),)
"""A name's probability after it is what the name has whatever is said."""
_BOOL = ("boolean", "bool")
_HALVES = re.compile("[\ud800-\udfff]")
"""What stands for a byte that is no text, and what a cut pair leaves: no tokenizer takes it."""
_MOST_OPTIONS = 100
"""Members of an enum that are weighed one by one; of more the words are copied, as of any text."""
_LONGEST = 14
"""Tokens of a value that is written."""
Opened = Sequence[tuple[Any, Any]]
"""Keys and values of each layer, for what was read before."""
_KEPT = 32
"""Signatures whose reading is kept, the last ones used: 23 kB a token in bfloat16, about 1 MB each."""


class AskerModel:
    """A model that was trained to say what is missing, in this process. Of several threads as many read at once as
    there are cores, on a GPU one."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._lanes = threading.BoundedSemaphore(available_cpus() if model.device.type == "cpu" else 1)
        self._lock = threading.Lock()
        """Of what is remembered."""
        from sml_agents.backends.decoder import cache_name

        self._cache_name = cache_name(model.model)
        self._openings: OrderedDict[str, Any] = OrderedDict()
        self._greeted: OrderedDict[str, list[float]] = OrderedDict()

    @classmethod
    def load(cls, folder: Path, base: Path | None = None, dtype: Any = None, device: str = "cpu") -> AskerModel:
        """The weights in `folder`: a whole model, or an adapter of `base`, which is merged into it.

        Args:
            dtype: of torch; None: as askers are read, in a byte a weight, multiplied in bfloat16 where the processor
                does that itself, else in float32.
            device: of torch; `auto` takes a GPU if there is one.
        """
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from sml_agents.backends.loading import resolved_device, resolved_dtype, without_progress_bars

        device = resolved_device(device)
        small = dtype is None
        dtype = dtype or getattr(torch, resolved_dtype("fast", device))
        adapter = (folder / "adapter_config.json").is_file()
        place = base if adapter and base is not None else folder
        with without_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, trust_remote_code=False)
        if adapter:
            from sml_agents.asker.weights import merge

            merge(model, folder)
        if small:
            from sml_agents.asker.packed import pack

            pack(model)
        model = model.to(device).eval().requires_grad_(False)
        give_back_freed_memory()  # of what was read: more than is kept
        return cls(model, tokenizer)

    def missing(
        self, tool: ToolView, said: Sequence[Said], drafts: Mapping[str, str] | None = None
    ) -> dict[str, float]:
        """P(missing) of each required argument, from 0 to 1, in the tool's order.

        Args:
            drafts: values of a drafted call, by argument: then it is the probability that nobody gave this value.
        """
        return self._reading(_view(tool), said, tool.required, drafts or {}).missing

    def read(self, tool: ToolView, said: Sequence[Said]) -> Reading:
        """P(missing) of all arguments, also of those that are not required, and on demand their values."""
        return self._reading(_view(tool), said, tool.arguments, {})

    def _reading(
        self, tool: ToolView, said: Sequence[Said], arguments: Sequence[Argument], drafts: Mapping[str, str]
    ) -> Reading:
        if not all(isinstance(one, Said) for one in said):
            raise InputError("messages are Said(role, text), such as Said('user', 'A table at six, please.')")
        if not arguments:
            return Reading(self, tuple(said), (), {}, [])
        import torch

        with self._lanes, torch.inference_mode():
            opened = self._opened(opening(tool))
            tree = Tree(before=opened[0][0].shape[-2])
            talk = tree.add(self._ids(conversation(said)))
            ends = [tree.last(tree.add(self._ids(branch(one, drafts.get(one.name))), talk)) for one in arguments]
            inputs, cache = tree.inputs(self.model.dtype, self.model.device), self._cached(opened)
            hidden_AD = self._hidden(inputs, cache)[ends]
            logprobs_AV = self.model.lm_head(hidden_AD).float().log_softmax(-1)
        if logprobs_AV.isnan().any():
            raise InputError("The asker's weights are damaged: P(missing) is no number. Copy or train them anew.")
        (question,) = self._ids(MISSING)
        missing = {one.name: float(p) for one, p in zip(arguments, logprobs_AV[:, question].exp(), strict=True)}
        state = _State(cache, hidden_AD, inputs["attention_mask"][0, 0, ends], inputs["position_ids"][0, ends])
        return Reading(self, tuple(said), tuple(arguments), missing, opened, state)

    def _copied(self, rows: Sequence[int], state: _State) -> list[str]:
        """What follows each of these branches up to the line's end, all written side by side: the likeliest token each
        time, and not the one that means missing, which was decided before."""
        import torch

        (question,), (line_end,) = self._ids(MISSING), self._ids("\n")
        hidden_AD, sees_AS, positions_A = state.hidden_AD[rows], state.sees_AS[rows], state.positions_A[rows]
        written: list[list[int]] = [[] for _ in rows]
        with self._lanes, torch.inference_mode():
            cache = self._cached([(layer.keys, layer.values) for layer in state.cache.layers])
            shape, never = (len(rows), len(rows)), torch.finfo(sees_AS.dtype).min
            apart_AA = torch.full(shape, never, device=sees_AS.device).fill_diagonal_(0.0)
            while True:
                logits_AV = self.model.lm_head(hidden_AD).float()
                if not written[0]:
                    logits_AV[:, [question, line_end]] = -torch.inf
                ids_A = logits_AV.argmax(-1)
                for text, token in zip(written, ids_A.tolist(), strict=True):
                    text.append(token)
                if len(written[0]) == _LONGEST or all(line_end in text for text in written):
                    break
                sees_AS = torch.cat([sees_AS, apart_AA.to(sees_AS.dtype)], 1)
                positions_A = positions_A + 1
                inputs = {"input_ids": ids_A[None], "position_ids": positions_A[None]}
                hidden_AD = self._hidden({**inputs, "attention_mask": sees_AS[None, None]}, cache)
        texts = [self.tokenizer.decode(text, skip_special_tokens=True) for text in written]
        return [text.split("\n")[0].strip() for text in texts]

    def _likeliest(
        self, said: Sequence[Said], choices: Sequence[tuple[Argument, Sequence[str]]], opened: Opened
    ) -> list[str]:
        """Of each argument's options the likeliest, all read in one pass."""
        with self._lanes:
            tree = Tree(before=opened[0][0].shape[-2])
            talk = tree.add(self._ids(conversation(said)))
            spans = []
            for argument, options in choices:
                for option in options:
                    tree.targets.clear()
                    tree.add(self._ids(branch(argument)), talk, target=self._ids(f" {option}\n"))
                    spans.append(list(tree.targets))
            scores = iter(self._sums(tree, spans, opened))
        best = []
        for _, options in choices:
            score = dict(zip(options, islice(scores, len(options)), strict=True))
            best.append(max(options, key=score.__getitem__))
        return best

    def choose(self, tools: Sequence[ToolView], said: Sequence[Said]) -> dict[str | None, float]:
        """How likely each tool serves the request, None none of them; the probabilities of all add up to 1.

        What counts is by how much what was said raises a name's probability, against a greeting, since some names are
        likely whatever is said; and how many words what was said shares with a tool's name and purpose. Which of the
        tools it is, words of their arguments tell, too; not whether any does: a name or a day is told to most tools.
        """
        shown = choice(tools)
        before = self._greeted.get(shown) or self.names(tools, GREETING)
        with self._lock:
            self._greeted[shown] = before
            self._greeted.move_to_end(shown)
            if len(self._greeted) > _KEPT:
                self._greeted.popitem(last=False)
        now = self.names(tools, said)
        raised = [one - other for one, other in zip(now, before, strict=True)]
        return dict(zip([*(tool.name for tool in tools), None], shares(raised, tools, said), strict=True))

    def names(self, tools: Sequence[ToolView], said: Sequence[Said]) -> list[float]:
        """The log-probability of each tool's name, and of none, after what was said, as the model alone has it."""
        with self._lanes:
            tree = Tree()
            top = tree.add(self._ids(choice(tools) + conversation(said)))
            spans = []
            for name in [*(f" {tool.name}" for tool in tools), NO_TOOL]:
                tree.targets.clear()
                tree.add(self._ids("tool:"), top, target=self._ids(f"{name}\n"))
                spans.append(list(tree.targets))
            return self._sums(tree, spans)

    def _sums(self, tree: Tree, spans: Sequence[Sequence[tuple[int, int, float]]], opened: Opened = ()) -> list[float]:
        """The log-probability of each span of targets."""
        logprobs_NV = self._log_probs(tree, [place for span in spans for place, _, _ in span], opened)
        scores, at = [], 0
        for span in spans:
            scores.append(sum(float(logprobs_NV[at + k, token]) for k, (_, token, _) in enumerate(span)))
            at += len(span)
        return scores

    def _ids(self, text: str) -> list[int]:
        readable = _HALVES.sub("\ufffd", text)
        return list(self.tokenizer(readable, add_special_tokens=False)["input_ids"])

    def _opened(self, text: str) -> Any:
        """Keys and values of each layer for a signature: a tool is asked about again and again."""
        import torch
        from transformers import DynamicCache

        with self._lock:
            if text not in self._openings:
                cache: Any = DynamicCache()
                with torch.inference_mode():
                    ids_1T = torch.tensor([self._ids(text)], device=self.model.device)
                    self.model.model(ids_1T, use_cache=True, **{self._cache_name: cache})
                self._openings[text] = [(layer.keys, layer.values) for layer in cache.layers]
            self._openings.move_to_end(text)
            if len(self._openings) > _KEPT:
                self._openings.popitem(last=False)
            return self._openings[text]

    def _log_probs(self, tree: Tree, places: Sequence[int], opened: Opened = ()) -> Any:
        import torch

        with torch.inference_mode():
            hidden_TD = self._hidden(tree.inputs(self.model.dtype, self.model.device), self._cached(opened))
            return self.model.lm_head(hidden_TD[list(places)]).float().log_softmax(-1)

    def _hidden(self, inputs: Mapping[str, Any], cache: Any) -> Any:
        """The last layer's output (T, D) for each token; what was read is added to `cache`."""
        return self.model.model(**inputs, **{self._cache_name: cache}, use_cache=True).last_hidden_state[0]

    def _cached(self, opened: Opened) -> Any:
        from transformers import DynamicCache

        cache = DynamicCache()
        for layer, (keys, values) in enumerate(opened):
            cache.update(keys, values, layer)
        return cache


@dataclass(frozen=True)
class _State:
    """Where the branches of a reading end, to go on from."""

    cache: Any
    hidden_AD: Any
    sees_AS: Any
    """What each branch's last token sees, as an additive mask."""
    positions_A: Any


@dataclass(frozen=True)
class Reading:
    """What an asker found in a conversation."""

    _model: AskerModel = field(repr=False)
    _said: tuple[Said, ...]
    _arguments: tuple[Argument, ...]
    missing: dict[str, float]
    """P(missing) by argument."""
    _opened: Opened = field(repr=False)
    _state: _State | None = field(default=None, repr=False)

    def values(self, names: Collection[str]) -> dict[str, str]:
        """What the conversation gives for each of these arguments, as it was said; of an enum or a yes-or-no the
        likeliest member."""
        rows = [row for row, one in enumerate(self._arguments) if one.name in names]
        chosen = {row: one.options or ("yes", "no") for row in rows if (one := self._arguments[row]) and _chooses(one)}
        free = [row for row in rows if row not in chosen]
        copied = self._model._copied(free, self._state) if free and self._state is not None else []
        found = dict(zip(free, copied, strict=True))
        if chosen:
            choices = [(self._arguments[row], options) for row, options in chosen.items()]
            likeliest = self._model._likeliest(self._said, choices, self._opened)
            found |= dict(zip(chosen, likeliest, strict=True))
        return {self._arguments[row].name: found[row] for row in rows}


def _view(tool: object) -> ToolView:
    if isinstance(tool, ToolView):
        return tool
    raise InputError("a tool is given as the asker sees it: ToolView.read(tool) makes that of a provider's dictionary")


def _chooses(argument: Argument) -> bool:
    return 0 < len(argument.options) <= _MOST_OPTIONS or argument.sort in _BOOL
