"""What may be set for a server."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

__all__ = ["ServingSettings"]


class ServingSettings(BaseModel):
    """The bounds of a server: what is beyond them is refused with a reason, and nothing else suffers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    """0: any that is free."""
    key: SecretStr | None = Field(default=None, min_length=8)
    """What clients send as their API key. None: everybody who reaches the server may use it, but no page in a browser
    may: only requests to this machine's own names are then answered. White space around it is no part of it: HTTP
    drops that, and files end in a line."""
    at_once: int = Field(default=128, ge=1)
    """Most replies under way or waiting for their place in the batch; one more is refused with status 429."""
    max_tokens: int = Field(default=4096, ge=1)
    """Longest reply. A request that asks for more gets this much, and `finish_reason` says so."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds until a reply is given up, waiting included: status 504, or an error in the stream."""
    body_kb: int = Field(default=2048, ge=1)
    """Largest request, in KiB."""
    patience: float = Field(default=20.0, gt=0)
    """Seconds in which a request must have arrived, and after which a silent connection is closed."""
    grace: float = Field(default=60.0, ge=0)
    """Seconds that replies under way are given to end, once the server has been told to stop."""

    @field_validator("key", mode="before")
    @classmethod
    def _bare(cls, key: Any) -> Any:
        return key.strip() if isinstance(key, str) else key
