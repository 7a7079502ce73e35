"""AskBench's AskMind files: problems of which what matters was left out or made vague (arXiv 2602.11199).

A row holds `ori_question`, `degraded_question`, `expected_answer`, and `required_points`: what to clarify, as phrases
without values. There a language model, shown the original, plays the person; here the person's facts are the sentences
of the original that the degraded question lacks, word for word, so that what is told is what was taken out. A row whose
degraded question lacks no sentence, or only the one that asks, is refused: nothing that can be told is missing. So are
rows with more sentences in other words than points to clarify, and those of AskOverconfidence
(`overconfidence_question`): a wrong premise is no missing fact.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import islice

from sml_agents.tasks.rows import read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.static.problems import StaticProblem, task
from sml_agents.text.sentences import sentences
from sml_agents.text.words import content_words, keywords_of, stem
from sml_agents.types import Fact, Form, Task, stable_hash

__all__ = ["make"]

_FAMILY = "askbench"
_LETTER = re.compile(r"(?:the answer is|answer:)\s*\(?([A-Z])\)?\.?", re.IGNORECASE)
_FORMAT = re.compile(r"\s*Format your response as follows:.*\Z", re.DOTALL)
"""What AskBench adds to its problems of MATH, in one form or in both."""


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    seen: set[str] = set()
    for row in islice(read_rows(spec.arg, report), spec.offset, None):
        report.read += 1
        whole, lacking = (_FORMAT.sub("", text_in(row, name)) for name in ("ori_question", "degraded_question"))
        answer, named = text_in(row, "expected_answer"), row.get("required_points")
        points = [point for point in named if isinstance(point, str)] if isinstance(named, list) else []
        if "overconfidence_question" in row:
            report.refused["a wrong premise, not a missing fact"] += 1
        elif not whole or not lacking or not answer:
            report.bad["no ori_question, degraded_question or expected_answer"] += 1
        elif not (facts := _facts(whole, lacking, points)):
            report.refused["no sentence is missing that could be told"] += 1
        elif len(facts) > len(points):
            report.refused["more is rewritten than the points name"] += 1
        else:
            pair = stable_hash(_FAMILY, "pair", whole, answer)
            if pair in seen:
                report.refused["the same problem again"] += 1
                continue
            seen.add(pair)
            letter = _LETTER.fullmatch(answer)
            meta = {"source": source} if (source := text_in(row, "source_task")) else {}
            problem = StaticProblem(whole, letter.group(1) if letter else answer, meta=meta)
            forms = choose_forms(
                spec.form, (Form.FULL, Form.UNDERSPECIFIED), random.Random(stable_hash(_FAMILY, spec.seed, pair))
            )
            yield tuple(
                task(problem, _FAMILY, form, pair, whole)
                if form is Form.FULL
                else task(problem, _FAMILY, form, pair, lacking, facts)
                for form in forms
            )


def _facts(whole: str, lacking: str, points: list[str]) -> tuple[Fact, ...]:
    """The sentences of the original that the degraded question has in other words or not at all, questions apart.

    Each is named by the point that shares most words with it, if one shares any.
    """
    kept = {_plain(sentence) for sentence in sentences(lacking)}
    gone = [one for one in sentences(whole) if _plain(one) not in kept and not one.rstrip().endswith("?")]
    words = [{stem(word) for word in content_words(sentence)} for sentence in gone]
    named: dict[int, list[tuple[int, str]]] = {}
    for point in points:
        shared = [len(own & {stem(word) for word in content_words(point)}) for own in words]
        if any(shared):
            named.setdefault(shared.index(max(shared)), []).append((max(shared), point))
    return tuple(
        Fact(
            name=f"point{k + 1}",
            statement=sentence,
            keywords=keywords_of(max(named[k])[1]) if k in named else keywords_of(sentence, lacking),
            question=" ".join(point for _, point in named.get(k, ())),
        )
        for k, sentence in enumerate(gone)
    )


def _plain(sentence: str) -> str:
    return " ".join(sentence.split()).casefold()
