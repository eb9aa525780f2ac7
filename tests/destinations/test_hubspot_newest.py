"""An upsert that says by which time its values are ordered: what stands there and is newer is never overwritten."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hubspot_company import Company, a_company

from destinations.base import Effect, EffectInvalid
from destinations.hubspot import DESTINATION, upsert_contact

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
#: A time, and something beside it.
AT, BESIDE = "last_payment_at", "phone"


def _paid(minutes: float, value: str = "", **more: Any) -> Effect:
    return upsert_contact(
        key=f"hubspot:in_{minutes}:last_payment",
        subject="stripe:in_1",
        by=("email", "ada@example.com"),
        properties={AT: NOON + timedelta(minutes=minutes), BESIDE: value or f"+1 555 {minutes}"},
        newest_by=AT,
        **more,
    )


def _stands(company: Company) -> str:
    (contact,) = company.records("contacts")
    value: str = contact["properties"][BESIDE]
    return value


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_the_newest_stands_whatever_comes_last(order: tuple[int, ...]) -> None:
    """In every order, and each of them is done."""
    with a_company() as company:
        for minutes in order:
            sent, _ = company.apply(_paid(minutes))
            assert sent.reference is not None
        assert _stands(company) == "+1 555 3"


def test_what_is_as_old_is_set() -> None:
    """Of two in one moment the one that comes last stands: neither is newer."""
    with a_company() as company:
        company.apply(_paid(1, "first"))
        company.apply(_paid(1, "second"))
        assert _stands(company) == "second"


def test_nothing_is_sent_where_something_newer_stands() -> None:
    """Looking is all that it costs."""
    with a_company() as company:
        company.apply(_paid(2))
        before = company.asked("PATCH")
        sent, _ = company.apply(_paid(1))
        assert (sent.meaning, sent.detail) == ("already", "something newer stands there")
        assert company.asked("PATCH") == before


def test_a_doubt_ends_where_something_newer_stands() -> None:
    """The answer was lost, and somebody set a later time meanwhile: there is nothing to send again."""
    with a_company() as company:
        company.apply(_paid(0))
        late = _paid(1)
        image = company.look(late)
        company.fault("drop_before", method="PATCH")
        assert company.send(late, image).meaning == "unknown"
        company.exchange.faults.clear()
        company.apply(_paid(2))
        assert company.probe(late, image).outcome == "happened"
        assert _stands(company) == "+1 555 2"


def test_an_odd_time_there_is_no_newer_one() -> None:
    """A record that shows no time is set."""
    with a_company() as company:
        company.make("contacts", email="ada@example.com")
        company.apply(_paid(1))
        assert _stands(company) == "+1 555 1"


def test_whoever_approves_reads_the_condition() -> None:
    """It is part of what is shown, and of the digest."""
    assert DESTINATION.render(_paid(1))[-1] == f"Nothing of this when its {AT} is later already."


@pytest.mark.parametrize("newest_by", [BESIDE, "absent", "email"])
def test_the_order_is_a_time_that_is_set(newest_by: str) -> None:
    """Anything else would order nothing; the handler that builds it fails."""
    with pytest.raises(EffectInvalid, match="newest_by"):
        upsert_contact(
            key="k", subject="s", by=("email", "ada@example.com"), newest_by=newest_by,
            properties={AT: NOON, BESIDE: "+1 555"},
        )  # fmt: skip
