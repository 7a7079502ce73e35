"""Values that people say in other words: what must be understood, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.test_said_of_something_else import ALARM, TAXI, Case, case, taxi
from tests.agents.test_wanted import (
    AMOUNT,
    DAY,
    HEAT,
    MEET,
    NUMBER,
    PIZZA,
    RESERVE,
    SCALE,
    TEXT,
    TIME,
    asked_for,
    heat,
    meet,
    pizza,
    reserve,
    scale,
    tool,
)

FLAG = {"type": "boolean"}
DAILY = tool("set_alarm", time=TIME, repeat_daily=FLAG)
REPEAT = tool("set_alarm", time=TIME, repeat={"enum": ["once", "daily", "weekdays", "weekly"]})
STAY = tool("book_hotel", city=TEXT, check_in=DAY, nights=NUMBER, guests=NUMBER, breakfast=FLAG)
RUN = tool("log_run", minutes=NUMBER, distance_km=AMOUNT)
TRAIN = tool("train", destination=TEXT, travel_class={"enum": ["first", "second"]})
CLAIM = tool("return_item", order=TEXT, reason={"enum": ["damaged", "wrong_item", "too_late", "changed_mind"]})
TIMEOFF = tool("request_leave", kind={"enum": ["vacation", "sick", "unpaid"]}, start=DAY)
COURSE = tool("enroll", course=TEXT, term={"enum": ["spring", "summer", "autumn", "winter"]})
VM = tool("resize", vm=TEXT, cpus=NUMBER, memory_gb=NUMBER)
PLAN = tool("change_plan", plan={"enum": ["single", "family"]}, billing={"enum": ["monthly", "yearly"]})
PAY = tool("pay", recipient=TEXT, amount=AMOUNT, account={"enum": ["checking", "savings"]})


def stay(**changes: Any) -> dict[str, Any]:
    return {"city": "Porto", "check_in": "2026-12-18", "nights": 2, "guests": 2, "breakfast": True, **changes}


OFTEN = [
    case("", DAILY, {"time": "06:45", "repeat_daily": True}, "wake me at 6:45, every single day"),
    case("", DAILY, {"time": "06:45", "repeat_daily": True}, "a daily alarm at 6:45 please"),
    case("", DAILY, {"time": "06:45", "repeat_daily": False}, "a one-off alarm at 6:45"),
    case("", DAILY, {"time": "06:45", "repeat_daily": False}, "alarm at 6:45, just tomorrow"),
    case(
        "",
        DAILY,
        {"time": "07:00", "repeat_daily": False},
        "R\u00e9veille-moi demain \u00e0 sept heures, juste cette fois",
    ),
    case("", REPEAT, {"time": "06:45", "repeat": "daily"}, "alarm at 6:45 every day"),
    case("", REPEAT, {"time": "06:45", "repeat": "weekdays"}, "alarm at 6:45, Monday to Friday"),
    case("", REPEAT, {"time": "06:45", "repeat": "weekly"}, "alarm at 6:45 every week"),
    case("", REPEAT, {"time": "07:00", "repeat": "once"}, "Ponme una alarma a las siete de la ma\u00f1ana, una vez"),
    case("repeat_daily", DAILY, {"time": "06:45", "repeat_daily": True}, "wake me at 6:45"),
    case("repeat_daily", DAILY, {"time": "06:45", "repeat_daily": False}, "wake me at 6:45"),
    case("repeat_daily", DAILY, {"time": "06:45", "repeat_daily": False}, "wake me at 6:45 every day"),
    case("repeat_daily", DAILY, {"time": "06:45", "repeat_daily": True}, "alarm at 6:45, but not every day"),
    case("repeat", REPEAT, {"time": "06:45", "repeat": "weekly"}, "alarm at 6:45 every day"),
    case(
        "repeat", REPEAT, {"time": "06:45", "repeat": "once"}, "alarm at 6:45. I tell you once more: I hate mornings."
    ),
]
WITH_OR_WITHOUT = [
    case(
        "",
        STAY,
        stay(),
        "Porto, Dec 18, 2 nights for 2 guests",
        "With or without breakfast?",
        "with, the kids are grumpy",
    ),
    case(
        "",
        STAY,
        stay(breakfast=False),
        "Porto, Dec 18, 2 nights for 2 guests",
        "With or without breakfast?",
        "without please",
    ),
    case(
        "",
        STAY,
        stay(breakfast=False),
        "Porto, 18. Dezember, 2 N\u00e4chte f\u00fcr 2 guests",
        "Mit oder ohne breakfast?",
        "ohne",
    ),
    case(
        "",
        STAY,
        stay(guests=1, nights=1, check_in="2026-11-26", breakfast=False),
        "stuck in Porto, a room just for tonight, only me, no breakfast",
    ),
    case("", STAY, stay(guests=1), "Porto, Dec 18, 2 nights, just myself, with breakfast"),
    case("", STAY, stay(guests=1, nights=1), "Porto on Dec 18 for one night, on my own, breakfast included"),
    case(
        "breakfast", STAY, stay(), "Porto, Dec 18, 2 nights for 2 guests", "With or without breakfast?", "with a view"
    ),
    case(
        "breakfast",
        STAY,
        stay(),
        "Porto, Dec 18, 2 nights for 2 guests",
        "With or without breakfast?",
        "without please",
    ),
    case("breakfast", STAY, stay(), "Porto, Dec 18, 2 nights for 2 guests", "Smoking or not?", "without"),
    case("nights", STAY, stay(guests=1, nights=1), "Porto from Dec 18, only me, with breakfast"),
    case(
        "guests", STAY, stay(guests=1, nights=1, check_in="2026-11-26"), "Porto, a room with breakfast just for tonight"
    ),
]
HOURS = [
    case("", ALARM, {"time": "16:30"}, "an alarm for 4.30 in the afternoon"),
    case("", ALARM, {"time": "09:30"}, "un r\u00e9veil \u00e0 9 h 30"),
    case("", ALARM, {"time": "06:30"}, "una alarma a las seis y media de la ma\u00f1ana"),
    case("", ALARM, {"time": "19:15"}, "una alarma a las siete y cuarto de la tarde"),
    case("", ALARM, {"time": "07:00"}, "un r\u00e9veil \u00e0 sept heures du matin"),
    case("", ALARM, {"time": "07:30"}, "un r\u00e9veil \u00e0 sept heures et demie"),
    case("", ALARM, {"time": "09:15"}, "An alarm in the morning please", "I can do 09:15 or 14:00.", "the morning one"),
    case(
        "",
        TAXI,
        taxi(time="17:00"),
        "Taxi from 8 Park Row to Opera House",
        "There is one at 16:00 and one at 17:00.",
        "5 works better",
    ),
    case("time", ALARM, {"time": "16:30"}, "an alarm, version 4.30 please"),
    case("time", ALARM, {"time": "06:30"}, "una alarma a las siete y media"),
    case("time", ALARM, {"time": "07:00"}, "nous sommes sept, un r\u00e9veil s'il vous pla\u00eet"),
    case("time", ALARM, {"time": "14:00"}, "An alarm please", "I can do 09:15 or 14:00.", "the morning one"),
    case("time", ALARM, {"time": "09:15"}, "An alarm please", "I can do 09:15 or 10:00.", "the morning one"),
    case(
        "time",
        TAXI,
        taxi(time="17:00"),
        "Taxi from 8 Park Row to Opera House",
        "There is one at 16:00 and one at 17:00.",
        "we are 5",
    ),
]
CHANGED = [
    case(
        "",
        HEAT,
        heat(19),
        "Kitchen heating please",
        "What temperature? It's at 17 degrees now.",
        "two degrees warmer than it is",
    ),
    case("", SCALE, scale(replicas=8), "api in staging runs on 4 replicas right now, double that please"),
    case("", SCALE, scale(replicas=6), "api in staging has 4 replicas, add 2 more"),
    case("", SCALE, scale(replicas=2), "api in staging has 4 replicas, halve that"),
    case(
        "",
        VM,
        {"vm": "vm-3", "cpus": 8, "memory_gb": 32},
        "vm-3 has 4 cpus and 16 gb of memory",
        "What should it become?",
        "double both",
    ),
    case("", HEAT, heat(16), "It is 18 degrees in the kitchen, make it 2 degrees cooler"),
    case(
        "temperature",
        HEAT,
        heat(20),
        "Kitchen heating please",
        "What temperature? It's at 17 degrees now.",
        "two degrees warmer than it is",
    ),
    case("replicas", SCALE, scale(replicas=4), "api in staging runs on 4 replicas right now, double that please"),
    case("replicas", SCALE, scale(replicas=8), "api in staging runs on 4 replicas right now, more please"),
    case("replicas", SCALE, scale(replicas=6), "api in staging has 4 replicas, take 2 away"),
    case(
        "memory_gb",
        VM,
        {"vm": "vm-3", "cpus": 8, "memory_gb": 32},
        "vm-3 has 4 cpus and 16 gb of memory, double the cpus",
    ),
]
MEASURED = [
    case("", RUN, {"minutes": 50, "distance_km": 8}, "8 k in fifty minutes"),
    case("", RUN, {"minutes": 50, "distance_km": 10}, "ran a 10k, 50 minutes"),
    case("", PAY, {"recipient": "Kim", "amount": 18000, "account": "checking"}, "18k to Kim from checking"),
    case("", SCALE, scale(service="D-204"), "We closed D-204! Scale D-204 to 3 replicas in staging"),
    case("distance_km", RUN, {"minutes": 50, "distance_km": 8000}, "8 k in fifty minutes"),
    case("amount", PAY, {"recipient": "Kim", "amount": 18, "account": "checking"}, "18k to Kim from checking"),
    case("day", MEET, meet(), "30 minutes with Kim at 3pm, we are closed on 1 December"),
]
CHOICES = [
    case(
        "",
        TRAIN,
        {"destination": "Berlin", "travel_class": "second"},
        "nach Berlin",
        "Erste oder zweite Klasse?",
        "zweite reicht",
    ),
    case("", TRAIN, {"destination": "Lyon", "travel_class": "first"}, "\u00e0 Lyon en premi\u00e8re classe"),
    case("", PIZZA, pizza(size="medium", quantity=3), "trois margherita moyennes, 12 Oak Road"),
    case("", PIZZA, pizza(), "zwei gro\u00dfe margherita an 12 Oak Road"),
    case("", TIMEOFF, {"kind": "vacation", "start": "2026-12-14"}, "I'd like to take holiday from 14 December"),
    case("", TIMEOFF, {"kind": "vacation", "start": "2026-12-14"}, "quiero pedir vacaciones desde el 14 de diciembre"),
    case("", TIMEOFF, {"kind": "sick", "start": "2026-11-26"}, "I'm down with the flu, off from today"),
    case("", COURSE, {"course": "pottery", "term": "autumn"}, "pottery in the fall term please"),
    case("", CLAIM, {"order": "AB-1", "reason": "damaged"}, "AB-1 arrived in pieces"),
    case("", CLAIM, {"order": "AB-1", "reason": "damaged"}, "the glass of AB-1 came cracked"),
    case("", CLAIM, {"order": "AB-1", "reason": "wrong_item"}, "AB-1: I ordered a lamp and you sent me a toaster"),
    case(
        "",
        PAY,
        {"recipient": "Luc\u00eda", "amount": 60, "account": "savings"},
        "60 a Luc\u00eda desde mi cuenta de ahorros",
    ),
    case(
        "",
        PLAN,
        {"plan": "family", "billing": "yearly"},
        "the family plan",
        "Monthly at 15 or yearly at 150?",
        "150 once a year",
    ),
    case(
        "",
        tool("rent", city=TEXT, car={"enum": ["compact", "suv"]}),
        {"city": "Lyon", "car": "suv"},
        "a car in Lyon",
        "Compact or SUV?",
        "not the compact, the other one",
    ),
    case(
        "travel_class",
        TRAIN,
        {"destination": "Berlin", "travel_class": "second"},
        "nach Berlin, mein zweiter Besuch dort",
    ),
    case("size", PIZZA, pizza(), "two margherita to 12 Oak Road, a great place by the way"),
    case("kind", TIMEOFF, {"kind": "sick", "start": "2026-12-14"}, "I'd like to take holiday from 14 December"),
    case(
        "kind",
        TIMEOFF,
        {"kind": "vacation", "start": "2026-12-14"},
        "off from 14 December, the office is closed for a public holiday",
    ),
    case("term", COURSE, {"course": "pottery", "term": "autumn"}, "pottery please, I hope I don't fall asleep"),
    case(
        "reason",
        CLAIM,
        {"order": "AB-1", "reason": "damaged"},
        "AB-1 goes back, it is a nice piece but I changed my mind",
    ),
    case("reason", CLAIM, {"order": "AB-1", "reason": "wrong_item"}, "I ordered AB-1 and want to send it back"),
    case(
        "car",
        tool("rent", city=TEXT, car={"enum": ["compact", "suv"]}),
        {"city": "Lyon", "car": "compact"},
        "a car in Lyon",
        "Compact or SUV?",
        "not the compact, the other one",
    ),
]
CHOICES += [
    case("size", PIZZA, pizza(), "two margherita please, to the Grand Hotel, 12 Oak Road"),
    case("size", PIZZA, pizza(size="medium"), "two margherita please, I saw you on social media, 12 Oak Road"),
    case("environment", SCALE, scale(environment="production"), "I live in Porto. Scale api to 3 replicas please."),
    case("kind", TIMEOFF, {"kind": "sick", "start": "2026-12-14"}, "ill be off from 14 December please"),
]
COUNTED = [
    case("", RESERVE, reserve(guests=5), "Nobu on 4 December at 7:30 pm: my wife, me and our three kids"),
    case(
        "",
        RESERVE,
        reserve(guests=8),
        "Nobu on 4 December at 7:30 pm for 7",
        "Nobu, 7 people, 4 December, 19:30. Book?",
        "make that one more, Greg's coming too",
    ),
    case("", tool("enroll", grade=NUMBER), {"grade": 7}, "She goes into seventh grade"),
    case("", MEET, meet(minutes=45), "Kim on 1 December at 3pm, three quarters of an hour"),
    case("", MEET, meet(minutes=65), "Kim on 1 December at 3pm, an hour and five minutes"),
    case("", MEET, meet(time="17:00", minutes=60), "Kim, 1 December, 5 to 6pm"),
    case("", ALARM, {"time": "06:40"}, "wake me at twenty to seven in the morning"),
    case(
        "",
        tool("heat", room=TEXT, celsius=AMOUNT),
        {"room": "kitchen", "celsius": 20},
        "Set the kitchen to 68 Fahrenheit",
    ),
    case("", HEAT, heat(21.5), "How warm is the kitchen?", "It is set to 19.5 now.", "Up by two degrees"),
    case("guests", RESERVE, reserve(guests=3), "Nobu on 4 December at 7:30 pm: my wife, me and our three kids"),
    case("grade", tool("enroll", grade=NUMBER), {"grade": 7}, "She is the seventh child in our street"),
    case("minutes", MEET, meet(minutes=15), "Kim on 1 December at 3pm, three quarters of an hour"),
    case("time", ALARM, {"time": "07:20"}, "wake me at twenty to seven in the morning"),
    case("temperature", HEAT, heat(17.5), "How warm is the kitchen?", "It is set to 19.5 now.", "Up by two degrees"),
]
RANGE = tool("draw", low=NUMBER, high=NUMBER)
GAS = tool("pressure", temp_k=AMOUNT, litres=AMOUNT)
VALUATION = tool("value_house", living_area_sqm=NUMBER)
EMISSIONS = tool("co2", km=NUMBER)
RENT = tool("loan", term_months=NUMBER)
TONE = tool("tone", duration_s=AMOUNT)
FROST = tool("holiday_mode", min_temp=AMOUNT)
OFF = tool("discount", percent=AMOUNT)
PUMP = tool("stop_charging", limit_percent=AMOUNT)
UNITS = [
    case("", RANGE, {"low": 100, "high": 500}, "three numbers, nothing below 100, nothing above 500"),
    case("", RANGE, {"low": 10, "high": 50}, "pick a number between 10 and fifty"),
    case("", FROST, {"min_temp": 10}, "holiday mode, at least 10 degrees"),
    case("", FROST, {"min_temp": 10}, "holiday mode, not below 10"),
    case("", GAS, {"temp_k": 300, "litres": 10}, "Two moles of helium at 300 K in 10 litres, what is the pressure?"),
    case("", VALUATION, {"living_area_sqm": 140}, "140 square metres, put up in 1962"),
    case("", EMISSIONS, {"km": 300}, "CO2 of a 300 km drive?"),
    case("", RENT, {"term_months": 36}, "a loan over 36 months, please"),
    case("", TONE, {"duration_s": 2}, "make a 2 second tone"),
    case("", TONE, {"duration_s": 30}, "a tone of half a minute"),
    case("", TONE, {"duration_s": 90}, "a tone, minute and a half"),
    case("", PUMP, {"limit_percent": 80}, "stop when it is four fifths full"),
    case("", PUMP, {"limit_percent": 50}, "stop at half"),
    case("high", RANGE, {"low": 100, "high": 500}, "three numbers, nothing below 100, nothing below 500 either"),
    case("min_temp", FROST, {"min_temp": 10}, "holiday mode, never above 10"),
    case("temp_k", GAS, {"temp_k": 300, "litres": 10}, "I owe 300 k for a tank of 10 litres, what is the pressure?"),
    case("living_area_sqm", VALUATION, {"living_area_sqm": 140}, "It stands at 140 Market Square, put up in 1962"),
    case("km", EMISSIONS, {"km": 300}, "CO2 of my trip to 300 Linden Drive?"),
    case("term_months", RENT, {"term_months": 36}, "I have been waiting for over 36 months, a loan please"),
    case("duration_s", TONE, {"duration_s": 2}, "make a 2 minute tone"),
    case("limit_percent", PUMP, {"limit_percent": 50}, "stop it at half past six"),
    case("", OFF, {"percent": 20}, "take a fifth off, please"),
    case("", OFF, {"percent": 25}, "a quarter off for them"),
    case("percent", OFF, {"percent": 20}, "it is our fifth anniversary, a discount please"),
    case("percent", OFF, {"percent": 20}, "a fifth ticket, with a discount please"),
    case("percent", OFF, {"percent": 50}, "a discount for the second half of the season"),
    case("percent", OFF, {"percent": 25}, "a discount this quarter"),
    case("", OFF, {"percent": 7.5}, "seven and a half percent off"),
    case("percent", OFF, {"percent": 50}, "seven and a half percent off"),
    case("percent", OFF, {"percent": 25}, "two and three quarters off"),
]


def told(kind: str, description: str) -> dict[str, str]:
    return {"type": kind, "description": description}


POLLEN = tool("pollen", country=told("string", "ISO 3166 alpha-2"))
SUBTITLE = tool("subtitle", lang=told("string", "ISO 639-1"))
TRANSLATE = tool("translate", source=told("string", "language code"), to=told("string", "language code"))
QUOTE = tool("fx_quote", sell=TEXT, buy=TEXT, amount=AMOUNT)
LINK = tool("payment_link", amount=told("integer", "In minor units"), currency={"enum": ["usd", "eur", "gbp"]})
STATE = tool("birds", state=told("string", "Two-letter code of the country's state"))
CODES = [
    case("", POLLEN, {"country": "DE"}, "birch pollen tomorrow for 50667 Germany"),
    case("", POLLEN, {"country": "DE"}, "Birkenpollen morgen in Deutschland?"),
    case("", POLLEN, {"country": "PL"}, "how is the Polish pollen today?"),
    case("", POLLEN, {"country": "CH"}, "pollen on the Swiss side of the lake"),
    case("", POLLEN, {"country": "GB"}, "pollen in the UK, please"),
    case("country", POLLEN, {"country": "AT"}, "birch pollen tomorrow for Germany"),
    case("country", POLLEN, {"country": "CH"}, "pollen, and what are 20 euros in Swiss francs?"),
    case("country", POLLEN, {"country": "DE"}, "pollen, but not in Germany"),
    case("", POLLEN, {"country": "US"}, "pollen in the US, please"),
    case("country", POLLEN, {"country": "US"}, "how is the pollen for us today?"),
    case("country", POLLEN, {"country": "IT"}, "pollen, is it bad?"),
    case("lang", SUBTITLE, {"lang": "no"}, "no, subtitle the other one"),
    case("lang", SUBTITLE, {"lang": "it"}, "subtitle it, please"),
    case("", SUBTITLE, {"lang": "it"}, "subtitle it in Italian, please"),
    case("state", STATE, {"state": "CA"}, "birds in Canada, please"),
    case("", SUBTITLE, {"lang": "fi"}, "subtitles in Finnish please"),
    case("", SUBTITLE, {"lang": "fr"}, "Untertitel auf Franz\u00f6sisch, bitte"),
    case("lang", SUBTITLE, {"lang": "sv"}, "subtitles in Finnish please"),
    case("", TRANSLATE, {"source": "cs", "to": "en"}, "translate lease.pdf from Czech to English"),
    case("source to", TRANSLATE, {"source": "en", "to": "cs"}, "translate lease.pdf from Czech to English"),
    case("", QUOTE, {"sell": "CAD", "buy": "MXN", "amount": 600}, "600 Canadian dollars into Mexican pesos"),
    case("buy", QUOTE, {"sell": "CAD", "buy": "USD", "amount": 600}, "600 Canadian dollars into Mexican pesos"),
    case("", LINK, {"amount": 4500, "currency": "gbp"}, "a payment link for \u00a345"),
    case("", LINK, {"amount": 45, "currency": "eur"}, "a payment link in euros, for 45 cents"),
    case("amount", LINK, {"amount": 45, "currency": "eur"}, "a payment link for 45 euros"),
    case("currency", LINK, {"amount": 4500, "currency": "usd"}, "a payment link for 45 euros"),
]
CLIMATE = tool("climate", month=told("integer", "1-12"))
GOAL = tool("sales_goal", month=told("string", "YYYY-MM"))
CALLBACK = tool("callback", hour=NUMBER)
SAVINGS = tool("compound", principal=AMOUNT, rate=told("number", "percent a year"), years=NUMBER)
LEASE = tool("lease", km_per_year=NUMBER)
FEED = tool("feed", refresh_hours=NUMBER)
QUAKES = tool("quakes", days_back=told("integer", "How many days into the past"))
ALERT = tool("alert", level=AMOUNT)
BUY = tool("buy_shares", shares=NUMBER)
SEARCH = tool("chargers", radius_km=AMOUNT)
QUIET = tool("do_not_disturb", minutes=NUMBER)
WIDGET = tool("widget", show_wind=FLAG)
WATER = tool("water", zone=told("integer", "1 lawn, 2 beds, 3 greenhouse, 4 hedge"))
SHOP = tool("shop_hours", opens=TIME)
DEPOSIT = tool("deposit", amount=AMOUNT)
FIRES = tool("fires", hours=NUMBER)
PARTS = [
    case("", CLIMATE, {"month": 11}, "how much rain does Lisbon get in November?"),
    case("", CLIMATE, {"month": 5}, "how much rain does Lisbon get in May?"),
    case("month", CLIMATE, {"month": 5}, "may I know how much rain Lisbon gets?"),
    case("month", CLIMATE, {"month": 10}, "how much rain does Lisbon get in November?"),
    case("", GOAL, {"month": "2027-07"}, "the goal for July 2027"),
    case("month", GOAL, {"month": "2027-07"}, "the goal for July 2028"),
    case("month", GOAL, {"month": "2027-07"}, "the goal for July 2027? No, not July 2027."),
    case("", CALLBACK, {"hour": 14}, "call me back at 2 pm"),
    case("hour", CALLBACK, {"hour": 15}, "call me back at 2 pm"),
    case("hour", CALLBACK, {"hour": 14}, "call me back at half past two in the afternoon"),
    case("", SHOP, {"opens": "10:00"}, "Salzburg opens at 10:00 that day"),
    case("", ALARM, {"time": "10:00"}, "an alarm at 10:00, the shop opens then"),
    case("time", ALARM, {"time": "10:00"}, "an alarm, please, the shop opens at 10:00"),
    case("", LEASE, {"km_per_year": 20000}, "lease a van, 48 months, 20000 km a year"),
    case("km_per_year", LEASE, {"km_per_year": 48}, "lease a van, 48 months"),
]
PREMISES = [
    case(
        "",
        SAVINGS,
        {"principal": 12000, "rate": 3.1, "years": 8},
        "If I leave 12000 in the bank at 3.1 percent for 8 years, what will be there at the end?",
    ),
    case("amount", DEPOSIT, {"amount": 500}, "If they ask for 500 I will not pay. Make a deposit."),
    case("amount", DEPOSIT, {"amount": 500}, "If I were to win 500, how much would I give away? Make a deposit."),
    case("", DEPOSIT, {"amount": 20000}, "Lock 20000 away for a year"),
    case("", FEED, {"refresh_hours": 1}, "add the feed, updated hourly"),
    case("refresh_hours", FEED, {"refresh_hours": 1}, "add the feed, updated daily"),
    case("minutes", QUIET, {"minutes": 60}, "quiet please, I pay the room by the hour, per hour"),
    case("", QUAKES, {"days_back": 7}, "list quakes in Chile over the last week"),
    case("days_back", QUAKES, {"days_back": 7}, "last week I was in Chile; list the quakes"),
    case("", FIRES, {"hours": 6}, "fires detected in the past six hours"),
    case("", ALERT, {"level": 1.05}, "tell me when it drops under 1.05"),
    case("shares", BUY, {"shares": 100}, "buy Acme when it drops under 100"),
    case("", SEARCH, {"radius_km": 2}, "chargers no further than 2 km from here"),
    case("", QUIET, {"minutes": 120}, "do not disturb for 2 hours"),
    case("minutes", QUIET, {"minutes": 120}, "do not do that for 2 hours"),
    case("", WIDGET, {"show_wind": False}, "a widget without wind"),
    case("", WIDGET, {"show_wind": True}, "a widget with the wind on it"),
    case("show_wind", WIDGET, {"show_wind": True}, "a widget, please"),
    case("show_wind", WIDGET, {"show_wind": True}, "a widget without wind"),
    case("", WATER, {"zone": 3}, "water the greenhouse"),
    case("zone", WATER, {"zone": 2}, "water the greenhouse"),
]
SESSION = tool("move_session", session_id=TEXT)
SESSIONS = "You have two sessions with us: S-12 (back) and S-19 (shoulder). Which one?"
SHOW = tool("hold_seat", event_id=NUMBER)
SHOWS = "Yes, twice: 3 December (event 7701) and 4 December (event 7702)."
SCREENING = tool("cinema_ticket", screening_id=TEXT)
SCREENINGS = "Yes: at 17:40 (screening SC-511) and at 20:30 (screening SC-514)."
BAY = tool("shared_car", bay=TEXT)
BAYS = "Harbour has a Zoe, Mill Hill has a Yaris."
CLASS = tool("sports_class", start=TIME)
CLASSES = "Boxing at 18:00 and pilates at 19:30."
VIEW = tool("view_flat", day=DAY, time=TIME)
SLOTS = "Free are Friday at 11:20 or Friday at 15:00."
PICKED = [
    case("", SESSION, {"session_id": "S-19"}, "My physio has to be put off.", SESSIONS, "The shoulder."),
    case("", SHOW, {"event_id": 7702}, "Do they play near me?", SHOWS, "The 4th of December!"),
    case("", SCREENING, {"screening_id": "SC-514"}, "Is it on tonight?", SCREENINGS, "half past eight then, row D"),
    case("", BAY, {"bay": "Mill Hill"}, "Which bays have a car?", BAYS, "the yaris"),
    case("", CLASS, {"start": "18:00"}, "What is on?", CLASSES, "I'd go for boxing"),
    case("", VIEW, {"day": "2026-11-27", "time": "15:00"}, "See the flat.", SLOTS, "15:00 suits me"),
    case("time", VIEW, {"day": "2026-11-27", "time": "11:20"}, "See the flat.", SLOTS, "15:00 suits me"),
    case("session_id", SESSION, {"session_id": "S-12"}, "My physio has to be put off.", SESSIONS, "The shoulder."),
    case("session_id", SESSION, {"session_id": "S-19"}, "It has to be put off.", SESSIONS, "Not the shoulder."),
    case("session_id", SESSION, {"session_id": "S-19"}, "It has to be put off.", SESSIONS, "My shoulder hurts."),
    case("session_id", SESSION, {"session_id": "S-19"}, "It has to be put off.", SESSIONS, "Back or shoulder, hm."),
    case("event_id", SHOW, {"event_id": 7701}, "Do they play near me?", SHOWS, "The 4th of December!"),
    case("start", CLASS, {"start": "18:00"}, "What is on?", CLASSES, "I don't like boxing"),
    case("bay", BAY, {"bay": "Mill Hill"}, "Which bays have a car?", BAYS, "A cheap one, please"),
]
ANIMALS = tool("find_animal_facts", species=TEXT)
VAN = tool("quote_van", station=TEXT, days=NUMBER)
HIRE = tool("hire_van", station=TEXT, days=NUMBER)
EPISODE = tool("get_episode", season=NUMBER, episode=NUMBER)
CHART = tool("get_chart", week=told("integer", "ISO week number"))
RATING = tool("rate_trip", rating=NUMBER)
TICKETS = tool("park_tickets", adults=NUMBER, children=NUMBER)
VIEWING = tool("book_viewing", slot=told("string", "ISO 8601 date-time"))
LODGING = tool("quote_room", arrival=DAY, departure=DAY)
LANES = tool("bowling", lanes=NUMBER)
STORAGE = tool("store", months=NUMBER)
TRUCK = tool("assign", vehicle=told("string", "Fleet number"))
LOOKED_UP = [
    case("", ANIMALS, {"species": "barn owl"}, "How long does a barn owl live? We saw 2 behind the church."),
    case("", VAN, {"station": "Lyon", "days": 2}, "how much for a van for 2 days in Lyon? I'm 27"),
    case("station days", HIRE, {"station": "Lyon", "days": 2}, "How much is a van for 2 days in Lyon? Hire one."),
    case("", EPISODE, {"season": 2, "episode": 9}, "What happens in Fargo season 2 episode 9?"),
    case("season", EPISODE, {"season": 9, "episode": 2}, "What happens in Fargo season 2 episode 9?"),
    case("", CHART, {"week": 24}, "the chart of week 24 of 1985"),
    case("week", CHART, {"week": 24}, "the chart, 24 of 30 songs"),
    case("", RATING, {"rating": 5}, "trip 7F-22: 5 stars and a 4 euro tip"),
    case("", TICKETS, {"adults": 5, "children": 0}, "five adults, no children"),
    case("children", TICKETS, {"adults": 5, "children": 0}, "five adults"),
    case("children", TICKETS, {"adults": 5, "children": 0}, "five adults, no more children than that"),
    case("", VIEWING, {"slot": "2026-12-04T17:00"}, "see the flat RM-9083 on December 4 at 17:00"),
    case("slot", VIEWING, {"slot": "2026-12-05T17:00"}, "see the flat RM-9083 on December 4 at 17:00"),
    case("", LODGING, {"arrival": "2026-12-03", "departure": "2026-12-06"}, "a room from 3 to 6 December"),
    case("", LANES, {"lanes": 1}, "1 lane at King Pins"),
    case("", STORAGE, {"months": 9}, "put my furniture away for 9 months"),
    case("months", STORAGE, {"months": 9}, "I am away for 9 months, store my things"),
    case("", TRUCK, {"vehicle": "77"}, "put Omar on truck 77, nights"),
]
ROAMING = tool("set_roaming", enabled=FLAG)
LAYER = tool("map_layer", visible=FLAG)
ACCESS = tool("app_permission", allowed=FLAG)
DISK = tool("create_disk", encrypted=FLAG)
STATION = tool("station", public=FLAG)
CARDS = tool("make_cards", topic=TEXT, images={**FLAG, "description": "Whether to add pictures."})
RENAME = tool("rename", old=TEXT, overwrite={**FLAG, "description": "Whether an existing file is replaced."})
WHETHER = [
    case("", CARDS, {"topic": "volcanoes", "images": False}, "cards about volcanoes, without pictures"),
    case("images", CARDS, {"topic": "volcanoes", "images": True}, "cards about volcanoes, without pictures"),
    case("", CARDS, {"topic": "volcanoes", "images": True}, "cards about volcanoes, with pictures please"),
    case("images", CARDS, {"topic": "volcanoes", "images": False}, "cards about volcanoes, with pictures please"),
    case("images", CARDS, {"topic": "volcanoes", "images": True}, "cards about volcanoes"),
    case("", RENAME, {"old": "notes.txt", "overwrite": True}, "rename notes.txt, replacing an existing file"),
    case("overwrite", RENAME, {"old": "notes.txt", "overwrite": True}, "rename the existing file notes.txt"),
    case("overwrite", RENAME, {"old": "notes.txt", "overwrite": False}, "rename the existing file notes.txt"),
]
SWITCHES = [
    case("", ROAMING, {"enabled": True}, "turn on data roaming"),
    case("", ROAMING, {"enabled": False}, "kill roaming, will you"),
    case("enabled", ROAMING, {"enabled": False}, "turn on data roaming"),
    case("enabled", ROAMING, {"enabled": True}, "don't turn on data roaming"),
    case("enabled", ROAMING, {"enabled": True}, "turn on the radio, turn off the lamp, and do the roaming settings"),
    case("enabled", ROAMING, {"enabled": True}, "the roaming settings, please"),
    case("", LAYER, {"visible": False}, "hide the traffic layer"),
    case("visible", LAYER, {"visible": True}, "hide the traffic layer"),
    case("", ACCESS, {"allowed": False}, "don't let it use the camera"),
    case("", ACCESS, {"allowed": True}, "let it use the camera"),
    case("allowed", ACCESS, {"allowed": True}, "let me know what it may do with the camera"),
    case("", DISK, {"encrypted": False}, "a plain, unencrypted disk"),
    case("encrypted", DISK, {"encrypted": True}, "a plain, unencrypted disk"),
    case("", STATION, {"public": False}, "keep its readings private"),
    case("public", STATION, {"public": True}, "keep its readings private"),
]
CASES: dict[str, list[Case]] = {
    "switches": SWITCHES,
    "whether": WHETHER,
    "picked": PICKED,
    "looked up": LOOKED_UP,
    "units": UNITS,
    "codes": CODES,
    "parts": PARTS,
    "premises": PREMISES,
    "often": OFTEN,
    "with": WITH_OR_WITHOUT,
    "hours": HOURS,
    "changed": CHANGED,
    "measured": MEASURED,
    "choices": CHOICES,
    "counted": COUNTED,
}


@pytest.mark.parametrize(
    ("wanted", "tool", "call", "said"),
    [one for some in CASES.values() for one in some],
    ids=[f"{kind}: {' / '.join(one[3])[-60:]}" for kind, some in CASES.items() for one in some],
)
def test_a_value_in_other_words_is_understood(
    wanted: str, tool: dict[str, Any], call: dict[str, Any], said: tuple[str, ...]
) -> None:
    assert asked_for(tool, call, *said) == set(wanted.split())
