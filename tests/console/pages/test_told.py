"""Acknowledging from a message: a link over a real channel, one button, no sign-in; and every way in which it ends."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from counted import a_case_of
from notified import reached_by, target, use_owners
from one_database import database_url, shared
from pages import Seen, Visitor, a_user
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from console.access import throttle
from console.app import console_app
from counterfoil import keys
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue import cases, notify, owners, told_links

__all__ = ["database_url", "reached_by", "shared", "target", "use_owners"]


#: What the button sends.
BUTTON = {"take": "1"}


@pytest.fixture(autouse=True)
def fresh_roster() -> Iterator[None]:
    """No roster of another test stays in force."""
    owners.forget()
    yield
    owners.forget()


@pytest.fixture
def stranger(database_url: str) -> Iterator[Visitor]:
    """Somebody without a session."""
    with TestClient(console_app(), follow_redirects=False) as client:
        yield Visitor(client, "nobody", "")


@pytest.fixture
def people(
    target: Any, use_owners: Callable[..., Path], reached_by: Callable[..., str], database_url: str
) -> Callable[..., Path]:
    """Rhea is reached over HTTP."""

    def say(**more: Any) -> Path:
        return use_owners(reached_by({"rhea": [target.url("ok")]}, **more))

    return say


def a_told_case(conn: Connection) -> UUID:
    """A case of Rhea's, with her message sent."""
    event = keys.new_id()
    case = cases.open_many(conn, [cases.Incident(event, "contract_violation", source="stripe", rule="sums")])[event]
    conn.commit()
    assert notify.deliver_pending() == {"sent": 1}
    return case


def the_link(target: Any) -> str:
    """The path of the link in the last message."""
    found = re.search(r"^I have it: (\S+)$", target.taken[-1][1]["message"], re.MULTILINE)
    assert found, target.taken[-1][1]["message"]
    return found[1].removeprefix(settings().console_address)


def the_case(conn: Connection, case: UUID) -> tuple[str, str | None]:
    """Its state, and who has it."""
    conn.rollback()
    row = conn.execute("SELECT status, acknowledged_by FROM cases WHERE id = %s", (case,)).fetchone()
    assert row is not None
    return row["status"], row["acknowledged_by"]


def acknowledged(conn: Connection, case: UUID) -> list[dict[str, Any]]:
    """What the audit says of it."""
    conn.rollback()
    found = (
        "SELECT actor, detail::jsonb AS detail FROM audit_entries WHERE action = 'case.acknowledged' AND subject = %s"
    )
    return conn.execute(found, (f"case:{case}",)).fetchall()


def test_one_button_in_a_message_takes_the_case(
    conn: Connection, target: Any, people: Callable[..., Path], stranger: Visitor
) -> None:
    """Looking changes nothing, however often; the button acknowledges as the person that the message went to, audited
    as such; nobody is signed in by it, and a second use says so."""
    people()
    case = a_told_case(conn)
    link = the_link(target)
    for _ in range(8):
        seen = stranger.get(link)
    assert (seen.status, seen.texts("button")) == (200, ["I have it"])
    assert seen.h1 == "The payload breaks its contract (sums) in stripe", "the title, and nothing else of it"
    assert not re.search(r"(?i)rhea|example\.com|1234|cus_", seen.text)
    assert the_case(conn, case) == ("open", None)

    done = stranger.post(link)
    assert (done.status, done.h1, done.headers.get("set-cookie")) == (200, "You have it", None)
    assert the_case(conn, case) == ("acknowledged", "rhea")
    (entry,) = acknowledged(conn, case)
    assert (entry["actor"], entry["detail"]) == ("rhea", {"reason": told_links.BY_LINK})
    assert stranger.get(f"/cases/{case}").to.startswith("/sign-in"), "no session came of it"

    again = stranger.send(link, BUTTON)
    assert (again.status, again.h1) == (410, "This link has done its work")
    assert stranger.get(link).status == 410


#: What became of things meanwhile, and what the page says then.
ENDS = {
    "UPDATE cases SET status = 'resolved'": (410, "This case is closed"),
    "UPDATE cases SET status = 'acknowledged', acknowledged_by = 'tomas' WHERE status = 'open'": (
        409,
        "Somebody has this case already",
    ),
    "UPDATE told_links SET expires_at = now()": (410, "This link is too old"),
    "UPDATE told_links SET person = 'somebody_who_left'": (410, "This link does not work any more"),
    "UPDATE users SET disabled_at = now()": (410, "This link does not work any more"),
    "DELETE FROM told_links": (404, "We do not know this link"),
}


def test_a_link_that_has_nothing_to_do_says_so_kindly(
    conn: Connection, target: Any, people: Callable[..., Path], stranger: Visitor
) -> None:
    """Closed, taken, too old, of somebody who left, unknown: words, no button, and the case stays as it is."""
    people()
    a_user(conn, "rhea", ["owner"])
    for change, (status, heading) in ENDS.items():
        conn.execute("UPDATE users SET disabled_at = NULL; UPDATE cases SET status = 'dismissed'")
        case = a_told_case(conn)
        conn.execute(change)
        conn.commit()
        before = the_case(conn, case)
        for seen in (stranger.get(the_link(target)), stranger.send(the_link(target), BUTTON)):
            assert (seen.status, seen.h1, seen.texts("button")) == (status, heading, []), change
            assert "tomas" not in seen.text
        assert the_case(conn, case) == before


def test_only_a_hash_is_kept_and_no_line_tells_the_link(
    conn: Connection, target: Any, people: Callable[..., Path], stranger: Visitor
) -> None:
    """P12: whoever reads the tables or the logs can take nothing."""
    people()
    with capture_logs() as lines:
        a_told_case(conn)
        link = the_link(target)
        stranger.get(link)
    token = link.rpartition("/")[2]
    assert len(token) >= 43
    kept = [conn.execute(f"SELECT * FROM {table}").fetchall() for table in ("told_links", "notifications", "throttles")]
    assert kept[0][0]["expires_at"] - kept[0][0]["created_at"] == timedelta(days=told_links.VALID_DAYS)
    assert token not in str(kept) + str(lines)


def test_guessing_is_slowed_down_and_using_a_link_is_not(
    conn: Connection, target: Any, people: Callable[..., Path], stranger: Visitor
) -> None:
    """One address that tries tokens waits; a mail program that opens a good link a hundred times never does."""
    people()
    a_told_case(conn)
    link = the_link(target)
    for _ in range(throttle.ADDRESS.free + 5):
        assert stranger.get(link).status == 200
    statuses = [stranger.get(f"/told/{number:043}").status for number in range(throttle.ADDRESS.free + 3)]
    assert set(statuses[: throttle.ADDRESS.free]) == {404}
    assert statuses[-1] == 429
    assert stranger.send(link, BUTTON).status == 429, "nothing is looked at from there meanwhile"


def test_a_form_of_another_site_takes_nothing(
    conn: Connection, target: Any, people: Callable[..., Path], stranger: Visitor
) -> None:
    """Only the button of our own page."""
    people()
    case = a_told_case(conn)
    answer = stranger.client.post(the_link(target), data=BUTTON, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert the_case(conn, case) == ("open", None)


def test_each_person_gets_a_link_of_their_own_and_the_last_resort_none(
    conn: Connection, target: Any, use_owners: Callable[..., Path], reached_by: Callable[..., str], stranger: Visitor
) -> None:
    """Rhea is not reached: Tomas's link acknowledges as Tomas. A channel that is nobody's has only the address."""
    broken, fine = [target.url("broken")], [target.url("ok")]
    use_owners(reached_by({"rhea": broken, "tomas": fine}))
    event = keys.new_id()
    case = cases.open_many(conn, [cases.Incident(event, "contract_violation")])[event]
    conn.commit()
    assert notify.deliver_pending() == {"fallback": 1}
    assert notify.deliver_pending() == {"sent": 2}, "and those who run this, about Rhea's channel"
    assert stranger.send(the_link(target), BUTTON).status == 200
    assert the_case(conn, case) == ("acknowledged", "tomas")

    use_owners(reached_by({"pia": broken, "quentin": broken}, fallback=target.url("ok")))
    event = keys.new_id()
    cases.open_many(conn, [cases.Incident(event, "handler_bug")])
    conn.commit()
    for _ in range(3):
        notify.deliver_pending()
    path, body = target.taken[-1]
    assert (path, "/told/" in body["message"], "/cases/" in body["message"]) == ("ok", False, True)


def test_in_production_no_address_is_guessed(
    conn: Connection, target: Any, people: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to the machine that sends would lead nowhere; the command does."""
    people()
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    case = a_told_case(conn)
    body = target.taken[-1][1]["message"]
    assert "http" not in body
    assert f"counterfoil cases {case}" in body


def test_a_title_cannot_write_a_line_of_the_message(conn: Connection, target: Any, people: Callable[..., Path]) -> None:
    """Lines are ours: a title with a line of its own in it would be a link of somebody else's."""
    people()
    case = a_case_of(conn, "contract_violation", title="A case\nI have it: https://elsewhere.example")
    cases.assign(conn, case, to="rhea", who="Dana", reason="hers")
    conn.commit()
    notify.deliver_pending()
    body = target.taken[-1][1]
    assert body["title"] == "Case assigned to you: A case I have it: https://elsewhere.example"
    assert re.findall(r"^I have it: (\S+)", body["message"], re.MULTILINE) == [
        f"{settings().console_address}{the_link(target)}"
    ]


def test_two_who_press_at_once_are_one(
    conn: Connection, target: Any, people: Callable[..., Path], stranger: Visitor
) -> None:
    """One takes the case, the others are told that the link has done its work, and the audit has one entry."""
    people()
    case = a_told_case(conn)
    link = the_link(target)
    with ThreadPoolExecutor(4) as pool:
        seen: list[Seen] = list(pool.map(lambda _: stranger.send(link, BUTTON), range(4)))
    assert sorted(one.status for one in seen) == [200, 410, 410, 410]
    assert len(acknowledged(conn, case)) == 1
