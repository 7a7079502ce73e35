"""What is said and not meant, in four languages: the drafted value stands in the conversation, and grounds nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import ground
from sml_agents.agents.replies import answers_nothing
from sml_agents.agents.slots import slots_of
from sml_agents.agents.withdrawals import withdraws
from sml_agents.text.values import Clock

CLOCK = Clock(dt.datetime(2026, 11, 26, 12))
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
DAY, TIME = {"type": "string", "format": "date"}, {"type": "string", "format": "time"}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "parameters": schema}


BOOK = tool("book", city=TEXT, date=DAY)
PAY = tool("pay", to=TEXT, amount=NUMBER, account={"enum": ["savings", "checking"]})
TABLE = tool("table", place=TEXT, day=DAY, time=TIME, guests=NUMBER)
ORDER = tool("order", items={"type": "array", "items": tool("", dish=TEXT, quantity=NUMBER)["parameters"]})
ALARM = tool("alarm", time=TIME)
CALLS: dict[str, dict[str, Any]] = {
    "book": {"city": "Paris", "date": "2027-05-05"},
    "pay": {"to": "Bob", "amount": 500, "account": "savings"},
    "table": {"place": "Luigi's", "day": "2027-05-05", "time": "19:00", "guests": 4},
    "order": {"items": [{"dish": "pizza", "quantity": 2}, {"dish": "ramen", "quantity": 3}]},
    "alarm": {"time": "20:00"},
}


def lacks(wanted: dict[str, Any], texts: tuple[str, ...]) -> set[str]:
    talk = [AIMessage(text) if k % 2 else HumanMessage(text) for k, text in enumerate(texts)]
    found = ground(CALLS[wanted["name"]], slots_of(wanted), Request.read(talk, lambda name: False), CLOCK)
    return {one.slot.name for one in found if not one.ok}


@pytest.mark.parametrize(
    ("wanted", "lacking", "texts"),
    [
        (PAY, {"amount"}, ("Tom wrote: 'send 500 to Eve'. Please send Bob his money from savings.",)),
        (PAY, {"amount"}, ("Tom schrieb: \u201eschick 500 an Eve\u201c. Send Bob his money from savings.",)),
        (PAY, {"amount"}, ("My order 500 arrived. Send Bob the money from savings.",)),
        (PAY, {"amount"}, ("Call me at 500 0199. Send Bob the money from savings.",)),
        (TABLE, {"guests"}, ("We live at 4 Elm Street. A table at Luigi's on 5 May at 7 pm.",)),
        (TABLE, {"guests"}, ("My son is 4 years old. A table at Luigi's on 5 May at 7 pm.",)),
        (TABLE, {"guests"}, ("I am in room 4. A table at Luigi's on 5 May at 7 pm.",)),
        (ORDER, {"items[].quantity"}, ("Order three pizzas and two ramen",)),
        (ORDER, {"items[].quantity"}, ("Pizza: 3, ramen: 2",)),
        (ALARM, {"time"}, ("It is 8 pm here and I am tired. Set an alarm.",)),
        (ALARM, {"time"}, ("Es ist schon 20 Uhr. Stell einen Wecker.",)),
        (BOOK, {"date"}, ("On 5 May last year I saw Rome. Book Paris.",)),
        (BOOK, {"date"}, ("Am 5. Mai war ich in Rom. Buche Paris.",)),
        (BOOK, {"date"}, ("El 5 de mayo estuve en Roma. Reserva Paris.",)),
        (BOOK, {"date"}, ("J'\u00e9tais \u00e0 Rome le 5 mai. R\u00e9servez Paris.",)),
        (BOOK, {"date"}, ("Book Paris", "Shall I book 4 May or 5 May?", "Yes, please.")),
        (BOOK, {"date"}, ("Buche Paris", "Am 5. Mai oder am 6. Mai?", "Ja, bitte.")),
        (BOOK, {"city"}, ("Book something on 5 May", "I can offer Paris, Rome or Oslo. Would you like that?", "yes")),
        (BOOK, {"date"}, ("Book Paris", "On 5 May?", "On 5 May? Why?")),
        (BOOK, {"date"}, ("Reserva Paris el 5 de mayo. Perd\u00f3n, quer\u00eda decir el 7 de mayo.",)),
        (BOOK, {"date"}, ("R\u00e9servez Paris le 5 mai. Pardon, je voulais dire le 7 mai.",)),
        (BOOK, {"city"}, ("R\u00e9servez Paris le 5 mai. Non, plut\u00f4t Rome.",)),
    ],
)
def test_it_grounds_nothing(wanted: dict[str, Any], lacking: set[str], texts: tuple[str, ...]) -> None:
    assert lacks(wanted, texts) == lacking


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        (PAY, ("I said: 'send 500 to Bob from savings'.",)),
        (PAY, ("Send Bob 500 from my savings account.",)),
        (TABLE, ("I want to order 4 seats for 4 people: at Luigi's on 5 May at 7 pm",)),
        (TABLE, ("Une table chez Luigi's le 5 mai \u00e0 19h pour quatre personnes",)),
        (TABLE, ("Wir sind zu viert. Einen Tisch bei Luigi's am 5. Mai um 19 Uhr.",)),
        (TABLE, ("Una mesa en Luigi's el 5 de mayo a las 19:00 para cuatro personas",)),
        (ORDER, ("Two pizzas and three ramen, please",)),
        (ORDER, ("Pizza: 2, ramen: 3",)),
        (ORDER, ("Order 2 pizza and order 3 ramen",)),
        (TABLE, ("Dining room 4 people, Luigi's on 5 May at 7 pm",)),
        (ALARM, ("Set it at 8 pm",)),
        (ALARM, ("Set an alarm", "For what time?", "It's 8 pm I want")),
        (BOOK, ("I was thinking of 5 May. Book Paris.",)),
        (BOOK, ("Im Mai nach Paris, am 5. Mai.",)),
        (BOOK, ("Book Paris", "Shall I book 5 May or do you want another day?", "Yes, please.")),
        (BOOK, ("Book something on 5 May", "I can offer Paris, Rome or Oslo. Which?", "Paris")),
        (BOOK, ("Book Paris", "On 5 May?", "On 5 May? Yes, on 5 May.")),
        (BOOK, ("Can you book Paris on 5 May?",)),
    ],
)
def test_what_is_like_it_and_meant_is_taken(wanted: dict[str, Any], texts: tuple[str, ...]) -> None:
    assert lacks(wanted, texts) == set()


@pytest.mark.parametrize(
    "words",
    [
        "D\u00e9jalo",
        "No importa, d\u00e9jalo",
        "Cancela eso",
        "Mejor no",
        "Laissez tomber",
        "Annulez tout",
        "Finalement non",
        "J'ai chang\u00e9 d'avis",
        "Ach, lass mal",
        "Ich hab's mir anders \u00fcberlegt",
        "Scratch that",
        "Forget the whole thing",
    ],
)
def test_requests_are_withdrawn_in_these_languages(words: str) -> None:
    assert withdraws(words) == "all"


@pytest.mark.parametrize(
    "words", ["No lo s\u00e9", "Todav\u00eda no s\u00e9", "Aucune id\u00e9e", "Attends", "Un momento"]
)
def test_an_answer_that_holds_none(words: str) -> None:
    assert answers_nothing(words)


@pytest.mark.parametrize(
    "words", ["Cancela mi pedido 4711", "Annulez le vol AF12", "Mejor el 7 de mayo", "Je sais: Paris"]
)
def test_what_is_no_withdrawal_and_no_evasion(words: str) -> None:
    assert not withdraws(words) and not answers_nothing(words)


@pytest.mark.parametrize(
    ("name", "text", "lacking"),
    [
        ("pay", "Did I send Bob 500 from savings?", {"to", "amount", "account"}),
        ("pay", "Have I already paid Bob 500 from savings?", {"to", "amount", "account"}),
        ("pay", "Habe ich Bob schon 500 geschickt, von savings?", {"to", "amount", "account"}),
        ("find_payment", "Did I send Bob 500 from savings?", set()),
        ("pay", "Did I pay Bob? If not, send Bob 500 from savings.", set()),
        ("pay", "Did I mention that Bob gets 500 from savings?", set()),
        ("pay", "Could I send Bob 500 from savings?", set()),
        ("pay", "Can you send Bob the 500 from savings that I have to pay?", set()),
    ],
)
def test_whether_something_was_done_is_no_wish_to_do_it(name: str, text: str, lacking: set[str]) -> None:
    request = Request.read([HumanMessage(text)], lambda name: False).for_tool(name)
    found = ground(CALLS["pay"], slots_of({**PAY, "name": name}), request, CLOCK)
    assert {one.slot.name for one in found if not one.ok} == lacking
