"""Owners: who answers now, who is told next, who is away, what each holds, and what a change of the file moved."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from counted import a_case_of
from pages import Visitor

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
    (finance,) = [text for text in seen.texts("section.card") if text.startswith("finance ops")]
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
    (finance,) = [text for text in seen.texts("section.card") if text.startswith("finance ops")]
    assert "one person alone" in finance
    assert "Fiona Ledger away , then Marek Books now" in finance
    assert "Marek Books at once Marek Books after 4h" in finance
    rows = {row.split()[0]: row for row in seen.texts("tbody tr")}
    assert "away" in rows["Fiona"]
    assert "75.00 EUR" in rows["Marek"]
    assert "75.00 EUR" not in rows["Fiona"]


def test_who_holds_given_cases_may_not_leave(visitor: Sign, file: Path, conn: Connection) -> None:
    """The page says why before somebody edits the file in vain."""
    a_case_of(conn, "write_refused", owner="rhea")
    rows = {row.split()[0]: row for row in visitor("vera", "viewer").get("/owners").texts("tbody tr")}
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
