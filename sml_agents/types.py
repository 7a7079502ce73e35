"""The nouns. Everything else in the package works on these.

Fact       one statement that the solution needs, with the words by which a question names it
Case       one hidden test of a program: what goes in and what has to come out
Code       how the attempts at a code task are tested
Private    what the teacher and the verifier know and the student must not: answer, withheld facts, tests
Accepted   `AcceptedCall`: a call that serves a request, with the values that each argument may have
Task       a public prompt and its Private, in one of three forms (full, underspecified, sharded)
Act        what a student turn does: Lost in Conversation's seven labels
Verdict    what a verifier says of one attempt; `correct` is None when it could not be scored
ToolCall   a tool that the student called in a turn, and what came back
Call       one call of a model: what was sampled, from what, and at what cost
Reply      what a role said, with its `Call`, before it becomes a turn
Turn       one utterance of a dialogue, with everything needed to train on it or to leave it out
StopReason why a dialogue ended
Failure    what broke it off
Trace      a finished dialogue: task, turns, outcome, and who took part; outlives the code that made it

All are frozen pydantic models: build them with keywords, change them with `model_copy(update=...)`, write them
with `model_dump_json()`. Unknown is None, never zero.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sml_agents.errors import one_line

__all__ = [
    "AcceptedCall",
    "Act",
    "Call",
    "Case",
    "Code",
    "Fact",
    "Failure",
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

TRACE_VERSION = 2

_SORTED_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
"""Made once: `json.dumps` makes one for every text."""


def stable_hash(*parts: Any, length: int = 16) -> str:
    """A hexadecimal digest of JSON-able `parts`, the same in every process and on every machine."""
    text = _SORTED_JSON.encode(parts)
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
    """No answer could be found or read in the text: scored as not correct."""
    TIMEOUT = "timeout"
    """The task's own answer or tests came to no end: not scored. What a student's text makes endless is wrong."""
    ERROR = "error"
    """The task's own answer or tests, or the machine, are at fault: not scored."""


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
    public_names: tuple[str, ...] = ()
    """What the student can read that it is called, such as the name and the description of a tool's argument. A
    question by one of them names the fact, whatever the person calls it."""
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
    """Processor time that an attempt has for all its tests together. It has three times as much by the clock."""


class AcceptedCall(_Noun):
    """A call of a tool that serves a request."""

    name: str
    arguments: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """The values that each argument may have, as the tool's schema wants them; the first is the usual one. An argument
    within an object goes by its path (`trip.departure`)."""
    optional: tuple[str, ...] = ()
    """Arguments among these that may as well be left out."""

    @property
    def usual(self) -> dict[str, Any]:
        """The arguments of the usual call, as the tool takes them: those that may be left out are."""
        made: dict[str, Any] = {}
        for path, values in self.arguments.items():
            if path not in self.optional and values:
                *parents, name = path.split(".")
                at = made
                for parent in parents:
                    at = at.setdefault(parent, {})
                at[name] = values[0]
        return made


class Private(_Noun):
    """What only the teacher and the verifier may see."""

    answer: str
    """Of a code task: a solution, empty when none is known. Of a request: the usual calls as text."""
    facts: tuple[Fact, ...] = ()
    """The facts taken out of the prompt, in the order in which a sharded task reveals them. Of a request: one for each
    argument that is not told, with the argument's path (`trip.departure`) as its name."""
    solution: str = ""
    """A worked solution that ends with the answer, if one is known."""
    code: Code | None = None
    """The tests of a code task."""
    calls: tuple[AcceptedCall, ...] = ()
    """Of a request: the calls that serve it, together; none where no tool of the task does."""


class Task(_Noun):
    """A problem as a dialogue: the teacher opens it with `prompt`."""

    id: str
    family: str
    """Where it comes from: `arithmetic`, `gsm8k`, ..."""
    form: Form = Form.FULL
    prompt: str
    private: Private
    tools: tuple[dict[str, Any], ...] = ()
    """What the student may call, in the form of `Trace.tools`. Public."""
    verifier: str = "math"
    """Name of the verifier that scores attempts; `none` where nobody knows the answer, and nothing is scored."""
    split: str = ""
    """`train`, `heldout`, or the data set's own word; empty when unknown."""
    template: str = ""
    """The sentence template it was made from, if any: held-out means held-out templates."""
    pair: str = ""
    """Same for all forms of one underlying problem, so that forms can be compared."""
    max_turns: int | None = Field(default=None, ge=1)
    """Student turns at most, where the task has only so much to say; None: as many as the dialogue's settings allow."""
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
    guessed: tuple[str, ...] = ()
    """Of a call: paths of the arguments whose value nobody had given when it was made."""
    faults: tuple[str, ...] = ()
    """Of a call: what is wrong with it, `kind:argument` or `kind:tool` each; see `sml_agents.verifiers.call`."""
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


class Call(_Noun):
    """One call of a model, as far as the backend tells."""

    model: str = ""
    prompt_hash: str = ""
    """Of the messages that were sent."""
    seed: int | None = None
    finish: str | None = None
    """Why the model stopped: `stop`, `length` where a token limit cut it off, or the backend's own word."""
    usage: Usage | None = None
    prompt_ids: tuple[int, ...] | None = None
    """Token ids of the prompt, where the backend returns them."""
    completion_ids: tuple[int, ...] | None = None
    """Token ids as sampled, kept verbatim for training; end-of-turn token included when it was sampled."""
    logprobs: tuple[float, ...] | None = None
    """Natural logarithms of the probabilities with which `completion_ids` were sampled, where the backend tells."""
    started: float | None = None
    """When it began, in seconds since 1970 (UTC)."""
    seconds: float | None = None
    """How long it took, its wait in a queue included."""
    redrawn: int = Field(default=0, ge=0, exclude_if=lambda draws: not draws)
    """Replies that were thrown away before this one, as they said what the student had said before. With any, the ids
    are no sample of the model at its own temperature; `usage` and `seconds` are those of all draws together."""


class _Said(_Noun):
    """What replies and turns share."""

    text: str
    thought: str = ""
    """Of a student: private reasoning before `text`, tags included; trained on, and in nobody's history."""
    tool_calls: tuple[ToolCall, ...] | None = None
    """Of a student: the tools called before it said `text`, in order; None for one without tools."""
    at_once: bool = False
    """Of a student: `text` and all calls are one message, nothing came back between them. Else the text came last."""
    call: Call | None = None
    """The model call that it came from; None when no model was called."""

    @property
    def finish(self) -> str | None:
        """Why the model stopped, see `Call`; None when it is not known."""
        return self.call.finish if self.call is not None else None


class Reply(_Said):
    """What a role answered in one call."""

    reveals: tuple[str, ...] = ()
    """Names of the facts that a teacher's reply tells."""
    stop: bool = False
    """A teacher that ends the dialogue."""


class Turn(_Said):
    """One utterance of a dialogue."""

    role: Role
    act: Act | None = None
    """Student turns only."""
    act_by: str = ""
    """How the act was decided: `rule:<name>`, `llm`, or `human`."""
    act_span: tuple[int, int] | None = None
    """Start and end, in characters of `text`, of what decided the act."""
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


class Failure(_Noun):
    """What ended a dialogue before its time."""

    boundary: str = ""
    """Where it happened: `student`, `teacher`, `primer`, `graph`, or `log` for a recorded one."""
    type: str = ""
    """Class of the exception; empty when it is not known."""
    message: str = ""
    """One line."""

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, given: Any) -> Any:
        """`Trace(error="the endpoint is gone")` is enough where nothing more is known."""
        return {"message": given} if isinstance(given, str) else given

    @classmethod
    def of(cls, boundary: str, error: BaseException) -> Failure:
        """The failure that `error`, raised at `boundary`, is."""
        return cls(boundary=boundary, type=type(error).__name__, message=one_line(error))

    @property
    def kind(self) -> str:
        """What failures are counted by: where it was, and the class of the exception."""
        return ": ".join(part for part in (self.boundary, self.type) if part) or "unknown"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.boundary, self.type, self.message) if part)


class Trace(_Noun):
    """A finished dialogue."""

    version: int = TRACE_VERSION
    id: str
    """Hash of task, sample index, settings and seed (`Cast.dialogue_id`)."""
    task: Task
    sample: int = 0
    turns: tuple[Turn, ...] = ()
    stop: StopReason
    solved: bool | None = None
    """None when no attempt could be scored or the dialogue failed."""
    error: Failure | None = None
    """What failed, of a dialogue that ended so."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The resolved settings of dialogue, student and teacher (models, prompts' hashes, sampling)."""
    tags: dict[str, Any] = Field(default_factory=dict)
    tools: tuple[dict[str, Any], ...] = ()
    """What the student could call: `{"type": "function", "function": {"name", "description", "parameters"}}` each, the
    parameters a JSON schema. Public."""
    system: str = ""
    """The student's own system prompt, as far as it is known: of an agent whose log this is. Public."""

    @property
    def is_log(self) -> bool:
        """Whether it is of an agent and a person, recorded or imported, and not of a student and a teacher of ours."""
        return self.stop is StopReason.RECORDED or "imported" in self.tags or "moment" in self.tags

    @property
    def source(self) -> str:
        """The id that its own log has for it: of a thread, a run, a row. Empty where there is none."""
        return str(self.task.meta.get("source") or "") if self.is_log else ""

    @property
    def student_turns(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.role is Role.STUDENT)

    @property
    def solved_at(self) -> int | None:
        """The student turn, counted from 1, in which the task was solved; None if it was not."""
        right = [k for k, turn in enumerate(self.student_turns, start=1) if turn.verdict and turn.verdict.correct]
        if not right or self.solved is False:
            return None
        dialogue = self.settings.get("dialogue")
        last = isinstance(dialogue, dict) and dialogue.get("last_turn_decides")
        return right[-1] if last else right[0]
