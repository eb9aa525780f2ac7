"""Audit: by thing, person, kind and time; whether the chain holds, in words; kept as files that do no harm."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from pages import Seen, Visitor

from console.pages import audit as pages
from console.queries import trail
from counterfoil import audit, keys
from counterfoil.database import Connection

Sign = Callable[..., Visitor]
CASE = keys.new_id()


def entries(conn: Connection, *found: audit.Entry, lane: str = "desk") -> None:
    """Some changes."""
    audit.append(conn, lane, list(found))
    conn.commit()


def a_history(conn: Connection) -> None:
    """What two people and the engine did."""
    entries(conn, audit.Entry("engine", "case.opened", f"case:{CASE}", {"class": "write_refused"}), lane="engine")
    entries(conn, audit.Entry("fiona", "case.acknowledged", f"case:{CASE}", {"reason": "mine"}))
    entries(
        conn, audit.Entry("rhea", "pause.begun", "pause:handler/invoice_paid", {"reason": "<script>alert(1)</script>"})
    )
    entries(conn, audit.Entry("fiona", "case.resolved", f"case:{CASE}", {"reason": "=HYPERLINK(1)"}))


def changes(seen: Seen) -> list[str]:
    """The changes that a page lists, in its order, without those of signing in."""
    found = [" ".join(cell.text(separator=" ").split()) for cell in seen.all('td[data-name="Change"]')]
    return [one for one in found if not one.startswith(("session", "user"))]


@pytest.fixture
def fiona(visitor: Sign, conn: Connection) -> Visitor:
    """Somebody who looks at a history."""
    a_history(conn)
    return visitor("fiona", "owner")


def test_the_newest_changes_stand_first_whatever_their_lane(fiona: Visitor) -> None:
    """Who, what, about which thing, and why; each leads to its thing."""
    seen = fiona.get("/audit")
    assert (seen.status, seen.h1) == (200, "Audit")
    assert changes(seen) == ["case resolved", "pause begun", "case acknowledged", "case opened"]
    assert f"/cases/{CASE}" in seen.links("/cases/")
    assert "reason: mine" in seen.text
    assert "<script>alert(1)" not in seen.html
    assert "<script>alert(1)</script>" in seen.text


FILTERS = {
    f"thing=case:{CASE}": ["case resolved", "case acknowledged", "case opened"],
    f"thing={CASE}": ["case resolved", "case acknowledged", "case opened"],
    "actor=rhea": ["pause begun"],
    "action=case": ["case resolved", "case acknowledged", "case opened"],
    "action=case.opened": ["case opened"],
    f"actor=fiona&thing={CASE}": ["case resolved", "case acknowledged"],
    "actor=nobody": [],
}


def test_filters_narrow(fiona: Visitor) -> None:
    """A thing by its id or its whole name, a person, a kind of change; together they all must fit."""
    for query, expected in FILTERS.items():
        seen = fiona.get(f"/audit?{query}")
        assert changes(seen) == expected, query
        assert bool(expected) or "No entry fits" in seen.text


def test_times_bound_what_is_listed(fiona: Visitor) -> None:
    """As a browser's field writes them, or as the API does; what is no time is said."""
    now = datetime.now(UTC)
    before, after = now - timedelta(hours=1), now + timedelta(hours=1)
    assert len(changes(fiona.get(f"/audit?since={before:%Y-%m-%dT%H:%M}&until={after:%Y-%m-%dT%H:%M}"))) == 4
    assert changes(fiona.get(f"/audit?until={before:%Y-%m-%dT%H:%M}")) == []
    assert changes(fiona.get(f"/audit?since={after:%Y-%m-%dT%H:%M:%S}Z")) == []
    assert fiona.get("/audit?since=lunch").status == 400


def test_pages_follow_each_other_without_a_gap(conn: Connection, database_url: str) -> None:
    """Over several lanes: every entry once, and the order is that of time."""
    for number in range(9):
        entries(conn, audit.Entry("x", f"thing.{number}", None, {}), lane=("desk", "engine", "door")[number % 3])
    seen, cursor = [], None
    while True:
        page = trail.read(trail.Asked(), cursor, 2)
        seen += [entry.action for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"thing.{number}" for number in reversed(range(9))]


def test_somebody_rare_is_found_further_back(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page looks through a bounded part; it says so, and the next goes on from there."""
    monkeypatch.setattr(trail, "LOOKED_MAX", 5)
    entries(conn, audit.Entry("rare", "thing.done", None, {}))
    entries(conn, *[audit.Entry("often", "thing.done", None, {}) for _ in range(12)])
    asked, cursor, pages_read = trail.Asked(actor="rare"), None, 0
    while not (page := trail.read(asked, cursor, 10)).items:
        assert page.is_bounded
        cursor, pages_read = page.next_cursor, pages_read + 1
    assert pages_read == 2
    assert not page.is_bounded


def test_a_place_that_is_none_is_refused(fiona: Visitor) -> None:
    """In words, and nothing else happens."""
    for cursor in ("x", "desk.1;drop", "desk.-1", "desk.1-", "a" * 300):
        assert fiona.get(f"/audit?cursor={quote(cursor)}").status == 400, cursor


def test_the_chain_is_verified_by_a_button(fiona: Visitor, conn: Connection) -> None:
    """It holds; once somebody changed an entry, the place is named."""
    seen = fiona.post("/audit/verify")
    assert seen.status == 200
    assert "follow from each other, from the first to the last. Nothing was changed." in seen.text
    conn.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER")
    conn.execute("UPDATE audit_entries SET detail = '{\"reason\": \"yours\"}' WHERE action = 'case.acknowledged'")
    conn.commit()
    (row,) = conn.execute("SELECT lane, seq FROM audit_entries WHERE action = 'case.acknowledged'").fetchall()
    assert f"Broken at {row['lane']}/{row['seq']}" in fiona.post("/audit/verify").text


def test_a_long_chain_is_verified_in_its_newest_part(fiona: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the page says which command follows all of it."""
    monkeypatch.setattr(trail, "VERIFIED_MAX", 2)
    seen = fiona.post("/audit/verify")
    assert "The newest" in seen.text
    assert "counterfoil audit verify" in seen.text


def test_a_list_is_kept_as_a_table_whose_cells_are_no_formulas(fiona: Visitor) -> None:
    """The filter holds there too."""
    kept = fiona.client.get(f"/audit/list.csv?thing={CASE}")
    assert kept.headers["content-disposition"].startswith("attachment")
    lines = kept.text.splitlines()
    assert len(lines) == 4
    assert "'=HYPERLINK" not in lines[1], "it stands behind its name"
    assert "reason: =HYPERLINK(1)" in lines[1]


def test_a_long_list_is_kept_up_to_a_bound_and_says_where_the_rest_is(
    fiona: Visitor, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Portion by portion, each entry once; who fits rarely ends it too, by how much was looked through.

    Break it: read one portion, or end without a word.
    """
    entries(conn, *[audit.Entry("busy", f"thing.{number}", None, {}) for number in range(7)])
    entries(conn, *[audit.Entry("other", "thing.x", None, {}) for _ in range(9)])
    monkeypatch.setattr(pages, "FILE_ROWS", 5)
    monkeypatch.setattr(pages, "FILE_PORTION", 2)
    monkeypatch.setattr(trail, "LOOKED_MAX", 3)
    seen, path, files = [], "/audit/list.csv?actor=busy", 0
    while path:
        lines = list(csv.reader(io.StringIO(fiona.client.get(path).text)))
        rest = lines.pop()[0] if len(lines[-1]) == 1 else ""
        assert lines[0][:3] == ["at", "who", "change"]
        assert len(lines) <= 6
        seen += [line[2] for line in lines[1:]]
        path, files = rest.partition("they are at ")[2], files + 1
    assert seen == [f"thing.{number}" for number in reversed(range(7))]
    assert files == 2
    monkeypatch.setattr(pages, "FILE_PORTIONS", 1)
    assert "Older entries may fit" in fiona.client.get("/audit/list.csv?actor=busy").text
    assert "Up to 5 entries" in fiona.get("/audit").text
    assert fiona.client.get("/audit/list.csv?cursor=x").status_code == 400


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_what_a_sheet_would_take_as_a_formula_is_text(text: str) -> None:
    """With a mark in front that every sheet knows."""
    assert pages.cell(text) == f"'{text}"


def test_the_chain_is_kept_as_a_file_that_verifies(fiona: Visitor) -> None:
    """Sealed, to be followed anywhere; one too long for a browser is for the command."""
    from console import sealed

    kept = fiona.client.get("/audit/chain.jsonl")
    assert sealed.verified(kept.content.splitlines(keepends=True)).altered is None


def test_a_chain_too_long_for_a_browser_is_for_the_command(fiona: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words."""
    monkeypatch.setattr(pages, "CHAIN_MAX", 1)
    seen = fiona.get("/audit/chain.jsonl")
    assert seen.status == 409
    assert "counterfoil audit export FILE" in seen.text


def test_the_api_lists_it_too(api: httpx.Client, conn: Connection) -> None:
    """With the same filters, page by page."""
    a_history(conn)
    first = api.get("/audit", params={"thing": str(CASE), "limit": 2}).json()
    assert [one["action"] for one in first["items"]] == ["case.resolved", "case.acknowledged"]
    rest = api.get("/audit", params={"thing": str(CASE), "limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["action"] for one in rest["items"]] == ["case.opened"]
    assert rest["next_cursor"] is None
    assert api.get("/audit", params={"cursor": "x"}).status_code == 400
