"""The leak guard, and student text as data.

find_leak     how the private answer can be read off a teacher's turn, or None
mask_leak     the turn with what gives it away blanked out
escape    a student's text for a teacher's prompt: no control token of any chat template, no fake role

Kinds of leaks, looked for in this order:

verbatim      the answer as written or in the same words, also when hidden in markup, entities or look-alike digits
math          another spelling of the same value: 0.5, 1/2, 50%
spelled       in words of a few languages (`forty-two`, `zweiundvierzig`), or digit by digit (`4 2`, `four, two`)
expression    a calculation that gives it (`6 * 7`, `multiply 6 by 7`, `half of 84`, `4 tens and 2 ones`)
relative      against the student's own answer (`one too high`), or alone between two bounds (`between 41 and 43`)
encoded       base64, hexadecimal, binary and other bases, roman numerals, written backwards
split         half in the teacher's turn before, half in this one: digits, its beginning and its end, or a calculation
              (`Take 45.` `Then minus 3.`)

Of a code task the hidden tests and the solution are what is private: see `code_leaks` for their two kinds.

Not leaks: a value that is already public (in the task or in what the student said), unless the turn calls it the
answer; a fact that the teacher may tell; `step 2`, `page 39`, `3:39 pm`, `39 % sure`. The guard is a net, not a
proof: a teacher that wants to can always say it in a way no rule knows. That is why a report shows the leak rate beside
every score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sml_agents.roles.call_leaks import CallSecret
from sml_agents.roles.code_leaks import CodeSecret
from sml_agents.roles.leaks import Secret
from sml_agents.text.sentences import sentence_spans
from sml_agents.types import Code

__all__ = ["escape", "find_leak", "mask_leak"]

MASK = "[...]"
_MOST_SENTENCES = 40
"""Of a turn whose sentences are looked at together: each of them costs a look at those before it."""


def find_leak(
    text: str,
    answer: str,
    *,
    public: Sequence[str] = (),
    allowed: Sequence[str] = (),
    code: Code | None = None,
    request: CallSecret | None = None,
) -> str | None:
    """The kind of leak in a teacher's turn, or None. Linear in the length of the texts.

    `public`: what was said before, in order; its last entry is the student's turn that is answered. `allowed`: the
    statements that the teacher may make, such as withheld facts. `code`: the tests of a code task, whose `answer` is a
    solution. `request`: what a request to an agent with tools withholds.
    """
    return (request or _secret(answer, public, allowed, code)).leak_in(text)


def mask_leak(
    text: str,
    answer: str,
    *,
    public: Sequence[str] = (),
    allowed: Sequence[str] = (),
    code: Code | None = None,
    request: CallSecret | None = None,
) -> str:
    """`text` without its leaks: the number or words, else the sentence, else everything becomes `[...]`.

    The result has no leak that `find_leak` sees with the same arguments.
    """
    secret = request or _secret(answer, public, allowed, code)
    if secret.leak_in(text) is None:
        return text
    masked = secret.blank(text, MASK)
    if secret.leak_in(masked) is None:
        return masked
    masked = _by_sentence(masked, lambda sentence, _: secret.leak_in(sentence) is not None)
    if secret.leak_in(masked) is not None and len(sentence_spans(masked)) <= _MOST_SENTENCES:
        masked = _by_sentence(masked, lambda sentence, before: secret.leak_in(before + sentence) is not None)
    return masked if secret.leak_in(masked) is None else MASK


def _by_sentence(text: str, leaks: Callable[[str, str], bool]) -> str:
    """`text` with `[...]` for each sentence that leaks by itself, or after what is left of those before it."""
    said, at = "", 0
    for start, end in sentence_spans(text):
        said += text[at:start]
        said += MASK if leaks(text[start:end], said) else text[start:end]
        at = end
    return said


def _secret(answer: str, public: Sequence[str], allowed: Sequence[str], code: Code | None) -> Secret | CodeSecret:
    return Secret(answer, public, allowed) if code is None else CodeSecret(code, answer, public, allowed)


_CONTROL = re.compile(
    r"[<\uff1c]\s?(?P<angle>[|\uff5c][^<>\n]{0,60}?[|\uff5c]|/?(?:s|bos|eos|pad|unk|mask|start_of_turn|end_of_turn|think"
    r"|tool_call|tool_response|function_calls?|sep|cls|extra_id_\d{1,3}|unused\d{1,3}|reserved_special_token_\d{1,3}"
    r"|im_start|im_end|turn)|</?SYS>)\s?[>\uff1e]"
    r"|\[(?P<square>/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|gMASK|CLS|SEP|MASK|UNK|PAD))\]",
    re.IGNORECASE,
)
_HALVES = str.maketrans({"<": "\u2039", ">": "\u203a", "\uff1c": "\u2039", "\uff1e": "\u203a"})
_HALF_TOKEN = re.compile(r"[<\uff1c](?=[|\uff5c])|(?<=[|\uff5c])[>\uff1e]|<<(?=/?SYS)|(?<=SYS)>>", re.IGNORECASE)
_ROLE = re.compile(
    r"^(?=[ \t]*(?:#{1,4} ?)?[*_]{0,2}"
    r"(?:system|user|assistant|human|ai|bot|teacher|student|developer|tool|instruction|response|input)"
    r"[*_]{0,2}[ \t]*(?:message|prompt)?[ \t]*[:\uff1a])",
    re.IGNORECASE | re.MULTILINE,
)


def _defused(token: re.Match[str]) -> str:
    return f"\u2039{token['angle']}\u203a" if token["angle"] else f"({token['square']})"


def escape(text: str) -> str:
    """`text` as data for a prompt: control tokens get `\u2039 \u203a` or `( )` for brackets, role prefixes a `> `.

    What was written stays readable. Applying it twice changes nothing more.
    """
    while (safe := _CONTROL.sub(_defused, text)) != text:
        text = safe  # one token may have held another: `<|[INST]|>`
    text = _HALF_TOKEN.sub(lambda m: m.group().translate(_HALVES), text)
    return _ROLE.sub("> ", text)
