"""Models for tests, yours and ours: one that reads its lines, and one that makes another fail.

from sml_agents.testing import FaultyModel, ScriptedModel

student = FaultyModel(model=ScriptedModel(replies=["Is it 5?", "Then it is 6."]), fail=0.05, seed=1)

`sml_agents.testing.loopback` serves a scenario of yours over HTTP, `sml_agents.testing.servers` has a model's server in
every manner that real ones have, and `sml_agents.testing.conformance` what a verifier and a sandbox have to do.
"""

from sml_agents.backends.scripted import Rule, ScriptedModel
from sml_agents.testing.faulty import FaultyModel

__all__ = ["FaultyModel", "Rule", "ScriptedModel"]
