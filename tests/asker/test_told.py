"""What a model copied, found in what was said and read under the schema; what is nowhere, or another argument's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sml_agents.asker.prompt import Said, ToolView
from sml_agents.asker.threshold import AskerRecord, weighed
from sml_agents.asker.told import Filled, Told, kept, told

NOW = dt.datetime(2026, 11, 27)  # a Friday
INTEGER, NUMBER, TEXT, BOOL = {"type": "integer"}, {"type": "number"}, {"type": "string"}, {"type": "boolean"}
DATE, TIME = {"type": "string", "format": "date"}, {"type": "string", "description": "When, 24-hour time as HH:MM."}


def heard(schemas: dict[str, Any], words: dict[str, str], *texts: str, **missing: float) -> dict[str, Told]:
    """`texts`: the person's and the agent's in turn."""
    tool = ToolView.read({"name": "do", "parameters": {"properties": schemas, "required": list(schemas)}})
    said = [Said("assistant" if place % 2 else "user", text) for place, text in enumerate(texts)]
    return told(tool, words, {name: missing.get(name, 0.1) for name in schemas}, said, NOW)


@pytest.mark.parametrize(
    ("schema", "words", "text", "value"),
    [
        (INTEGER, "six", "For six of us", 6),
        (INTEGER, "6", "For six of us", 6),
        (INTEGER, "half a dozen", "half a dozen, please", 6),
        (NUMBER, "1,050 dollars", "It costs 1,050 dollars", 1050),
        (NUMBER, "38200", "costs of $38,200", 38200),
        (NUMBER, "3.88 mol/l", "at 3.88 mol/l", 3.88),
        (INTEGER, "3000 m", "3000 m around it", 3000),
        ({**INTEGER, "description": "Length in minutes."}, "an hour", "for an hour", 60),
        ({**INTEGER, "description": "Length in minutes."}, "two hours", "for two hours", 120),
        ({**NUMBER, "description": "In months."}, "half a year", "for half a year", 6),
        (DATE, "February 21, 2027", "on February 21, 2027", "2027-02-21"),
        (DATE, "the 12th of June", "on the 12th of June", "2027-06-12"),
        (DATE, "tomorrow", "tomorrow, if possible", "2026-11-28"),
        (DATE, "Monday", "Today is Tuesday, 6 April 2027. Do it on Monday.", "2027-04-12"),
        ({**TEXT, "description": "Day, YYYY-MM-DD."}, "Feb 21", "from Feb 21 on", "2027-02-21"),
        (TIME, "8:30pm", "at 8:30pm", "20:30"),
        (TIME, "six o'clock", "at six o'clock in the evening", "18:00"),
        ({**TEXT, "format": "date-time"}, "tomorrow", "tomorrow at 8:30 pm", "2026-11-28T20:30:00"),
        ({**TEXT, "pattern": "^LC\\-\\d\\d\\d\\d$"}, "LC-37880000", "my card LC-3788", "LC-3788"),
        (TEXT, "Luigi's", "at Luigi's", "Luigi's"),
        (TEXT, "7", "take number 7", "7"),
        ({**TEXT, "description": "Day."}, "Friday", "on Friday", "Friday"),
        ({"type": "array"}, "eggs, milk, and flour", "eggs, milk, and flour", ["eggs", "milk", "flour"]),
        ({"type": "array", "items": INTEGER}, "two and 3", "two and 3", [2, 3]),
        ({"enum": ["economy", "business"]}, "economy", "in business class", "business"),
        ({"enum": ["30", "60"]}, "60", "for 60 minutes, the 2 of us", "60"),
    ],
)
def test_what_was_said_becomes_a_value_of_the_schema(schema: dict[str, Any], words: str, text: str, value: Any) -> None:
    found = heard({"it": schema}, {"it": words}, text)["it"]
    assert found == Told(value, True) and type(found.value) is type(value)


@pytest.mark.parametrize(
    ("schema", "words", "text"),
    [
        (TEXT, "Venice", "A trip to Rome"),
        (TEXT, "no", "No, not like that."),
        (TEXT, "I have nothing to add", "I have nothing to add to that. Go ahead."),
        (INTEGER, "2", "A table, please"),
        (INTEGER, "4", "The 4th of May"),
        (DATE, "2027-05-01", "A table, please"),
        (DATE, "8 October 2027", "A table, please. Current date: Friday, 8 October 2027."),
        (DATE, "8 October 2027", "The date today is Friday, 8 October 2027. A table, please."),
        (TIME, "an hour", "for an hour"),
        ({"enum": ["economy", "business"]}, "economy", "A flight to Rome"),
        ({"enum": [30, 60]}, "30", "45 of them"),
        (BOOL, "no", "A flight to Rome"),
        (TEXT, "the ?", "Water the plants"),
        (TEXT, "the it", "What the it is you know"),
        (INTEGER, "6", "Send them to 6 Larch Close"),
        (INTEGER, "1", "Do one thing for me"),
        (DATE, "71, may", "On Line 71, may I ask you to do it?"),
        ({"type": "array"}, "eggs and milk", "only eggs"),
    ],
)
def test_what_nobody_said_is_not_found(schema: dict[str, Any], words: str, text: str) -> None:
    assert not heard({"it": schema}, {"it": words}, text)["it"].found


def test_words_are_one_arguments_value() -> None:
    teams = {"home": TEXT, "away": TEXT}
    one = heard(teams, {"home": "FC Aurora", "away": "FC Aurora"}, "Watch the match with FC Aurora", home=0.2)
    assert one["away"].found and not one["home"].found, "the surer one has it"
    both = heard(teams, {"home": "FC Aurora", "away": "FC Aurora"}, "FC Aurora, away at FC Aurora's second team")
    assert both["home"].found and both["away"].found, "it is said twice"
    wine = {"color": {"enum": ["red", "rose"]}, "dish": TEXT}
    assert not heard(wine, {"color": "rose", "dish": "rose"}, "A wine that is rose", dish=0.2)["dish"].found
    assert heard(wine, {"color": "red", "dish": "red mullet"}, "A red for red mullet", dish=0.2)["dish"].found
    numbers = {"price": NUMBER, "cost": NUMBER}
    found = heard(numbers, {"price": "79", "cost": "79"}, "A price of $79, taxed at 94 percent", cost=0.3)
    assert found["price"] == Told(79, True) and not found["cost"].found


def test_the_only_value_left_of_a_kind_is_taken_where_the_model_copied_none() -> None:
    schemas = {"start": TIME, "length": {**INTEGER, "description": "Length in minutes."}}
    found = heard(schemas, {"start": "HH:MM", "length": "HH:MM"}, "A massage at 12:30, for an hour")
    assert found == {"start": Told("12:30", True), "length": Told(60, True)}
    two = heard({"start": TIME}, {"start": "HH:MM"}, "Between 12:30 and 14:00")
    assert not two["start"].found


TABLE = {
    "place": TEXT,
    "party_size": INTEGER,
    "seat": {"enum": ["window", "bar"]},
    "highchair": BOOL,
    "at": TIME,
    "guest": TEXT,
    "dishes": {"type": "array"},
}


@pytest.mark.parametrize(
    "refusal",
    [
        "No, not like that.",
        "The party size is wrong.",
        "The place is another one, and so is the party size.",
        "It leaves out the seat and the highchair.",
        "Not at the bar, and not for six.",
        "Nobody said that.",
    ],
)
def test_a_refusal_that_names_or_denies_gives_no_value(refusal: str) -> None:
    words = {"place": "place", "party_size": "another one", "seat": "bar", "highchair": "yes", "at": "at"}
    words |= {"guest": "nobody", "dishes": "no"}
    tool = ToolView.read({"name": "do", "parameters": {"properties": TABLE, "required": list(TABLE)}})
    said = [Said("user", "A table, please"), Said("user", refusal, refuses={})]
    found = told(tool, words, dict.fromkeys(TABLE, 0.1), said, NOW)
    assert not any(one.found for one in found.values())


@pytest.mark.parametrize(
    ("refusal", "name", "value"),
    [
        ("No, the party is of six.", "party_size", 6),
        ("Not for two, for six!", "party_size", 6),
        ("No, at Mario's place", "place", "Mario's"),
        ("The place is wrong, I said Mario's", "place", "Mario's"),
        ("no, the seat at the window", "seat", "window"),
        ("That time is wrong. Half past eight in the evening", "at", "20:30"),
    ],
)
def test_a_refusal_may_give_the_value(refusal: str, name: str, value: Any) -> None:
    words = {"place": "Mario's", "party_size": "six", "seat": "window", "highchair": "no", "at": "Half past eight"}
    words |= {"guest": "nobody", "dishes": "no"}
    tool = ToolView.read({"name": "do", "parameters": {"properties": TABLE, "required": list(TABLE)}})
    said = [Said("user", "A table for two at Luigi's, at the bar"), Said("user", refusal, refuses={})]
    found = told(tool, words, dict.fromkeys(TABLE, 0.1), said, NOW)[name]
    assert (found.value, found.found) == (value, True)


def test_a_value_that_was_refused_by_name_is_looked_for_elsewhere() -> None:
    costs = {"fixed_costs": NUMBER, "price": NUMBER}
    tool = ToolView.read({"name": "do", "parameters": {"properties": costs, "required": list(costs)}})
    words = {"fixed_costs": "42 dollars", "price": "42 dollars"}
    said = [Said("user", "At a price of 42 dollars. The fixed costs come to 29,600.")]
    before = told(tool, words, {"fixed_costs": 0.1, "price": 0.2}, said, NOW)
    assert before["fixed_costs"] == Told(42, True)
    call = {"fixed_costs": 42, "price": 29600}
    for refusal, fixed in (("The fixed costs are wrong.", 29600), ("No.", 42), ("No, fixed costs of 42 dollars!", 42)):
        talk = [*said, Said("user", refusal, refuses=call)]
        found = told(tool, words, {"fixed_costs": 0.1, "price": 0.2}, talk, NOW)
        assert found["fixed_costs"] == Told(fixed, True), refusal
    for refusal in (
        "Nobody told you the fixed costs.",
        "The value of fixed costs is not known yet: nobody has said it.",
    ):
        found = told(tool, words, dict.fromkeys(costs, 0.1), [*said, Said("user", refusal, refuses=call)], NOW)
        assert not found["fixed_costs"].found and found["price"].found, "to take another one would be to guess"


def test_what_is_said_later_comes_first_and_the_agents_words_do_not_count() -> None:
    talk = ("In business, please", "Business class it is?", "No, economy class")
    assert heard({"it": {"enum": ["economy", "business"]}}, {"it": "business"}, *talk)["it"].value == "economy"
    assert not heard({"it": TEXT}, {"it": "Rome"}, "A flight", "To Rome?", "I don't know yet")["it"].found


def test_a_yes_or_no_is_told_by_what_it_is_called() -> None:
    gift = {"fertilizer": {**BOOL, "description": "Whether to add fertilizer."}}
    assert heard(gift, {"fertilizer": "yes"}, "Water it, without fertilizer")["fertilizer"] == Told(False, True)
    assert heard(gift, {"fertilizer": "no"}, "Water it with fertilizer")["fertilizer"] == Told(True, True)


def test_what_is_given_by_an_arguments_name_is_its_value_and_nobody_elses() -> None:
    schemas = {"region": TEXT, "budget": {**INTEGER, "description": "Sum to spend."}, "bottles": INTEGER}
    text = "A red wine. We want Napa for the region, sum: thirty."
    found = heard(schemas, {"region": "the ?", "budget": "wine", "bottles": "thirty"}, text, bottles=0.01)
    assert found["region"] == Told("Napa", True, named=True)
    assert found["budget"] == Told(30, True, named=True)
    assert not found["bottles"].found


@pytest.mark.parametrize("later", ["Actually, make it Sonoma.", "Sonoma"])
def test_what_is_said_later_counts_more_than_a_name(later: str) -> None:
    found = heard({"region": TEXT}, {"region": "Sonoma"}, "Region: Napa.", "Sure?", later)["region"]
    assert found == Told("Sonoma", True)


def test_of_two_values_by_one_name_the_last_one_counts() -> None:
    found = heard({"people": INTEGER}, {"people": "four"}, "People: four. Hm. My mother comes, too. People: five.")
    assert found["people"] == Told(5, True, named=True)


def test_a_name_that_may_mean_two_arguments_gives_neither() -> None:
    schemas = {"home_team": TEXT, "away_team": TEXT}
    found = heard(schemas, {"home_team": "it", "away_team": "it"}, "The match. Team: FC Aurora.")
    assert not any(one.named for one in found.values())


@pytest.mark.parametrize(
    "later",
    ["Hm, I am not sure about the region.", "Forget the region for now.", "Not Napa, after all.", "It is not Napa."],
)
def test_a_name_that_comes_again_makes_its_value_uncertain(later: str) -> None:
    assert not heard({"region": TEXT}, {"region": "it"}, f"Region: Napa. {later}")["region"].named
    assert not heard({"region": TEXT}, {"region": "it"}, "Region: Napa.", "Sure?", later)["region"].named


@pytest.mark.parametrize(
    ("name", "schema", "text"),
    [
        ("restaurant", {**TEXT, "description": "Name of the restaurant."}, "A table. Name: Miller."),
        ("title", {**TEXT, "description": "Title of the meeting."}, "Meeting: Monday at 10 with Ann"),
        ("delivery_address", {**TEXT, "description": "Address of the customer."}, "Delivery: tomorrow. Customer: Ann"),
        ("price", {**NUMBER, "description": "Price of the room."}, "Room: 12"),
        ("price", NUMBER, "Fee: $5"),
        ("price", NUMBER, "Total price: $60"),
        ("price_per_night", NUMBER, "Nights: 3"),
    ],
)
def test_a_name_means_an_argument_that_is_of_the_same(name: str, schema: dict[str, Any], text: str) -> None:
    assert not heard({name: schema}, {name: "it"}, text)[name].named


@pytest.mark.parametrize(
    ("name", "schema", "text", "value"),
    [
        ("restaurant_name", TEXT, "Restaurant: Luigi's", "Luigi's"),
        ("delivery_address", TEXT, "Address: 5 Main Street", "5 Main Street"),
        ("party", {**INTEGER, "description": "Number of guests."}, "Guests: 4", 4),
        ("price_per_night", NUMBER, "The price is $80", 80),
        ("gift_wrap", BOOL, "Gift wrap: yes", True),
        ("gift_wrap", BOOL, "Gift wrap: no.", False),
        ("email", {**TEXT, "format": "email"}, "Email: ann@example.org", "ann@example.org"),
        ("people", {"type": "array"}, "People: Ann and Bob", ["Ann", "Bob"]),
        ("weight", NUMBER, "Weight: 80 kg", 80),
        ("budget", NUMBER, "Budget: $1,200", 1200),
    ],
)
def test_a_value_by_its_name_is_read_under_the_schema(name: str, schema: dict[str, Any], text: str, value: Any) -> None:
    assert heard({name: schema}, {name: "it"}, text)[name] == Told(value, True, named=True)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (INTEGER, "Event: at least 3"),
        (INTEGER, "Event: between 2 and 4"),
        (INTEGER, "Event: 10 is too many"),
        (INTEGER, "Event: 12 dollars each"),
        (INTEGER, "Event: 3 to 5"),
        (INTEGER, "Event: ~20 dollars"),
        (TIME, "Event: before 6:30 pm"),
        (DATE, "Event: 5 May is a holiday"),
        ({"enum": ["mild", "severe"]}, "Event: my brother always takes mild"),
        ({"enum": ["mild", "severe"]}, "The event is mild enough"),
        (BOOL, "Event: no idea"),
        (TEXT, "Event: no"),
        ({**TEXT, "format": "email"}, "Event: Ann from accounting"),
        ({"type": "array"}, "Event: Ann, Bob and Carol"),
        (TEXT, "So the event is Italian."),
        (TEXT, "So the event is Great again."),
    ],
)
def test_a_value_with_other_words_is_not_certain(schema: dict[str, Any], text: str) -> None:
    assert not heard({"event": schema}, {"event": "it"}, text)["event"].named


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (TEXT, "Order a cake for the event."),
        (TEXT, "I want a cake for the event, please"),
        (TEXT, "Cake for the event!"),
        (TEXT, "The event is on Friday."),
        (TEXT, "The event is nice"),
        (INTEGER, "I need 2 rooms for the event"),
        (INTEGER, "A table at 7 for the event"),
        (INTEGER, "The event is 20 miles away"),
        (DATE, "Get me the menu for the event"),
    ],
)
def test_what_is_said_of_a_thing_is_not_its_value(schema: dict[str, Any], text: str) -> None:
    assert not heard({"event": schema}, {"event": "it"}, text)["event"].named


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (TEXT, "I want Carnival for the event", "Carnival"),
        (TEXT, 'The event is "Up and away".', "Up and away"),
        (TEXT, "I have chosen the wedding as the event", "the wedding"),
        (INTEGER, "We want 85 for the event", 85),
        ({**INTEGER, "description": "Length in minutes."}, "Make the event 90 minutes", 90),
        (NUMBER, "It is $12.50 for the event", 12.5),
        (DATE, "The event is on 5 May 2027", "2027-05-05"),
        ({"enum": ["mild", "severe"]}, "We want mild for the event", "mild"),
    ],
)
def test_a_value_by_its_name_is_a_form_or_a_name(schema: dict[str, Any], text: str, value: Any) -> None:
    assert heard({"event": schema}, {"event": "it"}, text)["event"] == Told(value, True, named=True)


SWINGS = {"swings": INTEGER, "length": INTEGER}


@pytest.mark.parametrize("text", ["46 cm, for 120 swings", "46 for the length, 120 swings please", "120 swings, 46 cm"])
def test_what_a_number_counts_is_its_name(text: str) -> None:
    found = heard(SWINGS, {"swings": "46", "length": "46"}, text, length=0.01)
    assert (found["swings"].value, found["length"].value) == (120, 46)
    assert found["swings"].named


@pytest.mark.parametrize(
    "text",
    [
        "at least 120 swings",
        "not 120 swings",
        "120 or 130 swings",
        "120 swings? no",
        "he took 120 swings",
        "my last 120 swings",
        "the swings are in room 12",
        "$120 swings the vote",
        "120 swing dancers",
    ],
)
def test_what_a_number_counts_may_be_something_else(text: str) -> None:
    assert not heard(SWINGS, {"swings": "46", "length": "46"}, text)["swings"].named


def test_the_only_number_left_is_taken_where_the_model_copied_another_arguments_words() -> None:
    pattern = {**TEXT, "pattern": "^V-\\d\\d[A-Z]$"}
    text = "Adjust valve V-63K, to forty-five percent."
    found = heard({"valve": pattern, "opening": INTEGER}, {"valve": "V-63K", "opening": "V-63K"}, text, valve=0.01)
    assert found == {"valve": Told("V-63K", True), "opening": Told(45, True)}


def test_what_is_named_is_not_missing_and_what_is_not_found_is_likelier_to_be() -> None:
    named, found, nowhere = Told("Napa", True, named=True), Told("Napa", True), Told("Napa", False)
    filled = Filled({"a": 0.99, "b": 0.5, "c": 0.5}, {"a": named, "b": found, "c": nowhere})
    assert weighed(filled) == pytest.approx({"a": 0, "b": 0.5, "c": 10 / 11})


def test_a_record_of_before_asks_by_p_missing_alone() -> None:
    before = {"version": 2, "threshold": 0.6, "drafted": 0.5, "filled": 0.7, "unfound": [0.8, 0.1]}
    assert AskerRecord.model_validate(before).line == 0.6


def test_an_answer_is_the_value_of_what_was_asked_for_and_of_nothing_else() -> None:
    trade = ("Swap Matt Crane for somebody", "What should the receive be?", "Ron Abbey.")
    found = heard({"give": TEXT, "receive": TEXT}, {"give": "Ron Abbey", "receive": "Ron Abbey"}, *trade, receive=0.3)
    assert found["receive"] == Told("Ron Abbey", True) and not found["give"].found
    account = {"account_type": {"enum": ["youth", "deposit"]}, "initial_deposit": NUMBER}
    opened = (
        "Open an account of the youth type",
        "What should the initial deposit be?",
        "The initial deposit is $2,120.",
    )
    found = heard(account, {"account_type": "deposit", "initial_deposit": "$2,120"}, *opened)
    assert found["account_type"] == Told("youth", True) and found["initial_deposit"].value == 2120
    assert not heard(account, {"account_type": "deposit", "initial_deposit": "it"}, "Open one", *opened[1:])[
        "account_type"
    ].found
    more = heard(
        {"day": TEXT, "people": INTEGER}, {"day": "Friday", "people": "6"}, "Hi", "For how many people?", "6, on Friday"
    )
    assert more == {"day": Told("Friday", True), "people": Told(6, True)}, "an answer may say more"


@pytest.mark.parametrize(
    ("latest", "value", "stays"),
    [
        ("For six.", "it", True),
        ("For six.", "Friday", True),
        ("For six, on Saturday.", "Saturday", False),
        ("No, the day is another one.", "it", False),
        ("For six, but not on Friday.", "it", False),
    ],
)
def test_what_was_told_stays_unless_it_is_spoken_of(latest: str, value: str, stays: bool) -> None:
    tool = ToolView.read({"name": "do", "parameters": {"properties": {"day": TEXT}, "required": ["day"]}})
    before = Filled({"day": 0.1}, {"day": Told("Friday", True)})
    now = Filled({"day": 0.9}, {"day": Told(value, value != "it")})
    assert kept(before, now, tool, latest) == (before if stays else now)
