"""What the person takes back in the same breath grounds nothing; what the agent listed is picked by its place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.test_wanted import asked_for

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def tool(**arguments: Any) -> dict[str, Any]:
    return {"name": "do", "parameters": {"type": "object", "properties": arguments, "required": list(arguments)}}


PRINT = tool(article=TEXT, size={"type": "string", "enum": ["S", "M", "L"]}, copies=WHOLE)
CALL = {"article": "lager", "size": "M", "copies": 32}
RESTAURANT = tool(restaurant=TEXT)
CODE = tool(product_code=TEXT)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"copies"}, "Lager, size M. Copies: 32, delete that, the clock was still running"),
        ({"copies"}, "Lager in M. 32 copies, no, that's too many, my eyes"),
        ({"copies"}, "Lager in M. I wrote 32 copies on Monday, Tom's out now, so strike that."),
        ({"copies"}, "Lager in M and 32. Oh no, that's the camera."),
        ({"copies"}, "Lager in M, 32 copies. Scratch it."),
        ({"article"}, "32 copies in M. I said lager on the phone, wrong barrel, not lager."),
        ({"article"}, "In M, 32 copies, for lager, forget that"),
        ({"size"}, "32 copies of lager. Size M. Oops, after Christmas it's rather not M!"),
        ({"copies"}, "Lager in M, maybe 32 copies? Not sure."),
        ({"copies"}, "Lager in M, 32 copies, I really don't know yet"),
        ({"copies"}, "Lager in M. 32 copies (not sure)"),
        ({"copies"}, "Lager in M, 32 copies but i dont know, sorry"),
        ({"copies"}, "Lager in M - 32 copies - still not 100% sure."),
        ({"article", "copies"}, "In M. 32 copies of lager? not so sure"),
        ({"copies"}, "Lager in M, 32 Exemplare? Keine Ahnung."),
        (set(), "Lager in M, not sure how many, let's say 32 copies"),
        (set(), "Lager in M, I don't know, maybe 32 copies"),
        (set(), "Lager in M, probably 32 copies. I don't know the ink's name."),
        (set(), "Lager in M, 32 copies, not sure about the ribbon"),
        (set(), "Lager in M, 32 copies. They are for a party, not sure yet."),
        (set(), "Lager in M, 32 copies. What do you think?"),
        (set(), "Lager in M, 32 copies. I don't know the street yet."),
        (set(), "Lager, size M, 32 copies. Forget the ribbon."),
        (set(), "Lager, size M, 32 copies, that's all."),
        (set(), "32 copies of lager in M, not 32 boxes"),
        (set(), "Not M at first, but now M: 32 copies of lager"),
        (set(), "32 copies of lager in M. Ship it and ignore the rest."),
        (set(), "32 copies of lager in M, no problem if it takes a week"),
    ],
)
def test_what_is_taken_back_in_the_same_breath(missing: set[str], said: str) -> None:
    assert asked_for(PRINT, CALL, said) == missing


@pytest.mark.parametrize(
    ("missing", "restaurant", "said"),
    [
        (set(), "Cantina 32", ("Dinner in Porto", "I found Taberna Santo and Cantina 32.", "the second one, please")),
        (set(), "Cantina 32", ("Dinner in Porto", "Taberna Santo or Cantina 32?", "The latter, it has a terrace.")),
        (set(), "Taberna Santo", ("Dinner in Porto", "Taberna Santo or Cantina 32?", "the first")),
        (set(), "Hotel Zach", ("Dinner", "Hotel Sailer and Hotel Zach have tables.", "Zach then")),
        (set(), "poem.pdf", ("Read it", "I see notes.pdf and poem.pdf.", "the poem")),
        ({"restaurant"}, "Cantina 32", ("Dinner in Porto", "I found Taberna Santo and Cantina 32.", "the first one")),
        (
            {"restaurant"},
            "Cantina 32",
            ("Dinner in Porto", "Taberna Santo or Cantina 32?", "does the second have wine?"),
        ),
        ({"restaurant"}, "Hotel Zach", ("Dinner", "Hotel Sailer and Hotel Zach have tables.", "not Zach")),
        ({"restaurant"}, "Hotel Zach", ("Dinner", "Hotel Sailer and Hotel Zach have tables.", "a hotel")),
        ({"restaurant"}, "Cantina 32", ("Dinner in Porto", "Taberna Santo or Cantina 32?", "first or second, hm")),
    ],
)
def test_what_the_agent_listed_is_picked(missing: set[str], restaurant: str, said: tuple[str, ...]) -> None:
    assert asked_for(RESTAURANT, {"restaurant": restaurant}, *said) == missing


def test_a_code_is_no_text_that_the_model_writes() -> None:
    assert asked_for(CODE, {"product_code": "BX-1"}, "I'd like another model") == {"product_code"}
    assert asked_for(CODE, {"product_code": "BX-1"}, "I'd like the BX-1") == set()
    assert asked_for(tool(code=TEXT), {"code": "print(1)"}, "Print one in Python") == set()
