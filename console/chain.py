"""Following the audit chain: from the first entry on, or from a place inside it, up to where each lane ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil import audit

#: Number and hash of an entry.
Place = tuple[int, bytes]


@dataclass
class Verified:
    """What following the chain found."""

    altered: str | None = None  #: `lane/seq` of the first entry that does not follow
    why: str | None = None  #: what is wrong with it, in words
    lanes: dict[str, int] = field(default_factory=dict)  #: entries per lane

    def broken(self, at: str, why: str) -> "Verified":
        """The first thing that is wrong."""
        self.altered, self.why = at, why
        return self

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {"holds": self.altered is None, "broken_at": self.altered, "why": self.why, "entries": self.lanes}


def verified(
    rows: Iterable[dict[str, Any]],
    *,
    heads: Mapping[str, Place] | None = None,
    against: Mapping[str, Place] | None = None,
    inside: bool = False,
) -> Verified:
    """Follow entries ordered by (lane, seq).

    `heads` are where the lanes are said to end, read before the rows: what was cut off at the end leaves no gap
    behind it. `against` is the same, as it was kept elsewhere some time ago. `inside`: the first entry of each lane
    is taken as it is, because what came before was not read.
    """
    found, last = Verified(), dict[str, Place]()
    ends = [end for end in (against, heads) if end]
    for row in rows:
        lane, place = row["lane"], (row["seq"], bytes(row["hash"]))
        follows = inside and lane not in last and row["seq"] > 1
        if not follows:
            before, hash_before = last.get(lane, (0, b""))
            follows = row["seq"] == before + 1 and audit.entry_hash(hash_before, row) == place[1]
        if not follows:
            return found.broken(f"{lane}/{row['seq']}", "it is not what was written")
        if any(lane in end and end[lane][0] == place[0] and end[lane] != place for end in ends):
            return found.broken(f"{lane}/{row['seq']}", "its lane was written anew: it ends in another hash")
        last[lane] = place
        found.lanes[lane] = found.lanes.get(lane, 0) + 1
    for lane, (entries, _) in sorted(item for end in ends for item in end.items()):
        if last.get(lane, (0, b""))[0] < entries:
            return found.broken(f"{lane}/{entries}", "it is gone")
    return found
