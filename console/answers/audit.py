"""Entries of the audit chain."""

from typing import Any

from console.fields import Shown


class Audit(Shown):
    """One entry of the audit chain."""

    lane: str
    seq: int
    at: str
    actor: str
    action: str
    subject: str | None
    detail: Any
    hash: str
