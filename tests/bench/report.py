"""What is printed: every figure of "to reach" with its verdict, then the absolute numbers behind it.

Only ratios from one run count; absolute numbers drift by two from machine to machine and from hour to hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

Rounds = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Figure:
    """One figure with what it has to reach; `ceiling`: less is better."""

    name: str
    measured: float | None
    at_least: float
    aim: float
    unit: str = ""
    ceiling: bool = False

    @property
    def verdict(self) -> str:
        """Aim, reached or missed; a figure that was not taken has none."""
        if self.measured is None:
            return "not measured"
        sign = -1 if self.ceiling else 1
        if sign * self.measured >= sign * self.aim:
            return "aim"
        return "reached" if sign * self.measured >= sign * self.at_least else "missed"

    def as_json(self) -> dict[str, Any]:
        """The figure with its verdict."""
        return {**asdict(self), "verdict": self.verdict}


def middle(rounds: Rounds, subject: str, *path: str) -> float | None:
    """The median over the rounds of one number of one subject."""
    found: list[float] = []
    for each in rounds.get(subject, ()):
        value: Any = each
        for name in path:
            value = value[name]
        found.append(float(value))
    return median(found) if found else None


def ratio(over: float | None, under: float | None) -> float | None:
    """A quotient, where both sides were measured."""
    return None if over is None or not under else over / under


def per_round(rounds: Rounds, over: tuple[str, str], under: tuple[str, str]) -> float | None:
    """The median of the rounds' own quotients: neighbours in time saw the same machine."""
    pairs = zip(rounds.get(over[0], ()), rounds.get(under[0], ()), strict=False)
    found = [a[over[1]] / b[under[1]] for a, b in pairs if b[under[1]]]
    return median(found) if found else None


def figures(rounds: Rounds, small: Mapping[str, Any]) -> list[Figure]:
    """Every figure that has to be reached, in the order of the table it comes from."""

    def of(name: str, over: tuple[str, str], under: tuple[str, str], at_least: float, aim: float) -> Figure:
        return Figure(name, per_round(rounds, over, under), at_least, aim)

    def below(name: str, measured: float | None, at_least: float, aim: float, unit: str) -> Figure:
        return Figure(name, measured, at_least, aim, unit, ceiling=True)

    accepted, flat = ("door", "rate"), ("flat", "rate")
    finished = ("flat", "finished_rate")
    return [
        of("accepts/s ÷ bare echo", accepted, ("echo", "rate"), 0.50, 0.65),
        of("accepts/s ÷ one INSERT per request", accepted, ("insert", "rate"), 2.2, 2.7),
        of("accepts/s ÷ plain pattern", accepted, ("plain", "rate"), 18, 24),
        of("finished/s ÷ plain pattern's, both flat out", finished, ("plain_flat", "finished_rate"), 9, 18),
        of("finished/s ÷ accepted/s, both flat out", finished, flat, 0.5, 0.9),
        below("backlog at half of capacity: share of arrivals", middle(rounds, "half", "growth"), 0.02, 0.005, ""),
        below("answer p99 at 50 % of capacity", middle(rounds, "half", "p99_ms"), 8, 4, "ms"),
        below("answer p99 at saturation, worker working", middle(rounds, "flat", "p99_ms"), 15, 8, "ms"),
        below("from 2xx to booked, p50 at 50 %", middle(rounds, "half", "booked", "p50_ms"), 20, 8, "ms"),
        below("from 2xx to booked, p99 at 50 %", middle(rounds, "half", "booked", "p99_ms"), 100, 40, "ms"),
        below("cost of a duplicate ÷ of a new one", per_round(rounds, accepted, ("again", "rate")), 0.8, 0.6, ""),
        of("accepts/s with 1,000,000 events ÷ 10,000", ("door_large", "rate"), ("door_small", "rate"), 0.9, 0.97),
        of("finished/s with 1,000,000 events ÷ 10,000", ("drain_large", "rate"), ("drain_small", "rate"), 0.9, 0.97),
        of("confirmed HTTP writes/s ÷ the same calls, bare", ("writes", "rate"), ("calls", "rate"), 0.7, 0.9),
        below("memory at rest: door", small.get("door_mb"), 80, 50, "MB"),
        below("memory at rest: worker", small.get("worker_mb"), 120, 80, "MB"),
        below("memory at rest: everything in one process", small.get("serve_mb"), 220, 130, "MB"),
        below("start to first 2xx", small.get("start_seconds"), 3.0, 1.5, "s"),
    ]


#: Label, subject in the rounds.
SUBJECTS = (
    ("▸ bare Starlette echo", "echo"),
    ("▸ one INSERT per request", "insert"),
    ("▸ plain pattern, receiving", "plain"),
    ("▸ plain pattern, flat out", "plain_flat"),
    ("▸ SQL limit, 100 rows a commit", "sql"),
    ("door alone", "door"),
    ("door alone, duplicates", "again"),
    ("worker alone, draining", "drain"),
    ("door and worker flat out", "flat"),
    ("▸ HTTP calls of the writes, bare", "calls"),
    ("writes to the sandbox", "writes"),
    ("door and worker at 50 %", "half"),
    ("door and worker at 90 %", "most"),
    ("door alone, 10,000 events", "door_small"),
    ("door alone, 1,000,000 events", "door_large"),
    ("worker alone, 10,000 events", "drain_small"),
    ("worker alone, 1,000,000 events", "drain_large"),
)


def show(console: Console, rounds: Rounds, small: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Both tables, the steps, and what to keep in mind."""
    verdicts = Table(title="To reach (ratios of one run, medians)", title_justify="left")
    for heading in ("figure", "measured", "at least", "aim", "verdict"):
        verdicts.add_column(heading, justify="left" if heading in ("figure", "verdict") else "right")
    colours = {"aim": "green", "reached": "yellow", "missed": "red", "not measured": "dim"}
    for figure in figures(rounds, small):
        shown = "–" if figure.measured is None else f"{figure.measured:.3g} {figure.unit}".strip()
        sign = "≤ " if figure.ceiling else "≥ "
        verdicts.add_row(
            figure.name, shown, f"{sign}{figure.at_least:g}", f"{sign}{figure.aim:g}",
            f"[{colours[figure.verdict]}]{figure.verdict}[/]",
        )  # fmt: skip
    console.print(verdicts)
    console.print(_absolutes(rounds))
    console.print("The same by CPU time per event, which a busy machine disturbs less: " + _by_cpu(rounds))
    if small.get("memory"):
        console.print("Memory, MB at rest → most under load: " + _pairs(small["memory"]))
    if small.get("steps"):
        console.print("Mean ms per step and event: " + " · ".join(f"{k} {v:.3f}" for k, v in small["steps"].items()))
    for note in notes:
        console.print(note)


def _absolutes(rounds: Rounds) -> Table:
    table = Table(title="For information (absolute, medians)", title_justify="left")
    for heading in ("subject", "accepted/s", "finished/s", "p50 ms", "p99 ms", "CPU µs per event"):
        table.add_column(heading, justify="left" if heading in ("subject", "CPU µs per event") else "right")
    for label, subject in SUBJECTS:
        if not rounds.get(subject):
            continue
        first = rounds[subject][0]
        rate = middle(rounds, subject, "rate")
        is_work = subject.startswith("drain") or subject in ("writes", "calls")
        accepted = None if is_work else rate
        done = rate if is_work else _if(first, rounds, subject, "finished_rate")
        cpu = {name: middle(rounds, subject, "cpu_us", name) or 0.0 for name in first.get("cpu_us", {})}
        table.add_row(
            label, _whole(accepted), _whole(done), _short(_if(first, rounds, subject, "p50_ms")),
            _short(_if(first, rounds, subject, "p99_ms")), " · ".join(f"{k} {v:.0f}" for k, v in cpu.items() if v >= 1),
        )  # fmt: skip
    return table


def _by_cpu(rounds: Rounds) -> str:
    """The ratios to the anchors from what an event costs instead of how many there were: door against echo, totals."""

    def total(subject: str, per: str) -> float | None:
        each = [sum(one["cpu_seconds"].values()) / max(one[per], 1) for one in rounds.get(subject, ())]
        return median(each) if each else None

    door = middle(rounds, "door", "cpu_us", "door")
    pairs = {
        "echo": ratio(middle(rounds, "echo", "cpu_us", "echo"), door),
        "one INSERT": ratio(total("insert", "answered"), total("door", "answered")),
        "plain pattern": ratio(total("plain", "answered"), total("door", "answered")),
        "finished, plain pattern": ratio(total("plain_flat", "finished"), total("flat", "finished")),
        "bare HTTP calls": ratio(
            middle(rounds, "calls", "cpu_us", "loop"), middle(rounds, "writes", "cpu_us", "worker")
        ),
    }
    return " · ".join(f"{name} {value:.2f}" for name, value in pairs.items() if value is not None)


def _if(first: Mapping[str, Any], rounds: Rounds, subject: str, name: str) -> float | None:
    return middle(rounds, subject, name) if name in first else None


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _pairs(memory: Mapping[str, Sequence[float]]) -> str:
    return " · ".join(f"{name} {rest:.0f} → {most:.0f}" for name, (rest, most) in memory.items())
