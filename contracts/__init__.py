"""What a valid event is: one module per kind of event, one real sample per type; and the closed questions.

May import pydantic and the standard library only. `find` picks the contract for an event; adding one means adding a
class and its sample, nothing is listed anywhere.
"""

from contracts.base import (
    Contract,
    ContractBroken,
    ContractFailure,
    ContractUnknown,
    Payload,
    Violation,
    every,
    find,
)
from contracts.money import Money

__all__ = [
    "Contract",
    "ContractBroken",
    "ContractFailure",
    "ContractUnknown",
    "Money",
    "Payload",
    "Violation",
    "every",
    "find",
]
