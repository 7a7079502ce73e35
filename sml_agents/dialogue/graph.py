"""The dialogue as a LangGraph state machine: the only loop of student and teacher in the package.

    START -> open -> student -> teacher -> student ... -> END

`student` sees the public history (`StudentState`). `teacher` judges the student's draft, lets Q-priming rewrite it,
ends the dialogue or answers through the leak guard. With a person as the teacher the answer is given in a node of its
own, `person`, which holds nothing but the interrupt. Every dialogue ends with a named `StopReason`; a failing model
ends it as `failed` with the reason in the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite, interrupt

from sml_agents.dialogue.record import dialogue_id, rulebooks
from sml_agents.dialogue.referee import (
    Classifier,
    Referee,
    call_seed,
    rewrites,
    student_turn,
    teacher_view,
    with_calls,
)
from sml_agents.dialogue.state import (
    DialogueContext,
    DialogueInput,
    DialogueOutput,
    DialogueSettings,
    DialogueState,
    StudentState,
    given_task,
    parsed,
)
from sml_agents.errors import EndsTheRun
from sml_agents.roles.call_leaks import CallSecret
from sml_agents.roles.guard import escape, find_leak, mask_leak
from sml_agents.roles.primer import OraclePrimer, Primer
from sml_agents.roles.prompts import render
from sml_agents.roles.repeats import drawn
from sml_agents.roles.student import Student
from sml_agents.roles.teacher import HumanReply, HumanTeacher, Teacher
from sml_agents.text.questions import asked_facts
from sml_agents.types import Act, Failure, Reply, Role, StopReason, Task, Trace, Turn
from sml_agents.verifiers import Verifier
from sml_agents.views import Calls, History, StudentView, TeacherView, in_words

__all__ = ["Cast", "DialogueGraph", "build_dialogue"]

DialogueGraph = CompiledStateGraph[DialogueState, DialogueContext, DialogueInput, DialogueOutput]
_Runtime = Runtime[DialogueContext]
_NOT_OURS = (GraphBubbleUp, EndsTheRun)
"""No failures of this dialogue: LangGraph's own signals, and what would fail every other dialogue, too."""


@dataclass(frozen=True)
class Cast:
    """Everyone who takes part, and the settings.

        cast = Cast(ChatStudent(resolve("embedded:")), OracleTeacher())
        trace = (await cast.graph().ainvoke({"task": task}))["trace"]

    Args:
        primer: writes Q-priming's questions when `settings.q_priming` is set.
        verifier: in place of the one that each task names.
        classifier: labels acts in place of the rules.
    """

    student: Student
    teacher: Teacher | HumanTeacher
    settings: DialogueSettings = field(default_factory=DialogueSettings)
    primer: Primer = field(default_factory=OraclePrimer)
    verifier: Verifier | None = None
    classifier: Classifier | None = None

    @property
    def referee(self) -> Referee:
        """Labels and scores the student's turns."""
        return Referee(self.verifier, self.classifier)

    @cached_property
    def record(self) -> dict[str, Any]:
        """What a run keeps, and compares before it goes on: the settings of all, JSON-able, and hashes of the rules.

        A resumed run that would label, answer or score by other rules than it was started with is refused by name.
        """
        record: dict[str, Any] = {
            "dialogue": self.settings.model_dump(mode="json"),
            "student": self.student.settings,
            "teacher": self.teacher.settings,
        }
        if self.settings.q_priming is not None:
            record["primer"] = self.primer.settings
        for name, part in (("verifier", self.verifier), ("classifier", self.classifier)):
            if part is not None:
                record[name] = type(part).__name__
        return {**record, "rules": dict(rulebooks())}

    def dialogue_id(self, task: Task, sample: int = 0, seed: int | None = None) -> str:
        """The id of sample number `sample` of `task`: see `dialogue_id`. `seed`: in place of that of the settings."""
        return dialogue_id(task, sample, self.record, self.settings.seed if seed is None else seed)

    def graph(self, checkpointer: Any = None) -> DialogueGraph:
        """The dialogue as a compiled LangGraph graph. A human teacher needs a `checkpointer`, here or around it."""
        machine = _Machine(self)
        graph: StateGraph[DialogueState, DialogueContext, DialogueInput, DialogueOutput] = StateGraph(
            DialogueState, context_schema=DialogueContext, input_schema=DialogueInput, output_schema=DialogueOutput
        )
        graph.add_node("open", machine.open)
        graph.add_node("student", machine.student_node, input_schema=StudentState)
        after_teacher = ("person", END) if isinstance(self.teacher, HumanTeacher) else ("student", END)
        graph.add_node("teacher", machine.teacher_node, destinations=after_teacher)
        if isinstance(self.teacher, HumanTeacher):
            graph.add_node("person", machine.person_node, destinations=("student", END))
        graph.add_edge(START, "open")
        graph.add_edge("open", "student")
        graph.add_edge("student", "teacher")
        return graph.compile(checkpointer=checkpointer, name="dialogue")


def build_dialogue(
    student: Student,
    teacher: Teacher | HumanTeacher,
    *,
    settings: DialogueSettings | None = None,
    primer: Primer | None = None,
    verifier: Verifier | None = None,
    classifier: Classifier | None = None,
    checkpointer: Any = None,
) -> DialogueGraph:
    """Compile the dialogue of `student` and `teacher`.

    Invoke with `{"task": Task}` (or the task as JSON); the result is `{"trace": Trace}`. The compiled graph is an
    ordinary LangGraph graph: it can be a node of another one whose state has `task` and `trace`.

    `primer` writes Q-priming's questions when `settings.q_priming` is set (default: the oracle's). `verifier` overrides
    the one that each task names, `classifier` the rules that label acts. A human teacher needs a `checkpointer`, here
    or in the graph around it.
    """
    cast = Cast(student, teacher, settings or DialogueSettings(), primer or OraclePrimer(), verifier, classifier)
    return cast.graph(checkpointer)


class _Machine:
    """The nodes, bound to who takes part."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.student, self.teacher, self.primer = cast.student, cast.teacher, cast.primer
        self.settings, self.referee = cast.settings, cast.referee

    async def open(self, state: DialogueState) -> dict[str, Any]:
        """State the problem, on a clean slate: the thread may have held a dialogue before."""
        task, sample = given_task(state), state.get("sample", 0)
        return {
            "task": task,
            "sample_index": sample,
            "dialogue_id": state.get("id") or self.cast.dialogue_id(task, sample),
            "history": Overwrite([(Role.TEACHER, task.prompt)]),
            "calls": Overwrite([]),
            "tools": task.tools,
            "turns": Overwrite([Turn(role=Role.TEACHER, text=task.prompt)]),
            "failure": None,
        }

    async def student_node(self, state: StudentState, runtime: _Runtime) -> dict[str, Any]:
        state = parsed(state, StudentState)
        history = tuple(state["history"])
        turn = sum(role is Role.STUDENT for role, _ in history)
        try:
            calls = tuple(state.get("calls", ()))
            view = StudentView(history, calls, _tokens(history, calls, state.get("draft")), state.get("tools", ()))
            key = f"student/{turn}"
            draft = await drawn(
                self.student,
                view,
                lambda one, draw: self._reply(one, view, runtime, state, f"{key}/{draw}" if draw else key),
            )
        except _NOT_OURS:
            raise
        except Exception as error:  # the one boundary at which a failure becomes part of the trace
            return {"failure": Failure.of("student", error)}
        return {"draft": draft}

    async def teacher_node(self, state: DialogueState, runtime: _Runtime) -> Command[Any]:
        state = parsed(state, DialogueState)
        turns = state["turns"]
        if failure := state.get("failure"):
            return self._end(state, [], StopReason.FAILED, error=failure)
        said: list[Turn] = []
        boundary = "verifier"
        try:
            turn = await self._judged(state["task"], state["draft"], turns)
            boundary = "primer"
            turn = await self._primed(state, turn, runtime)
            said.append(turn)
            boundary = "teacher"
            count = 1 + sum(earlier.role is Role.STUDENT for earlier in turns)
            if (stop := self._reason_to_stop(turn, count, state["task"])) is not None:
                return self._end(state, said, stop)
            if isinstance(self.teacher, HumanTeacher):
                return Command(update={"turns": said, **_public(state, turn)}, goto="person")
            view = teacher_view(state["task"], turns, turn)
            reply = await self._reply(self.teacher, view, runtime, state, f"teacher/{count}")
        except _NOT_OURS:
            raise
        except Exception as error:
            return self._end(state, said, StopReason.FAILED, error=Failure.of(boundary, error))
        return self._answered(state, said, view, reply, _public(state, turn))

    async def person_node(self, state: DialogueState) -> Command[Any]:
        state = parsed(state, DialogueState)
        turn = state["turns"][-1]
        view = teacher_view(state["task"], state["turns"][:-1], turn)
        answer = interrupt(HumanTeacher.payload(view), response_schema=HumanReply)
        reply = HumanTeacher.from_person(HumanReply.model_validate(answer), view)
        return self._answered(state, [], view, reply, {"history": []})

    async def _reply(
        self, role: Student | Teacher, view: Any, runtime: _Runtime, state: StudentState, key: str
    ) -> Reply:
        """The role's reply, from the journal if it was given before; durable there before it is used."""
        journal = runtime.context.journal if runtime.context else None
        if journal is not None and (known := journal.get(key)) is not None:
            return known
        reply = await role.reply(view, seed=call_seed(self.settings.seed, state["dialogue_id"], key))
        if journal is not None and not getattr(role, "by_rule", False):
            await journal.put(key, reply)
        return reply

    async def _judged(self, task: Task, reply: Reply, turns: Sequence[Turn], replaced: str | None = None) -> Turn:
        """A student's reply after `turns` as a turn, labelled and scored."""
        reply = with_calls(task, reply)
        label, verdict = await self.referee.judge(task, reply, turns)
        return student_turn(reply, label, verdict, replaced=replaced)

    async def _primed(self, state: DialogueState, turn: Turn, runtime: _Runtime) -> Turn:
        """The student's turn, rewritten if Q-priming says so."""
        if self.settings.q_priming is None:
            return turn
        task, turns = state["task"], state["turns"]
        count = sum(earlier.role is Role.STUDENT for earlier in turns)
        view = teacher_view(task, turns, turn)
        solved = turn.verdict is not None and turn.verdict.correct
        heard = [earlier.text for earlier in turns if earlier.role is Role.TEACHER]
        useful = turn.act is Act.CLARIFICATION and bool(asked_facts(turn.text, view.untold, heard, view.tools))
        if solved or useful or count + 1 >= self._limit(task):
            return turn
        if not rewrites(self.settings, state["dialogue_id"], count):
            return turn
        reply = await self._reply(_Rewriter(self.primer), view, runtime, state, f"primer/{count}")
        if not reply.text and not reply.tool_calls:
            return turn
        primed = await self._judged(task, reply, turns, replaced=in_words(turn.text, turn.tool_calls))
        private, public = task.private, [text for _, text in view.history[:-1]]
        request = CallSecret.of(task, view, public) if task.tools else None
        leak = find_leak(primed.text, private.answer, public=public, code=private.code, request=request)
        if primed.act is Act.CLARIFICATION and leak is not None:
            return turn  # a question that gives the answer away would teach the student to know it
        return primed

    def _answered(
        self, state: DialogueState, said: list[Turn], view: TeacherView, reply: Reply, public: dict[str, list[Any]]
    ) -> Command[Any]:
        """The teacher's reply, past the guard, as the next turn. `public`: what the student's own adds to its view."""
        if reply.stop:
            return self._end(state, said, StopReason.TEACHER_STOPPED)
        leak, text, masked = None, reply.text, False
        if self.settings.guard != "off":
            known = [text for _, text in view.history]
            private = view.private
            allowed = [fact.statement for fact in private.facts]
            if private.code is not None and view.verdict is not None:
                allowed.append(escape(view.verdict.diagnosis))
            task = state["task"]
            request = CallSecret.of(task, view, known, asked=True) if task.tools else None
            given: dict[str, Any] = {"public": known, "allowed": allowed, "code": private.code, "request": request}
            leak = find_leak(reply.text, private.answer, **given)
            if leak is not None and self.settings.guard == "mask":
                text, masked = mask_leak(reply.text, private.answer, **given), True
        turn = Turn(
            role=Role.TEACHER,
            text=text,
            reveals=reply.reveals,
            leak=leak,
            masked=masked,
            call=reply.call,
        )
        if leak is not None and self.settings.guard == "end":
            return self._end(state, [*said, turn], StopReason.LEAKED)
        history = [*public["history"], (Role.TEACHER, text)]
        return Command(update={**public, "turns": [*said, turn], "history": history}, goto="student")

    def _limit(self, task: Task) -> int:
        """How many turns the student has."""
        return min(self.settings.max_turns, task.max_turns or self.settings.max_turns)

    def _reason_to_stop(self, turn: Turn, count: int, task: Task) -> StopReason | None:
        """Why the dialogue ends with the student's turn number `count`; None when it goes on."""
        last = count >= self._limit(task)
        if turn.verdict is not None and turn.verdict.correct is None:
            return StopReason.UNSCORED
        if turn.verdict is not None and turn.verdict.correct and (last or not self.settings.last_turn_decides):
            return StopReason.SOLVED
        return StopReason.MAX_TURNS if last else None

    def _end(
        self, state: DialogueState, said: list[Turn], stop: StopReason, *, error: Failure | None = None
    ) -> Command[Any]:
        turns = (*state["turns"], *said)
        trace = Trace(
            id=state["dialogue_id"],
            task=state["task"],
            sample=state["sample_index"],
            turns=turns,
            stop=stop,
            solved=self._solved(turns[-1], stop) if self.referee.scores(state["task"]) else None,
            error=error,
            settings=self.cast.record,
            tools=state["task"].tools,
            system=self._system(state["task"]),
        )
        return Command(update={"trace": trace}, goto=END)

    def _solved(self, last: Turn, stop: StopReason) -> bool | None:
        """Whether a dialogue that ended with the turn `last` is solved; None where nobody can tell."""
        if stop in (StopReason.FAILED, StopReason.UNSCORED):
            return None
        if stop is StopReason.TEACHER_STOPPED:
            right = last.verdict is not None and bool(last.verdict.correct)
            return right if self.settings.last_turn_decides else None
        return stop is StopReason.SOLVED

    def _system(self, task: Task) -> str:
        """The prompt under which tools are called, which belongs to what was said; others go by their task."""
        return str(getattr(self.student, "tools_system", render("student_tools"))) if task.tools else ""


class _Rewriter:
    """A primer on the seam of a role; an empty text means that it leaves the turn."""

    def __init__(self, primer: Primer) -> None:
        self.primer = primer
        self.settings = primer.settings
        self.by_rule = getattr(primer, "by_rule", False)

    async def reply(self, view: TeacherView, *, seed: int) -> Reply:
        return await self.primer.rewrite(view, seed=seed) or Reply(text="")


def _public(state: DialogueState, turn: Turn) -> dict[str, list[Any]]:
    """What a student's turn adds to the student's own view."""
    added: dict[str, list[Any]] = {"history": [(Role.STUDENT, turn.text)]}
    if turn.tool_calls:
        added["calls"] = [(len(state["history"]), turn.tool_calls)]
    return added


def _tokens(history: History, calls: Calls, draft: Reply | None) -> tuple[int, ...]:
    """The ids behind the history up to the student's last turn; none when that turn was rewritten, or has none."""
    if draft is None or draft.call is None or len(history) < 2:
        return ()
    if in_words(history[-2][1], dict(calls).get(len(history) - 2)) != in_words(draft.text, draft.tool_calls):
        return ()
    return (*(draft.call.prompt_ids or ()), *(draft.call.completion_ids or ()))
