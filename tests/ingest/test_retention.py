"""Identity outlives content: what was received once is known for ever, whatever became of its payload."""

from typing import Any

import pytest


@pytest.mark.parametrize("changes", [{}, {"pending_webhooks": 0}], ids=["same bytes", "other bytes"])
def test_a_duplicate_is_known_long_after_its_payload_is_gone(
    running: Any, a_stripe_event: Any, changes: dict[str, Any]
) -> None:
    """P2: retention deletes the payload of a settled event; the same event a year later is a duplicate of that row."""
    first = running.stripe(a_stripe_event()).json["events"][0]
    running.rows(
        "WITH old AS (UPDATE events SET status = 'done', due_at = NULL, received_at = now() - interval '1 year'"
        " RETURNING id), gone AS (DELETE FROM payloads RETURNING event_id) SELECT count(*) FROM old, gone"
    )
    assert running.stripe(a_stripe_event(**changes)).json == {
        "accepted": 0,
        "duplicates": 1,
        "events": [{**first, "duplicate": True}],
    }
    assert running.rows("SELECT status, due_at, deliveries FROM events") == [
        {"status": "done", "due_at": None, "deliveries": 2}
    ]
    assert running.rows("SELECT 1 FROM payloads") == []


def test_other_content_is_noticed_although_the_first_text_is_gone(running: Any, a_stripe_event: Any) -> None:
    """P2: the hash decides then; a case too many is better than a change unseen."""
    running.stripe(a_stripe_event())
    running.rows("DELETE FROM payloads RETURNING event_id")
    running.stripe(a_stripe_event(data={"object": {"id": "in_1", "object": "invoice", "amount_paid": 9}}))
    faults = [row["fault"] for row in running.rows("SELECT fault FROM events ORDER BY id")]
    assert faults[0] is None
    assert faults[1]["class"] == "identity_conflict"
