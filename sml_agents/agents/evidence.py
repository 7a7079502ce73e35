"""What a conversation says about the request at hand: a request, its questions and answers, and who said what.

A request begins with the person's first words after a guarded call has succeeded or they have withdrawn the one before;
answering a question does not begin one. It is read off the messages alone, so that it is the same after a restart.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from sml_agents.agents.asking import ASK_USER, NOT_RUN, REFUSED, Question, answers_of, asked_by, is_answer, is_own
from sml_agents.text.sentences import sentences
from sml_agents.text.values import Clock, Span, find, fold, kind_of

__all__ = ["Piece", "Request", "accepts", "answers_nothing", "pieces_of_data", "speaks_of_going_on", "withdraws"]

Source = Literal["said", "offered", "returned", "given"]


@dataclass(frozen=True)
class Piece:
    """A stretch of text that may hold values."""

    source: Source
    text: str
    at: int
    """Index of its message; -1 for what stands outside of the conversation."""
    about: frozenset[str] = frozenset()
    """Names of the arguments that it answers a question about."""
    key: str = ""
    """In structured data: the keys above the value."""
    correction: bool = False
    """It takes back something that was said before."""
    accepted: bool = False
    """An offer that the person took."""
    question: str = ""
    """The agent's question in its own words that the person's words follow."""


_SENTENCE = re.compile(r"[.!?;\n]+(?=\s|$)|,(?=\s)|\s[-\u2013\u2014]\s")
_WITHDRAWN = re.compile(
    r"(?:(?:oh|ok|okay|no|actually|sorry|well|hm+|please|then|just|ach|nein|bitte|and|but) )*"
    r"(?:never ?mind(?: that| it)?|forget (?:it|that|about (?:it|that))|stop(?: it| that)?|abort|drop it"
    r"|leave it(?: be)?"
    r"|cancel(?: (?:it|that|this|everything|all of it|(?:the|my|this) (?:request|whole thing)))?"
    r"|do(?: not|n't) (?:bother|book|do|send|order|buy)(?: (?:it|that|anything))?|i (?:have )?changed my mind"
    r"|i do(?: not|n't) want (?:it|that|this) any ?more"
    r"|let'?s (?:not|leave it|forget it)(?: do (?:it|that))?|no,? thanks?(?: you)?|not any ?more"
    r"|vergiss (?:es|das)|lass (?:es|das|mal)(?: sein| gut sein)?|abbrechen|brich(?: das)? ab|storniere das"
    r"|doch nicht|laisse tomber|annule|olvidalo|cancelar?)"
    r"(?: (?:please|then|now|instead|after all|bitte|doch))*"
)
_FILLER = re.compile(
    r"(?:oh|ok|okay|no|nein|nope|sorry|thanks?(?: you)?(?: anyway)?|please|well|hm+|hi|hello|danke|bitte|bye|for now"
    r"|it'?s fine|all good|that'?s all"
    r"|i don'?t (?:need|want) (?:it|that|this)(?: any ?more)?)?"
)
_DONT_KNOW = re.compile(
    r"\b(?:no idea|(?:i )?do(?: not|n't) know|dunno|not sure|no clue|can'?t say|hold on|wait a|one moment"
    r"|let me (?:check|think|look)|later"
    r"|weiss (?:es |ich )?(?:noch )?nicht|keine ahnung|moment(?: mal)?|what do you mean|why do you (?:ask|need)"
    r"|sais pas)\b"
)
_GO_ON = re.compile(
    r"(?:(?:ok|okay|please|and|so|but|just|no|well|then|now|oh|bitte|ach) )*"
    r"(?:(?:just )?(?:go|go on|go ahead|do it|book it|proceed|continue|start|guess|carry on)(?: (?:ahead|on|now|then"
    r"|already|please))*"
    r"|(?:just )?(?:pick|choose|decide|take) (?:one|any(?:thing)?|something|for me|whatever)(?: (?:for me"
    r"|you like))?|stop asking(?: me)?(?: (?:questions|things))?"
    r"|(?:no more|enough|do(?: not|n't) ask(?: me)?(?: any)?(?: more)?|without(?: any)?(?: more)?) questions"
    r"|do(?: not|n't) ask(?: me)?(?: (?:again|any ?more|anything))?"
    r"|you (?:decide|choose|pick)|(?:it is |it's )?up to you|i (?:do not|don't) (?:care|mind)"
    r"|use your (?:own )?(?:best )?(?:judge?ment|guess)"
    r"|whatever(?: you (?:like|want|think))?|surprise me|mach einfach|egal|such (?:es )?dir (?:etwas|was) aus)"
    r"(?: (?:please|then|now|really|for me|bitte))*"
)
_YES = re.compile(
    r"(?:(?:oh|ok|okay|well|and|yes|please|that'?s all|it'?s|thats) )*(?:yes|ye[ps]|yeah|yup|ues|sure|ok|okay"
    r"|of course|correct|right|exactly|perfect|great|fine|alright|all right"
    r"|good|excellent|fantastic|amazing|wonderful|awesome|nice|cool|absolutely|definitely|indeed"
    r"|please do|go ahead|do it|i(?:'?m| am) (?:fine|ok|okay|good|happy) with (?:it|that|this)|i agree"
    r"|(?:that|this|it|the|everything)(?:'s| \w+)?(?: \w+)? (?:works|work|sounds|looks|is|will|would|should"
    r"|suits)(?: be| me| do| all)? ?(?:\w+ )?(?:correct|right|perfect|great|fine|good|well|ok|okay|nice|excellent|it"
    r"|that|do|me|works|work|alright|lovely|cool|the one|what i want)?"
    r"|that'?s (?:it|all|correct|right|fine|good|great|perfect|the one|what i want)|that one"
    r"|sounds? (?:\w+)(?: to me)?|looks? good|works for me|suits me|seems (?:great|good|fine)"
    r"|i(?:'ll| will| would like to|'d like to| would)? (?:take|like|love|want) (?:it|that|this|that one)"
    r"|(?:please )?(?:book|buy|reserve|get|order) (?:it|that|this|me that|them)(?: one)?|ja|genau|gerne?|passt"
    r"|stimmt|oui|d'accord|si|vale|claro)\b"
)
_NO = re.compile(
    r"(?:(?:oh|well|sorry|hm+) )*(?:no|nope|nah|not|nein|non|i do(?: not|n't)|do(?: not|n't)|something else|another"
    r"|any other|what else)\b"
)
_CORRECTS = re.compile(
    r"(?:^|(?<=[.,;!?\n\u2013\u2014-])\s*)(?:oh,? |ach,? |but |and )*(?:no,? wait[,.]?|no(?:pe)?,|no\b(?= (?:on|at"
    r"|to|from|make|it|the|i|let|in)\b)|wait,?|sorry,?|actually,?|i mean[t,]?|rather,?|correction"
    r"|(?:please )?(?:make (?:it|that)|change (?:it|that) to)|better,?|nein,?|doch lieber|lieber|ich mein\w*|besser"
    r"|instead,?|non,?)\s",
    re.IGNORECASE,
)


_REFERS = re.compile(
    r"\b(?:it|that|this|these|those|them|there|same|one|ones|first|second|third|last|es|das|den|die|dort|ersten?|gleiche[nrs]?)\b",
    re.IGNORECASE,
)


def _clauses(text: str) -> list[str]:
    return [clause for part in _SENTENCE.split(text) if (clause := " ".join(fold(part).strip(" .,!?\"'").split()))]


def withdraws(text: str) -> Literal["", "all", "part"]:
    """Whether the person takes the request back: `all`, or `part` when their words go on with something else."""
    clauses = _clauses(text)
    if not any(_WITHDRAWN.fullmatch(clause) for clause in clauses):
        return ""
    rest = [clause for clause in clauses if not (_WITHDRAWN.fullmatch(clause) or _FILLER.fullmatch(clause))]
    return "part" if rest else "all"


def answers_nothing(text: str) -> bool:
    """Whether a reply leaves the question open: `I don't know yet`, `hold on`, a question back, no words."""
    plain = " ".join(fold(text).split())
    if not plain or plain == "(no answer)" or withdraws(text):
        return True
    return bool(_DONT_KNOW.search(plain)) or (plain.endswith("?") and len(plain.split()) < 8)


def speaks_of_going_on(text: str) -> bool:
    """Whether the person says, in a sentence of its own, to go on without asking."""
    return any(_GO_ON.fullmatch(clause) for clause in _clauses(text.replace("\u2019", "'")))


def accepts(text: str) -> Literal["yes", "no", ""]:
    """Whether a reply takes or declines what was offered."""
    clauses = _clauses(text.replace("\u2019", "'"))
    if not clauses:
        return ""
    if _NO.match(clauses[0]):
        return "no"
    return "yes" if any(_YES.match(clause) for clause in clauses) else ""


@dataclass(frozen=True)
class Request:
    """What the person wants now, and how far the talk about it has come."""

    messages: Sequence[BaseMessage]
    begins: int
    pieces: tuple[Piece, ...]
    """Said, offered and returned, in order."""
    asked: Mapping[str, int]
    """Names of arguments, and how often each was asked for."""
    rounds: int
    """How often the person was asked since they last spoke of their own accord."""
    withdrawn: bool
    """The last words take the request back."""
    went_on: bool
    """The last words say to go on without asking."""
    refusals: int
    """Calls refused since the person last spoke."""
    settled: frozenset[str]
    """Keys of questions that got an answer."""
    done: bool
    """A guarded call has succeeded since the person last spoke."""
    earlier: int = 0
    """Where the request before this one begins, if the person refers back to it (`book it`); else as `begins`."""
    finished: frozenset[str] = frozenset()
    """The tools by which the request before this one succeeded."""
    trust: Collection[str] | None = None

    @classmethod
    def read(
        cls,
        messages: Sequence[BaseMessage],
        guarded: Callable[[str], bool],
        trust: Collection[str] | None = None,
        before: Sequence[Mapping[str, Any]] = (),
    ) -> Request:
        """The request at the end of a conversation.

        `guarded`: whether the tool of a name is. `trust`: tools whose results count; None for all. `before`: what
        `kept` gave earlier, for a conversation that was cut since.
        """
        begins, done, pending = 0, False, False
        earlier = 0
        finished: set[str] = set()
        succeeded: set[str] = set()
        asked: dict[str, int] = {}
        settled: set[str] = set()
        waiting: tuple[Question, ...] = ()
        rounds = refusals = 0
        withdrawn = went_on = False
        for at, message in enumerate(messages):
            if questions := asked_by(message):
                waiting, pending, done = questions, True, False
                rounds += 1
                for question in questions:
                    if question.about:
                        asked[question.about] = asked.get(question.about, 0) + 1
            elif isinstance(message, ToolMessage) and not is_answer(message):
                if _is_refusal(message):
                    refusals += 1
                elif message.status != "error" and guarded(message.name or ""):
                    done = True
                    succeeded.add(message.name or "")
            elif is_own(message) or is_answer(message):
                text = message.text
                took_back = withdraws(text)
                if took_back or (done and not pending and is_own(message)):
                    earlier = begins if done and not took_back and _REFERS.search(text) else at
                    finished, succeeded = succeeded, set()
                    begins, asked, settled = at, {}, set()
                if not (pending and not took_back):
                    rounds = 0
                if pending:
                    replies = answers_of(message) or [(question.about, text) for question in waiting]
                    for question, (_, reply) in zip(waiting, replies, strict=False):
                        if not answers_nothing(reply):
                            settled.update(question.keys)
                withdrawn, went_on = took_back == "all", speaks_of_going_on(text)
                done, pending, waiting, refusals = False, False, (), 0
        pieces = tuple(_pieces(messages, begins, trust))
        here = {message.id for message in messages}
        lost = [one for one in before if one.get("id") not in here] if not begins else []
        early = tuple(
            Piece("said", one["text"], -1, frozenset(one["about"]), correction=one["correction"]) for one in lost
        )
        return cls(
            messages=messages,
            begins=begins,
            pieces=early + pieces,
            asked=asked,
            rounds=rounds,
            withdrawn=withdrawn,
            went_on=went_on,
            refusals=refusals,
            settled=frozenset(settled),
            done=done,
            earlier=earlier,
            finished=frozenset(finished),
            trust=trust,
        )

    def for_tool(self, name: str) -> Request:
        """The request as a tool sees it: `book it` after a search means what was found; a second booking does not."""
        if self.earlier >= self.begins or name in self.finished:
            return self
        return replace(self, begins=self.earlier, pieces=tuple(_pieces(self.messages, self.earlier, self.trust)))

    def kept(self) -> list[dict[str, Any]]:
        """What the person said about this request, as plain data."""
        found = []
        for piece in self.pieces:
            if piece.source == "said":
                id = self.messages[piece.at].id if piece.at >= 0 else None
                found.append(
                    {"id": id, "text": piece.text, "about": sorted(piece.about), "correction": piece.correction}
                )
        return found

    @property
    def told(self) -> str:
        return "\n".join(piece.text for piece in self.pieces if piece.source == "said")


def _pieces(messages: Sequence[BaseMessage], begins: int, trust: Collection[str] | None) -> Iterator[Piece]:
    calls: dict[str, Mapping[str, Any]] = {}
    waiting: tuple[Question, ...] = ()
    offers: list[Piece] = []
    question = ""
    for at, message in enumerate(messages):
        if isinstance(message, AIMessage):
            calls.update({call["id"] or "": call["args"] for call in message.tool_calls})
            if questions := asked_by(message):
                waiting = questions
            question = _last_question(message.text)
            by_rule = bool(waiting) and any(question.about for question in waiting)
            if at >= begins and message.text.strip() and not by_rule:
                offers.append(Piece("offered", message.text, at))
        elif is_answer(message) or is_own(message):
            if at >= begins:
                verdict = accepts(message.text)
                if verdict == "yes":
                    yield from (Piece("offered", offer.text, at, accepted=True) for offer in offers)
                if verdict == "yes" or (verdict == "no" and len(message.text.split()) <= 3):
                    offers = []  # a longer no changes part of what was offered
                yield from _said(message, at, waiting, question)
            waiting, question = (), ""
        elif isinstance(message, ToolMessage):
            if message.name == ASK_USER or _is_refusal(message) or message.status == "error":
                continue
            if trust is None or message.name in trust:
                yield from _returned(message, at, calls.get(message.tool_call_id, {}))


def _is_refusal(message: ToolMessage) -> bool:
    return bool(message.response_metadata.get(REFUSED)) or message.text.startswith(NOT_RUN)


def _last_question(text: str) -> str:
    """The sentence with which a text ends, if it is a question."""
    return sentences(text)[-1] if text.rstrip().endswith("?") else ""


def _said(message: BaseMessage, at: int, waiting: tuple[Question, ...], question: str) -> Iterator[Piece]:
    replies = [text for _, text in answers_of(message)]
    if not replies and len(waiting) == 1:
        replies = [message.text]
    if replies and len(replies) == len(waiting):  # the tool's own answer knows its questions by their text alone
        pairs = [(question.about, text) for question, text in zip(waiting, replies, strict=True)]
    else:
        pairs = [("", text) for text in replies or [message.text]]
    for name, text in pairs:
        about = frozenset({name}) if name else frozenset()
        cuts = [found.start() for found in _CORRECTS.finditer(text)]
        marks = sorted({0, *cuts, len(text)})
        for start, end in pairwise(marks):
            if text[start:end].strip():
                yield Piece("said", text[start:end], at, about, correction=start in cuts, question=question)


def _returned(message: ToolMessage, at: int, arguments: Mapping[str, Any]) -> Iterator[Piece]:
    """A tool's result, without what only repeats the call's own arguments: an echo is no source."""
    echoes = [value for value in _values(arguments) if str(value).strip()]
    clock = Clock(dt.datetime.min, known=False)
    for key, text in _flat(_data(message.text)):
        spans = [one.span for value in echoes for one in find(kind_of({}, "", value), value, text, clock)]
        for span in sorted((one for one in spans if not _within_a_word(text, one)), key=lambda span: -span.start):
            text = f"{text[: span.start]} \u2026 {text[span.end :]}"
        if text.strip(" \u2026"):
            yield Piece("returned", text, at, key=key)


def _within_a_word(text: str, span: Span) -> bool:
    """Whether a span is part of something longer, as a name is of an address."""
    around = text[span.start - 1 : span.start] + text[span.end : span.end + 2]
    return bool(re.search(r"[@/_-]|[.:]\w", around)) and not re.fullmatch(r"\s?[.:,]?\s?", around)


def _values(at: Any) -> Iterator[Any]:
    if isinstance(at, Mapping):
        for value in at.values():
            yield from _values(value)
    elif isinstance(at, list | tuple):
        for value in at:
            yield from _values(value)
    elif at is not None and not isinstance(at, bool):
        yield at


def _data(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


_MOST_LEAVES = 2000


def _flat(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The values of structured data with the keys above them."""
    stack: list[tuple[str, Any]] = [(key, data)]
    seen = 0
    while stack and seen < _MOST_LEAVES:
        path, at = stack.pop()
        if isinstance(at, Mapping):
            stack.extend((f"{path} {name}".strip(), value) for name, value in at.items())
        elif isinstance(at, list | tuple | set | frozenset):
            stack.extend((path, value) for value in at)
        elif isinstance(at, str) or (at is not None and not callable(at)):
            seen += 1
            text = at.isoformat() if hasattr(at, "isoformat") else str(at)
            yield (path, text)


def pieces_of_data(data: Any) -> tuple[Piece, ...]:
    """What stands outside of the conversation: a text, or structured data such as the state."""
    if hasattr(data, "model_dump"):
        data = data.model_dump()
    elif hasattr(data, "__dataclass_fields__"):
        data = {name: getattr(data, name) for name in data.__dataclass_fields__}
    return tuple(Piece("given", text, -1, key=key) for key, text in _flat(data) if text.strip())
