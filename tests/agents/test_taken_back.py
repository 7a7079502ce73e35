"""What the person takes back in the same breath grounds nothing; what the agent listed is picked by its place."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool as tool_of_langchain
from langgraph.checkpoint.memory import InMemorySaver

from sml_agents.agents import ClarifyMiddleware
from sml_agents.agents.evidence import Request
from sml_agents.agents.replies import accepts, declines_extra
from sml_agents.agents.withdrawals import withdraws
from sml_agents.testing import Rule, ScriptedModel
from tests.agents.test_wanted import asked_for
from tests.pace import within

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def tool(**arguments: Any) -> dict[str, Any]:
    return {"name": "do", "parameters": {"type": "object", "properties": arguments, "required": list(arguments)}}


PRINT = tool(article=TEXT, size={"type": "string", "enum": ["S", "M", "L"]}, copies=WHOLE)
CALL = {"article": "lager", "size": "M", "copies": 32}
RESTAURANT = tool(restaurant=TEXT)
CODE = tool(product_code=TEXT)
PAY = tool(amount={"type": "number"}, recipient=TEXT)
SEND = {**PAY, "name": "send_money"}
HEAT = tool(room=TEXT, celsius={"type": "number"})
STAY = tool(nights=WHOLE, adults=WHOLE)
AMOUNT = tool(amount={"type": "number"})


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
    ("old", "new", "said"),
    [
        (30, 40, "30 euros, no, 40 euros"),
        (30, 40, "30 euros, I mean 40 euros"),
        (30, 40, "30 - make that 40 - euros"),
        (30, 40, "30, sorry, 40 euros"),
        (30, 40, "30 euros, or rather 40"),
        (30, 40, "30 euros, make it 40"),
        (30, 40, "30 euros, oh no, make that 40"),
        (30, 40, "30 euros, no, sorry, 40"),
        (30, 40, "30 Euro, ich meine 40"),
        (30, 40, "30 euros, non, 40 euros"),
        (30, 40, "30 euros, no, mejor 40"),
        (30, 40, "30 euros no 40 euros"),
        (30, 40, "30, no 40 euros"),
        (30, 40, "30 euros (no, 40 euros)"),
        (30, 40, "30 eur, no, 40 euros"),
        (30, 40, "30 USD no 40 USD"),
        (30, 40, "30 euros, correction: 40 euros"),
        (30, 40, "30\u20ac, no, 40\u20ac"),
        (30, 40, "$30, no, $40"),
        (30, 40, "thirty euros, no, forty euros"),
        (30, 40, "thirty euros, no forty"),
        (30, 40, "30 euros, no, 35, no, 40 euros"),
        (35, 40, "30 euros, no, 35, no, 40 euros"),
        (30, 40, "30, or rather 40"),
        (21, 20, "21 degrees, no, 20 degrees"),
        (21, 20, "21 degrees, no 20"),
        (21, 20, "21, no, 20"),
        (19, 18, "19... sorry, 18 degrees"),
        (19, 18, "19 degrees -- scratch that, 18"),
        (19, 18, "19... no, 18 degrees"),
        (19, 18, "19 er 18"),
        (19, 18, "19 degrees, er, 18 degrees"),
        (19, 18, "19 \u00b0C, no, 18 \u00b0C"),
        (19, 18, "19 Grad, nein, 18 Grad"),
        (19, 18, "19 degrees. No wait, 18"),
        (19, 18, "19 degrees, actually 18"),
    ],
)
def test_a_number_is_taken_back_whatever_its_unit(old: int, new: int, said: str) -> None:
    assert asked_for(AMOUNT, {"amount": old}, said) == {"amount"}
    assert asked_for(AMOUNT, {"amount": new}, said) == set()
    if new < 30:
        do, name, rest, sentence = HEAT, "celsius", {"room": "kitchen"}, f"Set the kitchen to {said}"
    else:
        do, name, rest, sentence = PAY, "amount", {"recipient": "Ann"}, f"Send {said} to Ann"
    assert name in asked_for(do, {**rest, name: old}, sentence)
    assert asked_for(do, {**rest, name: new}, sentence) == set()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"amount": 30}, "30 euros, no more"),
        ({"amount": 30}, "30 euros to Ann and 40 euros to Ben"),
        ({"amount": 40}, "30 euros to Ann and 40 euros to Ben"),
        ({"amount": 3}, "no 12 bus, 3 seats"),
        ({"amount": 3}, "3 seats, no 12 beds"),
        ({"amount": 20}, "room 21, no smoking, 20 degrees"),
        ({"amount": 21}, "21 degrees, not 20"),
        ({"amount": 18}, "sorry, 18 degrees please"),
        ({"amount": 18}, "I mean it: 18 degrees"),
        ({"amount": 20}, "from 18 to 20 degrees"),
        ({"amount": 30}, "30 euros, sorry for the trouble, 2 tickets"),
        ({"amount": 2}, "30 euros, sorry for the trouble, 2 tickets"),
        ({"nights": 3, "adults": 2}, "3 nights, 2 adults"),
        ({"nights": 3, "adults": 2}, "3 nights, er, 2 adults"),
        ({"nights": 4, "adults": 2}, "3 nights, no, 4 nights, 2 adults"),
    ],
)
def test_a_number_beside_another_stays_said(call: dict[str, Any], said: str) -> None:
    assert asked_for(AMOUNT if "amount" in call else STAY, call, said) == set()


def test_a_later_number_of_something_else_takes_nothing_back() -> None:
    assert asked_for(AMOUNT, {"amount": 20}, "21 degrees, not 20") == {"amount"}
    assert (
        asked_for(tool(address=TEXT), {"address": "Flat 3, no 12 High Street"}, "To Flat 3, no 12 High Street") == set()
    )
    assert asked_for(AMOUNT, {"amount": 12}, "3 seats, no 12 beds") == {"amount"}
    assert asked_for(STAY, {"nights": 3, "adults": 2}, "3 nights, no, 4 nights, 2 adults") == {"nights"}


@pytest.mark.parametrize(
    ("amount", "reply", "missing"),
    [
        (30, "no, 40 euros", {"amount"}),
        (40, "no, 40 euros", set()),
        (30, "no, 40", {"amount"}),
        (30, "no, in 2 days", set()),
        (30, "yes, in 40 euro notes", set()),
    ],
)
def test_a_number_is_corrected_in_a_later_message(amount: int, reply: str, missing: set[str]) -> None:
    assert asked_for(AMOUNT, {"amount": amount}, "Send 30 euros", "Shall I send it?", reply) == missing


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


@tool_of_langchain
def pay(amount: float, recipient: str) -> str:
    """Send euros to someone."""
    return f"PAID {amount:g} to {recipient}"


def paid(*said: str) -> bool:
    """Whether the call runs. `said`: the person and the agent in turn; after the last the agent drafts the payment."""
    call = {"name": "pay", "args": {"amount": 10, "recipient": "Ann"}}
    replies = [Rule(when=words, reply=reply) for words, reply in zip(said[::2], said[1::2], strict=False)]
    model = ScriptedModel(
        replies=[Rule(when="/PAID|Not run/", reply="done"), *replies, Rule(when=said[-1], calls=[call])]
    )
    graph = create_agent(model, [pay], middleware=[ClarifyMiddleware()], checkpointer=InMemorySaver())
    for words in said[::2]:
        state = graph.invoke({"messages": [("user", words)]}, {"configurable": {"thread_id": "1"}})
    return any(message.text.startswith("PAID") for message in state["messages"])


NO = [
    "No",
    "Nope",
    "nein",
    "no, not now",
    "actually no",
    "Don't",
    "Please don't",
    "Actually, don't",
    "Wait",
    "Hold on",
    "Not now",
    "Not today",
    "not yet",
    "On second thought, no",
    "on second thoughts no",
    "better not",
    "lieber nicht",
    "non merci",
    "no gracias",
    "scrap that",
    "ignore that",
    "I'll do it myself",
    "No need anymore",
    "wait let me check first",
    "let me think about it",
    "No, thanks.",
]
CLEAR = [
    "Please don't",
    "Don't.",
    "Actually, don't",
    "Better not",
    "Lieber nicht",
    "Scrap that",
    "Ignore that",
    "On second thought, no",
    "Hold on",
    "Wait, let me check first",
    "I'll do it myself",
    "No need anymore",
    "Not now",
]
WHETHER_TO_GO_ON = [
    "Shall I do it now?",
    "Should I send it?",
    "OK to send it?",
    "10 euros to Ann. Is that right?",
    "Shall I go ahead?",
    "Shall I send 10 euros to Ann?",
    "Soll ich das jetzt machen?",
    "Stimmt das so?",
    "Dois-je l'envoyer ?",
    "¿Lo hago ahora?",
    "¿Es correcto?",
    "Lo faccio ora?",
    "Va bene?",
]
ANOTHER_QUESTION = [
    "Any dietary wishes?",
    "Anything else?",
    "Do you need a helmet?",
    "Shall I add breakfast?",
    "Shall I send it by express?",
    "Shall I use the same card?",
    "Brauchst du einen Helm?",
    "¿Algo más?",
]
GOING_ON = [
    "Don't forget the candles",
    "Please don't add onions",
    "Wait, make it 12",
    "Hold on, I meant Tuesday",
    "not now but tomorrow at 5",
    "No need for a helmet",
    "ignore that last line of the address",
    "I'll do it myself next time, but book it now",
    "I can't wait",
    "no, 40 euros",
]


@pytest.mark.parametrize("words", NO)
def test_no_to_the_question_whether_to_go_on_withdraws(words: str) -> None:
    assert withdraws(words, "Shall I do it now?") == "all"


@pytest.mark.parametrize("question", WHETHER_TO_GO_ON)
def test_questions_whether_to_go_on(question: str) -> None:
    assert withdraws("No.", question) == "all"


@pytest.mark.parametrize("question", ANOTHER_QUESTION)
@pytest.mark.parametrize("words", ["No", "Not yet", "No, thanks", "Please don't", "Not now", "Better not"])
def test_no_to_a_question_of_another_sort_withdraws_nothing(question: str, words: str) -> None:
    assert withdraws(words, question) == ""


@pytest.mark.parametrize("words", CLEAR)
def test_clear_words_withdraw_alone_and_after_a_request(words: str) -> None:
    assert withdraws(words) == "all"
    assert withdraws(f"Send 10 euros to Ann. {words.rstrip('.')}.") == "all"


@pytest.mark.parametrize("words", GOING_ON)
@pytest.mark.parametrize("question", ["", "Shall I do it now?"])
def test_what_only_begins_like_a_withdrawal(words: str, question: str) -> None:
    assert withdraws(words, question) == ""


@pytest.mark.parametrize(
    "words",
    [
        ", actually don't",
        ", never mind.",
        ", no, don't",
        " but not now",
        ", but not yet",
        ", wait, no",
        ", actually, no, sorry",
        ", or no, don't send it",
        " (actually, don't)",
        "... nah, forget it",
        ", hold on, let me check",
        ", I changed my mind",
        ", please stop",
        ", besser nicht",
        ", mejor no",
        " never mind",
        " actually don't",
        " no wait don't",
        ". Wait. No.",
        ", never mind, I already did it",
        ", never mind, sorry for the noise",
        ", never mind \U0001f44d",
        ", but don't do it yet",
        ", but hold off for now",
        ", hold on, let me ask my wife first",
        ", just kidding",
        ", oops, wrong chat",
        ", mais pas maintenant",
    ],
)
def test_a_request_may_be_taken_back_in_its_own_sentence(words: str) -> None:
    assert withdraws(f"Send 10 euros to Ann{words}") == "all"


def test_a_message_of_thousands_of_clauses_takes_no_time() -> None:
    with within(5):
        assert withdraws("Send 10 to Ann, " + "no, " * 20_000 + "don't") == "all"
        assert withdraws("one more thing, " * 20_000 + "send 10 to Ann") == ""


@pytest.mark.parametrize(
    "said",
    [
        "If there is no table, don't",
        "Send 10 to Ann, no, 20",
        "Send 10 to Ann, please don't forget",
        "Send 10 to Ann, don't send more",
        "Send 10 to Ann today, not tomorrow",
        "Book Rome, not now but soon",
        "Fly from Oslo to Rome, one stop",
        "AB-1 goes back, it is a nice piece but I changed my mind",
        "I like jazz, rock I don't",
        "Two nights in Rome, that's all, thanks",
        "A room in Rome for 3 nights. Breakfast? Better not.",
        "A room in Rome for 3 nights, and breakfast, actually no",
        "A room in Rome for 3 nights, pay for it, but not now",
        "Text Ann: We need milk, but not now",
    ],
)
def test_a_sentence_that_only_ends_like_a_withdrawal(said: str) -> None:
    assert withdraws(said) == ""


@pytest.mark.parametrize(
    "said",
    [
        "Play jazz, then stop",
        "Text Bob, 'never mind'",
        "Two nights in Rome, breakfast, no thanks.",
        "Two nights in Rome. The car, never mind.",
        "Tell Ann I can't come, I changed my mind",
        "Two nights in Rome, and as for the car, never mind",
    ],
)
def test_what_is_part_of_the_request_takes_nothing_back(said: str) -> None:
    assert withdraws(said) != "all"


@pytest.mark.parametrize(
    "said",
    [
        "If you can, send 10 to Ann, actually don't",
        "If possible, send 10 to Ann, but not now",
        "Send 10 to Ann, if she's there, no, never mind",
    ],
)
def test_a_condition_does_not_keep_a_withdrawal_from_being_heard(said: str) -> None:
    assert withdraws(said) == "all"


def heard(tool: dict[str, Any], call: dict[str, Any], *said: str) -> bool:
    """Whether a call would run: nothing is taken back for its tool, and all is grounded."""
    messages = [AIMessage(text) if number % 2 else HumanMessage(text) for number, text in enumerate(said)]
    request = Request.read(messages, lambda name: name == tool["name"]).for_tool(tool["name"])
    return not request.withdrawn and not asked_for(tool, call, *said)


@pytest.mark.parametrize(
    "said",
    [
        ("I booked ZX81, cancel it",),
        ("My booking is ZX81. Please cancel it.",),
        ("ZX81, cancel that",),
        ("Booking ZX81 - I changed my mind, cancel it",),
        ("J'ai r\u00e9serv\u00e9 ZX81, annulez",),
        ("My booking is ZX81.", "What shall I do?", "Cancel it."),
    ],
)
def test_what_takes_back_asks_a_tool_that_undoes_something(said: tuple[str, ...]) -> None:
    cancel = {**tool(booking=TEXT), "name": "cancel_booking"}
    assert heard(cancel, {"booking": "ZX81"}, *said)
    assert not heard({**cancel, "name": "book"}, {"booking": "ZX81"}, *said)
    assert not heard(cancel, {"booking": "ZX81"}, said[0].replace("ZX81", "it"))
    assert not heard(cancel, {"booking": "ZX81"}, "My booking is ZX81, never mind")


def test_a_reason_to_undo_is_no_withdrawal_and_a_withdrawal_leaves_nothing_to_the_next_request() -> None:
    refund = {**CODE, "name": "order_refund"}
    assert heard(refund, {"product_code": "L-77"}, "Refund L-77, I changed my mind")
    call = {"amount": 10, "recipient": "Ann"}
    assert not heard(SEND, call, "Send 10 to Ann.", "Shall I?", "Cancel it.")
    assert asked_for(SEND, call, "Send 10 to Ann.", "Shall I?", "Cancel it.", "OK", "Send money to Ann") == {"amount"}


def test_a_tool_that_cancels_runs_and_asks_in_an_agent() -> None:
    ran: list[str] = []

    @tool_of_langchain
    def cancel_booking(booking: str) -> str:
        """Cancel a booking."""
        ran.append(booking)
        return "Cancelled."

    @tool_of_langchain
    def send_money(amount: int, recipient: str) -> str:
        """Send money."""
        ran.append(recipient)
        return "Sent."

    def agent(name: str, **arguments: Any) -> Any:
        replies = [
            Rule(when="/Cancelled|Sent/", reply="Done."),
            Rule(when="", reply="", calls=[{"name": name, "args": arguments}]),
        ]
        return create_agent(
            ScriptedModel(replies=replies), [cancel_booking, send_money], middleware=[ClarifyMiddleware()]
        )

    agent("cancel_booking", booking="ZX81").invoke({"messages": [HumanMessage("My booking is ZX81, please cancel it")]})
    assert ran == ["ZX81"]
    last = agent("cancel_booking", booking="ZX81").invoke({"messages": [HumanMessage("Please cancel it")]})["messages"][
        -1
    ]
    assert ran == ["ZX81"] and "booking" in last.text
    agent("send_money", amount=10, recipient="Ann").invoke({"messages": [HumanMessage("Send 10 to Ann, cancel that")]})
    assert ran == ["ZX81"]
    turns = [
        HumanMessage("Please cancel it"),
        *agent("cancel_booking", booking="ZX81").invoke({"messages": [HumanMessage("Please cancel it")]})["messages"][
            1:
        ],
    ]
    ended = agent("cancel_booking", booking="ZX81").invoke({"messages": [*turns, HumanMessage("Cancel that, please")]})
    assert ran == ["ZX81"] and "?" not in ended["messages"][-1].text, "what answers the question takes the request back"


@pytest.mark.parametrize("words", [". Actually, don't.", ", never mind", ". Please don't."])
def test_what_was_taken_back_is_not_used_in_the_next_request(words: str) -> None:
    call = {"amount": 10, "recipient": "Ann"}
    assert asked_for(PAY, call, f"Send 10 to Ann{words}", "OK.", "Send money to Ann") == {"amount"}
    assert asked_for(PAY, call, f"Send 10 to Ann{words}", "OK.", "Send her 10") == {"recipient"}
    assert asked_for(PAY, call, f"Send 10 to Ann{words}", "OK.", "Send 10 to Ann after all") == set()


@pytest.mark.parametrize(
    ("amount", "name", "missing"),
    [(10, "Ann", {"amount"}), (20, "Ann", set()), (20, "Ben", {"recipient"})],
)
@pytest.mark.parametrize("words", ["never mind, send 20 to Ann", "cancel that. 20."])
def test_what_follows_a_withdrawal_is_what_counts(amount: int, name: str, missing: set[str], words: str) -> None:
    assert asked_for(PAY, {"amount": amount, "recipient": name}, f"Send 10 to Ann, {words}") == missing


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"amount"}, "Send 10 to Ann, and something to Ben too"),
        ({"amount"}, "Give Ann 10 and Ben something too"),
        ({"amount"}, "Send 10 to Ann and some to Ben"),
        ({"amount"}, "Send 10 to Ann and a different amount to Ben"),
        ({"amount"}, "Send 10 to Ann, never mind, just send money to Ben"),
        ({"amount"}, "Send 10 to Ann, actually don't, send something to Ben"),
        (set(), "Send something to Ben. 10, say"),
        (set(), "Send 10 to Ann and to Ben"),
        ({"amount", "recipient"}, "Yesterday I sent 10 to Ben"),
        ({"amount", "recipient"}, "I've already sent Ben 10, thanks!"),
        ({"amount", "recipient"}, "I sent 10 to Ben. Send 50 to Ann"),
        (set(), "I sent 50 to Ann. Send 10 to Ben"),
        (set(), "Yesterday I sent 10 to Ben. Send him the same again."),
        (set(), "I send Ben 10 each month, please do it"),
        (set(), "I need 10 sent to Ben"),
    ],
)
def test_what_another_gets_or_has_got_is_nobody_elses(missing: set[str], said: str) -> None:
    assert asked_for(SEND, {"amount": 10, "recipient": "Ben"}, said) == missing


def test_what_was_done_may_be_told_to_another_tool() -> None:
    assert asked_for({**CODE, "name": "order_refund"}, {"product_code": "L-77"}, "I ordered L-77, refund it") == set()
    log = {**PAY, "name": "log_payment"}
    assert asked_for(log, {"amount": 10, "recipient": "Ben"}, "Yesterday I paid Ben 10") == set()


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (False, ("Send 10 euros to Ann", "Shall I do it now?", "Please don't")),
        (False, ("Send 10 euros to Ann, never mind.",)),
        (False, ("Send 10 euros to Ann", "Shall I do it now?", "No")),
        (False, ("Send 10 euros to Ann. Actually, don't.",)),
        (False, ("Send 10 euros to Ann. Never mind.",)),
        (True, ("Send 10 euros to Ann", "Shall I do it now?", "Yes")),
        (True, ("Send 10 euros to Ann", "Anything else?", "No")),
        (True, ("Send 10 euros to Ann", "Do you need a receipt?", "Better not")),
        (True, ("Send 10 euros to Ann. Please don't wait.",)),
    ],
)
def test_a_call_that_is_withdrawn_without_a_keyword_does_not_run(runs: bool, said: tuple[str, ...]) -> None:
    assert paid(*said) == runs


@pytest.mark.parametrize("words", ["no thanks", "no thank you", "No, thanks.", "nein danke"])
def test_no_thanks_to_a_question_about_one_argument_is_the_answer_no(words: str) -> None:
    question = "Could you tell me whether a helmet is needed?"
    assert declines_extra(words, question) and accepts(words) == "no"
    assert not declines_extra(f"{words}, cancel that", question)


def test_within_a_sentence_or_an_answer_they_take_back_no_more_than_a_value() -> None:
    assert withdraws("32 copies, ignore that, 35") == "" and withdraws("60 of them, scrap that") == ""
    assert withdraws("I'd wanted 25, but it is dear. Scrap that.", "How many copies?", asked_for=True) == ""
    assert withdraws("Hold on", "How many copies?", asked_for=True) == ""
