"""Does the math verifier agree with what is right? Answers in the notations that models use, right ones and wrong ones.

    python benchmarks/agreement.py GSM8K_FILE [--json]

GSM8K: each reference answer, written in each of several notations around a sentence, must be correct; each of several
wrong answers (off by one, ten times as much, negative, the last step but one, two answers) must not be. MATH style:
a list of reference and answer pairs in LaTeX below. Disagreements are printed, one a line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from fractions import Fraction

from sml_agents.tasks.static.gsm8k import final_answer
from sml_agents.types import Private, Task
from sml_agents.verifiers.math import MathVerifier

RIGHT = (
    "The answer is {n}.",
    "... so the total is \\boxed{{{n}}}.",
    "Answer: {n}",
    "#### {n}",
    "**Final answer:** ${n}$",
    "The answer is ${comma}.",
    "The answer is {n}.00",
    "\\boxed{{{comma}\\text{{ units}}}}",
    "The final answer is \\( {n} \\).",
    "<answer>{n}</answer>",
    "First I thought \\boxed{{{other}}}, but it is \\boxed{{{n}}}.",
)
WRONG = (
    "The answer is {other}.",
    "The answer is {tenfold}.",
    "\\boxed{{-{n}1}}",
    "The answer is {n} or {other}.",
    "\\boxed{{{n}}} \\text{{ or }} \\boxed{{{other}}}",
    "The answer is at least {n}.",
    "It is \\boxed{{{n}}}. No: \\boxed{{{other}}}.",
    "The answer is {n}.5",
)
MATH = {  # reference: (equal ones, different ones)
    "\\frac{1}{2}": ("1/2", "0.5", "\\dfrac{1}{2}", "\\tfrac12", "\\frac{2}{4}", "\\frac12", "50\\%"),
    "\\frac{3\\sqrt{2}}{2}": ("\\frac{3}{\\sqrt{2}}", "1.5\\sqrt{2}", "3\\sqrt{2}/2", "\\frac{3 \\sqrt 2}{2}"),
    "2\\sqrt{3}": ("\\sqrt{12}", "2 \\sqrt{3}", "2\\cdot\\sqrt{3}", "\\sqrt{4}\\sqrt{3}"),
    "\\pi": ("\\pi", "1\\pi", "\\frac{2\\pi}{2}"),
    "12\\pi": ("12 \\pi", "12\\cdot\\pi", "\\pi\\cdot12"),
    "x^2+2x+1": ("(x+1)^2", "1+2x+x^2", "x^{2} + 2 x + 1", "(x+1)(x+1)"),
    "(3,5)": ("(3, 5)", "\\left(3,5\\right)", "(3,\\,5)"),
    "[2,5)": ("[2, 5)", "\\left[2,5\\right)"),
    "\\{1,2,3\\}": ("\\{3,2,1\\}", "\\{1, 2, 3\\}", "\\left\\{1,2,3\\right\\}"),
    "90^\\circ": ("90", "90^{\\circ}", "90 degrees", "90^\\circ"),
    "1,250": ("1250", "1{,}250", "1,250.0", "1250.00", "1\\,250"),
    "\\$12.50": ("12.5", "\\$12.50", "12.50 dollars", "$12.50"),
    "25\\%": ("25%", "0.25", "25", "25 percent", "\\frac{1}{4}"),
    "-3": ("-3", "\\text{-}3", "x=-3", "-\\frac{6}{2}", "\u22123"),
    "\\text{Evelyn}": ("Evelyn", "\\text{evelyn}", "\\mathrm{Evelyn}", "\\textbf{Evelyn}"),
    "\\text{(B)}": ("B", "(B)", "\\text{B}"),
    "3+4i": ("3+4i", "4i+3", "3 + 4i"),
    "2^{10}": ("1024", "2^{10}", "4^5"),
    "\\log_2 8": ("3", "\\log_2(8)"),
    "7!": ("5040", "7!"),
    "0.\\overline{3}": ("\\frac{1}{3}", "1/3"),
    "3\\frac{1}{2}": ("3.5", "\\frac{7}{2}", "3 1/2", "7/2"),
    "y=2x+3": ("y = 2x + 3", "2x+3", "y=3+2x"),
    "10 \\text{ cm}^2": ("10", "10 cm^2", "10\\text{ cm}^2", "10\\ \\mathrm{cm}^2"),
    "e^{2}": ("e^2", "e\\cdot e"),
    "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}": ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}",),
    "x \\in (1, 2)": ("(1,2)", "x\\in(1,2)"),
    "6.02 \\times 10^{23}": ("6.02\\times10^{23}", "6.02e23", "6.02 \\cdot 10^{23}"),
    "\\frac{a}{b}": ("a/b", "\\dfrac{a}{b}"),
    "\\sqrt{2}+1": ("1+\\sqrt{2}", "1 + \\sqrt 2"),
    "1, 2": ("1,2", "2, 1", "1 and 2", "x=1, x=2"),
}
MATH_WRONG = (
    ("\\frac{1}{2}", "\\frac{1}{3}"),
    ("2\\sqrt{3}", "3\\sqrt{2}"),
    ("\\pi", "3.14"),
    ("x^2+2x+1", "x^2+1"),
    *(("(3,5)", "(5,3)"), ("[2,5)", "[2,5]"), ("\\{1,2,3\\}", "\\{1,2\\}"), ("-3", "3"), ("3+4i", "3-4i"), ("7!", "7")),
    *(
        ("2^{10}", "20"),
        ("y=2x+3", "y=2x-3"),
        ("\\text{(B)}", "C"),
        ("\\$12.50", "12.05"),
        ("1, 2", "1"),
        ("25\\%", "2.5"),
    ),
    *(("12\\pi", "12"), ("90^\\circ", "9"), ("e^{2}", "2e"), ("\\frac{a}{b}", "b/a"), ("\\sqrt{2}+1", "2.41")),
)


async def run(path: str) -> dict[str, object]:
    verifier, counts = MathVerifier(deadline=20), Counter[str]()
    odd: list[str] = []

    async def check(group: str, reference: str, text: str, right: bool) -> None:
        task = Task(id="t", family="b", prompt="p", private=Private(answer=reference))
        verdict = await verifier.verify(task, text)
        counts[f"{group}: n"] += 1
        if verdict.correct is right:
            counts[f"{group}: agrees"] += 1
        else:
            odd.append(f"{group}: {reference!r} | {text!r} -> {verdict.outcome} {verdict.diagnosis}")

    with open(path, encoding="utf-8") as file:
        references = [final_answer(json.loads(line)["answer"]) for line in file]
    for reference in references:
        value = Fraction(reference)
        words = {"n": reference, "other": str(value + 1), "tenfold": str(value * 10 + 10)}
        words["comma"] = f"{int(value):,}" if value.denominator == 1 else reference
        for template in RIGHT:
            if not (template.endswith("{n}.00") and "." in reference):
                await check("GSM8K right", reference, template.format(**words), True)
        for template in WRONG:
            if not (template.endswith("{n}.5") and "." in reference):
                await check("GSM8K wrong", reference, template.format(**words), False)
    for reference, equal in MATH.items():
        for answer in (reference, *equal):
            await check("MATH right", reference, f"So the answer is $\\boxed{{{answer}}}$.", True)
    for reference, answer in MATH_WRONG:
        await check("MATH wrong", reference, f"So the answer is $\\boxed{{{answer}}}$.", False)
    return {"references": len(references), "counts": dict(counts), "disagreements": odd}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gsm8k", help="a GSM8K .jsonl file")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = asyncio.run(run(options.gsm8k))
    if options.json:
        print(json.dumps(report))
        return
    print(f"{report['references']} GSM8K references")
    for name, count in sorted(dict(report["counts"]).items()):  # type: ignore[call-overload]
        print(f"{name:24}{count:8}")
    for line in list(report["disagreements"])[:60]:  # type: ignore[call-overload]
        print(line)


if __name__ == "__main__":
    main()
