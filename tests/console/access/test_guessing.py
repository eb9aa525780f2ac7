"""What guessing at passwords meets: each try later than the one before, whoever it is about."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from signing_in import PASSWORD, set_

from console.access import entering, throttle
from console.problems import Problem, SignInRefused, TooMany


def test_guesses_at_an_account_get_slower(account: Callable[..., Any]) -> None:
    """Five are free; then each wait is twice the last. The right password waits as well, and clears it."""
    account("fiona")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            entering.with_password("fiona", "wrong", address="192.0.2.1")
    with pytest.raises(SignInRefused):
        entering.with_password("Fiona ", "wrong", address="192.0.2.2")
    waits = []
    for _ in range(4):
        with pytest.raises(TooMany) as slowed:
            entering.with_password("fiona", PASSWORD, address="192.0.2.3")
        waits.append(int(slowed.value.headers["Retry-After"]))
        set_("UPDATE throttles SET until = now() WHERE key LIKE 'account:%%'")
        with pytest.raises(SignInRefused):
            entering.with_password("fiona", "wrong", address="192.0.2.3")
    assert waits == [2, 4, 8, 16]
    set_("UPDATE throttles SET until = now() WHERE key LIKE 'account:%%'")
    entering.with_password("fiona", PASSWORD, address="192.0.2.3")
    with pytest.raises(SignInRefused):
        entering.with_password("fiona", "wrong", address="192.0.2.3")


def test_an_account_that_does_not_exist_is_slowed_down_alike(account: Callable[..., Any]) -> None:
    """Else the sixth guess tells who exists."""
    account("fiona")
    said = {}
    for name in ("fiona", "nobody"):
        said[name] = []
        for _ in range(7):
            with pytest.raises(Problem) as refused:
                entering.with_password(name, "wrong", address=f"198.51.100.{len(name)}")
            said[name].append((refused.value.status, refused.value.detail))
    assert said["fiona"] == said["nobody"]
    assert said["fiona"][-1][0] == 429


def test_a_hundred_guesses_at_once_are_a_hundred(account: Callable[..., Any]) -> None:
    """A guess is counted before it is looked at: in parallel no more get through than one after the other."""
    account("fiona")

    def guess(number: int) -> str:
        try:
            throttle.count(throttle.of_stranger("fiona", f"203.0.113.{number}"))
        except TooMany:
            return "slowed"
        return "looked at"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(guess, range(40)))
    assert results.count("looked at") == throttle.ACCOUNT.free + 1


def test_one_address_cannot_try_everybody(database_url: str) -> None:
    """A word at every account: thirty are free, then the address waits; a /64 of IPv6 is one address."""
    for number in range(30):
        throttle.count(throttle.of_stranger(f"name{number}", f"2001:db8::{number:x}"))
    throttle.count(throttle.of_stranger("one-more", "2001:db8::ffff"))
    with pytest.raises(TooMany):
        throttle.count(throttle.of_stranger("another", "2001:db8::1"))
    throttle.count(throttle.of_stranger("another", "2001:db8:0:1::1"))


def test_who_waits_is_told_so_on_the_page(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """In words, with the form still there."""
    account("fiona")
    set_(
        "INSERT INTO throttles (key, failures, until) VALUES (%s, 9, now() + interval '60 s')",
        throttle._account("fiona"),
    )
    answer = browser().sign_in("fiona")
    assert (answer.status_code, 'name="password"' in answer.text) == (429, True)
    assert "wait" in answer.text
