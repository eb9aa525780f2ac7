"""What one check of the self-check found."""

from typing import Literal

from pydantic import Field

from console.fields import Shown

Verdict = Literal["ok", "wrong", "unknown"]


class Finding(Shown):
    """The result of one check; `items` are what is wrong, or what was looked at."""

    name: str
    verdict: Verdict
    detail: str
    items: list[str] = Field(default_factory=list)
