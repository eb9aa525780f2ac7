"""What every page owes, over the table: it answers, is sound and small, keeps to itself, and is harmed by no text.

A page that the table gains is visited here by itself; one whose path names something needs an example in
`addresses.EXAMPLES`.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

import pytest
from addresses import address
from hostile_world import NAME, SHOWN, World, a_hostile_world
from pages import Seen, Visitor
from selectolax.lexbor import LexborNode

from console.app import console_routes
from console.pages import serve
from console.pages.page import Page
from console.pages.table import PAGES
from counterfoil.database import Connection

WEIGHT_MAX = 150_000
READ = [page for page in PAGES if page.method == "GET"]
#: Pages that look different when they are asked for more.
MORE = (
    "/cases/{id}?edit=1",
    "/cases?status=",
    "/search?q=class:contract_violation",
    f"/search?q={quote(NAME)}+type:x",
    "/events/{id}?try=1",
    "/writes/{id}?undo=1",
    "/replays/new?status=exception",
)
#: Of a page that nobody needs to be signed in for, other answers are right too.
RIGHT_OF_ALL = {200, 303, 404, 400, 409}
#: Where what others wrote is shown, it has to be seen.
SHOWS_TEXT = ("/", "/cases", "/cases/{id}", "/approvals", "/approvals/{id}", "/events/{id}", "/writes/{id}")


@pytest.fixture
def world(conn: Connection) -> World:
    """Everything in it tries to be more than text."""
    return a_hostile_world(conn)


@pytest.fixture
def owner(visitor: Callable[..., Visitor]) -> Visitor:
    """Somebody with every right."""
    return visitor("fiona", "owner", "approver", "admin")


@pytest.fixture
def visited(owner: Visitor, world: World) -> dict[str, Seen]:
    """Every page once, by its path."""
    more = [Page("GET", path, lambda _: None) for path in MORE if path.split("?")[0] in {one.path for one in READ}]  # type: ignore[arg-type, return-value]
    return {page.path: owner.get(address(page.path, world)) for page in [*READ, *more]}


def pages_of(visited: dict[str, Seen]) -> Iterator[tuple[str, Seen]]:
    """Those that are pages: files and redirects aside."""
    return ((path, seen) for path, seen in visited.items() if seen.headers["content-type"].startswith("text/html"))


def test_every_page(visited: dict[str, Seen], subtests: pytest.Subtests) -> None:
    """Given a ledger full of hostile text, each page answers an owner and keeps what it owes."""
    rights = {page.path: page.right for page in READ}
    for path, seen in visited.items():
        with subtests.test(path, path=path):
            leads_on = path.startswith("/search?") and seen.to  # exactly one thing was found
            assert leads_on or seen.status in (RIGHT_OF_ALL if rights.get(path, "look") is None else {200}), seen.text
            if not seen.headers.get("content-type", "").startswith("text/html") or seen.to:
                continue
            assert seen.headers["content-security-policy"] == serve.POLICY
            assert len(seen.html.encode()) < WEIGHT_MAX
            _is_sound(seen)
            _keeps_to_itself(seen)
            _is_not_harmed(seen)
            _leads_somewhere(seen)
            if path in SHOWS_TEXT:
                assert SHOWN in seen.text
                assert "<script>alert(1)</script>" in seen.text or "<b onload=alert(3)>" in seen.text


def _is_sound(seen: Seen) -> None:
    """One heading, a title, ids once, named fields, forms with their proof, tables that can be read aloud."""
    assert len(seen.all("h1")) == 1
    assert seen.texts("title")[0].endswith("· Counterfoil")
    assert seen.all("html[lang=en]")
    assert len(seen.all("main")) == 1
    ids = [node.attributes["id"] for node in seen.all("[id]")]
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)
    labelled = {node.attributes.get("for") for node in seen.all("label[for]")}
    for field in seen.all("input:not([type=hidden]), select, textarea"):
        assert field.attributes.get("id") in labelled or field.attributes.get("aria-label") or _is_wrapped(field), (
            field.html
        )
    for form in seen.all("form[method=post]"):
        action = form.attributes.get("action") or ""
        assert _known(action, "POST"), action
        if not action.startswith("/sign-in"):
            assert form.css("input[name=csrf]"), action
    for node in seen.all("button, a[href]"):
        assert node.text(strip=True) or node.attributes.get("aria-label"), node.html
    for table in seen.all("table"):
        assert table.css("caption")
        assert all(head.attributes.get("scope") for head in table.css("th"))
    for node in seen.all("[aria-labelledby]"):
        assert set((node.attributes["aria-labelledby"] or "").split()) <= set(ids), node.attributes
    for image in seen.all("img"):
        assert "alt" in image.attributes


def _is_wrapped(field: LexborNode) -> bool:
    parent = field.parent
    while parent is not None:
        if parent.tag == "label":
            return True
        parent = parent.parent
    return False


def _keeps_to_itself(seen: Seen) -> None:
    """Nothing of another host, nothing written into the page that a browser would run or be styled by."""
    for node in seen.all("[src], [href], [action], [formaction]"):
        for name in ("src", "href", "action", "formaction"):
            url = node.attributes.get(name)
            assert url is None or re.match(r"/(?!/)|#|\?", url), (node.tag, name, url)
    assert [node.attributes.get("src", "").split(".")[0] for node in seen.all("script")] == ["/static/desk"]
    assert all(not node.text(strip=True) for node in seen.all("script"))
    assert not seen.all("style, iframe, object, embed, base, meta[http-equiv]")
    for node in seen.all("*"):
        wrong = [name for name in node.attributes if name == "style" or name.startswith("on")]
        assert not wrong, (node.tag, wrong)


def _is_not_harmed(seen: Seen) -> None:
    """What others wrote is text: no element of it, no control character, nothing that turns writing round."""
    assert not seen.all("img[src=x], b[onload]")
    hidden = re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069]", seen.html)
    assert hidden is None, repr(seen.html[max(0, hidden.start() - 80) : hidden.end()])


def _leads_somewhere(seen: Seen) -> None:
    """No link of ours leads to a path that there is not."""
    links = {node.attributes["href"] or "" for node in seen.all("a[href^='/']")}
    assert {link for link in links if not _known(link)} == set()


_PATHS = [(one.path_regex, one.endpoint) for one in console_routes()]


def _known(url: str, method: str = "GET") -> bool:
    path = urlsplit(url).path
    return any(
        regex.match(path) and method in getattr(endpoint, "_methods", {method: None}) for regex, endpoint in _PATHS
    )


def test_nobody_sees_a_page_that_needs_somebody(visitor: Callable[..., Visitor], world: World) -> None:
    """Without a session, or with one that is over, every page that needs a right leads to sign-in and shows nothing."""
    stranger = visitor("fiona", "owner")
    stranger.client.cookies.clear()
    for page in READ:
        if page.right is not None:
            seen = stranger.get(address(page.path, world))
            assert (seen.status, seen.to.startswith("/sign-in?next=")) == (303, True), page.path
            assert seen.html == ""


def test_an_address_that_no_page_has_leads_back_to_the_desk(owner: Visitor) -> None:
    """A browser gets a page with the way on; a program gets a problem it can read."""
    browser = owner.client.get("/no-such-page", headers={"Accept": "text/html"})
    assert browser.status_code == 404
    assert "there is no page at this address" in browser.text
    assert 'href="/search"' in browser.text
    assert 'aria-label="Pages"' in browser.text
    for path, accepted in (("/no-such-page", "application/json"), ("/api/v1/no-such-path", "text/html")):
        program = owner.client.get(path, headers={"Accept": accepted})
        assert (program.status_code, program.json()["detail"]) == (404, "there is no such path")
