"""Bodies whose one event is committed: the same bytes again are that event again, without reading them a second time.

Only what this process has recorded itself, over the connection that it still has, is kept here, and nothing is believed
of it: a delivery is counted on its event's row before it is answered, and where there is no such row the answer is 503.
"""

from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

#: About 200 bytes each: 10 MB at most, for the storm of copies that follows an outage.
ENTRIES_MAX = 50_000


class Again(NamedTuple):
    """One more delivery of an event that has a row."""

    source: str
    id: UUID
    key: str


class Known:
    """The newest of them, in two generations: once the younger one is full, it takes the place of the older."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        """Start with none."""
        self._generation_max = entries_max // 2
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def keep(self, mark: bytes, id: UUID, key: str) -> None:
        """Keep what is committed."""
        if len(self._young) >= self._generation_max:
            self._young, self._old = {}, self._young
        # As bytes: two objects fewer per entry.
        self._young[mark] = id.bytes + key.encode()

    def find(self, source: str, mark: bytes) -> Again | None:
        """The event that this body is."""
        kept = self._young.get(mark) or self._old.get(mark)
        return None if kept is None else Again(source, UUID(bytes=kept[:16]), kept[16:].decode())

    def forget(self) -> None:
        """Keep nothing: another Postgres may not hold what the last one held."""
        self._young, self._old = {}, {}


def mark_of(source: str, body: bytes) -> bytes:
    """What a body of this source is known by."""
    return sha256(b"%b\0%b" % (source.encode(), body)).digest()
