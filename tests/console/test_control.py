"""Control by API and command: pauses, rollouts, reviews, destinations; each with a name, a reason and its refusals."""

import json
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from console import cli, doctor
from counterfoil.database import Connection
from counterfoil.ledger import reach
from engine import controls

Rows = Callable[..., list[dict[str, Any]]]
WHY = {"reason": "because"}
HANDLER = "invoice_paid"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controls are looked at anew, and Stripe is a source."""
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_for_tests")
    controls.forget()


def test_a_pause_is_made_shown_and_lifted(
    api: httpx.Client, an_event: Callable[..., Any], work: Callable[[], None], rows: Rows
) -> None:
    """Given a paused handler, an event waits and is listed with it; lifted, it is booked."""
    made = api.post(
        "/pauses", json={**WHY, "scope": "handler", "name": HANDLER}, headers={"X-Counterfoil-Actor": "ines"}
    )
    assert (made.status_code, made.json()["paused_by"], made.json()["events_parked"]) == (200, "ines", 0)
    an_event()
    work()
    (listed,) = api.get("/pauses").json()["items"]
    assert (listed["scope"], listed["name"], listed["reason"], listed["events_parked"]) == (
        "handler", HANDLER, "because", 1,
    )  # fmt: skip
    assert api.get(f"/handlers/{HANDLER}/rollout").json()["mode"] == "paused"
    assert api.get("/stats").json()["pauses"] == 1
    lifted = api.post("/pauses/lift", json={**WHY, "scope": "handler", "name": HANDLER})
    assert lifted.json() == {"scope": "handler", "name": HANDLER, "events_due": 1}
    controls.forget()
    work()
    assert [row["status"] for row in rows("SELECT status FROM writes")] == ["confirmed"]
    assert [one["mode"] for one in api.get(f"/handlers/{HANDLER}/rollout").json()["history"]] == ["full", "paused"]


@pytest.mark.parametrize(
    ("scope", "name"),
    [("handler", "nobody"), ("destination", "sap"), ("action", "stripe.delete_all"), ("source", "paypal")],
)
def test_a_name_that_is_not_there_is_told_with_those_that_are(api: httpx.Client, scope: str, name: str) -> None:
    """422, so that a pause with a typing error does not look like one that holds."""
    answer = api.post("/pauses", json={**WHY, "scope": scope, "name": name})
    assert answer.status_code == 422
    known = {"handler": HANDLER, "destination": "hubspot", "action": "books.post_entry", "source": "stripe"}[scope]
    assert known in answer.json()["detail"]


def test_twice_paused_and_never_paused_are_refused(api: httpx.Client) -> None:
    """409 and 404; with an Idempotency-Key a second time is the first."""
    body = {**WHY, "scope": "destination", "name": "stripe"}
    key = {"Idempotency-Key": str(uuid4())}
    assert api.post("/pauses/lift", json=body).status_code == 404
    first = api.post("/pauses", json=body, headers=key)
    assert api.post("/pauses", json=body, headers=key).json() == first.json()
    assert api.post("/pauses", json=body).status_code == 409


def test_a_rollout_is_shown_changed_and_refused(api: httpx.Client) -> None:
    """Shadow at once; partial not without evidence, which is said in numbers; by force; an unknown handler is a 404."""
    url = f"/handlers/{HANDLER}/rollout"
    assert api.get(url).json() | {"history": []} == {
        "handler": HANDLER, "mode": "full", "share": None, "segment": None, "reason": None, "changed_by": None,
        "changed_at": None, "paused": None, "decisions": None, "next_step": None, "history": [],
    }  # fmt: skip
    shadow = api.put(url, json={**WHY, "mode": "shadow"}).json()
    assert (shadow["mode"], shadow["next_step"]["mode"], shadow["next_step"]["allowed"]) == ("shadow", "partial", False)
    assert "0 of 30 decisions" in shadow["next_step"]["because"]
    refused = api.put(url, json={**WHY, "mode": "partial", "share": 0.1})
    assert (refused.status_code, "0 of 30 decisions" in refused.json()["detail"]) == (409, True)
    forced = api.put(url, json={**WHY, "mode": "partial", "segment": {"data.object.currency": "eur"}, "force": True})
    assert forced.json()["segment"] == {"data.object.currency": "eur"}
    assert forced.json()["history"][0]["evidence"]["forced"] is True
    assert api.put(url, json={**WHY, "mode": "partial"}).status_code == 422
    assert api.put(url, json={**WHY, "mode": "paused", "share": 0.5}).status_code == 422
    assert api.put(url, json={**WHY, "mode": "paused"}).json()["mode"] == "paused"
    for method, path in (("GET", "rollout"), ("PUT", "rollout"), ("GET", "shadow")):
        body = {"json": {**WHY, "mode": "full"}} if method == "PUT" else {}
        answer = api.request(method, f"/handlers/nobody/{path}", **body)
        assert (answer.status_code, HANDLER in answer.json()["detail"]) == (404, True)


def test_what_shadow_holds_is_reported_and_reviewed(
    api: httpx.Client, an_event: Callable[..., Any], work: Callable[[], None], rows: Rows
) -> None:
    """Counts, money and examples as people are shown them; a review is evidence and moves nothing."""
    api.put(f"/handlers/{HANDLER}/rollout", json={**WHY, "mode": "shadow"})
    for _ in range(3):
        an_event()
    work()
    found = api.get(f"/handlers/{HANDLER}/shadow").json()
    (total,) = found["totals"]
    expected = rows("SELECT sum(amount_minor)::bigint AS minor, min(currency) AS currency FROM writes")[0]
    assert (found["writes"], found["events"], total["writes"], total["operation"]) == (3, 3, 3, "post_entry")
    assert total["sums"] == [{"amount_minor": expected["minor"], "currency": expected["currency"]}]
    example = found["examples"][0]
    assert any(line.startswith("debit Assets:") for line in example["lines"])
    url = f"/writes/{example['write_id']}/review"
    assert api.post(url, json={**WHY, "agrees": True, "digest": "0" * 64}).status_code == 409
    judged = api.post(url, json={**WHY, "agrees": True, "digest": example["digest"]})
    assert (judged.json()["agreed"], judged.json()["status"]) == (1, "shadow")
    assert api.post(url, json={**WHY, "agrees": False, "digest": example["digest"]}).status_code == 409
    assert api.get(f"/handlers/{HANDLER}/rollout").json()["decisions"]["agreed"] == 1
    assert api.get(f"/handlers/{HANDLER}/shadow").json()["examples"][-1]["agreed"] == 1, "those without a review first"
    assert api.post(f"/writes/{uuid4()}/review", json={**WHY, "agrees": True, "digest": "0" * 64}).status_code == 404


def test_destinations_say_whether_they_answer_and_what_waits(api: httpx.Client, conn: Connection) -> None:
    """By API, in the numbers and in the self-check; one that is away makes the doctor say so."""
    listed = {one["name"]: one for one in api.get("/destinations").json()["items"]}
    assert {"books", "hubspot", "stripe"} <= listed.keys()
    assert (listed["stripe"]["breaker"], listed["stripe"]["waiting"], listed["stripe"]["oldest_seconds"]) == (
        "closed", 0, None,
    )  # fmt: skip
    assert (listed["books"]["tokens"], listed["stripe"]["tokens"]) == (None, listed["stripe"]["rate_per_second"])
    with conn.transaction():
        reach.fill(conn, "stripe", 20.0)
        reach.count(conn, "stripe", answers=0, failures=["HTTP 503"] * reach.FAILURES_MAX)
    (stripe,) = [one for one in api.get("/destinations").json()["items"] if one["name"] == "stripe"]
    assert (stripe["breaker"], stripe["detail"], stripe["failures"]) == ("open", "HTTP 503", reach.FAILURES_MAX)
    assert stripe["since"] < stripe["look_at"]
    assert api.get("/stats").json()["destinations_away"] == ["stripe"]
    checked = {one.name: one for one in doctor.examine()}["destinations"]
    assert (checked.verdict, checked.items) == ("wrong", ["stripe does not answer: 0 writes wait; HTTP 503"])


def test_the_commands_do_the_same(
    database_url: str, an_event: Callable[..., Any], work: Callable[[], None],
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rows: Rows,
) -> None:  # fmt: skip
    """Pause, resume, rollout, review, destinations: with `--json` the API's own answers, exit 1 when refused."""

    def run(*words: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["counterfoil", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == code, out + err
        return out + err

    run("rollout", HANDLER, "shadow", "-r", "first days", "--as", "ines")
    an_event()
    work()
    report = json.loads(run("rollout", HANDLER, "--report", "--json"))
    assert report["writes"] == 1
    assert "debit" in run("rollout", HANDLER, "--report")
    id = report["examples"][0]["write_id"]
    assert "1 agree, 0 disagree" in run("review", id, "--agree", "-r", "right", "--as", "paul")
    assert "1 of 30 decisions" in run("rollout", HANDLER, "partial", "--share", "0.1", "-r", "x", code=1)
    words = ("--segment", "data.object.currency=eur", "--segment", "data.object.currency=usd", "--force", "-r", "x")
    run("rollout", HANDLER, "partial", *words)
    assert rows("SELECT segment FROM rollouts")[0]["segment"] == {"data.object.currency": ["eur", "usd"]}
    assert "paused by ines" in run("pause", "destination", "stripe", "-r", "month end", "--as", "ines")
    assert json.loads(run("pauses", "--json"))["items"][0]["name"] == "stripe"
    assert "paused by ines" in run("destinations")
    assert "0 events are due again" in run("resume", "destination", "stripe", "-r", "done")
    assert "Nothing is paused." in run("pauses")
    assert "known: " in run("pause", "handler", "nobody", "-r", "x", code=1)
    for wrong in (
        ("pause", "planet", "earth", "-r", "x"),
        ("rollout", HANDLER, "--share", "0.5"),
        ("rollout", HANDLER, "full"),
        ("rollout", HANDLER, "partial", "--segment", "eur", "-r", "x"),
        ("review", id, "-r", "x"),
    ):
        run(*wrong, code=2)
