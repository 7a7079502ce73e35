"""Private reasoning in a model's text, in the spellings in use.

It belongs to whoever wrote it: it enters no history, so neither the other side nor the writer sees it in a later turn.

    <think> ... </think>                        DeepSeek, Qwen and most others; also thinking, reasoning, thought,
                                                seed:think, longcat_think, antThinking
    [THINK] ... [/THINK]                        Magistral
    ◁think▷ ... ◁/think▷                        Kimi
    <|begin_of_thought|> ... <|end_of_thought|> Sky-T1, OpenThoughts
    <|START_THINKING|> ... <|END_THINKING|>     Command A
    <|channel>thought ... <channel|>            Gemma 4
    <|channel|>analysis<|message|> ...          gpt-oss, and what is left of it without its special tokens
"""

from __future__ import annotations

import re

__all__ = ["CLOSINGS", "as_thought", "channels", "closing_of", "reasoning_in", "split_thought"]

_OPEN, _CLOSE = "<think>", "</think>"
_NAMES = ("think", "thinking", "thought", "reasoning", "seed:think", "longcat_think", "antThinking")
_CLOSES = {
    **{f"<{name.lower()}>": f"</{name.lower()}>" for name in _NAMES},
    "[think]": "[/think]",
    "◁think▷": "◁/think▷",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",
    "<|channel>thought": "<channel|>",
}
CLOSINGS = frozenset(_CLOSES.values())
"""The marks that close a reasoning, in small letters."""
_FENCE = "```"
_MARK = re.compile("|".join(re.escape(mark) for mark in (*_CLOSES, *_CLOSES.values(), _FENCE)), re.IGNORECASE)
_ANSWER_MARK = re.compile(r"<\|(?:begin_of_solution|end_of_solution|START_RESPONSE|END_RESPONSE)\|>")
_CHANNEL = re.compile(
    r"(?:<\|start\|>\w{0,20}([^<]{0,200}))?<\|channel\|>(\w{1,20})([^<]{0,200})"
    r"(?:<\|constrain\|>[^<]{0,40})?<\|message\|>"
)
_CHANNEL_END = re.compile(r"(?:<\|(?:end|return|call)\|>)+(?:<\|start\|>\w{0,20})?\s*$")
_BARE_CHANNEL = re.compile(r"assistant(?:commentary)?(final)(?=[^a-z])")


def split_thought(text: str) -> tuple[str, str]:
    """The reasoning as written, marks included, and what is said apart from it.

    Some templates open the reasoning in the prompt, so that only its end is in the text. A reasoning that was cut
    before its end leaves nothing said. Marks in code (`` `<think>` ``) are words. Time grows linearly with the text.
    """
    if "<|message|>" in text and (found := channels(text)):
        thought = "".join(body for channel, _, body in found if channel == "analysis")
        # A call of a tool stays as it is written: it is neither thought nor said.
        said = [raw for channel, raw, _ in found if channel != "analysis"]
        return (as_thought(thought) if thought.strip() else ""), "".join(said).strip()
    if text.startswith("analysis") and (final := _BARE_CHANNEL.search(text)):
        return as_thought(text[len("analysis") : final.start()]), text[final.end() :].lstrip()
    if "<" not in text and "[" not in text and "◁" not in text:
        return "", text
    return _split(text)


def _split(text: str) -> tuple[str, str]:
    thought: list[str] = []
    words: list[str] = []
    at = 0
    """The first character that is neither thought nor words yet."""
    opened, close = -1, ""
    fenced = False
    for found in _MARK.finditer(text):
        mark, start, end = found.group().lower(), found.start(), found.end()
        if close:
            if mark == close:
                words.append(text[at:opened])
                thought.append(text[opened:end])
                at, close = end, ""
        elif mark == _FENCE:
            fenced = not fenced
        elif fenced or text[start - 1 : start] == "`":
            continue
        elif mark in _CLOSES:
            opened, close = start, _CLOSES[mark]
        else:  # opened in the prompt: all that stands before it
            thought, words, at = [text[:end]], [], end
    if close and not "".join(words).strip() and not text[at:opened].strip():
        words.append(text[at:opened])
        thought.append(text[opened:])
        at = len(text)
    if not thought:
        return "", text
    rest = _ANSWER_MARK.sub("", text[at:])
    if not any(piece.strip() for piece in words):
        said = rest.lstrip()
        if said == text[len(text) - len(said) :]:
            return text[: len(text) - len(said)], said
        return "".join(thought), said
    return "".join(thought), "".join((*words, rest)).strip()


def channels(text: str) -> list[tuple[str, str, str]]:
    """The messages in a reply with channels, as gpt-oss writes it: each one's channel, its text as it is said, and its
    body. The text of a call (`commentary to=functions.NAME`) keeps its marks. Empty when there are none.
    """
    heads = list(_CHANNEL.finditer(text))
    found = []
    if heads and (before := text[: heads[0].start()]).strip():
        found.append(("", before, before))
    for head, end in zip(heads, [*(head.start() for head in heads[1:]), len(text)], strict=False):
        body = _CHANNEL_END.sub("", text[head.end() : end])
        is_call = "to=" in (head[1] or "") + head[3]
        found.append((head[2], text[head.start() : end] if is_call else body, body))
    return found


def closing_of(prompt: str) -> str:
    """The mark that closes a reasoning which `prompt` opens at its end, as some templates do; "" where it has none."""
    end = prompt.rstrip()[-max(map(len, _CLOSES)) :].lower()
    return next((close for mark, close in _CLOSES.items() if end.endswith(mark)), "")


def reasoning_in(thought: str) -> str:
    """A thought, as `split_thought` gives it, without its marks."""
    return _MARK.sub("", thought).strip()


def as_thought(text: str) -> str:
    """`text`, reasoning that came apart from the words, as it is written before them."""
    return f"{_OPEN}\n{text.strip()}\n{_CLOSE}\n\n"
