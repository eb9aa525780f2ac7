"""A destination that is away for long: one case, few questions, and all of it done when it is back."""

import json
from collections.abc import Iterator

import pytest
from company import Company, Founding
from standins import Standin, unix_seconds
from stripe_side import Sender, invoices_paid

#: An hour, in the test's time: many times the breaker's longest wait (1.2 s).
OUTAGE_SECONDS = 6.0


@pytest.fixture(scope="module")
def staff(found: Founding) -> Iterator[tuple[Company, Sender, Standin]]:
    """Two workers that write to Stripe's stand-in."""
    stripe = Standin("stripe", env={})
    company, sender = found(
        COUNTERFOIL_HANDLERS="outward_handlers",
        STRIPE_API_BASE=stripe.url,
        STRIPE_API_KEY="sk_test_sandbox",
        STRIPE_MODE="any",
    )
    company.hire("worker2", "worker")
    yield company, sender, stripe
    stripe.close()


def test_an_outage_is_one_case_and_everything_is_written_afterwards(staff: tuple[Company, Sender, Standin]) -> None:
    """Away with load: one case for somebody, a look now and then instead of a storm; back: each once, the case closed.

    Fails without the breaker (a case per write when patience ends, a request per attempt), when its state is kept in a
    worker instead of the database, or when the case is not closed by itself.
    """
    company, sender, stripe = staff
    stripe.down(True)
    events = invoices_paid(60)
    company.finish(sender.start(events, every_seconds=0.02))
    company.wait_until(lambda: breaker(company) != "closed", 10, "the breaker opens")
    opened_at = unix_seconds()
    company.pause(OUTAGE_SECONDS)
    cases = company.rows("SELECT failure_class, destination, handler, status FROM cases")
    assert [tuple(row.values()) for row in cases] == [("destination_unavailable", "stripe", None, "open")]
    # Those that were on the wire when it opened, and the looks: one in 0.3 seconds at first, then fewer.
    asked = [entry["method"] for entry in stripe.journal() if entry["at"] > opened_at + 1]
    assert set(asked) == {"GET"}
    assert 2 <= len(asked) <= OUTAGE_SECONDS / 1.2 + 4
    assert company.one("SELECT count(*) FROM events WHERE status = 'exception'") == 0
    (stripes,) = [
        one for one in json.loads(company.command("destinations", "--json"))["items"] if one["name"] == "stripe"
    ]
    assert (stripes["breaker"] != "closed", stripes["waiting"]) == (True, len(events))
    stripe.down(False)
    company.wait_until_done(events)
    keys = sorted(f"stripe:invoice:{one.invoice}:customer" for one in events)
    made = [entry["key"] for entry in stripe.posts() if entry["executed"]]
    assert sorted(made) == keys
    company.wait_until(lambda: company.one("SELECT status FROM cases") == "resolved", 5, "its case is resolved")
    assert company.one("SELECT count(*) FROM cases") == 1
    assert breaker(company) == "closed"
    company.check_promises()


def breaker(company: Company) -> str:
    rows = company.rows("SELECT breaker FROM destination_states WHERE destination = 'stripe'")
    return rows[0]["breaker"] if rows else "closed"
