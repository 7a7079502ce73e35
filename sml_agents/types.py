"""The nouns. Everything else in the package works on these.

Fact       one statement that the solution needs, with the words by which a question names it
Case       one hidden test of a program: what goes in and what has to come out
Code       how the attempts at a code task are tested
Private    what the teacher and the verifier know and the student must not: answer, withheld facts, tests
Task       a public prompt and its Private, in one of three forms (full, underspecified, sharded)
Act        what a student turn does: Lost in Conversation's seven labels
Verdict    what a verifier says of one attempt; `correct` is None when it could not be scored
ToolCall   a tool that the student called in a turn, and what came back
Reply      what a role said, with the model's bookkeeping, before it becomes a turn
Turn       one utterance of a dialogue, with everything needed to train on it or to leave it out
StopReason why a dialogue ended
Trace      a finished dialogue: task, turns, outcome, and who took part; outlives the code that made it

All are frozen pydantic models: build them with keywords, change them with `model_copy(update=...)`, write them
with `model_dump_json()`. Unknown is None, never zero.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Act",
    "Case",
    "Code",
    "Fact",
    "Form",
    "Outcome",
    "Private",
    "Reply",
    "Role",
    "StopReason",
    "Task",
    "ToolCall",
    "Trace",
    "Turn",
    "Usage",
    "Verdict",
    "stable_hash",
]

TRACE_VERSION = 1


def stable_hash(*parts: Any, length: int = 16) -> str:
    """A hexadecimal digest of JSON-able `parts`, the same in every process and on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


class _Noun(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Form(StrEnum):
    """How much of a task its prompt gives away."""

    FULL = "full"
    """Everything needed is in the prompt."""
    UNDERSPECIFIED = "underspecified"
    """One needed fact is missing; the teacher tells it when asked for it."""
    SHARDED = "sharded"
    """The facts are missing; the teacher reveals one a turn, the one asked for first."""


class Role(StrEnum):
    TEACHER = "teacher"
    STUDENT = "student"


class Act(StrEnum):
    """What a student turn does (Laban et al., "LLMs Get Lost in Multi-Turn Conversation", arXiv 2505.06120)."""

    ANSWER_ATTEMPT = "answer_attempt"
    CLARIFICATION = "clarification"
    INTERROGATION = "interrogation"
    DISCUSSION = "discussion"
    HEDGE = "hedge"
    REFUSE = "refuse"
    MISSING = "missing"


class Outcome(StrEnum):
    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNPARSEABLE = "unparseable"
    """No answer could be found in the text: scored as not correct."""
    TIMEOUT = "timeout"
    """The verifier did not finish: not scored."""
    ERROR = "error"
    """The verifier broke: not scored."""


class StopReason(StrEnum):
    """Why a dialogue ended."""

    SOLVED = "solved"
    """The verifier found a correct answer."""
    MAX_TURNS = "max_turns"
    """The student used up its turns."""
    LEAKED = "leaked"
    """The teacher gave the answer away and the guard was set to end the dialogue; no reward."""
    TEACHER_STOPPED = "teacher_stopped"
    """A human teacher ended it."""
    UNSCORED = "unscored"
    """The verifier could not score an attempt (timeout or error)."""
    FAILED = "failed"
    """A model or a node failed; `Trace.error` says how."""
    RECORDED = "recorded"
    """Not a dialogue of ours: it ends where the log or the recording of another agent ends."""


class Fact(_Noun):
    """One statement that the solution needs."""

    name: str
    """Short and unique in the task, such as `price`."""
    statement: str
    """A complete sentence that tells it: what the teacher says when asked."""
    keywords: tuple[str, ...] = ()
    """Lower-case words by which a question names this fact (see `sml_agents.text.questions`)."""
    question: str = ""
    """A good question for it; used to write training data, never shown to a student."""


class Case(_Noun):
    """One test of a function or program, written down as text."""

    given: str
    """The arguments as Python literals (`[1, 2], 3`), or the standard input of a program."""
    expected: str
    """The value as a Python literal, or the standard output."""


class Code(_Noun):
    """How attempts at a code task are tested: by cases, by a suite of assertions, or both."""

    entry: str = ""
    """The function under test, `Class.method` for a method; empty: whole programs, with standard input and output."""
    cases: tuple[Case, ...] = ()
    suite: str = ""
    """Python source that asserts on the function, under its own name or as `candidate`."""
    setup: str = ""
    """Source that the suite needs: helpers of the data set, never the attempt."""
    prelude: str = ""
    """Source that goes before every attempt: the imports and helpers that the prompt gave."""
    seconds: float = 5.0
    """Processor time that an attempt has for all its tests together; for each of them, if it is a whole program. It
    has three times as much by the clock."""


class Private(_Noun):
    """What only the teacher and the verifier may see."""

    answer: str
    """Of a code task: a solution, empty when none is known."""
    facts: tuple[Fact, ...] = ()
    """The facts taken out of the prompt, in the order in which a sharded task reveals them."""
    solution: str = ""
    """A worked solution that ends with the answer, if one is known."""
    code: Code | None = None
    """The tests of a code task."""


class Task(_Noun):
    """A problem as a dialogue: the teacher opens it with `prompt`."""

    id: str
    family: str
    """Where it comes from: `arithmetic`, `gsm8k`, ..."""
    form: Form = Form.FULL
    prompt: str
    private: Private
    verifier: str = "math"
    """Name of the verifier that scores attempts; `none` where nobody knows the answer, and nothing is scored."""
    split: str = ""
    """`train`, `heldout`, or the data set's own word; empty when unknown."""
    template: str = ""
    """The sentence template it was made from, if any: held-out means held-out templates."""
    pair: str = ""
    """Same for all forms of one underlying problem, so that forms can be compared."""
    meta: dict[str, Any] = Field(default_factory=dict)


class Usage(_Noun):
    """Tokens of one model call."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Verdict(_Noun):
    outcome: Outcome
    extracted: str | None = None
    """The answer found in the text."""
    diagnosis: str = ""
    """Private words for the teacher on what is wrong; empty when correct."""
    expected: str = ""
    """Private: what the test that failed wanted. Not part of the diagnosis: it gives the answer to that test away."""
    isolation: str = ""
    """Of a verdict for which code was run: what it ran under, such as `layered (process, namespaces, ...)`."""

    @property
    def correct(self) -> bool | None:
        """True or False when scored, None when not (timeout, error)."""
        if self.outcome in (Outcome.TIMEOUT, Outcome.ERROR):
            return None
        return self.outcome is Outcome.CORRECT


class ToolCall(_Noun):
    """A call of a tool that a student with tools made in a turn."""

    name: str
    arguments: dict[str, Any]
    result: str | None = None
    """What the tool returned, as text; None when it is not known."""
    id: str = ""


class Reply(_Noun):
    """What a role answered in one call."""

    text: str
    thought: str = ""
    """Private reasoning that was written before `text`, tags included; nobody else sees it, and no later turn."""
    reveals: tuple[str, ...] = ()
    """Names of the facts that a teacher's reply tells."""
    stop: bool = False
    """A teacher that ends the dialogue."""
    model: str = ""
    prompt_hash: str = ""
    seed: int | None = None
    usage: Usage | None = None
    prompt_ids: tuple[int, ...] | None = None
    """Token ids of the prompt, where the backend returns them."""
    completion_ids: tuple[int, ...] | None = None
    """Token ids as sampled, kept verbatim for training; end-of-turn token included when it was sampled."""
    finish: Literal["stop", "length"] | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    """Tools that a student called before it said `text`; None for one without tools."""


class Turn(_Noun):
    role: Role
    text: str
    thought: str = ""
    """Of a student turn: the private reasoning before it, as in `Reply`. Trained on, and in nobody's history."""
    act: Act | None = None
    """Student turns only."""
    act_by: str = ""
    """How the act was decided: `rule:<name>`, `llm`, or `human`."""
    act_span: tuple[int, int] | None = None
    """Start and end, in characters of `text`, of what decided the act."""
    visibility: Literal["public", "private"] = "public"
    trainable: bool = False
    verdict: Verdict | None = None
    """Of an answer attempt; private."""
    reveals: tuple[str, ...] = ()
    """Of a teacher turn: facts told in it."""
    leak: str | None = None
    """Of a teacher turn: how the guard read the answer off it (`verbatim`, `math`, ...); None when it could not."""
    masked: bool = False
    """The guard changed the text: what the student saw is `text`."""
    primed: bool = False
    """Q-priming replaced a wrong attempt by this question."""
    replaced: str | None = None
    """Private: the attempt that Q-priming replaced."""
    model: str = ""
    prompt_hash: str = ""
    seed: int | None = None
    usage: Usage | None = None
    prompt_ids: tuple[int, ...] | None = None
    completion_ids: tuple[int, ...] | None = None
    finish: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    """Of a student turn: the tools called in it, in order; None for a student without tools."""


class Trace(_Noun):
    """A finished dialogue."""

    version: int = TRACE_VERSION
    id: str
    """Hash of task, sample index, settings and seed (`rollout.dialogue_id`)."""
    task: Task
    sample: int = 0
    turns: tuple[Turn, ...] = ()
    stop: StopReason
    solved: bool | None = None
    """None when no attempt could be scored or the dialogue failed."""
    error: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The resolved settings of dialogue, student and teacher (models, prompts' hashes, sampling)."""
    tags: dict[str, Any] = Field(default_factory=dict)

    @property
    def student_turns(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.role is Role.STUDENT and turn.visibility == "public")

    @property
    def solved_at(self) -> int | None:
        """The student turn, counted from 1, in which the task was solved; None if it was not."""
        for k, turn in enumerate(self.student_turns, start=1):
            if turn.verdict is not None and turn.verdict.correct:
                return k
        return None
