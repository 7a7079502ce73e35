"""Traces at rest.

TraceStore   finished dialogues, and what is needed to go on with unfinished ones (SQLite file or PostgreSQL)
AsyncWriter  durable writes to a store from asyncio, grouped
Redactor     takes secrets out of traces before they are written
Counts, Damage, Finished   what a store says of its content

Exporters are in `sml_agents.data.export`.
"""

from sml_agents.traces.journal import AsyncWriter, ReplyJournal
from sml_agents.traces.reader import Counts, Damage, Finished
from sml_agents.traces.redaction import Redactor
from sml_agents.traces.store import TraceStore

__all__ = ["AsyncWriter", "Counts", "Damage", "Finished", "Redactor", "ReplyJournal", "TraceStore"]
