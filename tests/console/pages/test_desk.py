"""My desk: what waits for me, in its order, and what changed since I looked."""

from collections.abc import Callable

from pages import Visitor


def test_an_empty_desk_says_so(visitor: Callable[..., Visitor]) -> None:
    """Words, not an empty place."""
    seen = visitor("fiona", "owner").get("/")
    assert (seen.status, seen.h1) == (200, "My desk")
    assert "Nothing waits for you" in seen.text
