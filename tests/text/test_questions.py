"""Which facts a question names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.text.questions import asked_facts
from sml_agents.text.words import MAX_KEYWORDS, content_words, keywords_of, stem
from sml_agents.types import Fact
from tests.pace import within

PRICE = Fact(name="price", statement="Each pen costs 3 dollars.", keywords=("pen", "cost"))
COUNT = Fact(name="count", statement="Mara buys 12 notebooks on Friday.", keywords=("mara", "buys", "notebooks"))
SPEED = Fact(name="distance", statement="The village is 14 miles from the station.", keywords=("distance", "village"))
FACTS = (PRICE, COUNT, SPEED)


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("cost", "costs", "price", "prices", "priced"), "cost"),
        (("movie", "movies"), None),
        (("bake", "bakes", "baked", "baking"), None),
        (("carry", "carries", "carried", "carrying"), None),
        (("stop", "stops", "stopped", "stopping"), None),
        (("add", "adds", "added", "adding"), None),
        (("box", "boxes"), None),
        (("child", "children", "kids"), None),
        (("buy", "buys", "bought", "buying", "purchased"), None),
        (("Jane", "JANE", "Jane's", "Jane\u2019s"), None),
        (("glass", "glasses"), None),
        (("house", "houses"), None),
    ],
)
def test_forms_of_one_word_share_a_stem(words: tuple[str, ...], form: str | None) -> None:
    stems = {stem(word) for word in words}
    assert len(stems) == 1
    assert form is None or stems == {form}


@pytest.mark.parametrize(
    ("one", "other"), [("bus", "buy"), ("need", "nee"), ("sing", "s"), ("bed", "b"), ("pen", "penny")]
)
def test_unlike_words_keep_unlike_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text(max_size=60))
def test_a_stem_is_its_own_stem(word: str) -> None:
    assert stem(stem(word)) == stem(word)


def test_content_words_leave_out_stopwords_and_numbers() -> None:
    assert content_words("How many of the 12 red apples did Tom's 3 sisters eat on the 2nd day, twenty?") == (
        "red",
        "apples",
        "tom",
        "sisters",
        "eat",
        "day",
    )


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How much does each pen cost?", ["price"]),
        ("What is the price of the pens?", ["price"]),
        ("Could you tell me how many notebooks Mara bought?", ["count"]),
        ("How far is the village?", ["distance"]),
        ("How many notebooks does Mara buy, and how much is a pen?", ["count", "price"]),
        ("What is the cost of a pen, and how far is it to the village?", ["price", "distance"]),
        ("Can you give me more information?", []),
        ("How many are there in total?", []),
        ("", []),
    ],
)
def test_asked_facts(question: str, names: list[str]) -> None:
    assert [fact.name for fact in asked_facts(question, FACTS)] == names


@pytest.mark.parametrize(
    ("public", "question", "is_named"),
    [
        ("stores", "What should the stores be?", True),
        ("pickup store", "Which pickup store?", True),
        ("storeCount", "What is the storeCount?", True),
        ("store count", "Which count of stores do you want?", True),
        ("to", "What should the to be?", True),
        ("Place to look in, as a list", "What is the place to look in?", True),
        ("The branches of the chain (at most five)", "Which branches of the chain?", True),
        ("stores", "Which shops?", True),
        ("stores", "What should the colour be?", False),
        ("to port", "Which port does it leave from?", False),
        ("store count", "What should the colour count be?", False),
        ("stores", "Which colour of the stores?", False),
        ("stores", "Which stores, what colour, what size and what price?", False),
        ("", "What should it be?", False),
    ],
)
def test_a_fact_is_named_by_what_everybody_can_read(public: str, question: str, is_named: bool) -> None:
    fact = Fact(name="x", statement="It is for the shops in Leeds.", keywords=("shops",), public_names=(public,))
    assert (asked_facts(question, [fact]) == (fact,)) is is_named


def test_the_name_of_a_fact_is_not_public_by_itself() -> None:
    assert asked_facts("What should the stores be?", [Fact(name="stores", statement="s", keywords=("shops",))]) == ()


def test_half_of_the_keywords_rounded_up_must_occur() -> None:
    fact = Fact(name="f", statement="s", keywords=("red", "green", "blue"))
    assert asked_facts("Is it red?", [fact]) == ()
    assert asked_facts("Is it red or blue?", [fact]) == (fact,)
    four = Fact(name="g", statement="s", keywords=("red", "green", "blue", "black"))
    assert asked_facts("Is it red or blue?", [four]) == (four,)


def test_the_best_match_comes_first_and_ties_keep_their_order() -> None:
    half = Fact(name="half", statement="s", keywords=("red", "box"))
    whole = Fact(name="whole", statement="s", keywords=("red", "ball"))
    twin = Fact(name="twin", statement="s", keywords=("red", "ball"))
    assert [fact.name for fact in asked_facts("Is it the red ball?", [half, whole, twin])] == ["whole", "twin", "half"]


def test_facts_without_keywords_are_matched_by_their_statement() -> None:
    fact = Fact(name="f", statement="The bakery sells 40 loaves a day.")
    assert asked_facts("How many loaves does the bakery sell?", [fact]) == (fact,)
    assert asked_facts("How many shirts are there?", [fact]) == ()
    assert asked_facts("anything", [Fact(name="n", statement="It is 7.")]) == ()


def test_keywords_single_the_statement_out() -> None:
    rest = "Lena bought apples at 2 dollars each. How much did Lena pay in total?"
    assert keywords_of("Lena also bought 6 pears for a pie.", rest) == ("pears", "pie")
    assert "12" not in keywords_of("There are 12 pears.", rest)


def test_shared_words_count_where_too_few_are_the_statements_own() -> None:
    keywords = keywords_of("Each pear costs 2 dollars.", "How much do 6 pears cost?")
    assert set(keywords) >= {"pear", "costs"}
    fact = Fact(name="f", statement="Each pear costs 2 dollars.", keywords=keywords)
    assert asked_facts("What does one pear cost?", [fact]) == (fact,)


def test_long_statements_keep_the_words_next_to_their_number() -> None:
    statement = (
        "On a rainy autumn Saturday, in spite of the crowded local market and its noisy music, Jane sold 14 brown eggs."
    )
    keywords = keywords_of(statement)
    assert len(keywords) == MAX_KEYWORDS
    assert {"jane", "sold", "brown", "eggs"} <= set(keywords)


@pytest.mark.parametrize(
    ("statement", "question"),
    [
        ("一个苹果的价格是3元", "苹果的价格是多少?"),
        ("Каждая ручка стоит 3 рубля.", "Сколько стоит ручка?"),
        ("कितने आम 5", "आम कितने हैं?"),
        ("Der Apfel kostet 3 Euro.", "Was kostet der Apfel?"),
        ("تكلف التفاحة 3 دنانير", "كم تكلف التفاحة؟"),
    ],
)
def test_other_languages_match_as_written(statement: str, question: str) -> None:
    fact = Fact(name="f", statement=statement)
    assert asked_facts(question, [fact]) == (fact,)


@given(st.text(), st.text())
def test_any_text_is_safe(statement: str, question: str) -> None:
    keywords = keywords_of(statement, question)
    assert len(keywords) <= MAX_KEYWORDS
    assert set(keywords) <= set(content_words(statement))
    assert set(asked_facts(question, [Fact(name="f", statement=statement)])) <= {Fact(name="f", statement=statement)}


@pytest.mark.parametrize("piece", ["word ", "7 ", "苹", "a'", "é\u0301", "edededed", "?!", " ", "is it, or "])
def test_time_is_linear_in_the_text(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    with within(5):
        keywords_of(text, text)
        asked_facts(text, [Fact(name="f", statement=text)])


@pytest.mark.parametrize("piece", [" ", "is it, or ", "the ", "which agent, "])
def test_so_is_it_where_arguments_are_asked_for(piece: str) -> None:
    with within(5):
        asked_facts(f"Which agent {piece * (50_000 // len(piece))}?", VIEWED[:1], ("A viewing, please.",), [VIEWING])


def test_every_irregular_form_has_the_stem_of_its_plain_form() -> None:
    from sml_agents.text.words import _IRREGULAR

    for form, plain in _IRREGULAR.items():
        assert stem(form) == stem(plain) == stem(stem(plain))


def tool(name: str, **arguments: dict[str, object]) -> dict[str, object]:
    schema = {"type": "object", "properties": arguments, "required": [*arguments]}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": schema}}


def text(about: str = "", *members: str) -> dict[str, object]:
    return {"type": "string", **({"description": about} if about else {}), **({"enum": [*members]} if members else {})}


VIEWING = tool(
    "schedule_viewing",
    property=text("Which home."),
    date={"type": "string", "format": "date"},
    visitors={"type": "integer", "description": "How many come."},
    vehicle_type=text("How they come.", "car", "van", "bus"),
    agent=text("Who shows it."),
    minutes={"type": "integer"},
)
VIEWED = tuple(
    Fact(name=name, statement=f"It is {value}.", keywords=(word,), public_names=(name, name.replace("_", " "), about))
    for name, value, word, about in (
        ("property", "Northridge Villas", "villa", "Which home"),
        ("date", "the 5th of May", "day", ""),
        ("visitors", "six", "people", "How many come"),
        ("vehicle_type", "the van", "transport", "How they come"),
        ("agent", "Mr. Silva", "agent", "Who shows it"),
        ("minutes", "forty", "time", ""),
    )
)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Sure! Which home would you like to view?", "property"),
        ("When should the viewing be?", "date"),
        ("Which day suits you best?", "date"),
        ("For how many visitors?", "visitors"),
        ("Are you coming by car, van or bus?", "vehicle_type"),
        ("Will you take the bus or the car?", "vehicle_type"),
        ("Who will show you around?", "agent"),
        ("How long should the viewing take?", "minutes"),
        ("You did not name the agent. Who is it?", "agent"),
        ("What should the agent be (who shows it)?", "agent"),
        ("What should the property be (which home)?", "property"),
        ("Which vehicle type (car, van or bus)?", "vehicle_type"),
        ("Could you tell me whether you want the car, the van or the bus?", "vehicle_type"),
        ("What agent (e.g. this one, that one, or another) would you like?", "agent"),
        ("Please choose the agent.", "agent"),
        ("Please provide the following information:\n\n1. **Agent**", "agent"),
        ("You haven't told me the agent.", "agent"),
        ("`Who is the agent?`", "agent"),
    ],
)
def test_the_argument_that_a_question_asks_for_is_told_among_all_of_a_tool(question: str, name: str) -> None:
    assert [fact.name for fact in asked_facts(question, VIEWED, (), [VIEWING])][:1] == [name]
    others = tuple(fact for fact in VIEWED if fact.name != name)
    assert asked_facts(question, others, (), [VIEWING]) == ()  # it is no other's, whatever is left to tell


@pytest.mark.parametrize(
    "question",
    [
        "What else do I need to know?",
        "Can I help with anything else?",
        "Should I go ahead?",
        "How much is your budget?",
        "",
    ],
)
def test_what_looks_like_no_argument_asks_for_none(question: str) -> None:
    facts = tuple(fact for fact in VIEWED if fact.name in ("property", "agent", "vehicle_type"))
    assert asked_facts(question, facts, (), [VIEWING]) == ()


@pytest.mark.parametrize(
    "question",
    [
        "What is the property, date, visitors, vehicle type, agent, minutes?",
        "What is the property or the date or the agent?",
        "What is the property date agent minutes?",
        "This takes property, date, visitors and agent. Which one is missing?",
        "Which one is it, the property, the agent or the minutes?",
        "What is the property or the agent? What is the date or the minutes?",
    ],
)
def test_who_names_three_arguments_in_one_turn_asks_for_none(question: str) -> None:
    for fact in VIEWED:
        assert asked_facts(question, (fact,), (), [VIEWING]) == ()


TRIP = {"type": "object", "properties": {"from": text("City of departure."), "to": text("City of arrival.")}}
CONVERT = tool("convert", from_currency=text("Currency to convert."), to_currency=text("Currency to convert into."))
PRICES = tool("prices", min_price={"type": "number"}, max_price={"type": "number"})


@pytest.mark.parametrize(
    ("of", "question", "name", "other"),
    [
        (CONVERT, "Into which currency?", "to_currency", "from_currency"),
        (CONVERT, "From which currency?", "from_currency", "to_currency"),
        (PRICES, "What's the maximum price?", "max_price", "min_price"),
        (PRICES, "What should it cost at least, which price?", "min_price", "max_price"),
    ],
)
def test_of_two_ends_the_one_that_was_asked_for_is_told(
    of: dict[str, object], question: str, name: str, other: str
) -> None:
    one, two = (
        Fact(name=path, statement=f"It is <{path}>.", keywords=tuple(path.split("_"))) for path in (name, other)
    )
    assert asked_facts(question, (two, one), (), [of]) == (one,)
    assert asked_facts(question, (two,), (), [of]) == ()


@pytest.mark.parametrize("path", ["trip.to", "trips[0].to"])
def test_arguments_behind_references_and_in_lists_are_told_apart(path: str) -> None:
    trip = {"$ref": "#/$defs/Trip"}
    places = {"trip.to": {"trip": trip}, "trips[0].to": {"trips": {"type": "array", "items": trip}}}
    parameters = {"type": "object", "properties": places[path], "$defs": {"Trip": TRIP}}
    go = {"type": "function", "function": {"name": "go", "description": "", "parameters": parameters}}
    fact = Fact(name=path, statement="The arrival is Rome.", keywords=("arrival",))
    assert asked_facts("Where do you want to arrive?", (fact,), (), [go]) == (fact,)
    assert asked_facts("Where do you depart from?", (fact,), (), [go]) == ()


def test_facts_of_two_tools_are_told_among_the_arguments_of_both() -> None:
    hotel = tool("hotel", city=text("City."))
    facts = (Fact(name="city", statement="It is Rome.", keywords=("city",)), VIEWED[4])
    assert asked_facts("In which city?", facts, (), [hotel, VIEWING]) == facts[:1]
    assert asked_facts("Who is the agent?", facts, (), [hotel, VIEWING]) == facts[1:]


def test_arguments_that_no_tool_has_are_told_by_their_words() -> None:
    fact = Fact(name="colour", statement="It is green.", keywords=("colour",))
    assert asked_facts("Which colour?", [fact], (), [VIEWING]) == (fact,)


PROBLEM = (
    "Mara sells pens and rulers at the fair. A ruler costs 4 dollars. She sells 12 pens and 7 rulers. "
    "How many dollars does Mara take in with the pens and rulers?"
)


@pytest.mark.parametrize(
    ("question", "is_named"),
    [
        ("How much does a pen cost?", True),
        ("What is the price of one pen?", True),
        ("I need to know how many dollars each pen costs.", True),
        ("How many dollars does Mara take in with pens and rulers together?", False),  # the problem's own question
        ("How much does a ruler cost?", False),  # was told
        ("How many pens does she sell?", False),
    ],
)
def test_who_asks_for_something_else_of_the_problem_names_no_fact(question: str, is_named: bool) -> None:
    fact = Fact(
        name="price",
        statement="A pen costs 3 dollars.",
        keywords=("pen", "costs"),
        question="How much does a pen cost?",
    )
    assert asked_facts(question, [fact], [PROBLEM]) == ((fact,) if is_named else ())


def test_what_fits_a_fact_best_needs_none_of_its_keywords() -> None:
    fact = Fact(name="points", statement="Bruno has 14 points on the card.", keywords=("card",))
    problem = "For two points there is one keychain. Eighteen messages went out. How many keychains does Bruno get?"
    assert asked_facts("How many points does Bruno have?", [fact], [problem]) == (fact,)
    assert asked_facts("How many keychains does Bruno have?", [fact], [problem]) == ()
