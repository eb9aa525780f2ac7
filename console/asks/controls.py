"""How much is let through: pauses and rollouts."""

from typing import Annotated, Any, Literal

from pydantic import Field

from console.asks.base import Change
from console.fields import Word


class PauseAsk(Change):
    """What is held, or let go."""

    scope: Literal["source", "handler", "destination", "action"]
    name: Word = Field(description="an action class is named `destination.operation`")


class RolloutAsk(Change):
    """How far a handler is let out."""

    mode: Literal["shadow", "partial", "full", "paused"]
    share: float | None = Field(None, gt=0, lt=1, description="`partial`: of the subjects, always the same ones")
    segment: Annotated[dict[str, Any], Field(min_length=1, max_length=20)] | None = Field(
        None, description="`partial`: members of the event by dotted path, each with its value or a list of such"
    )
    force: bool = Field(False, description="wider without the evidence for it; kept in the audit")
