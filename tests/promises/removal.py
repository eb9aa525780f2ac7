"""The mechanisms that keep the promises, and how one is taken out of a copy of the tree."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLE = HERE / "mechanisms.toml"


class RemovalLost(Exception):
    """The text to remove is not in its file exactly once: the code moved on, and the table must follow."""


#: The last of the earlier promises; the mechanisms of the later ones are taken out by another file.
EARLIER = 5


@dataclass(frozen=True)
class Mechanism:
    """One thing that keeps a promise, the smallest change that takes it away, and the tests that must then fail."""

    name: str
    promises: tuple[str, ...]
    says: str
    file: str
    text: str
    instead: str
    fails: tuple[str, ...]
    slow: bool = False  #: needs real processes, or a Postgres made anew; runs with `make mutants` only
    schema: bool = False  #: changes the schema, so that a Postgres migrated before would not know of it

    @property
    def first(self) -> int:
        """The number of the first promise that it keeps."""
        return min(int(promise.removeprefix("P")) for promise in self.promises)

    def applied(self, source: str) -> str:
        """The file without the mechanism. Raises: RemovalLost."""
        found = source.count(self.text)
        if found != 1:
            raise RemovalLost(
                f"{self.name}: {self.file} holds the text to remove {found} times, not once:\n{self.text}"
            )
        return source.replace(self.text, self.instead)


def mechanisms() -> list[Mechanism]:
    """The table, in its order."""
    rows = tomllib.loads(TABLE.read_text())["mechanism"]
    return [Mechanism(**{**row, "promises": tuple(row["promises"]), "fails": tuple(row["fails"])}) for row in rows]


@contextmanager
def without(mechanism: Mechanism, tree: Path) -> Iterator[None]:
    """As long as this lasts the copy lacks the mechanism. Raises: RemovalLost."""
    file, aside = tree / mechanism.file, tree.with_name("aside")
    changed = mechanism.applied(file.read_text())
    file.rename(aside)  # the file itself comes back, as old as it was: what is compiled of it is its own again
    try:
        file.write_text(changed)
        yield
    finally:
        aside.replace(file)
