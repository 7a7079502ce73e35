"""Stop texts kept here, for servers that refuse them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["StopTexts"]


class StopTexts:
    """Cuts one reply at the first of `stops`, as a server would. Texts may come in pieces: what could be the beginning
    of a stop text waits for the next piece."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._waiting = ""
        self.reached = False

    def add(self, text: str) -> str:
        """What of the reply so far may be passed on."""
        if self.reached:
            return ""
        text = self._waiting + text
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.reached, self._waiting = True, ""
            return text[: min(ends)]
        keep = max((self._overlap(text, stop) for stop in self._stops), default=0)
        self._waiting = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """What waited, once the reply has ended."""
        text, self._waiting = self._waiting, ""
        return text

    @staticmethod
    def _overlap(text: str, stop: str) -> int:
        """Length of the longest end of `text` with which `stop` begins."""
        return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
