"""Rules through the API and the commands: looked at first, agreed to by two people, applied, replayed, taken back."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fixing import CATEGORY, PROD, PRODUCT, a_fix, an_invoice, event_state, work

from counterfoil import database
from exceptions_queue import fixes, replay

Connection = database.Connection
Rows = Callable[..., list[dict[str, Any]]]
RULE = {
    "source": "stripe",
    "types": ["invoice.paid"],
    "when": {PRODUCT: PROD, CATEGORY: "Consulting"},
    "set": {CATEGORY: "services"},
}


@pytest.fixture(autouse=True)
def stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a source of this name, whether or not anything came from it."""
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_test")


def by(name: str) -> dict[str, str]:
    """A request of somebody's."""
    return {"X-Counterfoil-Actor": name}


def test_a_rule_is_looked_at_proposed_agreed_to_and_replayed(api: httpx.Client, conn: Connection, rows: Rows) -> None:
    """The whole way: clears 2 of 3, kept with the proposal; a second person; the cleared ones run again, others not."""
    cleared = [an_invoice(conn) for _ in range(2)]
    still = an_invoice(conn, off=1)
    work()
    seen = api.post("/fixes", json={**RULE, "dry_run": True}).json()
    assert (
        seen["summary"] == "Clears 2 of 3 blocked events in 2 cases; would change 0 past writes of 0 events in 90 days."
    )
    assert {one["event_id"] for one in seen["blocked"] if one["fate"] == "clears"} == {str(one) for one in cleared}
    assert rows("SELECT 1 AS one FROM fixes") == []

    made = api.post("/fixes", json={**RULE, "reason": "they write it so"}, headers=by("rhea")).json()
    assert (made["status"], made["author"], made["digest"]) == ("proposed", "rhea", seen["digest"])
    assert made["preview"] == seen["numbers"]
    assert made["words"] == (
        f"In invoice.paid of stripe where {PRODUCT} is “{PROD}”: "
        f"{CATEGORY} becomes “services” where it is “Consulting”."
    )

    url, yes = f"/fixes/{made['id']}", {"digest": made["digest"], "reason": "agreed", "replay": True}
    agreed = api.post(f"{url}/approve", json=yes, headers=by("fiona"))
    assert agreed.status_code == 200, agreed.text
    assert (agreed.json()["status"], agreed.json()["approver"]) == ("active", "fiona")
    job = agreed.json()["replay_id"]
    with database.transaction() as other:
        replay.advance(other)
    work()
    assert [event_state(conn, one) for one in (*cleared, still)] == ["done", "done", "exception"]
    assert len(rows("SELECT 1 AS one FROM replay_items WHERE replay_id = %s", job)) == 2
    told = rows("SELECT actor, action FROM audit_entries WHERE subject = %s ORDER BY seq", f"fix:{made['id']}")
    assert [tuple(one.values()) for one in told] == [("rhea", "fix.proposed"), ("fiona", "fix.approved")]

    gone = api.post(f"{url}/withdraw", json={"reason": "they learned it"}, headers=by("fiona")).json()
    assert (gone["status"], gone["withdrawn_by"]) == ("withdrawn", "fiona")
    later = an_invoice(conn)
    work()
    assert event_state(conn, later) == "exception"


def test_nobody_agrees_to_a_rule_of_their_own(api: httpx.Client, conn: Connection, rows: Rows) -> None:
    """However the name is typed."""
    fix_id = a_fix(conn, active=False)
    digest = api.get(f"/fixes/{fix_id}").json()["digest"]
    answer = api.post(f"/fixes/{fix_id}/approve", json={"digest": digest, "reason": "me too"}, headers=by("Rhea"))
    assert (answer.status_code, "another person" in answer.json()["detail"]) == (409, True)
    for name in ("rhea", "  RHEA ", "ｒｈｅａ"):
        with pytest.raises(fixes.AuthorMayNot):
            fixes.approve(conn, fix_id, digest=digest, who=name, reason="me too")
    assert rows("SELECT status FROM fixes") == [{"status": "proposed"}]


def test_a_yes_is_to_what_was_shown(api: httpx.Client, conn: Connection) -> None:
    """Another digest is another rule."""
    fix_id = a_fix(conn, active=False)
    answer = api.post(f"/fixes/{fix_id}/approve", json={"digest": "0" * 64, "reason": "yes"}, headers=by("fiona"))
    assert (answer.status_code, "not the rule that was shown" in answer.json()["detail"]) == (409, True)


def test_of_two_contradictory_rules_one_becomes_active(api: httpx.Client, conn: Connection, rows: Rows) -> None:
    """Both approved at one instant: they come one after the other, and the second is refused."""
    made = [
        a_fix(conn, {PRODUCT: PROD, CATEGORY: "Consulting"}, {CATEGORY: text}, active=False)
        for text in ("services", "usage", "other")
    ]
    statuses: list[int] = []

    def agree(fix_id: Any) -> None:
        digest = api.get(f"/fixes/{fix_id}").json()["digest"]
        body = {"digest": digest, "reason": "yes"}
        statuses.append(api.post(f"/fixes/{fix_id}/approve", json=body, headers=by("fiona")).status_code)

    threads = [threading.Thread(target=agree, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409]
    assert len(rows("SELECT 1 AS one FROM fixes WHERE status = 'active'")) == 1
    again = api.post("/fixes", json={**RULE, "set": {CATEGORY: "recurring"}, "reason": "or so"}, headers=by("rhea"))
    assert (again.status_code, "contradict" in again.json()["detail"]) == (409, True)


def test_the_database_itself_wants_two_people_and_one_content(conn: Connection) -> None:
    """Whatever code does: no rule is active without a second person, and none says something else afterwards."""
    fix_id = a_fix(conn, active=False)
    for change in (
        "status = 'active'",
        "status = 'active', approver = 'RHEA', approved_at = now()",
        "settings = '{}'",
        "author = 'fiona'",
        "status = 'withdrawn'",
    ):
        with pytest.raises(Exception, match=r"fixes_|somebody else|stands"), conn.transaction():
            conn.execute(f"UPDATE fixes SET {change} WHERE id = %s", (fix_id,))
    with pytest.raises(Exception, match=r"never changed|cannot|append|stay"), conn.transaction():
        conn.execute("DELETE FROM fixes")


def test_what_a_rule_may_not_say_is_refused_field_by_field(api: httpx.Client) -> None:
    """Money, a type without a contract, a source that is not there: 422 with words."""
    for change, says in (
        ({"set": {"data.object.total": "1"}, "when": {"data.object.total": 1}}, "a rule never raises"),
        ({"types": ["invoice.sent"]}, "no contract"),
        ({"source": "nowhere"}, "no such source"),
    ):
        answer = api.post("/fixes", json={**RULE, **change, "reason": "try"})
        assert (answer.status_code, says in answer.text) == (422, True), answer.text
    assert api.post("/fixes", json=RULE).status_code == 400, "neither a reason nor a dry run"


def test_the_same_rule_twice_is_one(api: httpx.Client, conn: Connection) -> None:
    """409 while it stands; after it was withdrawn it may be proposed again."""
    fix_id = a_fix(conn)
    body = {**RULE, "reason": "again"}
    assert api.post("/fixes", json=body).status_code == 409
    assert api.post(f"/fixes/{fix_id}/withdraw", json={"reason": "no"}).status_code == 200
    assert api.post(f"/fixes/{fix_id}/withdraw", json={"reason": "no"}).status_code == 409
    assert api.post("/fixes", json=body).status_code == 200
    assert [one["status"] for one in api.get("/fixes", params={"source": "stripe"}).json()["items"]] == [
        "proposed",
        "withdrawn",
    ]


def test_the_commands_do_the_same(run: Callable[..., Any], conn: Connection) -> None:
    """Look ahead, propose, approve, withdraw; each prints what it came to."""
    an_invoice(conn)
    work()
    rule = ["--source", "stripe", "--type", "invoice.paid", "--when", f"{PRODUCT}={PROD}"]
    rule += ["--when", f"{CATEGORY}=Consulting", "--set", f"{CATEGORY}=services"]
    assert "Clears 1 of 1 blocked events in 1 case" in run("fix", "propose", *rule, "--dry-run").out
    made = run("fix", "propose", *rule, "--reason", "always", "--as", "rhea", "--json").json
    own = run("fix", "approve", made["id"], "--reason", "me", "--as", "rhea")
    assert (own.code, "another person" in own.err) == (1, True)
    agreed = run("fix", "approve", made["id"], "--reason", "yes", "--replay", "--as", "fiona")
    assert "counterfoil replay show" in agreed.out
    assert made["id"] in run("fix", "list").out
    assert run("fix", "withdraw", made["id"], "--reason", "no", "--as", "rhea", "--json").json["status"] == "withdrawn"
    assert "Withdrawn by rhea" in run("fix", "show", made["id"]).out
    assert run("fix", "propose", *rule[:-1], "no path", "--dry-run").code == 2


def test_the_stub_shows_the_rules(api: httpx.Client, conn: Connection, rows: Rows) -> None:
    """The proof of a write names the rule, what it filled in, and the payload as it was received."""
    fix_id = a_fix(conn)
    event_id = an_invoice(conn)
    work()
    write = rows("SELECT id FROM writes WHERE event_id = %s", event_id)[0]["id"]
    proof = api.get(f"/writes/{write}/stub").json()
    (rests_on,) = proof["decision"]["evidence"]["fixes"]
    assert rests_on["fix"] == str(fix_id)
    assert [step["output"] for step in proof["decision"]["steps"] if step["step"] == "fix"] == [[str(fix_id)]]
    assert '"revenue_category": "Consulting"' in proof["event"]["payload"]
