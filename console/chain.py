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
    lanes: dict[str, int] = field(default_factory=dict)  #: entries per lane

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {"holds": self.altered is None, "broken_at": self.altered, "entries": self.lanes}


def verified(
    rows: Iterable[dict[str, Any]], *, heads: Mapping[str, Place] | None = None, inside: bool = False
) -> Verified:
    """Follow entries ordered by (lane, seq).

    `heads` are where the lanes are said to end, read before the rows: what was cut off at the end leaves no gap
    behind it. `inside`: the first entry of each lane is taken as it is, because what came before was not read.
    """
    found, last, heads = Verified(), dict[str, Place](), heads or {}
    for row in rows:
        lane, place = row["lane"], (row["seq"], bytes(row["hash"]))
        follows = inside and lane not in last and row["seq"] > 1
        if not follows:
            before, hash_before = last.get(lane, (0, b""))
            follows = row["seq"] == before + 1 and audit.entry_hash(hash_before, row) == place[1]
        if not follows or (lane in heads and heads[lane][0] == place[0] and heads[lane] != place):
            found.altered = f"{lane}/{row['seq']}"
            return found
        last[lane] = place
        found.lanes[lane] = found.lanes.get(lane, 0) + 1
    found.altered = next(
        (f"{lane}/{head[0]}" for lane, head in sorted(heads.items()) if last.get(lane, (0, b""))[0] < head[0]), None
    )
    return found
