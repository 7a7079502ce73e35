"""What an answer says is taken whole or not at all: wrong answers by kind, and the notations in which right ones come.

Each kind holds the inputs that were once judged wrongly and more of the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sml_agents.types import Outcome
from sml_agents.verifiers.math import MathVerifier
from sml_agents.verifiers.workers import Workers
from tests.verifiers.problems import task

MARK = "The answer is {}."
BOX = "\\boxed{{{}}}"

Cases = dict[str, list[tuple[str, str, tuple[str, ...]]]]
"""By kind: the reference, how an answer is put, and the answers."""

WRONG: Cases = {
    "words that change a number": [
        (
            "7",
            MARK,
            ("minus 7", "half of 7", "a third of 7", "twice 7", "7 squared", "7 cubed", "the square root of 7"),
        ),
        ("7", MARK, ("7 factorial", "ten times 7", "three quarters of 7", "7 to the fourth power", "negative 7")),
        ("7", MARK, ("seven squared", "double 7", "one half of 7", "7 plus 1", "7 less 1", "7 minus 2", "7 over 2")),
        ("7", MARK, ("7 halves", "7 and a half", "7 hundred", "7 dozen", "7k", "7 million", "the cube of 7")),
        ("7", MARK, ("the reciprocal of 7", "the opposite of 7", "2 to the power of 7", "7 raised to the third")),
        ("7", MARK, ("seven eighths", "log 7", "the successor of 7", "one less than 7", "7 short of ten", "7 mod 4")),
        ("7", MARK, ("the number before 7", "the number after 7", "7 below zero", "7 percent of 50", "7 tripled")),
        ("7", MARK, ("the sum of 7 and 1", "the product of 7 and 2", "a fifth of 7", "quadruple 7", "7 tens")),
        ("12", "So in total she has {}.", ("half of 12", "12 squared", "12 dozen", "12 thousand", "12 million")),
    ],
    "signs that algebra would drop": [
        ("1-\\frac{1}{\\mathrm{e}}", BOX, ("1+\\frac{1}{\\mathrm{e}}", "1", "1-\\frac{1}{\\mathrm{i}}")),
        ("3+\\text{i}", BOX, ("3", "3-\\text{i}", "\\text{i}")),
        ("12\\text{ feet }7\\text{ inches}", BOX, ("12\\text{ feet }6\\text{ inches}", "12\\text{ feet}", "12")),
        ("x\\equiv3\\pmod5", BOX, ("x\\equiv3\\pmod7", "x\\equiv2\\pmod5", "3")),
        ("\\angle ACB", BOX, ("\\angle ABC", "ACB", "\\triangle ACB")),
        ("A", BOX, ("A'", "A''", "\\overline{A}", "\\vec{A}")),
        ("A'", BOX, ("A", "A''", "B'")),
        ("\\overrightarrow{AB}", BOX, ("\\overrightarrow{BA}", "\\overline{AB}", "AB")),
        ("A \\cap B", BOX, ("A \\cup B", "A", "A \\setminus B")),
        ("\\lfloor x \\rfloor", BOX, ("\\lceil x \\rceil", "x")),
        ("2", BOX, ("2 \\text{ or } 3", "2 \\text{ less}", "\\neg 2", "n \\mid 2", "2 \\otimes 3")),
    ],
    "values that are near": [
        ("\\frac{1}{2^{54}}", BOX, ("\\frac{1}{2^{55}}", "0", "\\frac{1}{2^{53}}")),
        ("1/51!", BOX, ("1/52!", "0")),
        ("4/10^{20}", BOX, ("3/10^{20}", "4/10^{21}")),
        ("e^{-60}", BOX, ("e^{-50}", "0", "e^{-61}")),
        ("10^{-20}\\sqrt{2}", BOX, ("10^{-20}\\sqrt{3}", "0")),
        ("10^{30}", BOX, ("10^{30}+1", "10^{31}")),
        ("100!", BOX, ("99!", "100!+1")),
        ("0.0003", MARK, ("0.000", "0", "0.0004")),
        ("-0.0004", MARK, ("0.000", "0.0004")),
        ("0.001", MARK, ("0.0014", "0.0005", "0.00")),
        ("0.0625", MARK, ("0.062", "0.063", "0.06")),
        ("1/3", MARK, ("0.33", "0.334", "0.3")),
        ("\\sqrt{2}", MARK, ("1.41", "1.414", "1.41422")),
    ],
    "the number in something else": [
        ("12", BOX, ("x^2=12", "1 2", "12 x", "11 \\to 12", "\\dots, 11, 12, \\dots", "2x=12", "12y", "12, 13", "12!")),
        ("12", BOX, ("12^2", "(12)(13)", "|12|+1", "12 \\mapsto 3", "12 \\rightarrow 13", "x^{12}", "12_3")),
        ("\\sqrt{2}", BOX, ("x=\\sqrt{3}\\lor x=\\sqrt{2}", "x=\\sqrt{2}, x=\\sqrt{3}", "\\pm\\sqrt{2}")),
        ("2", BOX, ("2, -2", "\\pm 2", "\\{2, 3\\}", "(2, 2)", "[0, 2]")),
        ("12", MARK, ("x^2 = 12", "12 and 13", "12/13", "12 of 12 or 13", "1.2", "1,2", "12 pens and 3 books")),
    ],
    "what stands around a box or behind a number": [
        ("7", "{}", ("\\boxed{7}^2", "-\\boxed{7}", "half of \\boxed{7}", "twice $\\boxed{7}$", "\\boxed{7} squared")),
        (
            "7",
            "{}",
            ("\\boxed{7}^{-1}", "the square root of \\boxed{7}", "Twice the answer is 7.", "The answer is x7."),
        ),
        ("7", "{}", ("The square of the answer is 7.", "A wrong answer is 7.", "My previous answer was 7.")),
        (
            "7",
            "{}",
            ("So half of 7 is the result.", "So she has 7 short of ten.", "So he pays 7 or eight.", "5 + 2 = 7 or 8"),
        ),
        ("7", MARK, ("7 (squared)", "the digit sum of 7", "7 and that is false", "1 out of 7", "7 - no, 8", "7\u2082")),
    ],
    "alternatives": [
        ("12", MARK, ("12 (or 13)", "12 -- or 13", "12; it could also be 13", "either 12 or 13", "12 or 13")),
        (
            "12",
            MARK,
            ("12, or maybe 13", "12, perhaps 13", "12. Or 13", "12, possibly 14", "12 -- though it might be 13"),
        ),
        ("12", MARK, ("12 (maybe thirteen)", "12; alternatively 13", "between 12 and 13", "12 to 13", "12 \u2013 13")),
        ("12", "{}", ("\\boxed{12} or 13", "\\boxed{12} (it might also be 13)", "\\boxed{12} or \\boxed{13}")),
        ("12", "The answer is:\n{}", ("- 12\n- 13", "1. 12\n2. 13", "* 12\n\n* 13 apples")),
    ],
    "taken back": [
        (
            "12",
            "The answer is 12{}",
            ("? No, that is wrong, I do not know.", ". Wait, no, that is not right.", ", which is wrong."),
        ),
        (
            "12",
            "The answer is 12{}",
            (". Scratch that.", ". I was wrong.", "? That is impossible.", ". No!", " - never mind."),
        ),
        (
            "12",
            "\\boxed{{12}}{}",
            (". Hmm, that is incorrect.", ". I take that back.", ", but this cannot be right... it is false."),
        ),
        ("12", "It is 12{}", (". No, that is wrong.", ", that is not correct.", ". I made a mistake.")),
    ],
    "supposed or denied": [
        (
            "12",
            "{}",
            ("Suppose the answer is 12. Then 5 = 6, a contradiction.", "If the answer is 12, then he pays 3."),
        ),
        (
            "12",
            "{}",
            ("I doubt that the answer is 12.", "I do not think the answer is 12.", "Imagine the answer is 12."),
        ),
        ("12", "{}", ("It is false that the answer is 12.", "Let us say the answer is 12.", "The answer isn't 12.")),
        (
            "12",
            "{}",
            ("It cannot be that the answer is 12.", "Suppose that \\boxed{12}. Then 1 = 2.", "It is not \\boxed{12}."),
        ),
        (
            "12",
            "{}",
            ("Assume the answer is 12. That gives a contradiction.", "How would one know whether the answer is 12?"),
        ),
    ],
    "units that differ": [
        ("2 hours 30 minutes", MARK, ("2 hours 31 minutes", "30 minutes", "2 hours", "2.5 minutes", "150 hours")),
        ("5 kg", MARK, ("5 g", "5 pounds", "5 km")),
        ("5 cm", MARK, ("5 cm^2", "5 square cm", "5 m", "5 cubic cm")),
        ("3 PM", MARK, ("3 a.m.", "4 PM", "3 AM")),
        ("10:30 AM", MARK, ("10:30 PM", "10:31 AM", "10.30")),
    ],
    "other structure": [
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", BOX, ("\\begin{pmatrix}1&2\\\\3&5\\end{pmatrix}", "10")),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", BOX, ("\\begin{pmatrix}1&2&3&4\\end{pmatrix}", "(1,2,3,4)")),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", BOX, ("\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}",)),
        ("\\binom{n}{2}", BOX, ("\\binom{n}{3}", "\\binom{2}{n}", "\\frac{n}{2}")),
        ("x>3", BOX, ("x\\geq 3", "x<3", "3", "[3,\\infty)")),
        ("y=2x+3", BOX, ("y=3x+2", "x=2y+3", "y>2x+3")),
        ("(1,2)", BOX, ("(2,1)", "[1,2]", "(1,2]", "\\{1,2\\}")),
        ("|x|", BOX, ("x", "-x")),
    ],
}

RIGHT: Cases = {
    "words that change a number": [
        ("-7", MARK, ("minus 7", "negative seven", "-7", "\u22127", "minus seven degrees")),
        ("49", MARK, ("7 squared", "seven squared", "7 to the second power", "7 times 7", "the square of 7")),
        (
            "3.5",
            MARK,
            ("half of 7", "seven halves", "7 over 2", "three and a half", "3 and a half", "one half of seven"),
        ),
        ("14", MARK, ("twice 7", "double 7", "two times seven", "the sum of 7 and 7")),
        ("5040", MARK, ("7 factorial", "the factorial of 7", "7!")),
        ("81", MARK, ("3 to the fourth power", "three to the power of four", "9 squared", "27 times 3")),
        ("\\sqrt{7}", MARK, ("the square root of 7", "the square root of seven")),
        ("144", MARK, ("12 dozen", "twelve squared", "a dozen times 12")),
        ("3/4", MARK, ("three quarters", "three fourths", "3 over 4", "0.75", "75%")),
    ],
    "where the answer stands": [
        (
            "12",
            "{}",
            ("### Answer\n\n12", "**Answer**\n\n12", "## Final Answer\n12", "# Answer:\n\n**12**", "Answer\n12"),
        ),
        (
            "12",
            "{}",
            ("```\n12\n```", "```python\n12\n```", "The answer is:\n\n```text\n12\n```", "Answer:\n```\n12\n```"),
        ),
        (
            "12",
            "{}",
            ("The result is:\n\n$$12$$", "So we get:\n\n\\[12\\]", "Hence:\n\n$$x = 12$$", "The total is:\n12"),
        ),
        ("12", "{}", ("5 + 7 = 12. I hope that helps.", "Tom has 12 apples in the end. Great problem!")),
        (
            "12",
            "{}",
            ("3 * 4 = 12. Let me know if you have questions!", "12. Great question!", "So it is 12. Thank you!"),
        ),
        ("12", "{}", ("4 + 8 = 12. Feel free to ask. Good luck!", "12 apples. You're welcome!", "So 12 pens. Enjoy!")),
        ("12", "The answer is:\n{}", ("- 12", "* 12", "1. 12", "\u2022 12 apples", "+ 12", "\n- 12 apples\n")),
        ("-12", "The answer is{}", (":\n-12", " -12", " - 12", ":\n- -12")),
    ],
    "what stands around a box": [
        (
            "7",
            "{}",
            (
                "The answer is \\boxed{7}!",
                "x = \\boxed{7}",
                "$x=\\boxed{7}$ cm",
                "\\boxed{7}^\\circ",
                "Thus \\boxed{7}.",
            ),
        ),
        (
            "7",
            "{}",
            ("\\boxed{7}\\text{ cm}", "So it has \\boxed{7}, half of 14.", "Half of 14 = 7", "Twice 3.5 is \\boxed{7}"),
        ),
    ],
    "number words": [
        (
            "12",
            "{}",
            ("Twelve.", "It is twelve.", "twelve", "Twelve apples.", "That makes twelve.", "So she has twelve pens."),
        ),
        ("12", MARK, ("twelve", "a dozen", "twelve (12)", "12 (twelve)", "12 or twelve", "Twelve pens")),
        ("105", MARK, ("one hundred and five", "a hundred and five", "one hundred five pens")),
    ],
    "large numbers": [
        (
            "120000",
            MARK,
            ("1.2 x 10^5", "1.2 \u00d7 10^5", "1.2*10^5", "1.2e5", "12 x 10^4", "1.2x10^5", "1.2 \\times 10^{5}"),
        ),
        ("120000", MARK, ("120k", "120K", "120 thousand", "0.12 million", "one hundred and twenty thousand")),
        ("2500000", MARK, ("2.5 million", "2,500,000", "two and a half million", "2.5M", "two point five million")),
        ("120000", MARK, ("120,000", "120 000", "120.000,0", "120'000", "1,20,000")),
        ("1250", MARK, ("1'250", "1,250", "1 250", "1\u202f250", "1250.0")),
    ],
    "decimal commas and fractions": [
        (
            "3.5",
            "{}",
            ("Die Antwort ist 3,5", "La respuesta es 3,5.", "La r\u00e9ponse est 3,5 euros", "The answer is 3,50"),
        ),
        ("3.5", BOX, ("3\\tfrac12", "3\\frac{1}{2}", "3\\dfrac{1}{2}", "3 \\frac12", "3 1/2", "3\u00bd", "7/2")),
        ("1234.5", MARK, ("1.234,5", "1,234.5", "1 234.5", "1'234.5", "1.234,50")),
        ("1, 2", MARK, ("1,2", "1, 2", "2 and 1", "x = 1 or x = 2", "1 and 2")),
    ],
    "not this but that": [
        ("6", "{}", ("The answer is not 5 but 6.", "The answer isn't 5 but 6.", "The answer is not 5, but rather 6.")),
        ("6", "{}", ("The answer is 6, not 5.", "The answer is 6 rather than 5.", "The answer is 6 instead of 5.")),
    ],
    "an attempt after all": [
        (
            "12",
            "{}",
            (
                "I am not sure, but the answer is 12.",
                "If each costs 3, the answer is 12.",
                "The answer is 12. No tax is due.",
            ),
        ),
        (
            "12",
            "{}",
            ("The answer is 11. No, that is wrong. The answer is 12.", "Since 5 is not even, the answer is 12."),
        ),
        ("12", "{}", ("The answer is 12. I do not know whether you like it.",)),
        ("12", "{}", ("Suppose each costs 3. Then 4 * 3 = 12, so the answer is 12.", "She needs 12 more apples.")),
    ],
    "no supposition, nothing taken back": [
        ("12", "{}", ("If you add 5 and 7 the answer is 12.", "This isn't hard: the answer is 12.")),
        (
            "12",
            "{}",
            ("The answer is 12. It is not possible to buy half a pen.", "I don't need the price so the answer is 12."),
        ),
        ("12", "{}", ("The answer is 12. That is how many are left; it is impossible to have more.",)),
    ],
    "matrices and binomials": [
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", BOX, ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}",)),
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", BOX, ("\\begin{bmatrix}1\\\\ \\frac{4}{2}\\end{bmatrix}",)),
        ("\\begin{pmatrix}a&b\\end{pmatrix}", BOX, ("\\begin{pmatrix} a &  b\\end{pmatrix}",)),
        ("\\binom{10}{3}", BOX, ("120", "\\binom{10}{7}", "{10 \\choose 3}", "\\dbinom{10}{3}", "\\binom{ 10 }{ 3 }")),
        ("\\binom{n}{2}", BOX, ("\\frac{n(n-1)}{2}", "\\binom{n}{2}", "{n \\choose 2}")),
    ],
    "units": [
        ("3 PM", MARK, ("3 p.m.", "3 pm", "3 P.M.", "3")),
        ("10:30 p.m.", MARK, ("10:30 PM", "10:30 pm", "10:30 P.M.")),
        ("2 hours 30 minutes", MARK, ("2 hours and 30 minutes", "2 h 30 min", "2 hours, 30 minutes", "150 minutes")),
        ("12\\text{ feet }6\\text{ inches}", MARK, ("12 ft 6 in", "12 feet and 6 inches", "150 inches", "12.5 feet")),
        ("\\$3.50", MARK, ("3 dollars and 50 cents", "350 cents", "$3.5", "3.50 USD")),
        ("5 cm^2", MARK, ("5 square centimeters", "5 cm\u00b2", "5 sq cm", "5")),
    ],
    "roots and repeating decimals": [
        ("2\\sqrt{3}", MARK, ("2\u221a3", "2 \u221a3", "2*sqrt(3)", "\u221a12", "2\\sqrt3", "\\sqrt{12}")),
        ("0.\\overline{3}", BOX, ("1/3", "\\frac{1}{3}", "0.\\overline{3}", "0.\\bar{3}", "0.333")),
        ("1/6", BOX, ("0.1\\overline{6}", "0.16\\overline{6}")),
        ("3/11", BOX, ("0.\\overline{27}", "0.27\\overline{27}", "0.2727")),
        ("4/3", MARK, ("1.3\u0305", "1.333", "1 1/3")),
    ],
    "exact values": [
        ("\\frac{1}{2^{10}}", BOX, ("1/1024", "2^{-10}", "\\frac{1}{1024}", "4^{-5}")),
        ("100!", BOX, ("100\\cdot 99!", "100 \\times 99!")),
        ("e^{-50}", BOX, ("\\frac{1}{e^{50}}", "\\exp(-50)", "(e^{-25})^2")),
        ("\\binom{52}{5}", BOX, ("2598960", "\\frac{52!}{5!47!}")),
        ("\\sqrt{2}", BOX, ("2^{1/2}", "\\frac{2}{\\sqrt2}", "1.414214", "\\sqrt[4]{4}")),
        ("\\frac{\\ln 2}{2}", BOX, ("\\frac{1}{2}\\ln 2", "\\ln\\sqrt{2}")),
        ("\\frac{1}{2}", BOX, ("\\sin(30^\\circ)", "\\sin\\frac{\\pi}{6}", "\\cos 60^\\circ")),
    ],
    "units behind a formula": [
        ("5\\sqrt{2}\\text{ cm}", BOX, ("5\\sqrt{2}", "5\\sqrt2\\,\\text{cm}", "\\sqrt{50}")),
        ("16\\pi \\text{ square inches}", BOX, ("16\\pi", "16 \\pi", "16\\pi\\text{ inches}^2")),
        ("\\frac{\\pi}{4}\\text{ radians}", BOX, ("\\frac{\\pi}{4}", "\\pi/4")),
        ("15\\mbox{ cm}^2", BOX, ("15", "15 \\mathrm{~cm}^2", "15\\text{ cm}^2")),
        ("8\\text{ square units}", BOX, ("8", "8\\text{ units}^2")),
    ],
    "equations and intervals": [
        ("-\\infty < x < \\infty", BOX, ("(-\\infty,\\infty)", "-\\infty<x<\\infty")),
        ("x > 3", BOX, ("(3,\\infty)", "3 < x", "x\\in(3,\\infty)")),
        ("y=2x+3", BOX, ("y-2x=3", "2x+3", "2x - y + 3 = 0", "y = 3 + 2x")),
        ("x^2+y^2=25", BOX, ("y^2=25-x^2", "25 = x^2 + y^2")),
        ("(-\\infty,0)\\cup(1,\\infty)", BOX, ("(1,\\infty)\\cup(-\\infty,0)",)),
        ("1\\pm\\sqrt{2}", BOX, ("1+\\sqrt2, 1-\\sqrt2", "x = 1 \\pm \\sqrt{2}", "\\{1-\\sqrt2, 1+\\sqrt2\\}")),
        ("|x|", BOX, ("\\sqrt{x^2}", "|-x|")),
        ("x\\equiv3\\pmod{7}", BOX, ("x \\equiv 3 \\pmod 7", "x\\equiv 3\\pmod7")),
        ("\\angle ABC", BOX, ("\\angle  ABC", "\\angle{ABC}")),
    ],
}


def flat(cases: Cases) -> list[object]:
    return [
        pytest.param(reference, form.format(answer), id=f"{kind}: {reference} / {answer}"[:90].replace("\n", "|"))
        for kind, rows in cases.items()
        for reference, form, answers in rows
        for answer in answers
    ]


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    pool = Workers(1, deadline=20.0)
    yield MathVerifier(workers=pool)
    pool.close()


@pytest.mark.parametrize(("reference", "text"), flat(WRONG))
async def test_wrong_and_scored_as_wrong(reference: str, text: str, verifier: MathVerifier) -> None:
    verdict = await verifier.verify(task(reference), text)
    assert verdict.correct is False, verdict


@pytest.mark.parametrize(("reference", "text"), flat(RIGHT))
async def test_right_in_any_notation(reference: str, text: str, verifier: MathVerifier) -> None:
    verdict = await verifier.verify(task(reference), text)
    assert verdict.outcome is Outcome.CORRECT, verdict
