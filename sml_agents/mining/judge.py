"""A chat model as a second opinion on what the rules found.

It is shown the turns around a moment and says whether something was missing and whether it ended well. Where it agrees,
the moment becomes surer and takes the model's wording of the question; where it does not, the moment is kept with a
low confidence and says so, for a person to decide. Where the model fails, or its reply cannot be read, the moment stays
as the rules found it, and the judge counts why.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ValidationError

from sml_agents.backends.loops import run_sync
from sml_agents.errors import one_line
from sml_agents.mining.conversation import as_held
from sml_agents.mining.find import candidates
from sml_agents.mining.moments import Evidence, Kind, Moment
from sml_agents.roles.acts import classify
from sml_agents.roles.chat import ask_model, describe_model
from sml_agents.roles.guard import escape
from sml_agents.roles.prompts import load, render
from sml_agents.types import Act, Role, Trace, Turn, stable_hash

__all__ = ["Judge"]

_BEFORE = 6
_LONGEST = 2_000
_AGREES, _DISAGREES = 0.6, 0.4
"""What is left of the doubt when the judge agrees, and of the confidence when it does not."""


class _Opinion(BaseModel):
    missing: bool
    question: str = ""
    good: bool
    quote: str = ""


_FAILURES_IN_A_ROW = 5


class Judge:
    """Finds moments by rule and has `model` judge each: one call a moment.

    A model that fails five times in a row is not asked any more.
    """

    def __init__(self, model: BaseChatModel) -> None:
        load("log_judge")
        self.model = model
        self.judged = 0
        """Moments that the model gave its opinion on."""
        self.unjudged: Counter[str] = Counter()
        """Moments left as the rules found them, by reason."""
        self._failed = 0
        self._why = ""
        described = describe_model(model)
        self.name = f"judge:{described.get('model') or described.get('name') or stable_hash(described, length=8)}"

    def find(self, trace: Trace) -> list[Moment]:
        """The moments of a conversation, judged; those for which nobody has a question are left out."""
        held = as_held(trace)
        judged = [self.judge(held, moment) for moment in candidates(trace)]
        return [one for one in judged if one.question or one.kind not in (Kind.CORRECTED, Kind.LATE_FACT)]

    def judge(self, trace: Trace, moment: Moment) -> Moment:
        """`moment` with the model's opinion. `trace` is as it was held (`conversation.as_held`)."""
        if self._failed >= _FAILURES_IN_A_ROW:
            self.unjudged[f"not asked after {_FAILURES_IN_A_ROW} failures in a row: {self._why}"] += 1
            return moment
        shown = [
            {
                "number": number,
                "who": "the person" if turn.role is Role.TEACHER else "the agent",
                "text": escape(_shown(turn)[:_LONGEST]),
            }
            for number, turn in enumerate(trace.turns[: moment.answer + 2])
        ][-_BEFORE:]
        prompt = render("log_judge", turns=shown, at=moment.at, answer=moment.answer)
        try:
            reply = run_sync(ask_model(self.model, [HumanMessage(prompt)], seed=0))
        except Exception as error:  # whatever a model raises: what the rules found is not lost over it
            self._failed, self._why = self._failed + 1, one_line(error)
            self.unjudged[f"the model failed: {self._why}"] += 1
            return moment
        self._failed = 0
        opinion = _read(reply.text)
        if opinion is None:
            self.unjudged["its reply could not be read"] += 1
            return moment
        self.judged += 1
        return self._with(moment, opinion)

    def _with(self, moment: Moment, opinion: _Opinion) -> Moment:
        needed = moment.kind not in (Kind.ANSWERED, Kind.MISTAKE)
        agrees = opinion.good and opinion.missing == needed
        sure = 1 - (1 - moment.confidence) * _AGREES if agrees else moment.confidence * _DISAGREES
        changes: dict[str, Any] = {
            "confidence": round(sure, 2),
            "by": f"{moment.by}, {self.name} {'agrees' if agrees else 'does not agree'}",
            "outcome_by": self.name if agrees else moment.outcome_by,
            "evidence": (*moment.evidence, Evidence(turn=moment.at, quote=opinion.quote[:300], why=self.name)),
        }
        rewritten = moment.kind in (Kind.CORRECTED, Kind.LATE_FACT)
        if agrees and rewritten and classify(opinion.question).act is Act.CLARIFICATION:
            changes["question"] = opinion.question.strip()
        return moment.model_copy(update=changes)


def _shown(turn: Turn) -> str:
    calls = [f"[calls {call.name} {json.dumps(call.arguments, default=str)}]" for call in turn.tool_calls or ()]
    return "\n".join([*calls, turn.text])


def _read(text: str) -> _Opinion | None:
    start, stop = text.find("{"), text.rfind("}")
    try:
        return _Opinion.model_validate(json.loads(text[start : stop + 1]))
    except (ValidationError, ValueError, RecursionError):
        return None
