"""Events that were turned aside, and the way back: the source put right and replayed, or the newer content accepted."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg.types.json import Jsonb

from counterfoil import database
from exceptions_queue import replay

Rows = Callable[..., list[dict[str, Any]]]
WHY = {"reason": "it is ours"}
FAULT = {"class": "wrong_account", "rule": "account", "detail": "account acct_2 is not among those expected"}


@pytest.fixture
def turned_aside(an_event: Callable[..., UUID], work: Callable[[], None]) -> UUID:
    """An invoice of an account that nobody had configured, in its case."""
    event_id = an_event(account="acct_2", fault=Jsonb(FAULT))
    work()
    return event_id


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Configures the accounts and the mode that the source expects."""

    def configure(accounts: str, mode: str = "any") -> None:
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_for_tests")
        monkeypatch.setenv("STRIPE_ACCOUNT_IDS", accounts)
        monkeypatch.setenv("STRIPE_MODE", mode)

    return configure


def replayed(api: httpx.Client, rows: Rows, how: str, event_id: UUID) -> None:
    """Sent back, in each of the ways that there are."""
    if how == "event":
        assert api.post(f"/events/{event_id}/replay", json=WHY).status_code == 200
        return
    if how == "case":
        [case] = rows("SELECT case_id FROM events WHERE id = %s", event_id)
        job = api.post(f"/cases/{case['case_id']}/replay", json=WHY).json()
    else:
        planned = how == "planned"
        job = api.post("/replays", json={**WHY, "filter": {"class": "wrong_account"}, "dry_run": planned}).json()
        if planned:
            assert api.post(f"/replays/{job['id']}/start", json=WHY).status_code == 200
    assert job["plan"]["events"] == 1


@pytest.mark.parametrize("how", ["event", "case", "filter", "planned"])
def test_after_the_accounts_are_put_right_a_replay_lets_the_event_through(
    api: httpx.Client, turned_aside: UUID, expected: Any, work: Any, rows: Rows, how: str
) -> None:
    """It is booked, its case resolves by itself, and the audit says who let it in."""
    expected("acct_1,acct_2")
    replayed(api, rows, how, turned_aside)
    with database.transaction() as sweeping:
        replay.advance(sweeping)
    work()
    event = api.get(f"/events/{turned_aside}").json()
    assert (event["status"], event["fault"], len(event["writes"])) == ("done", None, 1)
    assert [case["status"] for case in event["cases"]] == ["resolved"]
    assert "event.readmitted" in [entry["action"] for entry in event["audit"]]


@pytest.mark.parametrize(("accounts", "mode"), [("acct_1", "any"), ("acct_2", "test")])
def test_what_still_does_not_belong_comes_back_into_its_case(
    api: httpx.Client, turned_aside: UUID, expected: Any, work: Any, accounts: str, mode: str
) -> None:
    """Another account, or the right one in the wrong mode: nothing is written."""
    expected(accounts, mode)
    assert api.post(f"/events/{turned_aside}/replay", json=WHY).status_code == 200
    work()
    event = api.get(f"/events/{turned_aside}").json()
    assert (event["status"], event["writes"], event["cases"][0]["status"]) == ("exception", [], "open")


def test_an_event_of_a_source_that_is_gone_is_let_in_by_nobody(
    api: httpx.Client, turned_aside: UUID, work: Any
) -> None:
    """Where nothing is configured nothing can be judged: the fault stays."""
    assert api.post(f"/events/{turned_aside}/replay", json=WHY).status_code == 200
    work()
    assert api.get(f"/events/{turned_aside}").json()["fault"]["class"] == "wrong_account"


def test_sources_that_are_not_usable_refuse_the_replay_with_why(
    api: httpx.Client, turned_aside: UUID, expected: Any
) -> None:
    """409, and the event rests as it did."""
    expected("acct_2", mode="sometimes")
    answer = api.post(f"/events/{turned_aside}/replay", json=WHY)
    assert (answer.status_code, "STRIPE_MODE" in answer.json()["detail"]) == (409, True)
    assert api.get(f"/events/{turned_aside}").json()["status"] == "exception"


def test_a_dry_run_shows_how_it_would_be_judged_and_lets_nothing_in(
    api: httpx.Client, turned_aside: UUID, expected: Any, rows: Rows
) -> None:
    """P10: what would happen today, and not one row is different."""
    before = api.post(f"/events/{turned_aside}/replay", json={"dry_run": True}).json()
    assert before["would"]["failure_class"] == "wrong_account"
    audited = rows("SELECT count(*) AS n FROM audit_entries")
    expected("acct_2")
    shown = api.post(f"/events/{turned_aside}/replay", json={"dry_run": True}).json()
    assert [one["change"] for one in shown["difference"]] == ["would_write"]
    assert rows("SELECT fault ->> 'class' AS class FROM events WHERE id = %s", turned_aside) == [
        {"class": "wrong_account"}
    ]
    assert rows("SELECT count(*) AS n FROM audit_entries") == audited


def test_the_newer_of_two_contents_is_accepted_and_booked(
    api: httpx.Client, an_event: Callable[..., UUID], conn: database.Connection, work: Any
) -> None:
    """Given a first content that breaks its contract and a newer one that holds, when it is accepted, it is booked."""
    first = an_event(
        lambda payload: payload["data"]["object"].update(subtotal=payload["data"]["object"]["subtotal"] + 1)
    )
    stored = conn.execute("SELECT body FROM payloads WHERE event_id = %s", (first,)).fetchone()
    assert stored is not None
    good = json.loads(stored["body"])
    good["data"]["object"]["subtotal"] -= 1
    fault = {"class": "identity_conflict", "rule": "content", "original": str(first)}
    newer = an_event(lambda payload: (payload.clear(), payload.update(good)), fault=Jsonb(fault))
    work()
    [case] = [one for one in api.get("/cases").json()["items"] if one["class"] == "identity_conflict"]
    answer = api.post(f"/cases/{case['id']}/accept", json=WHY)
    assert (answer.status_code, answer.json()["status"]) == (200, "resolved")
    work()
    booked, settled = (api.get(f"/events/{one}").json() for one in (first, newer))
    assert (booked["status"], len(booked["writes"]), booked["payload_version"]) == ("done", 1, 1)
    assert (settled["status"], settled["writes"]) == ("ignored", [])
    assert api.get("/cases", params={"status": "open"}).json()["items"] == []
