"""Read: what a handler needs to know beside the event, as named questions whose answers are kept.

Each answer is a checkpoint: committed by itself, found again after a crash, and asked anew only when its input changed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from contracts.base import Contract
from counterfoil import database, keys
from counterfoil.ledger.checkpoint import find_checkpoint, record_checkpoint
from engine.passing import Pass
from exceptions_queue import failures

#: The rule of the failure that stands for "somebody would have to be asked, and a dry run asks nobody".
UNASKED: Final = "dry_run"
#: A question about an event: gets the contract object, gives JSON. Raises a Failure when it cannot.
Question = Callable[[Contract, Mapping[str, Any]], Any]


def read(passing: Pass) -> list[str]:
    """Fetch what the handler declared it needs to know; read-only, once per generation. Returns what was asked."""
    assert passing.spec is not None
    questions = passing.spec.reads
    if not questions:
        return []
    assert passing.contract is not None
    event = passing.event
    input_hash = keys.digest([passing.body, passing.context])
    with database.connect(autocommit=True) as conn:
        for name, question in questions.items():
            known = find_checkpoint(conn, event.id, event.generation, f"read:{name}", input_hash)
            if known is None and passing.dry:
                raise failures.ContextMissing(f"{name} was never asked, and a dry run asks nobody", rule=UNASKED)
            if known is None:
                known = {"answer": question(passing.contract, passing.context)}
                record_checkpoint(conn, event.id, event.generation, f"read:{name}", input_hash, known)
            passing.context[name] = known["answer"]
    return list(questions)
