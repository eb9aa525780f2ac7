"""What holds for every destination: found by walking, so that adding one needs a builder of an effect, nothing else."""

import importlib
import re
from collections.abc import Callable
from datetime import date

import pytest

from contracts.money import Money
from counterfoil import keys
from counterfoil.database import Connection
from destinations import Destination, Effect, EffectInvalid, SameTransaction, find
from destinations.books import JournalLine, journal

SAFETIES = {"same_transaction", "native_key", "natural_key", "probe"}


def _books() -> Effect:
    return journal(
        key="books:conformance:1",
        subject="stripe:in_1",
        on=date(2026, 11, 2),
        memo="conformance",
        amount=Money(100, "EUR"),
        lines=[JournalLine("Assets:Stripe:Clearing", 100), JournalLine("Income:Other", -100)],
    )


#: One valid effect per destination; a destination without one fails the first test below.
AN_EFFECT: dict[str, Callable[[], Effect]] = {"books": _books}

EVERY = [pytest.param(destination, id=name) for name, destination in sorted(find().items())]
IN_OUR_DATABASE = [param for param in EVERY if isinstance(param.values[0], SameTransaction)]


@pytest.mark.parametrize("destination", EVERY)
def test_a_destination_says_how_it_is_safe(destination: Destination) -> None:
    """Name, safety, a sentence, and an effect to try it with."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", destination.name)
    assert destination.safety in SAFETIES
    assert (destination.safety == "same_transaction") == isinstance(destination, SameTransaction)
    assert importlib.import_module(type(destination).__module__).__doc__
    destination.check(AN_EFFECT[destination.name]())


@pytest.mark.parametrize("destination", EVERY)
def test_an_effect_of_another_kind_is_refused(destination: Destination) -> None:
    """Unknown operations and empty bodies are found before anything is written, with the reason."""
    good = AN_EFFECT[destination.name]()
    for operation, body in ((good.operation, {}), ("no_such_operation", good.body)):
        with pytest.raises(EffectInvalid) as invalid:
            destination.check(Effect(good.destination, operation, good.key, good.subject, good.amount, body))
        assert invalid.value.problems


@pytest.mark.parametrize("destination", IN_OUR_DATABASE)
def test_applied_twice_written_once(destination: SameTransaction, conn: Connection) -> None:
    """In one transaction and across two, under other write ids: one effect, and both receipts name it."""
    effect = AN_EFFECT[destination.name]()
    receipts = [*destination.apply_many(conn, {keys.new_id(): effect}).values()]
    receipts += destination.apply_many(conn, {keys.new_id(): effect}).values()
    conn.commit()
    receipts += destination.apply_many(conn, {keys.new_id(): effect}).values()
    assert [receipt.status for receipt in receipts] == ["written", "already", "already"]
    assert len({receipt.reference for receipt in receipts}) == 1


@pytest.mark.parametrize("destination", IN_OUR_DATABASE)
def test_rolled_back_means_not_written(destination: SameTransaction, conn: Connection) -> None:
    """A write to our own database has no life of its own."""
    effect = AN_EFFECT[destination.name]()
    destination.apply_many(conn, {keys.new_id(): effect})
    conn.rollback()
    (receipt,) = destination.apply_many(conn, {keys.new_id(): effect}).values()
    assert receipt.status == "written"
