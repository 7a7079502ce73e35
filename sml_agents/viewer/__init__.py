"""A local page to look at what happened: lists, searches and shows traces, and takes decisions on lessons.

content   a trace as what the page shows
server    the page and its data over HTTP, on this machine alone
page/     the page itself: one file when it is served, no build step
"""

from sml_agents.viewer.server import Viewer, make_app

__all__ = ["Viewer", "make_app"]
