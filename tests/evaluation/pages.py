"""Reports for the tests to open: a base and a trained student on the same tasks, and every awkward text there is."""

from __future__ import annotations

import random

from sml_agents.evaluation.compare import Comparison, Summary
from sml_agents.types import Fact, Failure, Private, Role, StopReason, Task, Trace, Turn
from tests.evaluation.crafted import task, trace

STORIES = (
    "Ann buys 4 tickets to the fair and pays with a 50 dollar note. How much change does she get?",
    "A baker fills 6 trays with the same number of rolls and sells 18 rolls before noon. How many rolls are left?",
    "Tom reads the same number of pages every evening. How many pages has he read after 9 evenings?",
    "A train leaves with 120 passengers. At the first stop some get off and 35 get on. How many are on it now?",
)
ATTACK = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'> {{ 7*7 }} <!-- \u2028 & \u0007"
ARABIC = "كم ثمن التذكرة الواحدة؟ أحتاج إلى هذا الرقم كي أحسب المبلغ (٢٨ أو 28)."
LONG = ("I multiply the number of tickets by the price of one ticket and check the result once more. " * 60)[:5000]
WIDE = "x" * 400 + " https://example.invalid/" + "a/" * 150


def failure(message: str) -> Failure:
    return Failure(boundary="student", type="EndpointError", message=message)


def study(tasks: int = 60, *, seed: int = 3, samples: int = 1) -> dict[str, dict[str, list[Trace]]]:
    """Dialogues by student and spec: a base that guesses and a trained student that asks."""
    generator = random.Random(seed)
    specs = {
        "arithmetic?form=underspecified&split=heldout&n=60&seed=1": "underspecified",
        "arithmetic?form=full&split=heldout&n=60&seed=1": "full",
    }
    habits = {
        "base": {"underspecified": ["1111", "12q+r", "1213", "d1q+3", "u1v1", "1!r"], "full": ["r", "1r", "1213", "r"]},
        "trained": {
            "underspecified": ["q+r", "q+r", "q+1r", "vq+r", "q+11r", "1q+r"],
            "full": ["r", "r", "1r", "qr", "r"],
        },
    }
    found: dict[str, dict[str, list[Trace]]] = {}
    for student, by_form in habits.items():
        for spec, form in specs.items():
            traces = []
            for k in range(tasks):
                one = task(f"{form[0]}{k:03}", form=form, family="arithmetic", pair=f"p{k}", prompt=STORIES[k % 4])
                for sample in range(samples):
                    traces.append(trace(generator.choice(by_form[form]), one, sample=sample, student=student))
            found.setdefault(student, {})[spec] = traces
    return found


def awkward() -> list[Trace]:
    """Texts and ends that break careless pages."""

    def says(id: str, *texts: str, prompt: str = "What is it?", **fields: object) -> Trace:
        facts = (Fact(name="<b>price</b>", statement=ATTACK, keywords=("price",)),)
        of = Task(
            id=id,
            family="odd & <i>strange</i>",
            form="underspecified",
            prompt=prompt,
            private=Private(answer=ATTACK, facts=facts, solution=LONG),
        )
        base = trace("1" * len(texts), of)
        turns = [turn for turn in base.turns if turn.role is Role.TEACHER]
        written = [turn.model_copy(update={"text": text}) for turn, text in zip(base.student_turns, texts, strict=True)]
        mixed: list[Turn] = []
        for number, turn in enumerate(written):
            mixed += [*turns[number : number + 1], turn]
        return base.model_copy(update={"turns": tuple(mixed), **fields})

    return [
        says("attack", ATTACK, "{% raw %}", "'\"`", prompt=ATTACK),
        says("arabic", ARABIC, "\u202eoverride\u202c", prompt=ARABIC),
        says("long", LONG, WIDE, LONG, prompt=LONG),
        says("empty", "", "   ", "\n\n"),
        says("surrogate", "broken \ud83d here", "emoji 👩‍👩‍👧 fine", "\x00nul"),
        says("down", "1", stop=StopReason.FAILED, solved=None, error=failure(f"status 500 {ATTACK}")),
        trace("", task("silent"), stop=StopReason.FAILED, error=failure("refused")),
        trace("1t", task("timeout")),
        trace("P+r", task("primed")),
        trace("1m1", task("masked")),
    ]


def summarised(dialogues: dict[str, dict[str, list[Trace]]], resamples: int = 300) -> Summary:
    comparison = Comparison(resamples=resamples)
    for student, specs in dialogues.items():
        for spec, traces in specs.items():
            comparison.add(student, spec, traces)
    return comparison.summary()
