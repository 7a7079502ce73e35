"""Teachable moments in recorded conversations, as dialogues to train on once a person has accepted them.

    with TraceStore.open("logs.sqlite", read_only=True) as logs, TraceStore.open("moments.sqlite") as moments:
        report = mine(logs.traces(), moments)

Moment       what was found: its kind, the evidence in the person's own words, and how sure the rule is
find_moments the moments of one recorded conversation
lesson       a moment as a dialogue: the question that should have been asked, what it would have brought, the answer
decide       accept, reject or edit a lesson
mine         all of it, from store to store

A lesson is not `solved` before it was accepted, so that exports and training recipes take accepted ones only.
"""

from sml_agents.mining.find import find_moments
from sml_agents.mining.lessons import decide, lesson, moment_of
from sml_agents.mining.moments import Evidence, Kind, Moment
from sml_agents.mining.run import MiningReport, mine

__all__ = ["Evidence", "Kind", "MiningReport", "Moment", "decide", "find_moments", "lesson", "mine", "moment_of"]
