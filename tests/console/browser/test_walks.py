"""People walk through the console with a real browser, each as far as their role goes, while the engine works."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from both_accounts import Both, both_accounts
from browsing import Desk
from playwright.sync_api import expect

from console.access import links, users
from counterfoil import database
from counterfoil.database import Connection
from engine import mentioning
from sandbox.invoices import Item, paid_invoice

POLICY = Path(__file__).parents[3] / "exceptions_queue" / "policy.toml"
PASSWORD = "plum kettle orbit seven"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).replace(hour=15, minute=4, second=0, microsecond=0)


@pytest.fixture
def firm(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Stripe and HubSpot in memory, the shipped policy, a worker that works when told to."""
    with both_accounts(conn, monkeypatch, tmp_path, POLICY.read_text()) as made:
        yield made


def an_invoice(
    number: int, amount_minor: int, *, customer: str = "Acorn", at: datetime | None = None, broken: bool = False
) -> dict[str, Any]:
    """A paid invoice of one line; `broken`: its total is not the sum of its lines."""
    created = int((at or datetime.now(UTC) - timedelta(minutes=5)).timestamp())
    event = paid_invoice(
        number, customer=customer, currency="eur", items=[Item("Team plan", amount_minor, True, "subscription")],
        created=created,
    )  # fmt: skip
    if broken:
        event["data"]["object"]["subtotal"] += 500
    return event


def the_case(conn: Connection, failure_class: str) -> dict[str, Any]:
    conn.rollback()
    row = conn.execute("SELECT id, status FROM cases WHERE failure_class = %s", (failure_class,)).fetchone()
    assert row is not None
    return dict(row)


def booked(firm: Both) -> list[str]:
    return [
        row["key"]
        for row in firm.rows("SELECT key FROM writes WHERE destination = 'books' AND status = 'confirmed' ORDER BY key")
    ]


def press(desk: Desk, key: str) -> None:
    """A key, and the page that it leads to."""
    with desk.page.expect_navigation():
        desk.page.keyboard.press(key)


@contextmanager
def leading(desk: Desk) -> Iterator[None]:
    """What is done inside leads to another page."""
    with desk.page.expect_navigation():
        yield


def test_an_owner_signs_in_finds_the_dearest_case_mends_it_and_runs_it_again(
    firm: Both, sit_down: Callable[..., Desk]
) -> None:
    """One-time link, password, sign-in; then keys: next, open; the rule in words; edit, try, keep; booked."""
    firm.hear("stripe", an_invoice(1, 9_900, broken=True), an_invoice(2, 480_000, broken=True))
    with database.transaction() as conn:
        user = users.add(conn, "setup", name="rhea", email="rhea@example.com", grants=["owner"])
        token = links.make(conn, "setup", user)
    desk = sit_down(None)
    desk.go(f"/sign-in/link/{token}")
    desk.page.get_by_label("New password").fill(PASSWORD)
    desk.page.get_by_label("The same again").fill(PASSWORD)
    with leading(desk):
        desk.page.get_by_role("button", name="Keep it and sign in").click()
    desk.page.get_by_text("Rhea Ops").click()
    with leading(desk):
        desk.page.get_by_role("button", name="Sign out").click()
    desk.go("/cases")
    desk.page.get_by_label("Name or e-mail").fill("rhea")
    desk.page.get_by_label("Password").fill(PASSWORD)
    with leading(desk):
        desk.page.get_by_role("button", name="Sign in", exact=True).click()
    assert desk.page.url.endswith("/cases"), "back where the person wanted to go"
    desk.go("/")
    first = desk.page.locator("[data-row]").first
    expect(first).to_contain_text("4,899.00 EUR")
    desk.page.keyboard.press("j")
    press(desk, "o")
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("contract")
    expect(desk.page.locator("main")).to_contain_text("4,805.00 EUR")
    press(desk, "c")
    box = desk.page.get_by_label(re.compile("^Payload of"))
    payload = json.loads(box.input_value())
    payload["data"]["object"]["subtotal"] = payload["data"]["object"]["total"]
    box.fill(json.dumps(payload))
    desk.page.locator("#why-edit").fill("the subtotal was typed wrong at Stripe")
    with leading(desk):
        desk.page.get_by_role("button", name="Try it").click()
    expect(desk.page.get_by_role("status")).to_contain_text("would be written")
    assert booked(firm) == []
    with leading(desk):
        desk.page.get_by_role("button", name="Keep it and run").click()
    firm.work()
    assert len(booked(firm)) == 1
    assert desk.complaints == []


def test_two_people_approve_what_is_very_large(firm: Both, sit_down: Callable[..., Desk]) -> None:
    """One yes is not enough, the same person's second is none, the second person's lets it go."""
    firm.hear("stripe", an_invoice(1, 12_000_000))
    assert booked(firm) == []
    for number, name in enumerate(("marek", "dana")):
        desk = sit_down(name, "approver")
        desk.go("/approvals")
        with leading(desk):
            desk.page.locator("[data-row] a").first.click()
        expect(desk.page.locator("main")).to_contain_text(f"{number} of 2 people have agreed")
        if desk.page.get_by_role("link", name=re.compile("Confirm|again")).count():
            _confirm(desk)
        desk.page.keyboard.press("y")
        desk.page.keyboard.type("agrees with the signed contract")
        with leading(desk):
            desk.page.get_by_role("button", name="Approve exactly this").click()
        firm.work()
        assert len(booked(firm)) == number, "how many were booked after this many yeses"
        if number == 0:
            expect(desk.page.locator("main")).to_contain_text("You have answered")


def _confirm(desk: Desk) -> None:
    raise AssertionError("re-authentication is walked in the tests of access")


def test_a_viewer_sees_and_cannot_act(firm: Both, sit_down: Callable[..., Desk]) -> None:
    """No button is shown; whoever sends the form all the same is refused, and nothing happens."""
    firm.hear("stripe", an_invoice(1, 9_900, broken=True))
    case = the_case(firm.conn, "contract_violation")
    desk = sit_down("vera", "viewer")
    desk.go(f"/cases/{case['id']}")
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("contract")
    assert desk.page.locator("main form").count() == 0
    sent = desk.page.evaluate(
        "async path => (await fetch(path, {method: 'POST', body: new URLSearchParams('reason=why&csrf=none')})).status",
        f"/cases/{case['id']}/acknowledge",
    )
    assert sent == 403
    assert the_case(firm.conn, "contract_violation")["status"] == "open"
    desk.go("/people")
    expect(desk.page.locator("main")).to_contain_text("right")


def test_many_are_replayed_with_a_plan_and_stopped_on_the_way(
    firm: Both, sit_down: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Select by filter, see the plan, start, cancel: what was queued goes on, nothing else does."""
    firm.hear("stripe", *(an_invoice(number, 9_900, broken=True) for number in range(1, 31)))
    desk = sit_down("fiona", "owner")
    desk.go("/events?q=class:contract_violation")
    with leading(desk):
        desk.page.locator("main").get_by_role("link", name=re.compile("[Rr]eplay")).first.click()
    desk.page.locator("main input[name=reason]").last.fill("the contract was mended")
    with leading(desk):
        desk.page.get_by_role("button", name="Plan it").click()
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text("30 events")
    expect(desk.page.locator("main")).to_contain_text("2,970.00 EUR")
    desk.page.locator("#why-start").fill("go")
    with leading(desk):
        desk.page.get_by_role("button", name=re.compile("^Start")).click()
    desk.page.locator("summary", has_text=re.compile("Cancel|Stop")).click()
    desk.page.locator("#why-cancel").fill("wrong filter")
    with leading(desk):
        desk.page.get_by_role("button", name=re.compile("^(Cancel|Stop)")).click()
    expect(desk.page.locator("main")).to_contain_text("cancelled")
    firm.work()
    assert booked(firm) == []


def test_what_happened_to_a_customer_yesterday_is_found_in_a_few_steps(
    firm: Both, sit_down: Callable[..., Desk]
) -> None:
    """From the desk: type the customer, open the subject or event, read. Fewer than ten interactions and a minute."""
    for number in range(1, 9):
        firm.hear("stripe", an_invoice(number, 4_000 + number, customer=f"Other{number}"))
    firm.hear("stripe", an_invoice(50, 77_700, customer="Bluebell", at=YESTERDAY))
    with database.transaction() as conn:
        mentioning.run_once(conn)
    desk = sit_down("fiona", "owner")
    began, interactions = time.monotonic(), 0
    desk.go("/")
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("cus_demobluebe")
    with leading(desk):
        desk.page.keyboard.press("Enter")
    interactions += 3
    if "/subjects/" not in desk.page.url and "/events/" not in desk.page.url:
        with leading(desk):
            desk.page.locator("main a[href^='/events/'], main a[href^='/subjects/']").first.click()
        interactions += 1
    if "/subjects/" in desk.page.url:
        with leading(desk):
            desk.page.locator("main a[href^='/events/']").first.click()
        interactions += 1
    main = desk.page.locator("main")
    expect(main).to_contain_text("777.00 EUR")
    expect(main).to_contain_text(re.compile("done|booked|confirmed"))
    assert interactions < 10
    assert time.monotonic() - began < 60
