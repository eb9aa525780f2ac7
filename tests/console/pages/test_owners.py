"""Owners: who answers now, who is told next, who is away, what each holds, and what a change of the file moved."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from counted import a_case_of
from pages import Visitor
from typer.testing import CliRunner

from console import cli
from counterfoil import keys
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue import handing_over, owners

Sign = Callable[..., Visitor]
PACKAGED = owners.PACKAGED.read_text()


@pytest.fixture(autouse=True)
def fresh_roster() -> Iterator[None]:
    """No roster of another test stays in force."""
    owners.forget()
    yield
    owners.forget()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    """The owners file in force, to be written anew."""
    found = tmp_path / "people.toml"
    found.write_text(PACKAGED)
    monkeypatch.setenv("COUNTERFOIL_OWNERS", str(found))
    settings.cache_clear()
    return found


def away(text: str, name: str, *, days: int = 3) -> str:
    """The file, with somebody on holiday from today on."""
    today = datetime.now(UTC).date()
    line = f"away = [{{ from = {today}, until = {today + timedelta(days=days)} }}]"
    return text.replace(f'contact = "{name}@example.com"', f'contact = "{name}@example.com"\n{line}')


def test_every_class_has_somebody_and_the_ladder_is_told(visitor: Sign, file: Path) -> None:
    """Who answers, who is told after how long, for which classes."""
    seen = visitor("vera", "viewer").get("/owners")
    assert (seen.status, seen.h1) == (200, "Owners")
    assert "has somebody who is there now" in seen.text
    (finance,) = [text for text in seen.texts("section.card") if text.startswith("Finance ops")]
    assert "Fiona Ledger now , then Marek Books" in finance
    assert "Fiona Ledger at once Marek Books after 4h Dana Director after 1d" in finance
    assert "approval needed" in finance
    assert "people.toml" in seen.text
    assert "@example.com" not in seen.html, "addresses stay in the file"


def test_an_absence_moves_the_cases_to_the_deputy(visitor: Sign, file: Path, conn: Connection) -> None:
    """Given somebody on holiday, then their cases are the deputy's, and the page says until when and who is alone."""
    a_case_of(conn, "write_refused", blocked=(7_500, "EUR"))
    file.write_text(away(PACKAGED, "fiona"))
    seen = visitor("vera", "viewer").get("/owners")
    (finance,) = [text for text in seen.texts("section.card") if text.startswith("Finance ops")]
    assert "one person alone" in finance
    assert "Fiona Ledger away , then Marek Books now" in finance
    assert "Marek Books at once Marek Books after 4h" in finance
    rows = {row.split()[0]: row for row in seen.texts("tr[data-row]")}
    assert "away" in rows["Fiona"]
    assert "75.00 EUR" in rows["Marek"]
    assert "75.00 EUR" not in rows["Fiona"]


def test_who_holds_given_cases_may_not_leave(visitor: Sign, file: Path, conn: Connection) -> None:
    """The page says why before somebody edits the file in vain."""
    a_case_of(conn, "write_refused", owner="rhea")
    rows = {row.split()[0]: row for row in visitor("vera", "viewer").get("/owners").texts("tr[data-row]")}
    assert "no: 1 open case was given to them" in rows["Rhea"]
    assert "when somebody else has the roles" in rows["Marek"]
    assert "when no ladder leads to them" in rows["Dana"]


def test_what_a_change_moved_is_told(visitor: Sign, file: Path, conn: Connection) -> None:
    """Who came, who left, how many cases went from whom to whom."""
    a_case_of(conn, "contract_violation")
    handing_over.keep(conn)
    file.write_text(
        PACKAGED.replace('owner = "rhea"', 'owner = "tomas"').replace('deputies = ["tomas"]', 'deputies = ["rhea"]')
    )
    handing_over.keep(conn)
    conn.commit()
    seen = visitor("vera", "viewer").get("/owners")
    assert "Changed: revops. 1 open case went from rhea to tomas." in seen.text


def test_a_person_leads_to_their_desk_and_a_class_to_its_cases(visitor: Sign, file: Path) -> None:
    """So that nobody has to search for them."""
    seen = visitor("vera", "viewer").get("/owners")
    assert "/desk/fiona" in seen.links("/desk/")
    assert "/cases?class=write_refused" in seen.links("/cases?")


def test_each_way_to_reach_somebody_shows_its_last_receipt(visitor: Sign, file: Path, conn: Connection) -> None:
    """Whether the last message arrived, when, what was wrong, also of somebody who is told seldom; never an address."""
    file.write_text(PACKAGED.replace('channels = ["log://"]', 'channels = ["json://127.0.0.1:1/secret", "log://"]', 1))
    case = a_case_of(conn, "contract_violation")
    receipts = [("json", "sent", None), ("json", "fallback", "the channel did not take it"), ("log", "sent", None)]
    ids = sorted(keys.new_id() for _ in receipts)
    for id, (channel, status, detail) in zip(ids, receipts, strict=True):
        conn.execute(
            "INSERT INTO notifications (id, case_id, kind, recipient, channel, status, detail, sent_at)"
            " VALUES (%s, %s, 'opened', 'rhea', %s, %s, %s, now())",
            (id, case, channel, status, detail),
        )
    conn.execute(
        "INSERT INTO notifications (id, case_id, kind, recipient, channel, status)"
        " SELECT uuidv7(), %s, 'opened', 'tomas', 'log', 'sent' FROM generate_series(1, 6000)",
        (case,),
    )
    conn.commit()
    seen = visitor("vera", "viewer").get("/owners")
    ways = [text for text in seen.texts("tbody tr") if text.startswith(("Rhea Ops json", "Rhea Ops log"))]
    assert [re.sub(r" (just )?now| \d+ s ago", "", way) for way in ways] == [
        "Rhea Ops json not taken the channel did not take it",
        "Rhea Ops log sent",
    ]
    assert "Marek Books log none yet" in seen.text
    assert "secret" not in seen.html


def test_ladders_by_class_and_money_are_told(visitor: Sign, file: Path) -> None:
    """Whoever looks for who hears of what is dear finds it, and which classes wait for the digest."""
    file.write_text(
        PACKAGED.replace(
            'escalation = [{ after = "4h", to = "dana" }]',
            'escalation = [{ after = "4h", to = "dana" }, { from_minor = 500_000, after = "15m", to = "dana" }]',
        )
        + '\n[classes.coverage_gap]\ntold = "digest"\n'
    )
    seen = visitor("vera", "viewer").get("/owners")
    assert "Dana Director after 15m with 5,000.00, or 500,000 where a currency has no cents, at stake" in seen.text
    assert "coverage gap Small matters: new cases stand in the digest" in seen.text


def test_the_command_says_how_people_are_reached(file: Path, conn: Connection) -> None:
    """The same receipts at the terminal, and for programs with the class's owner."""
    case = a_case_of(conn, "contract_violation")
    conn.execute(
        "INSERT INTO notifications (id, case_id, kind, recipient, channel, status, detail)"
        " VALUES (%s, %s, 'opened', 'rhea', 'log', 'failed', 'no answer within 10 s')",
        (keys.new_id(), case),
    )
    conn.commit()
    shown = CliRunner().invoke(cli.app, ["owners"]).output
    assert re.search(r"rhea +log +not taken .*no answer within 10 s", shown)
    lines = json.loads(CliRunner().invoke(cli.app, ["owners", "--json"]).output)["items"]
    (channels,) = [one["channels"] for one in lines if one["class"] == "contract_violation"]
    assert [(way["channel"], way["status"]) for way in channels] == [("log", "not taken")]
