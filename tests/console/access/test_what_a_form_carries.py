"""What browsers carry beside a form's fields: the key that makes it count once, the sentence that is shown once."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from pages import Visitor

from counterfoil import database
from counterfoil.settings import settings


def test_a_key_that_no_page_of_ours_made_is_refused(visitor: Callable[..., Visitor]) -> None:
    """Longer than an index can hold: the form is refused in words, and nothing is held."""
    fiona = visitor("fiona", "owner")
    seen = fiona.post("/handlers/invoice_paid/pause", key=secrets.token_hex(4000), reason="wait")
    assert (seen.status, "a form's key" in seen.text) == (400, True)
    with database.transaction() as conn:
        assert conn.execute("SELECT 1 AS one FROM pauses").fetchall() == []


def test_nobody_beside_us_puts_words_on_a_page(browser: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In production the cookie's name is one that only this host can set; what stands under another is not shown."""
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    one = browser()
    set_cookie = one.post("/sign-out", everywhere="").headers.get_list("set-cookie")
    (said,) = (cookie for cookie in set_cookie if "signed%20out" in cookie)
    attributes = {part.strip().lower().split("=")[0] for part in said.split(";")[1:]}
    assert said.startswith("__Host-counterfoil_said=")
    assert attributes == {"secure", "httponly", "samesite", "path", "max-age"}
    planted = one.client.get("/sign-in", headers={"Cookie": "counterfoil_said=Call%20the%20hotline"})
    assert "hotline" not in planted.text
    ours = one.client.get("/sign-in", headers={"Cookie": said.split(";")[0]})
    assert "You are signed out." in ours.text
    assert ours.headers["set-cookie"].startswith("__Host-counterfoil_said=")
    assert "secure" in ours.headers["set-cookie"].lower()
