"""Reading the asker: P(missing) of each required argument, and which tool serves a request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sml_agents.asker.prompt import MISSING, NO_TOOL, Said, ToolView, branch, choice, conversation, opening
from sml_agents.asker.trees import Tree

__all__ = ["AskerModel"]


class AskerModel:
    """A model that was trained to say what is missing, in this process. Calls from several threads take turns."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, base: Path | None = None, dtype: Any = None) -> AskerModel:
        """The weights in `folder`: a whole model, or an adapter of `base`, which is merged into it."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        dtype = dtype or torch.float32
        adapter = (folder / "adapter_config.json").is_file()
        place = base if adapter and base is not None else folder
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, trust_remote_code=False)
        if adapter:
            from sml_agents.asker.weights import merge

            merge(model, folder)
        return cls(model.eval().requires_grad_(False), tokenizer)

    def missing(
        self, tool: ToolView, said: Sequence[Said], drafts: Mapping[str, str] | None = None
    ) -> dict[str, float]:
        """P(missing) of each required argument, from 0 to 1, in the tool's order.

        Args:
            drafts: values of a drafted call, by argument: then it is the probability that nobody gave this value.
        """
        tree = Tree()
        top = tree.add(self._ids(opening(tool)))
        talk = tree.add(self._ids(conversation(said)), top)
        drafts = drafts or {}
        ends = [
            tree.last(tree.add(self._ids(branch(argument, drafts.get(argument.name))), talk))
            for argument in tool.required
        ]
        if not ends:
            return {}
        logprobs_NV = self._log_probs(tree, ends)
        (question,) = self._ids(MISSING)
        return {one.name: float(p) for one, p in zip(tool.required, logprobs_NV[:, question].exp(), strict=True)}

    def choose(self, tools: Sequence[ToolView], said: Sequence[Said]) -> dict[str | None, float]:
        """How likely each tool serves the request, None none of them; the probabilities of all add up to 1."""
        import torch

        tree = Tree()
        top = tree.add(self._ids(choice(tools) + conversation(said)))
        names: list[str | None] = [*(tool.name for tool in tools), None]
        head = self._ids("tool:")
        spans = []
        for name in names:
            target = self._ids((NO_TOOL if name is None else f" {name}") + "\n")
            tree.targets.clear()
            tree.add(head, top, target=target)
            spans.append(list(tree.targets))
        places = [place for span in spans for place, _, _ in span]
        logprobs_NV = self._log_probs(tree, places)
        scores, at = [], 0
        for span in spans:
            scores.append(sum(float(logprobs_NV[at + k, token]) for k, (_, token, _) in enumerate(span)))
            at += len(span)
        shares = torch.tensor(scores).softmax(0).tolist()
        return dict(zip(names, shares, strict=True))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _log_probs(self, tree: Tree, places: Sequence[int]) -> Any:
        import torch

        with self._lock, torch.inference_mode():
            hidden_TD = self.model.model(**tree.inputs(self.model.dtype), use_cache=False).last_hidden_state[0]
            return self.model.lm_head(hidden_TD[list(places)]).float().log_softmax(-1)
