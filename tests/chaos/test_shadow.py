"""The demo's day in shadow: not one request that could change anything leaves, as the bytes on the wire say."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from company import Company, Founding
from standins import Standin, Wire
from stripe_side import SECRET, Sender

from ingest.providers import find
from sandbox.day import the_day

SECRETS = {"stripe": SECRET, "hubspot": "a-client-secret-for-tests"}
HANDLERS = ("invoice_paid", "company_created")


class Outside:
    """Both providers, each behind a wire that writes down what goes out."""

    def __init__(self) -> None:
        self.standins = [
            Standin("stripe", env={}),
            Standin("hubspot", "--unique", "companies.stripe_customer_id", "--searches", "0", env={}),
        ]
        self.stripe, self.hubspot = (Wire(each.url) for each in self.standins)

    def settings(self, *, write: bool) -> dict[str, str]:
        """How a company reaches them; without `write` it has no credential that could write."""
        kind = "" if write else "READ_"
        return {
            "COUNTERFOIL_HANDLERS": "shadowed_handlers",
            "HUBSPOT_CLIENT_SECRET": SECRETS["hubspot"],
            "STRIPE_API_BASE": self.stripe.url,
            "HUBSPOT_API_BASE": self.hubspot.url,
            f"STRIPE_{kind}API_KEY": "sk_test_sandbox" if write else "rk_test_sandbox",
            f"HUBSPOT_{kind}ACCESS_TOKEN": "pat-na1-sandbox" if write else "pat-na1-sandbox-ro",
            "STRIPE_MODE": "any",
        }

    def writes(self) -> list[tuple[str, str]]:
        """Everything on either wire that is no read."""
        found = [*self.stripe.requests(), *self.hubspot.requests()]
        return [(method, path) for method, path in found if not _is_read(method, path)]

    def close(self) -> None:
        for each in (self.stripe, self.hubspot, *self.standins):
            each.close()


def _is_read(method: str, path: str) -> bool:
    """HubSpot's searches and batches of reads are posted."""
    return method == "GET" or (method == "POST" and path.endswith(("/search", "/batch/read")))


@pytest.fixture
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.close()


def live_through(company: Company, sender: Sender) -> None:
    """Every delivery of the day, signed; until nothing of it is queued."""
    for delivery in the_day(int(time.time())):
        url = f"http://127.0.0.1:{sender.port}/webhooks/{delivery.source}"
        headers = find()[delivery.source].sign(delivery.body, SECRETS[delivery.source], time.time(), url)
        body = delivery.body[:-2] + b" }" if delivery.tampered else delivery.body
        httpx.post(url, content=body, headers={**headers, "Content-Type": "application/json"}, trust_env=False)
    company.wait_until(
        lambda: company.one("SELECT count(*) FROM events WHERE status IN ('queued', 'running')") == 0,
        15,
        "the day ends",
    )


def planned(company: Company) -> set[str]:
    return {row["key"] for row in company.rows("SELECT key FROM writes")}


def test_a_day_in_shadow_writes_nothing_anywhere_and_says_what_it_would_have(found: Founding, outside: Outside) -> None:
    """Zero requests but reads on the wires, an empty journal of books, no credential to write with; a full report.

    The same day let out fully leaves writes on both wires and plans the same keys: so the wires see what there is, and
    the report was true. Fails without `shadow` in `engine.controls`, or without the guard in `destinations.http`.
    """
    company, sender = found(**outside.settings(write=False))
    for handler in HANDLERS:
        company.command("rollout", handler, "shadow", "--reason", "first days", "--as", "ines")
    live_through(company, sender)
    assert outside.writes() == []
    assert sum(len(each.posts()) for each in outside.standins) == 0
    assert company.one("SELECT count(*) FROM books_entries") == 0
    assert {row["status"] for row in company.rows("SELECT DISTINCT status FROM writes")} == {"shadow"}
    mischief = company.rows("SELECT outcome FROM events WHERE handler = 'company_created'")
    assert ["ReadOnly" in row["outcome"] for row in mischief] == [True]
    report = json.loads(company.command("rollout", "invoice_paid", "--report", "--json"))
    assert report["writes"] == len(planned(company)) > 60
    assert {(one["destination"], one["operation"]) for one in report["totals"]} == {
        ("books", "post_entry"), ("stripe", "create_customer"), ("hubspot", "upsert_company"),
    }  # fmt: skip
    assert all(one["lines"] for one in report["examples"])
    company.check_promises()
    for unit in ("worker", "sweeper", "door"):
        company.units[unit].retire()

    freely, its_sender = found(**outside.settings(write=True))
    live_through(freely, its_sender)
    freely.wait_until(lambda: {path[:4] for _, path in outside.writes()} == {"/v1/", "/crm"}, 15, "both are written to")
    assert planned(freely) == planned(company)
