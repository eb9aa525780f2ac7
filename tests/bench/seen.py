"""What the visits to pages showed: figures of each address, what they have to reach, and the table."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

#: What has to be reached: from the issue that the pages were built for.
MS_MAX, BYTES_MAX = 100.0, 150_000
#: What is too long for one browser says so; whoever guesses links is slowed down.
RIGHT = {200, 303, 404, 409, 429}


@dataclass
class Seen:
    """What the requests of one address showed."""

    kind: str
    #: As the table has it, with names in braces.
    shown: str
    path: str
    status: int = 0
    bytes: int = 0
    is_page: bool = False
    is_file: bool = False
    ms: list[float] = field(default_factory=list)
    cpu_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def at(self, share: float) -> float:
        """The time that this share of the requests took at most."""
        return sorted(self.ms)[min(int(len(self.ms) * share), len(self.ms) - 1)]

    def cpu(self, name: str) -> float:
        """Milliseconds of CPU, the middle one."""
        return sorted(self.cpu_ms[name])[len(self.ms) // 2]

    def verdict(self) -> str:
        """Whether it was fast and light enough; files to keep have no bound."""
        if self.status not in RIGHT:
            return f"answered {self.status}"
        if self.is_file:
            return ""
        slow, heavy = self.at(0.95) > MS_MAX, self.is_page and self.bytes > BYTES_MAX
        return "missed" if slow or heavy else "reached"

    def as_json(self) -> dict[str, Any]:
        """The figures, for programs."""
        cpu = {name: round(self.cpu(name), 1) for name in self.cpu_ms}
        return {
            "kind": self.kind, "path": self.shown, "status": self.status, "bytes": self.bytes, "cpu_ms": cpu,
            "p50_ms": round(self.at(0.5), 1), "p95_ms": round(self.at(0.95), 1), "verdict": self.verdict(),
        }  # fmt: skip


def show(console: Console, pages: Sequence[Seen], notes: Sequence[str]) -> None:
    """Every address, the slowest first, and how many reached what they have to."""
    table = Table(title="Pages and lists", title_justify="left", header_style="bold")
    for name in ("address", "p50 ms", "p95 ms", "CPU console", "CPU Postgres", "KB", ""):
        table.add_column(name, justify="left" if name in ("address", "") else "right", no_wrap=name != "address")
    for one in sorted(pages, key=lambda each: -each.at(0.95)):
        verdict = one.verdict()
        figures = (one.at(0.5), one.at(0.95), one.cpu("console"), one.cpu("postgres"))
        said = f"[red]{verdict}[/]" if verdict not in ("reached", "") else verdict
        table.add_row(one.shown, *(f"{figure:.1f}" for figure in figures), f"{one.bytes / 1000:,.0f}", said)
    judged = [one for one in pages if one.verdict()]
    reached = sum(one.verdict() == "reached" for one in judged)
    bounds = f"p95 at most {MS_MAX:g} ms; pages at most {BYTES_MAX // 1000} KB, style and script included"
    console.print(
        table, f"{reached} of {len(judged)} reach what they have to: {bounds}. Files have no bound.", sep="\n"
    )
    console.print(*notes, sep="\n")
