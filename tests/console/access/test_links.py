"""One-time links: the way in without a password, once, for one person, for a day."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from signing_in import ANOTHER, PASSWORD, set_

from console.access import entering, links, users
from console.problems import NotAcceptable, NotFound
from counterfoil import database
from counterfoil.settings import settings


def test_a_link_works_once_for_its_person(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Looking at it uses nothing up (programs that preview links look); the password that is chosen is theirs."""
    link = account("vera", "viewer", password=None)["link"]
    one, late = browser(), browser()
    for _ in range(2):
        assert "Welcome, vera" in one.get(f"/sign-in/link/{link}").text
    assert one.post(f"/sign-in/link/{link}", password="short", again="short").status_code == 422
    assert one.post(f"/sign-in/link/{link}", password=ANOTHER, again=PASSWORD).status_code == 422
    assert one.post(f"/sign-in/link/{link}", enter="1").status_code == 422, "no password, no way in"
    assert one.post(f"/sign-in/link/{link}", password=ANOTHER, again=ANOTHER).headers["location"] == "/"
    assert one.is_signed_in
    assert late.post(f"/sign-in/link/{link}", password=PASSWORD, again=PASSWORD).status_code == 404
    assert late.get(f"/sign-in/link/{link}").status_code == 404
    assert late.sign_in("vera", ANOTHER).status_code == 303


def test_of_two_at_once_one_gets_in(account: Callable[..., Any]) -> None:
    """The link is used up by one statement."""
    link = account("vera", "viewer", password=None)["link"]

    def use(number: int) -> bool:
        try:
            entering.by_link(link, f"{ANOTHER} {number}")
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE sign_in_links SET expires_at = now() - interval '1 s'",
        "UPDATE users SET disabled_at = now()",
    ],
)
def test_a_link_that_has_ended_opens_nothing(account: Callable[..., Any], ended: str) -> None:
    """By the clock, or because its person is disabled."""
    link = account("vera", "viewer", password=None)["link"]
    set_(ended)
    with pytest.raises(NotFound):
        entering.by_link(link, ANOTHER)


def test_a_new_link_voids_the_earlier_ones_and_a_password_ends_every_session(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Whoever found the old one in a mailbox has nothing; whoever sat in the account is out."""
    old = account("vera", "viewer")["link"]
    sitting = browser()
    sitting.sign_in("vera")
    with database.transaction() as conn:
        first = links.make(conn, "test", users.get(conn, "vera"))
        second = links.make(conn, "test", users.get(conn, "vera"))
    for token in (old, first):
        with pytest.raises(NotFound):
            entering.by_link(token, ANOTHER)
    entering.by_link(second, ANOTHER)
    assert not sitting.is_signed_in


def test_a_link_that_signs_in_by_itself_exists_outside_production_only(
    browser: Callable[..., Any], account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's. In production whoever makes links must not be able to be somebody else unnoticed."""
    account("fiona", password=None)
    with database.transaction() as conn:
        link = links.make(conn, "test", users.get(conn, "fiona"), enter=True)
    one = browser()
    assert "Sign in as" in one.get(f"/sign-in/link/{link}").text
    one.post(f"/sign-in/link/{link}", enter="1")
    assert one.is_signed_in
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    with database.transaction() as conn, pytest.raises(NotAcceptable):
        links.make(conn, "test", users.get(conn, "fiona"), enter=True)
