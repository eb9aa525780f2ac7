"""What holds for every destination: found by walking, so that adding one needs examples of its effects, nothing else.

What holds for every operation of those behind a network stands in `test_every_remote_operation.py`.
"""

import importlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from effects import examples, places
from sides import side_of

from contracts.money import Money
from counterfoil import keys
from counterfoil.database import Connection
from destinations import Destination, Effect, EffectInvalid, SameTransaction, find
from destinations.books import JournalLine, journal
from destinations.remote import NoInverse, Remote

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


#: One valid effect per destination in our database; those behind a network have examples in `effects_<name>.py`.
AN_EFFECT: dict[str, Callable[[], Effect]] = {"books": _books}


def an_effect(destination: Destination) -> Effect:
    """A valid one; a destination without an example fails the first test below."""
    if not isinstance(destination, Remote):
        return AN_EFFECT[destination.name]()
    with side_of(destination, places()[destination.name]) as side:
        return next(each for (name, _), each in examples().items() if name == destination.name).effect(side)


EVERY = [pytest.param(destination, id=name) for name, destination in sorted(find().items())]
IN_OUR_DATABASE = [param for param in EVERY if isinstance(param.values[0], SameTransaction)]


@pytest.mark.parametrize("destination", EVERY)
def test_a_destination_says_how_it_is_safe(destination: Destination) -> None:
    """Name, safety, a sentence, and an effect to try it with."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", destination.name)
    assert destination.safety in SAFETIES
    assert (destination.safety == "same_transaction") == isinstance(destination, SameTransaction)
    assert isinstance(destination, SameTransaction) != isinstance(destination, Remote)
    assert importlib.import_module(type(destination).__module__).__doc__
    destination.check(an_effect(destination))


@pytest.mark.parametrize("destination", EVERY)
def test_an_effect_of_another_kind_is_refused(destination: Destination) -> None:
    """Unknown operations and empty bodies are found before anything is written, with the reason."""
    good = an_effect(destination)
    for operation, body in ((good.operation, {}), ("no_such_operation", good.body)):
        with pytest.raises(EffectInvalid) as invalid:
            destination.check(Effect(good.destination, operation, good.key, good.subject, good.amount, body))
        assert invalid.value.problems


@pytest.mark.parametrize("destination", IN_OUR_DATABASE)
def test_applied_twice_written_once(destination: SameTransaction, conn: Connection) -> None:
    """In one transaction and across two, under other write ids: one effect, and both receipts name it."""
    effect = an_effect(destination)
    receipts = [*destination.apply_many(conn, {keys.new_id(): effect}).values()]
    receipts += destination.apply_many(conn, {keys.new_id(): effect}).values()
    conn.commit()
    receipts += destination.apply_many(conn, {keys.new_id(): effect}).values()
    assert [receipt.status for receipt in receipts] == ["written", "already", "already"]
    assert len({receipt.reference for receipt in receipts}) == 1


@pytest.mark.parametrize("destination", IN_OUR_DATABASE)
def test_rolled_back_means_not_written(destination: SameTransaction, conn: Connection) -> None:
    """A write to our own database has no life of its own."""
    effect = an_effect(destination)
    destination.apply_many(conn, {keys.new_id(): effect})
    conn.rollback()
    (receipt,) = destination.apply_many(conn, {keys.new_id(): effect}).values()
    assert receipt.status == "written"


@pytest.mark.parametrize("destination", IN_OUR_DATABASE)
def test_taken_back_is_another_effect_or_a_reason(destination: SameTransaction, conn: Connection) -> None:
    """The inverse is accepted, written beside the first under its own key, and is not the same again."""
    effect = an_effect(destination)
    try:
        inverse = replace(destination.inverse(effect, on=date(2026, 11, 3)), key=f"reverse:{effect.key}")
    except NoInverse:
        return
    destination.check(inverse)
    assert inverse.body != effect.body
    receipts = [destination.apply_many(conn, {keys.new_id(): each}) for each in (effect, inverse)]
    assert [receipt.status for each in receipts for receipt in each.values()] == ["written", "written"]
