"""Where each argument of a call comes from, told from the conversation alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import as_told, ground, ground_together
from sml_agents.agents.replies import accepts
from sml_agents.agents.slots import slots_of
from sml_agents.agents.withdrawals import withdraws
from sml_agents.text.values import Clock

CLOCK = Clock(dt.datetime(2026, 11, 26, 12))  # a Thursday
TEXT = {"type": "string"}
TABLE = {
    "name": "reserve",
    "parameters": {
        "type": "object",
        "properties": {"restaurant_name": TEXT, "city": TEXT, "time": TEXT, "party_size": {"type": "integer"}},
        "required": ["restaurant_name", "city", "time", "party_size"],
    },
}
CALL = {"restaurant_name": "La Fogata Mexican Grill", "city": "Walnut Creek", "time": "19:30", "party_size": 2}


def talk(*texts: str) -> list[BaseMessage]:
    """The person and the agent in turn; the person begins."""
    return [AIMessage(text) if k % 2 else HumanMessage(text) for k, text in enumerate(texts)]


def states(*texts: str, **changed: Any) -> dict[str, str]:
    request = Request.read(talk(*texts), lambda name: False)
    found = ground({**CALL, **changed}, slots_of(TABLE), request, CLOCK)
    return {one.slot.name: one.state.value for one in found}


SUMMARY = "A table at La Fogata Mexican Grill in Walnut Creek at 7:30 pm for 2, is that right?"


@pytest.mark.parametrize(
    "yes", ["You got it right.", "No problem.", "The details are correct.", "I confirm.", "Granted."]
)
def test_a_summary_that_the_person_confirms_grounds_all_of_it(yes: str) -> None:
    assert set(states("Book a table.", SUMMARY, yes).values()) == {"accepted"}


@pytest.mark.parametrize("no", ["No.", "Not yet.", "What else is there?", "The details are wrong.", "It is cold."])
def test_one_that_is_not_confirmed_grounds_nothing(no: str) -> None:
    found = states("Book a table.", SUMMARY, no)
    assert set(found.values()) == {"unknown"}


@pytest.mark.parametrize(
    ("offer", "state"),
    [
        ("A table for 2 at La Fogata?", "accepted"),
        ("A table for 2 people?", "accepted"),
        ("A table for 2?", "accepted"),
        ("A table with 2 windows?", "unknown"),
        ("There are 2 such places. Shall I?", "unknown"),
        ("A table for 2 hours?", "unknown"),
    ],
)
def test_an_offer_counts_people_where_it_says_so(offer: str, state: str) -> None:
    assert states("Book a table.", offer, "Yes, please.")["party_size"] == state


def test_the_person_picks_what_was_named_by_a_part_of_its_name() -> None:
    offered = "How about La Fogata Mexican Grill in Walnut Creek?"
    assert states("Dinner, please.", offered, "La Fogata for two at 7:30 pm.")["restaurant_name"] == "said"
    assert states("Dinner, please.", "Where?", "La Fogata for two at 7:30 pm.")["restaurant_name"] == "unknown"
    assert states("Dinner, please.", offered, "Not La Fogata.")["restaurant_name"] == "unknown"


def test_a_name_of_digits_is_a_name() -> None:
    assert states("A table at 1760 at 7:30 pm", restaurant_name="1760")["restaurant_name"] == "said"
    assert states("A table at 1750 at 7:30 pm", restaurant_name="1760")["restaurant_name"] == "unknown"


def test_what_is_said_again_after_a_correction_is_no_longer_taken_back() -> None:
    first = ("A table in Walnut Creek at 7:30 pm.", "At Shabu Shabu?", "No, at La Fogata.")
    assert states(*first)["city"] == "contradicted"
    assert states(*first, "La Fogata in Walnut Creek at 7:30 pm?", "Yes.")["city"] == "said"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Cancel that. Make it the Thunderbird instead.", ""),
        ("Never mind that, change it to Tuesday.", ""),
        ("Cancel that.", "all"),
        ("Never mind. Book Rome instead.", "part"),
        ("Make it Tuesday.", ""),
    ],
)
def test_a_change_is_no_withdrawal(words: str, kind: str) -> None:
    assert withdraws(words) == kind


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("No problem", "yes"),
        ("No worries, do it", "yes"),
        ("That time is fine.", "yes"),
        ("That'll be perfect", "yes"),
        ("That works", "yes"),
        ("No, I won't", "no"),
        ("It is too expensive.", ""),
        ("That doesn't work", ""),
        ("It's not great", ""),
        ("The times are wrong", ""),
        ("That is a bad idea", ""),
    ],
)
def test_what_takes_an_offer(words: str, verdict: str) -> None:
    assert accepts(words) == verdict


EVENTS = {
    "name": "find_events",
    "parameters": {
        "type": "object",
        "properties": {
            "category": {"enum": ["Music", "Sports"]},
            "city": TEXT,
            "day": {"type": "string", "format": "date"},
        },
        "required": ["category", "city", "day"],
    },
}


@pytest.mark.parametrize(
    ("quoted", "state"),
    [
        ("a gig", "said"),
        ("gig", "said"),
        ("A concert", "unknown"),
        ("Paris", "unknown"),
        ("category", "unknown"),
        ("opera", "unknown"),
        ("", "unknown"),
    ],
)
def test_words_that_somebody_has_read_count_if_the_person_said_them(quoted: str, state: str) -> None:
    request = Request.read([HumanMessage("I want a gig in Paris, any category but no opera")], lambda name: False)
    call = {"category": "Music", "city": "Paris", "day": "2026-12-24"}
    grounds = ground(call, slots_of(EVENTS), request, CLOCK)
    found = as_told(grounds, {"category": quoted, "day": "gig"}, request, CLOCK)
    assert [one.state.value for one in found] == [state, "said", "unknown"]


DAY = {"type": "string", "format": "date"}
NUMBER = {"type": "integer"}
TRIP = {
    "name": "book_flight",
    "parameters": {
        "type": "object",
        "properties": {
            "origin": TEXT,
            "destination": TEXT,
            "departure": DAY,
            "back": DAY,
            "adults": NUMBER,
            "bags": NUMBER,
        },
        "required": ["origin", "destination", "departure", "back", "adults", "bags"],
    },
}
SAME = {"origin": "Berlin", "destination": "Berlin", "departure": "2027-03-17", "back": "2027-03-17"}


def trip(*texts: str) -> set[str]:
    """The arguments that are grounded when both cities, both days and both numbers are the same."""
    request = Request.read(talk(*texts), lambda name: False)
    found = ground({**SAME, "adults": 2, "bags": 2}, slots_of(TRIP), request, CLOCK)
    return {one.slot.name for one in found if one.ok}


@pytest.mark.parametrize(
    ("texts", "known"),
    [
        (("I come back on 17 March", "When?", "coming back on 17 March"), "back"),
        (("Home on 17 March", "Back on 17 March, right?", "yes"), "back"),
        (("We travel on 17 March", "When?", "we want to travel on March 17th"), "departure"),
        (("We travel on 17 March. Yes, we travel on March 17.",), "departure"),
        (("We fly on 17 March", "So you fly on 17 March?", "yes"), "departure"),
        (("From Berlin", "Sorry?", "I said from Berlin"), "origin"),
        (("Zur\u00fcck am 17. M\u00e4rz", "Wann?", "zur\u00fcck am 17. M\u00e4rz"), "back"),
        (("Two bags", "How many?", "two bags, please"), "bags"),
    ],
)
def test_what_is_said_again_is_one_value(texts: tuple[str, ...], known: str) -> None:
    assert trip(*texts) == {known}


@pytest.mark.parametrize(
    ("texts", "known"),
    [
        (("From Berlin to Berlin",), {"origin", "destination"}),
        (("I want to go from Berlin", "Where to?", "I want to go to Berlin"), {"origin", "destination"}),
        (("Two adults, two bags",), {"adults", "bags"}),
        (("Two adults", "Anything else?", "And two bags"), {"adults", "bags"}),
        (("Leaving on 17 March", "And back?", "Back on 17 March, too"), {"departure", "back"}),
        (("We travel on 17 March", "And?", "home again on 17 March"), {"departure", "back"}),
        (("There and back on the same day, 17 March",), {"departure", "back"}),
        (
            ("A flight", "Leaving on 17 March and back on 17 March, for 2 adults?", "yes"),
            {"departure", "back", "adults"},
        ),
    ],
)
def test_one_value_for_two_arguments_is_said_with_words_for_each(texts: tuple[str, ...], known: set[str]) -> None:
    assert trip(*texts) == known


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("coming back on 17 March", "back"),
        ("returning on the 17th of March", "back"),
        ("wir kommen zur\u00fcck am 17. M\u00e4rz", "back"),
        ("leaving on 17 March", "departure"),
        ("starting on 17 March", "departure"),
        ("until 17 March", "back"),
    ],
)
def test_the_word_before_a_day_says_which_day_it_is(words: str, known: str) -> None:
    assert trip(words) == {known}


PAY = {
    "name": "pay",
    "description": "Send euros to somebody.",
    "parameters": {
        "properties": {"amount": {"type": "number"}, "recipient": TEXT},
        "required": ["amount", "recipient"],
    },
}


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("Send 30 euros to Ann and 20 euros to Ben", {"Ann": 30, "Ben": 20}, {"Ann": 20, "Ben": 30}),
        ("Ann gets 30 euros, Ben 20", {"Ben": 20, "Ann": 30}, {"Ben": 30, "Ann": 20}),
        ("Ann 30, Ben 20, Cid 10 euros", {"Ann": 30, "Ben": 20, "Cid": 10}, {"Ann": 10, "Ben": 30, "Cid": 20}),
        ("Send 10 euros to Ann and Ben", {"Ann": 10, "Ben": 10}, {"Ann": 10, "Ben": 12}),
        ("Send Ann 30 euros, and Ben the same", {"Ann": 30, "Ben": 30}, {"Ann": 30, "Ben": 3}),
    ],
)
def test_calls_drafted_together_do_not_take_each_other_s_values(
    text: str, right: dict[str, float], wrong: dict[str, float]
) -> None:
    request = Request.read(talk(text), lambda name: False)

    def run(amounts: dict[str, float]) -> list[bool]:
        calls = [{"amount": amount, "recipient": name} for name, amount in amounts.items()]
        found = ground_together(calls, slots_of(PAY), request, CLOCK)
        return [all(one.ok for one in grounds) for grounds in found]

    assert all(run(right))
    assert not all(run(wrong))


def pay_tool(amount: str) -> dict[str, Any]:
    properties = {"amount": {"type": amount}, "recipient": TEXT}
    return {"name": "pay", "parameters": {"type": "object", "properties": properties, "required": list(properties)}}


def paid(offer: str, reply: str, value: Any = 25, sort: str = "number") -> str:
    """The state of the amount after an offer and a reply to it."""
    request = Request.read(talk("Send money to Ann", offer, reply), lambda name: False)
    return ground({"amount": value, "recipient": "Ann"}, slots_of(pay_tool(sort)), request, CLOCK)[0].state.value


@pytest.mark.parametrize(("sort", "value"), [("number", 25.0), ("integer", 25), ("string", "25")])
@pytest.mark.parametrize(
    ("offer", "reply"),
    [
        ("Shall I send 25 euros to Ann?", "yes"),
        ("Shall I send Ann 25?", "go ahead"),
        ("Shall I send \u20ac25 to Ann?", "yes please"),
        ("Is an amount of 25 right?", "yes"),
        ("Amount: 25?", "yes"),
        ("So 25 euros?", "yes"),
        ("I would send 25 euros to Ann. Shall I?", "yes"),
        ("amount: 25, recipient: Ann. Is that right?", "yes"),
        ("Soll ich Ann 25 Euro schicken?", "ja"),
        ("amount: 25, account: 1234, recipient: Ann. Is that right?", "yes"),
    ],
)
def test_a_number_that_was_offered_and_taken(offer: str, reply: str, sort: str, value: Any) -> None:
    assert paid(offer, reply, value, sort) == "accepted"


@pytest.mark.parametrize(
    ("offer", "reply"),
    [
        ("How much should I send?", "yes"),
        ("25 or 30 euros?", "yes"),
        ("Shall I send 25 euros, or would 30 be better?", "yes"),
        ("Shall I send 25 euros to Ann?", "no"),
        ("Shall I send 25 euros to Ann?", "yes, but 30"),
        ("Shall I send 25 euros to Ann?", "yes, 30 euros please"),
        ("Shall I send 25 euros to Ann?", "ok, make it 30"),
        ("Is an amount of 25 right, or would 30 be better?", "yes"),
        ("amount: 25 or 30?", "yes"),
        ("Fee amount: 25. Is that right?", "yes"),
        ("There is a fee of 25 euros, ok?", "yes"),
        ("Shall I send it with a 25 euro fee?", "yes"),
        ("Your balance is 25 euros. Shall I send it?", "yes"),
        ("Shall I set the fee to 25 euros?", "yes"),
        ("Shall I send it in 25 days?", "yes"),
        ("Shall I use account 25?", "yes"),
        ("I found 25 people called Ann. Shall I go on?", "yes"),
    ],
)
def test_a_number_that_was_not_offered_or_not_taken(offer: str, reply: str) -> None:
    assert paid(offer, reply) != "accepted"


@pytest.mark.parametrize(
    ("argument", "offer", "state"),
    [
        ("seats", "Shall I reserve 3 seats?", "accepted"),
        ("seats", "Shall I take 3?", "accepted"),
        ("seats", "There are 3 such shows. Shall I?", "unknown"),
        ("celsius", "Shall I set it to 3 degrees?", "accepted"),
        ("temperature", "Shall I set it to 3 degrees?", "accepted"),
        ("temperature", "Shall I pay 3 euros?", "unknown"),
        ("level", "Shall I pay 3 euros?", "unknown"),
    ],
)
def test_an_offered_number_counts_in_the_unit_of_the_argument(argument: str, offer: str, state: str) -> None:
    schema = {"type": "object", "properties": {argument: NUMBER}, "required": [argument]}
    request = Request.read(talk("Do it for me", offer, "yes"), lambda name: False)
    found = ground({argument: 3}, slots_of({"name": "do", "parameters": schema}), request, CLOCK)
    assert found[0].state.value == state
