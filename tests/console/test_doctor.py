"""The doctor finds what breaks a promise: each test breaks one and expects to be told which."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from console import doctor
from console.access import users
from counterfoil import database, keys
from counterfoil.settings import settings
from exceptions_queue import owners

Connection = database.Connection


def found() -> dict[str, doctor.Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in doctor.examine()}


def wrong() -> dict[str, list[str]]:
    """What is wrong, by check."""
    return {name: finding.items or [finding.detail] for name, finding in found().items() if finding.verdict != "ok"}


def test_a_healthy_installation_has_nothing_wrong(story: Any) -> None:
    """Done, on a desk, and waiting for its time are all in order."""
    assert wrong() == {}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE events SET case_id = NULL WHERE id = %(failed)s", "exception, without a case"),
        ("UPDATE cases SET status = 'resolved'", "exception, in a case that is resolved"),
        ("UPDATE events SET due_at = NULL WHERE id = %(queued)s", "queued, without a case"),
        ("UPDATE events SET status = 'running', due_at = NULL WHERE id = %(queued)s", "running, without a case"),
        ("DELETE FROM payloads WHERE event_id = %(queued)s", "queued, due, without a payload"),
        ("UPDATE events SET payload_version = 7 WHERE id = %(queued)s", "queued, due, without a payload"),
        ("UPDATE events SET status = 'ignored', outcome = NULL WHERE id = %(done)s", "ignored, without a reason"),
        ("UPDATE cases SET due_at = NULL", "open, and nothing will remind anybody"),
        ("UPDATE cases SET status = 'snoozed'", "snoozed, and nothing will remind anybody"),
    ],
)
def test_a_lost_event_is_found(story: Any, conn: Connection, change: str, why: str) -> None:
    """P4: every way in which an event could be forgotten."""
    conn.execute(change, {"failed": story.failed, "queued": story.queued, "done": story.done})
    conn.commit()
    items = wrong()["nothing lost"]
    assert any(why in item for item in items), items


@pytest.mark.parametrize("status", ["planned", "approved", "sending", "in_doubt"])
def test_a_write_that_nothing_moves_is_found(story: Any, conn: Connection, status: str) -> None:
    """P4: not due, and in nobody's case; in a live case of its event it waits for a person."""
    conn.execute("SET session_replication_role = replica")
    conn.execute("UPDATE writes SET status = %s, confirmed_at = NULL, due_at = NULL", (status,))
    conn.commit()
    assert any(f"{status}, and nothing moves it" in item for item in wrong()["nothing lost"])
    conn.execute("UPDATE writes SET event_id = %s", (story.failed,))
    conn.commit()
    assert "nothing lost" not in wrong()


def test_a_write_that_nothing_takes_back_is_found(story: Any, conn: Connection) -> None:
    """P4: being reversed, while its inverse rests."""
    conn.execute("SET session_replication_role = replica")
    conn.execute("UPDATE writes SET status = 'reversing'")
    conn.commit()
    assert any("reversing, and nothing takes it back" in item for item in wrong()["nothing lost"])


def test_a_deleted_payload_of_a_settled_event_is_no_loss(story: Any, conn: Connection) -> None:
    """Retention may delete what nobody works on any more."""
    conn.execute("DELETE FROM payloads WHERE event_id = %s", (story.done,))
    conn.commit()
    assert wrong() == {}


def test_a_write_key_that_stands_twice_is_found(story: Any, conn: Connection) -> None:
    """P3: also that the constraint is gone, before anything stands twice."""
    conn.execute("ALTER TABLE writes DROP CONSTRAINT writes_key")
    conn.commit()
    assert wrong()["no doubles"] == ["writes_key: the constraint is gone or not valid"]
    conn.execute(
        "INSERT INTO writes (id, key, destination, operation, status, digest, event_id, action)"
        " SELECT %s, key, destination, operation, 'shadow', digest, event_id, action FROM writes",
        (keys.new_id(),),
    )
    conn.commit()
    assert any(": 2 writes" in item for item in wrong()["no doubles"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE books_lines SET amount_minor = amount_minor + 1 WHERE position = 1", "off by 1"),
        ("DELETE FROM books_lines", "no lines"),
        ("DELETE FROM books_lines; DELETE FROM books_entries", "confirmed, and not in the books"),
    ],
)
def test_books_that_are_off_are_found(story: Any, conn: Connection, change: str, why: str) -> None:
    """Even when somebody went around the triggers that hold them."""
    conn.execute("SET session_replication_role = replica")
    conn.execute(change)
    conn.execute("SET session_replication_role = origin")
    conn.commit()
    assert any(why in item for item in wrong()["books"])


def test_a_changed_audit_entry_is_found(story: Any, conn: Connection) -> None:
    """P11: one word of one entry."""
    conn.execute("ALTER TABLE audit_entries DISABLE TRIGGER ALL")
    conn.execute("UPDATE audit_entries SET actor = 'mallory' WHERE lane = 'engine' AND seq = 2")
    conn.commit()
    assert wrong()["audit"] == ["P11: the chain is broken at engine/2"]


def test_a_case_of_somebody_who_is_gone_is_found(story: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P9: an owners file that does not start is wrong here too, and lists everything."""
    file = tmp_path / "owners.toml"
    file.write_text(owners.PACKAGED.read_text().replace('owner = "rhea"', 'owner = "nobody"'))
    monkeypatch.setenv("COUNTERFOIL_OWNERS", str(file))
    settings.cache_clear()
    assert any("nobody" in item for item in wrong()["owners"])


def test_an_old_schema_is_found(database_url: str, conn: Connection) -> None:
    """With what to do."""
    conn.execute("UPDATE alembic_version SET version_num = '0000'")
    conn.commit()
    assert wrong()["schema"] == ["not of this version: run `counterfoil migrate`"]


def test_a_backlog_that_nobody_works_on_is_found(an_event: Callable[..., UUID], conn: Connection) -> None:
    """Due for ten minutes."""
    an_event()
    conn.execute("UPDATE events SET due_at = now() - interval '10 minutes'")
    conn.commit()
    assert "is a worker running?" in wrong()["backlog"][0]


def test_a_broker_that_is_away_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And said without its password."""
    monkeypatch.setenv("REDIS_URL", "redis://:hidden@127.0.0.1:1/0")
    settings.cache_clear()
    assert "Redis cannot be reached" in wrong()["broker"][0]
    assert "hidden" not in str(doctor.examine())


def test_a_source_that_cannot_verify_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is none."""
    monkeypatch.setenv("STANDARD_WEBHOOKS_WEBHOOK_SECRET", "not base64!")
    monkeypatch.setenv("ADYEN_WEBHOOK_SECRET", "not hex")
    assert wrong()["sources"]
    assert "not hex" not in str(doctor.examine())


def test_production_names_what_it_lacks(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who could sign in, no token: nobody can use console or API."""
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    items = wrong()["people"]
    assert any("counterfoil user add" in item for item in items)
    assert any("COUNTERFOIL_API_TOKEN" in item for item in items)
    with database.transaction() as conn:
        users.add(conn, "test", name="ada", email="ada@example.com", grants=["admin"])
    assert found()["people"].verdict == "ok"


def test_half_an_identity_provider_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the client's name it is not asked; without the console's address nobody comes back; in clear is wrong."""
    monkeypatch.setenv("COUNTERFOIL_OIDC_ISSUER", "http://login.example.com")
    settings.cache_clear()
    items = " ".join(wrong()["people"])
    assert "COUNTERFOIL_OIDC_CLIENT_ID" in items
    assert "COUNTERFOIL_CONSOLE_URL" in items
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    assert "need TLS" in " ".join(wrong()["people"])


def test_keys_are_told_by_their_form_and_refused_when_they_are_none(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restricted or secret, live or test; a publishable one is wrong. Nothing of a key is shown."""
    monkeypatch.setenv("STRIPE_API_KEY", "rk_live_51Abc")
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", "pat-eu1-51Abc")
    assert found()["API keys"].detail == (
        "STRIPE_API_KEY is a restricted key, live mode; HUBSPOT_ACCESS_TOKEN is a private app's token"
    )
    monkeypatch.setenv("STRIPE_API_KEY", "pk_live_51Abc")
    assert "publishable" in wrong()["API keys"][0]
    assert "51Abc" not in str(doctor.examine())


@pytest.mark.parametrize(("environment", "verdict"), [("production", "wrong"), ("development", "ok")])
def test_a_door_that_nobody_can_deliver_to_is_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch, environment: str, verdict: str
) -> None:
    """Wrong in production, where it does not start; elsewhere only said."""
    monkeypatch.setenv("COUNTERFOIL_ENV", environment)
    settings.cache_clear()
    finding = found()["sources"]
    assert (finding.verdict, "STRIPE_WEBHOOK_SECRET" in finding.detail) == (verdict, True)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_for_tests")
    assert found()["sources"].verdict == "ok"


def test_secrets_are_said_to_be_set_and_never_shown(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """P12: nothing of a value leaves."""
    for name in (
        "COUNTERFOIL_API_TOKEN",
        "STRIPE_WEBHOOK_SECRET",
        "HUBSPOT_CLIENT_SECRET",
        "COUNTERFOIL_METRICS_TOKEN",
    ):
        monkeypatch.setenv(name, "very-secret-value")
    settings.cache_clear()
    everything = str(doctor.examine())
    assert "very-secret-value" not in everything
    assert "COUNTERFOIL_API_TOKEN is set" in everything
    assert "run.recorded" in everything


def test_a_database_that_is_away_leaves_the_other_checks_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be checked says so; it is neither fine nor wrong, but unreachable is wrong."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://x:hidden@127.0.0.1:1/none")
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_SECONDS", 1)  # waited for by every check that asks
    database.forget()
    settings.cache_clear()
    findings = found()
    assert findings["postgres"].verdict == "wrong"
    assert findings["nothing lost"].verdict == "unknown"
    assert findings["owners"].verdict in ("ok", "unknown")
    assert findings["failpoints"].verdict == "ok"
    assert "hidden" not in str(findings)
