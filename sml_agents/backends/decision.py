"""The decision of a tuned student: ask or answer, in one token, at a threshold that is stored with the model.

A student whose turns open with a word for their kind, at once or after a thought, decides in one token. Where the line
lies between the two is no business of training: greedy decoding draws it at one half, which is right only by chance. It
is chosen on templates that training never saw, written to `decision.json` beside the weights, and read by the
`transformers:` backend. The kind is decided so at any temperature; the rest of a turn is sampled.
"""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.errors import BackendSpecError, complaint
from sml_agents.files import whole_file

__all__ = ["DECISION", "Decision"]

DECISION = "decision.json"


class Decision(BaseModel):
    """Content of `decision.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    ask: int = Field(ge=0)
    """The token that opens a question."""
    answer: int = Field(ge=0)
    """The token that opens an answer."""
    threshold: float = Field(gt=0, lt=1)
    """Ask where the probability of asking is at least this large, of the two kinds' together."""
    chosen_on: tuple[str, ...] = ()
    """The task specs on which it was chosen; none of their templates may be trained on."""

    @property
    def bias(self) -> dict[int, float]:
        """What is added to the logits of the two where a dialogue's first turn opens, so that greedy choice draws the
        line there."""
        return {self.ask: -math.log(self.threshold / (1 - self.threshold)), self.answer: 0.0}

    @property
    def even(self) -> dict[int, float]:
        """The same for later turns, which have heard what they asked for: the likelier kind."""
        return {self.ask: 0.0, self.answer: 0.0}

    @classmethod
    def read(cls, folder: Path | str) -> Decision | None:
        """The decision stored with the model in `folder`, None where there is none.

        Raises BackendSpecError for a file that cannot be understood: to ignore it would silently change the student.
        """
        path = Path(folder) / DECISION
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BackendSpecError(f"Cannot read {path}: {error.strerror or error}.") from error
        except ValidationError as error:
            _, reason = complaint(error)
            raise BackendSpecError(
                f"{path} holds no decision ({reason}): choose it anew, or delete the file."
            ) from error

    def write(self, folder: Path | str) -> None:
        """Write beside the weights, whole or not at all."""
        with whole_file(Path(folder) / DECISION) as path:
            path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
