"""Rollout: who is written and who only recorded, what it takes to be let out further, and how it is taken back."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from taking_back import Office, an_office

from counterfoil.database import Connection
from engine import controls, demoting, evidence, rollout, withdrawing
from engine.controls import Controls, Rollout
from exceptions_queue import replay, reviews
from exceptions_queue.refusals import ReasonMissing, ShownChanged, VotedAlready

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]

HANDLER = "posts_an_entry"


@pytest.fixture
def office(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    controls.forget()
    with an_office(conn, monkeypatch) as made:
        yield made
    controls.forget()


def let_out(conn: Connection, mode: Any, share: float | None = None, handler: str = HANDLER, **more: Any) -> None:
    segment, force = more.pop("segment", None), more.pop("force", False)
    with conn.transaction():
        wanted = Rollout(mode, share, segment)
        rollout.change(conn, handler, wanted, who="ines", reason="step by step", force=force)


def planned(
    conn: Connection, count: int, *, handler: str = HANDLER, status: str = "shadow", reverses: UUID | None = None
) -> list[UUID]:
    """Writes of a handler, as its runs would have left them."""
    rows = conn.execute(
        "INSERT INTO writes (id, key, destination, operation, status, digest, event_id, handler, action, reverses)"
        " SELECT gen_random_uuid(), 'k:' || gen_random_uuid(), 'books', 'post_entry', %s, md5(n::text), "
        " gen_random_uuid(), %s, '{}', %s FROM generate_series(1, %s) AS n RETURNING id, digest",
        ("planned" if status == "refused" else status, handler, reverses, count),
    ).fetchall()
    for step in ("sending", "refused") if status == "refused" else ():
        conn.execute("UPDATE writes SET status = %s WHERE id = ANY(%s)", (step, [row["id"] for row in rows]))
    conn.commit()
    return [row["id"] for row in rows]


def reviewed(conn: Connection, ids: list[UUID], *, agrees: bool = True, who: str = "paul") -> None:
    for id in ids:
        with conn.transaction():
            row = conn.execute("SELECT digest FROM writes WHERE id = %s", (id,)).fetchone()
            assert row is not None
            reviews.review(conn, id, digest=row["digest"], agrees=agrees, who=who, reason="looked at it")


def test_a_share_is_stable_and_grows_by_addition() -> None:
    """The same subjects every time; a wider share holds all of the narrower one; about as many as it says."""
    subjects = [f"stripe:cus_{number}" for number in range(4000)]

    def out(share: float) -> set[str]:
        held = Controls({"h": Rollout("partial", share)}, frozenset())
        return {subject for subject in subjects if held.lets_out("h", subject, "{}")}

    assert out(0.1) <= out(0.3) <= out(0.9)
    assert out(0.1) == out(0.1)
    assert 0.08 < len(out(0.1)) / len(subjects) < 0.12
    others = {s for s in subjects if Controls({"g": Rollout("partial", 0.1)}, frozenset()).lets_out("g", s, "{}")}
    assert others != out(0.1), "every handler has a tenth of its own"


@pytest.mark.parametrize(
    ("segment", "is_in"),
    [
        ({"portalId": 1}, True),
        ({"portalId": 2}, False),
        ({"portalId": [2, 1]}, True),
        ({"data.plan": "pro"}, True),
        ({"data.plan": "pro", "portalId": 2}, False),
        ({"data.plan.name": "pro"}, False),
        ({"absent": "x"}, False),
    ],
)
def test_a_segment_is_told_by_members_of_the_event(segment: dict[str, Any], is_in: bool) -> None:
    """All of them must hold; one that is not there holds nothing."""
    held = Controls({"h": Rollout("partial", segment=segment)}, frozenset())
    assert held.lets_out("h", "s", json.dumps({"portalId": 1, "data": {"plan": "pro"}})) is is_in


def test_in_shadow_everything_is_planned_and_nothing_written(office: Office, an_event: AnEvent, look: Look) -> None:
    """Our own database included; leaving shadow writes nothing by itself, a replay does."""
    let_out(office.conn, "shadow", handler="does_both")
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    event = an_event("deal.creation", 1)
    before = len(office.hubspot.asked())
    office.work()
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"shadow"}
    assert look("SELECT status, outcome FROM events") == [
        {"status": "ignored", "outcome": "in shadow: planned and recorded, not written"}
    ]
    assert (office.balances(), office.plan_of(1), len(office.hubspot.asked())) == ({}, "basic", before)
    let_out(office.conn, "full", handler="does_both", force=True)
    office.later()
    assert (office.balances(), office.plan_of(1)) == ({}, "basic")
    with office.conn.transaction():
        replay.replay_event(office.conn, event, from_step="start", who="ines", reason="now in earnest")
    office.work()
    assert office.plan_of(1) == "pro"
    assert office.balances()["Assets:Stripe:Clearing"] == 4200
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}


def test_what_was_planned_and_not_sent_is_withdrawn_into_shadow(office: Office, an_event: AnEvent, look: Look) -> None:
    """Also what people were asked about, and what is planned a moment later; what is on the wire is not."""
    for number in (1, 2):
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        an_event("company.creation", number)
    while office.worker.run_once():
        pass
    with office.conn.transaction():
        office.conn.execute(
            "UPDATE writes SET status = 'sending', attempts = 1, lease_until = now() + interval '1 h',"
            " first_sent_at = now(), last_sent_at = now() WHERE key = 'hubspot:company:2:plan'"
        )
    let_out(office.conn, "shadow", handler="sets_the_plan")
    states = {row["key"]: row["status"] for row in look("SELECT key, status FROM writes")}
    assert states == {"hubspot:company:1:plan": "shadow", "hubspot:company:2:plan": "sending"}
    assert {row["status"] for row in look("SELECT status FROM events")} == {"ignored", "waiting"}
    with office.conn.transaction():
        office.conn.execute("UPDATE writes SET status = 'planned', due_at = now() WHERE status = 'shadow'")
        assert withdrawing.run_once(office.conn) == {"withdrawn": 1}


def test_wider_needs_evidence_and_narrower_does_not(conn: Connection, look: Look) -> None:
    """Nothing at all, 29 of 30, and 30 of 30 agreements; by way of partial; by force, which is kept.

    Fails when the share is compared instead of what is certain, or when silence counts as agreement.
    """
    let_out(conn, "shadow")
    ids = planned(conn, 31)
    for said in ("0 of 30 decisions", "from shadow the way leads by partial"):
        with pytest.raises(rollout.EvidenceMissing, match=said):
            let_out(conn, "partial" if said[0] == "0" else "full", 0.1 if said[0] == "0" else None)
    reviewed(conn, ids[:29])
    reviewed(conn, ids[29:30], agrees=False)
    with pytest.raises(rollout.EvidenceMissing, match=r"29 of 30 plans, which makes 83\.3% certain; 85% are needed"):
        let_out(conn, "partial", 0.1)
    with conn.transaction():
        conn.execute("UPDATE reviews SET agrees = true")
    let_out(conn, "partial", 0.1)
    with pytest.raises(rollout.EvidenceMissing, match="0 of 30 decisions since this step"):
        let_out(conn, "partial", 0.2)
    let_out(conn, "partial", 0.05)
    let_out(conn, "full", force=True)
    changes = look("SELECT mode, share, evidence, changed_by FROM rollout_changes ORDER BY id")
    assert [(row["mode"], row["share"]) for row in changes] == [
        ("shadow", None), ("partial", 0.1), ("partial", 0.05), ("full", None),
    ]  # fmt: skip
    assert changes[1]["evidence"]["decisions"]["agreed"] == 30
    assert [row["evidence"].get("forced") for row in changes] == [None, None, None, True]
    entries = look("SELECT detail FROM audit_entries WHERE action = 'rollout.changed' ORDER BY seq")
    assert len(entries) == 4
    assert '"forced":true' in entries[3]["detail"].replace(" ", "")


def test_wilson_says_what_is_certain() -> None:
    """Against values from the formula's own tables; nothing counted is nothing certain."""
    assert evidence.lower_bound(0, 0) == 0
    assert evidence.lower_bound(30, 30) == pytest.approx(0.8865, abs=1e-4)
    assert evidence.lower_bound(29, 30) == pytest.approx(0.8333, abs=1e-4)
    assert evidence.lower_bound(9, 10) == pytest.approx(0.5958, abs=1e-4)
    assert evidence.lower_bound(0, 50) == 0


@pytest.mark.parametrize(
    ("mode", "share", "segment"),
    [
        ("full", 0.5, None),
        ("shadow", None, {"a": "b"}),
        ("partial", None, None),
        ("partial", 0.5, {"a": "b"}),
        ("partial", 1.0, None),
        ("partial", 0.0, None),
        ("partial", None, {}),
        ("partial", None, {"a": []}),
        ("partial", None, {"a": {"b": 1}}),
        ("partial", None, {"a": "nul\x00"}),
        ("partial", None, {" ": "b"}),
    ],
)
def test_a_setting_that_does_not_say_what_is_meant_is_refused(
    conn: Connection, mode: str, share: float | None, segment: dict[str, Any] | None
) -> None:
    """And nothing is changed by it."""
    with pytest.raises(rollout.RolloutUnclear):
        let_out(conn, mode, share, segment=segment, force=True)
    with pytest.raises(ReasonMissing), conn.transaction():
        rollout.change(conn, HANDLER, Rollout("shadow"), who="ines", reason="")
    assert conn.execute("SELECT 1 AS one FROM rollouts").fetchall() == []


def test_a_handler_that_people_disagree_with_is_let_out_less_far(conn: Connection, look: Look) -> None:
    """Full, a tenth, shadow: each step needs evidence of its own; its owner has one case for both.

    Fails without the lower bound (one slip of ten would do), or when old decisions count again after a step.
    """
    let_out(conn, "full", force=True)
    ids = planned(conn, 60, status="shadow")
    reviewed(conn, ids[:9])
    reviewed(conn, ids[9:11], agrees=False)
    assert demote(conn) == {"demoted": 0}
    reviewed(conn, ids[11:16], agrees=False)
    assert demote(conn) == {"demoted": 1}
    assert look("SELECT mode, share FROM rollouts") == [{"mode": "partial", "share": 0.1}]
    assert demote(conn) == {"demoted": 0}, "what was decided before the step has had its effect"
    reviewed(conn, ids[20:32], agrees=False)
    assert demote(conn) == {"demoted": 1}
    assert look("SELECT mode, share FROM rollouts") == [{"mode": "shadow", "share": None}]
    (case,) = look("SELECT failure_class, handler, status FROM cases")
    assert (case["failure_class"], case["handler"], case["status"]) == ("out_of_bounds", HANDLER, "open")
    changes = look("SELECT changed_by, reason FROM rollout_changes ORDER BY id")
    assert [row["changed_by"] for row in changes] == ["ines", "sweeper", "sweeper"]
    assert "people disagreed with 7 of its last 16 plans" in changes[1]["reason"]


def test_a_handler_whose_writes_fail_is_let_out_less_far(conn: Connection, look: Look) -> None:
    """Refused ones count as well as people's words; one that was never set is out fully, and can be held too."""
    planned(conn, 6, status="refused")
    planned(conn, 30, status="confirmed")
    assert demote(conn) == {"demoted": 0}, "six of thirty-six may be chance"
    planned(conn, 6, status="refused")
    assert demote(conn) == {"demoted": 1}
    assert look("SELECT handler, mode, share FROM rollouts") == [{"handler": HANDLER, "mode": "partial", "share": 0.1}]


def demote(conn: Connection) -> dict[str, int]:
    demoting._looked_at = float("-inf")
    with conn.transaction():
        return demoting.run_once(conn)


def test_a_review_is_bound_to_what_was_judged(conn: Connection, look: Look) -> None:
    """Another digest is another write; one word for each person; a handler's writes only; audited."""
    (id,) = planned(conn, 1)
    with pytest.raises(ShownChanged), conn.transaction():
        reviews.review(conn, id, digest="0" * 64, agrees=True, who="paul", reason="fine")
    reviewed(conn, [id])
    with pytest.raises(VotedAlready):
        reviewed(conn, [id], agrees=False)
    reviewed(conn, [id], agrees=False, who="rhea")
    assert [row["agrees"] for row in look("SELECT agrees FROM reviews ORDER BY person")] == [True, False]
    (other,) = planned(conn, 1, reverses=id)
    with pytest.raises(reviews.NotReviewed):
        reviewed(conn, [other])
    assert len(look("SELECT 1 AS one FROM audit_entries WHERE action = 'write.reviewed'")) == 2
