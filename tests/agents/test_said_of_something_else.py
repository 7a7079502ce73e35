"""A value that is said of something else grounds nothing; each kind beside sentences that look alike and mean it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.test_wanted import (
    AMOUNT,
    BUY,
    CONTACT,
    DAY,
    DELETE,
    DEPLOY,
    DOCTOR,
    FLY,
    GYM,
    HOTEL,
    LEAVE,
    LIGHT,
    MEET,
    MOVE,
    NUMBER,
    PIZZA,
    PLAN,
    REMIND,
    RESERVE,
    SCALE,
    SEND,
    SHIP,
    TEXT,
    TICKET,
    TIME,
    asked_for,
    buy,
    deploy,
    doctor,
    fly,
    gym,
    hotel,
    leave,
    light,
    meet,
    move,
    pizza,
    plan,
    reserve,
    scale,
    send,
    ship,
    ticket,
    tool,
)

ALARM = tool("set_alarm", time=TIME)
TAXI = tool("book_taxi", pickup=TEXT, dropoff=TEXT, time=TIME)
CHECKUP = tool("book_checkup", patient=TEXT, doctor=TEXT, day=DAY)
ENROLL = tool("enroll", student=TEXT, course=TEXT, level={"enum": ["beginner", "intermediate", "advanced"]})
RUN = tool("log_run", minutes=NUMBER, distance_km=AMOUNT)
INVITE = tool("invite", email=TEXT, role={"enum": ["viewer", "editor", "admin"]})
REDIRECT = tool("redirect", parcel=TEXT, new_address=TEXT)
TICKETS = tool("buy_tickets", event=TEXT, area={"enum": ["stalls", "balcony"]}, quantity=NUMBER)
EVENT = tool("add_event", title=TEXT, day=DAY, start=TIME)
SHIRT = tool("order_shirt", size={"enum": ["S", "M", "L"]}, color={"enum": ["black", "white", "red", "beige"]})
PET = tool("book_vet", pet=TEXT, species={"enum": ["cat", "dog", "rabbit"]})


def taxi(**changes: Any) -> dict[str, Any]:
    return {"pickup": "8 Park Row", "dropoff": "Opera House", "time": "19:30", **changes}


def tickets(**changes: Any) -> dict[str, Any]:
    return {"event": "jazz night", "area": "stalls", "quantity": 2, **changes}


Case = tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]


def case(wanted: str, tool: dict[str, Any], call: dict[str, Any], *said: str) -> Case:
    return wanted, tool, call, said


ANOTHER_PERSON = [
    case("day", MEET, meet(), "Tom is off on 1 December. I'd like 30 minutes with Kim at 3pm."),
    case("time", ALARM, {"time": "06:00"}, "My brother's alarm is at 6:00. Set mine for later."),
    case("check_in", HOTEL, hotel(), "My sister leaves on 5 February. Hotel in Vienna for two of us, three nights."),
    case(
        "cabin",
        FLY,
        fly(cabin="business"),
        "My boss always flies business. Two tickets from Oslo to Rome, out 2 May, back 9 May",
    ),
    case("size", BUY, buy(), "My friend wears M. I'd like two blue T-shirts too."),
    case("amount", MOVE, move(), "My husband moved 200 yesterday. I want to move some from savings to checking too."),
    case(
        "level",
        ENROLL,
        {"student": "Mia", "course": "violin", "level": "advanced"},
        "Mia wants violin lessons",
        "What level is she?",
        "Her brother is advanced, no idea about her",
    ),
    case(
        "day",
        CHECKUP,
        {"patient": "Leo", "doctor": "Dr. Lim", "day": "2026-12-01"},
        "Leo needs Dr. Lim. His sister has hers on 1 December, he can't come with her.",
    ),
    case("plan", PLAN, plan(plan="pro"), "Our competitor is on pro. Change Acme, 12 seats, but I want the bigger one."),
    case("", MEET, meet(), "My boss wants 30 minutes with Kim on 1 December at 3pm"),
    case(
        "", HOTEL, hotel(), "My parents arrive on 5 February. Book them a hotel in Vienna, three nights for two people."
    ),
    case("", BUY, buy(), "My son wears M, get him two blue T-shirts"),
    case(
        "",
        CHECKUP,
        {"patient": "Ella", "doctor": "Dr. Lim", "day": "2026-12-01"},
        "My daughter Ella has to see Dr. Lim on 1 December",
    ),
    case(
        "",
        ENROLL,
        {"student": "Mia", "course": "violin", "level": "advanced"},
        "Mia wants violin lessons",
        "What level is she?",
        "She is advanced",
    ),
    case("", FLY, fly(), "My wife and I fly economy from Oslo to Rome on 2 May and return on 9 May"),
    case("", RESERVE, reserve(), "My friends are joining, so four at Nobu on 4 December at 7:30 pm"),
    case("", LEAVE, leave(), "My kids are home from school, I'd like vacation from 21 to 31 December"),
]
WHO_TELLS = [
    case("recipient", SEND, send(), "Anna told me the plumber is still waiting. Send 75 euros."),
    case(
        "assignee",
        TICKET,
        ticket(),
        "Dana reported that the printer is broken. Open a high priority ticket 'Printer is broken'.",
    ),
    case("recipient", SEND, send(), "Anna says I owe the club 75 EUR, send it please"),
    case(
        "restaurant",
        RESERVE,
        reserve(restaurant="Kim"),
        "Kim recommended an Italian place. For four on 4 December at 7:30 pm.",
    ),
    case(
        "patient",
        CHECKUP,
        {"patient": "Susan Clark", "doctor": "Dr. Lim", "day": "2026-11-27"},
        "Hi, Susan Clark here. It's for my son, he needs Dr. Lim tomorrow.",
    ),
    case(
        "patient",
        CHECKUP,
        {"patient": "Tom Reed", "doctor": "Dr. Lim", "day": "2026-11-27"},
        "This is Tom Reed. My wife needs to see Dr. Lim tomorrow.",
    ),
    case(
        "student",
        ENROLL,
        {"student": "Eva Moss", "course": "violin", "level": "beginner"},
        "My name is Eva Moss, I want to sign up my daughter for violin, beginner",
    ),
    case("", SEND, send(), "Anna told me she is short of money. Send her 75 euros."),
    case("", SEND, send(), "Send Anna 75 euros, she told me it is urgent"),
    case(
        "",
        CHECKUP,
        {"patient": "Susan Clark", "doctor": "Dr. Lim", "day": "2026-11-27"},
        "Hi, Susan Clark here. I need Dr. Lim tomorrow.",
    ),
    case(
        "",
        CHECKUP,
        {"patient": "Ben Clark", "doctor": "Dr. Lim", "day": "2026-11-27"},
        "Susan Clark here. My son Ben Clark needs Dr. Lim tomorrow.",
    ),
    case("", TICKET, ticket(), "Open a high priority ticket 'Printer is broken', Dana said she takes it"),
]
ANOTHER_THING = [
    case("color", SHIRT, {"size": "M", "color": "beige"}, "A shirt in M. It should go with my beige trousers."),
    case("color", SHIRT, {"size": "M", "color": "red"}, "A shirt in M that matches my red shoes"),
    case("color", LIGHT, light(color="green"), "Bedroom light to 40, something that goes well with the green sofa"),
    case("species", PET, {"pet": "Pepper", "species": "dog"}, "An appointment for Pepper, she is scared of dogs"),
    case(
        "species", PET, {"pet": "Pepper", "species": "dog"}, "Pepper needs a vet. She's afraid of the neighbours' dog."
    ),
    case("color", SHIRT, {"size": "M", "color": "red"}, "A shirt in M to wear with my red tie"),
    case("minutes", MEET, meet(minutes=40), "Kim on 1 December at 3pm. It takes me 40 minutes to get there."),
    case("minutes", MEET, meet(minutes=20), "Kim on 1 December at 3pm, her office is 20 minutes away"),
    case("minutes", MEET, meet(minutes=20), "Meeting with Kim on 1 December at 3pm, that's a 20 minute walk from here"),
    case("", SHIRT, {"size": "M", "color": "beige"}, "A beige shirt in M to go with my trousers"),
    case("", SHIRT, {"size": "M", "color": "red"}, "A shirt in M that matches my shoes, so red"),
    case("", PET, {"pet": "Pepper", "species": "dog"}, "My dog Pepper is scared of needles"),
    case("", PET, {"pet": "Pepper", "species": "dog"}, "The neighbours' dog Pepper needs a vet"),
    case("", MEET, meet(minutes=40), "Kim on 1 December at 3pm, it takes 40 minutes"),
    case("", RUN, {"minutes": 30, "distance_km": 5}, "I ran 5 km in 30 minutes"),
]
ANOTHER_EVENT = [
    case("time", TAXI, taxi(), "Taxi from 8 Park Row to the Opera House, the show starts at 19:30"),
    case("time", TAXI, taxi(), "Taxi from 8 Park Row to the Opera House. My flight leaves at 7:30 pm."),
    case("time", ALARM, {"time": "22:30"}, "I'm going to bed at 22:30, set me an alarm"),
    case("time", TAXI, taxi(), "From 8 Park Row to Opera House please, visiting hours end at 19:30"),
    case("time", GYM, gym(), "Put me down for yoga on Monday, I get off work at 6pm"),
    case("time", RESERVE, reserve(), "Nobu for four on 4 December, the concert ends at 7:30 pm"),
    case("time", DOCTOR, doctor(), "Dr. Weber on 3 December for back pain, I have a meeting at 9:15"),
    case("", TAXI, taxi(), "Taxi from 8 Park Row to the Opera House at 19:30, the show starts at 20:00"),
    case(
        "",
        EVENT,
        {"title": "Concert", "day": "2026-12-04", "start": "19:30"},
        "Concert on 4 December, it starts at 19:30, put it in my calendar",
    ),
    case(
        "",
        EVENT,
        {"title": "Team meeting", "day": "2026-12-04", "start": "15:00"},
        "The team meeting starts at 15:00 on 4 December, add it please",
    ),
    case(
        "",
        REMIND,
        {"text": "show", "at": "19:30", "day": "2026-11-26"},
        "The show starts at 19:30 today, remind me of the show then",
    ),
    case("", ALARM, {"time": "06:00"}, "I want to get up at 6:00"),
    case("", GYM, gym(), "yoga on Monday, the class that starts at 6pm"),
]
IN_PASSING = [
    case("size", SHIRT, {"size": "M", "color": "black"}, "A black shirt please. Is M very tight?"),
    case(
        "size", SHIRT, {"size": "M", "color": "black"}, "Quiero una camiseta black. \u00bfLa talla M es muy ajustada?"
    ),
    case(
        "area",
        TICKETS,
        tickets(),
        "two tickets for the jazz night",
        "Stalls are 40, balcony is 28. Which?",
        "what's the view like from the stalls?",
    ),
    case(
        "amount",
        MOVE,
        move(amount=500),
        "Move money from savings to checking",
        "How much?",
        "What's my daily limit, 500?",
    ),
    case("day", GYM, gym(), "yoga at 6pm please. Is 30 November a holiday?"),
    case(
        "cabin",
        FLY,
        fly(cabin="business"),
        "2 tickets Oslo to Rome, out 2 May, back 9 May. What's the difference to business?",
    ),
    case("speed", SHIP, ship(), "Ship 2.5 kg to 4 Elm Street, Boston. Does express come with tracking?"),
    case("", SHIRT, {"size": "M", "color": "black"}, "Can I have a black shirt in M?"),
    case("", GYM, gym(), "Is there yoga on Monday at 6pm? Put me down for it."),
    case("", GYM, gym(), "Does Monday at 6pm work for yoga?"),
    case("", RESERVE, reserve(), "Could we get a table at Nobu on 4 December at 7:30 pm for four?"),
    case(
        "",
        TICKETS,
        tickets(),
        "two tickets for the jazz night",
        "Stalls are 40, balcony is 28. Which?",
        "stalls, what's the view like?",
    ),
    case("", MOVE, move(), "What about moving 200 from savings to checking?"),
]
SUPPOSED = [
    case(
        "cabin",
        FLY,
        fly(cabin="business"),
        "If I were rich I'd fly business. Two tickets Oslo to Rome, out 2 May, back 9 May.",
    ),
    case("day", MEET, meet(), "I would have taken 1 December. 30 minutes with Kim at 3pm."),
    case("size", BUY, buy(), "two blue T-shirts, I almost took M, but the size is still open"),
    case("time", MEET, meet(), "30 minutes with Kim on 1 December. I thought about 3pm but that is no good."),
    case(
        "to_account amount",
        MOVE,
        move(),
        "If I had 200 more in checking I'd be fine, so move something over from savings",
    ),
    case("time", RESERVE, reserve(), "Nobu for four on 4 December. If they are full at 7:30 pm, tell me."),
    case("", MEET, meet(), "30 minutes with Kim on 1 December, if possible at 3pm"),
    case("", RESERVE, reserve(), "If there's a table for four at Nobu on 4 December at 7:30 pm, reserve it"),
    case("", BUY, buy(), "two blue T-shirts in M if you have them"),
    case("", MOVE, move(), "I would like to move 200 from savings to checking"),
    case("", MEET, meet(), "I thought about it: 30 minutes with Kim on 1 December at 3pm"),
]
NOT_KNOWN = [
    case(
        "quantity",
        PIZZA,
        pizza(quantity=4),
        "Large margheritas to 12 Oak Road, we are 4 people, no idea how many we need",
    ),
    case(
        "distance_km",
        RUN,
        {"minutes": 60, "distance_km": 10},
        "I ran for 60 minutes, no idea how far, my goal is 10 km",
    ),
    case(
        "time",
        TAXI,
        taxi(time="15:00"),
        "Taxi from 8 Park Row to Opera House. They close at 15:00. I'll tell you later when we want to leave.",
    ),
    case(
        "replicas",
        SCALE,
        scale(replicas=8),
        "Scale api in staging. 8 would be the most we can pay, I'll ask how many we need.",
    ),
    case("nights", HOTEL, hotel(), "Hotel in Vienna for 2 from 5 February. Either 3 nights or 4, we haven't decided."),
    case("size", BUY, buy(), "two blue T-shirts. I'm not sure which size, M was too small once"),
    case("", PIZZA, pizza(quantity=4), "Large margheritas to 12 Oak Road, I don't know how many, let's say 4"),
    case("", RUN, {"minutes": 60, "distance_km": 10}, "I ran 10 km in 60 minutes, no idea how fast that is"),
    case("", MEET, meet(), "30 minutes with Kim on 1 December at 3pm, I don't know which room"),
    case("", HOTEL, hotel(), "Hotel in Vienna for 2 from 5 February, 3 nights. I don't know how we get there yet."),
    case("", SCALE, scale(), "Scale api in staging to 3, I don't know how many we'll need next week"),
]
OLD_OR_LEFT = [
    case(
        "new_address",
        REDIRECT,
        {"parcel": "UK77", "new_address": "3 Station Road"},
        "Parcel UK77 goes to 3 Station Road, my old address. Redirect it.",
    ),
    case(
        "new_address",
        REDIRECT,
        {"parcel": "UK77", "new_address": "3 Station Road"},
        "Redirect parcel UK77. 3 Station Road is our previous address.",
    ),
    case(
        "version",
        DEPLOY,
        deploy(),
        "1.4.2 of api is in staging. Deploy the newest build to production, that's neither of those.",
    ),
    case(
        "path",
        DELETE,
        {"path": "a/b.txt", "permanently": True},
        "a/b.txt is fine. The one before that I want deleted permanently.",
    ),
    case(
        "phone",
        CONTACT,
        {"person": "Ann Lee", "phone": "+41 44 555 01 99", "email": "ann@lee.org"},
        "+41 44 555 01 99 was Ann Lee's old number, her email is ann@lee.org",
    ),
    case(
        "color",
        BUY,
        buy(),
        "two T-shirts in M, blue please",
        "Blue, M, two. Shall I order?",
        "Hold on, my wife says no blue. Something else.",
    ),
    case(
        "guests",
        RESERVE,
        reserve(guests=6),
        "Last year six of us had a great evening at Nobu. On 4 December at 7:30 pm again, but another group now.",
    ),
    case(
        "minutes",
        MEET,
        meet(),
        "Yesterday Kim and I had 30 minutes and that was far too short. 1 December at 3pm, but longer this time.",
    ),
    case(
        "nights",
        HOTEL,
        hotel(),
        "La vez pasada fueron 3 noches. Hotel in Vienna for 2 from 5 February, esta vez m\u00e1s.",
    ),
    case("role", INVITE, {"email": "lee@x.org", "role": "admin"}, "Invite lee@x.org please. I'm an admin myself."),
    case(
        "",
        REDIRECT,
        {"parcel": "UK77", "new_address": "3 Station Road"},
        "Redirect parcel UK77 to 3 Station Road, my old address was wrong",
    ),
    case("", DEPLOY, deploy(), "Neither of those old builds matters, deploy api 1.4.2 to production"),
    case("", BUY, buy(), "two T-shirts in M, not red, blue", "Blue, M, two. Shall I order?", "yes, blue"),
    case("", INVITE, {"email": "lee@x.org", "role": "admin"}, "Invite lee@x.org as an admin, I can't do it myself"),
    case(
        "",
        tool("log", minutes=NUMBER, distance_km=AMOUNT),
        {"minutes": 30, "distance_km": 5},
        "Yesterday I ran 5 km, it took 30 minutes",
    ),
    case("", SEND, send(), "Last week Anna paid for lunch, send her 75 euros"),
]
MOVED_AWAY = [
    case(
        "quantity",
        BUY,
        buy(quantity=12),
        "Is there a discount on a dozen? blue T-shirts, M",
        "Yes, from 12.",
        "I don't need nearly that many, order some",
    ),
    case(
        "guests",
        RESERVE,
        reserve(guests=6),
        "Nobu for six on 4 December, 7:30 pm",
        "That is 600 for six.",
        "Too pricey for that many. Fewer of us then.",
    ),
    case(
        "amount",
        MOVE,
        move(),
        "Move 200 from savings to checking",
        "200?",
        "Forget the 200, that was for another account.",
    ),
    case(
        "time",
        MEET,
        meet(),
        "30 minutes with Kim on 1 December at three pm",
        "15:00, correct?",
        "Three won't do, it has to be another time",
    ),
    case(
        "cabin",
        FLY,
        fly(cabin="business"),
        "2 tickets Oslo to Rome, out 2 May, back 9 May",
        "Business is best. Shall I take it?",
        "I'm not decided on that",
        "Is 2 May right?",
        "yes, that's right",
    ),
    case("amount", MOVE, move(amount=500), "My whole budget this month is 500, move some from savings to checking"),
    case(
        "minutes",
        tool("grade", student=TEXT, assignment=TEXT, minutes=NUMBER),
        {"student": "Casimir", "assignment": "Essay 2", "minutes": 17},
        "Casimir needed 17 minutes for Essay 1. Enter Essay 2 for Casimir.",
    ),
    case(
        "", MOVE, move(), "Move money from savings to checking, and don't forget the 200 for rent: that is the amount"
    ),
    case("", BUY, buy(), "Not as many as last time: two blue T-shirts in M"),
    case("", MEET, meet(), "30 minutes with Kim on 1 December", "At 14:00?", "Two won't do, make it three pm"),
    case(
        "",
        FLY,
        fly(),
        "2 economy tickets Oslo to Rome",
        "Which days?",
        "I'm not decided on a seat, but out 2 May and back 9 May",
    ),
    case("", MOVE, move(), "My budget is 500, so move 200 from savings to checking"),
    case(
        "",
        HOTEL,
        hotel(),
        "One night more than last time: three nights in Vienna for 2 from 5 February",
        "Shall I add breakfast?",
        "No thanks",
    ),
]
CASES = {
    "person": ANOTHER_PERSON,
    "teller": WHO_TELLS,
    "thing": ANOTHER_THING,
    "event": ANOTHER_EVENT,
    "passing": IN_PASSING,
    "supposed": SUPPOSED,
    "open": NOT_KNOWN,
    "old": OLD_OR_LEFT,
    "moved": MOVED_AWAY,
}


@pytest.mark.parametrize(
    ("wanted", "tool", "call", "said"),
    [one for some in CASES.values() for one in some],
    ids=[f"{kind}: {' / '.join(one[3])[-60:]}" for kind, some in CASES.items() for one in some],
)
def test_a_value_of_something_else_is_no_value(
    wanted: str, tool: dict[str, Any], call: dict[str, Any], said: tuple[str, ...]
) -> None:
    assert asked_for(tool, call, *said) == set(wanted.split())


def test_each_kind_is_refused_and_looks_like_what_is_meant() -> None:
    for kind, some in CASES.items():
        refused = sum(bool(one[0]) for one in some)
        assert refused >= 5 and len(some) - refused >= 5, kind
