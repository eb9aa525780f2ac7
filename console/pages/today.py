"""Today: what a window of time came to, at a glance, each number a link to what it counts."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from console.pages import plots
from console.pages.page import File, Page, Shown, Visit
from console.queries import coverage, health, today, weekly
from counterfoil import clock, database

#: What a column shows from the bottom up, and the class that it is drawn with.
PARTS = (("done", "done"), ("set aside", "calm"), ("on its way", "wait"), ("exception", "bad"))


def show(visit: Visit) -> Shown:
    """The page."""
    asked = visit.query.get("window", "24h")
    name: today.WindowName = asked if asked in today.WINDOWS else "24h"  # type: ignore[assignment]
    looked = today.look(name, visit.now)
    with database.transaction() as conn:
        stands_open = today.stands_open(conn)
    return Shown(
        "today/today.html",
        "Today",
        {
            "name": name,
            "windows": today.WINDOWS,
            "looked": looked,
            "open": stands_open,
            "health": health.look(visit.now),
            "volume": plots.columns(
                "Events by what became of them",
                f"{looked.whole.received} events in {looked.window.words}",
                [_column(at, count, looked.window.step) for at, count in looked.columns],
            ),
            "volume_top": plots.ceiling(max((count.received for _, count in looked.columns), default=0)),
            "speed": _speed(looked),
            "speed_top": plots.ceiling(max((_p95(count) or 0 for _, count in looked.columns), default=0)),
            "money": _money_plots(looked),
            "link": _link,
            "bar": plots.bar,
            "span": _span,
            "usd": _usd,
        },
    )


def show_coverage(visit: Visit) -> Shown:
    """The gap statement."""
    return Shown("today/coverage.html", "What is not covered", {"covered": coverage.read(visit.now)})


def show_week(visit: Visit) -> Shown:
    """The review pack of a week."""
    return Shown("today/weekly.html", "The week", {"week": weekly.read(visit.now), "usd": _usd, "span": _span})


def keep_week(visit: Visit) -> File:
    """The same, to keep."""
    week = weekly.read(visit.now)
    return File(f"week-{week.until:%Y-%m-%d}.json", "application/json", week.model_dump_json(by_alias=True, indent=2))


def _column(at: datetime, count: today.Count, step: timedelta) -> plots.Column:
    parts = tuple(plots.Part(drawn, count.ends[kind]) for kind, drawn in PARTS)
    ends = ", ".join(f"{count.ends[kind]} {kind}" for kind, _ in PARTS if count.ends[kind])
    words = f"{at:%a %H:%M}: {count.received} events" + (f", {ends}" if ends else "")
    return plots.Column(parts, words, _link("/events", since=at, until=at + step))


def _speed(looked: today.Looked) -> Any:
    middle = [count.milliseconds(0.5) for _, count in looked.columns]
    slow = [_p95(count) for _, count in looked.columns]
    return plots.lines(
        "From delivery to the end",
        "the middle one of all events, and the one that 95 of 100 are faster than",
        [("slow", slow), ("middle", middle)],
    )


def _p95(count: today.Count) -> float | None:
    return count.milliseconds(0.95)


def _money_plots(looked: today.Looked) -> list[dict[str, Any]]:
    """One plot per currency: sums of different ones are never one number. The three largest by count."""
    made = []
    for money in looked.whole.money[:3]:
        code = money.currency
        every = [
            plots.Column(
                (plots.Part("done", max(0, count.written.get(code, 0))),),
                f"{at:%a %H:%M}: {count.written.get(code, 0)} minor units of {code} written",
            )
            for at, count in looked.columns
        ]
        made.append(
            {
                "money": money,
                "plot": plots.columns(f"Written, {code}", f"what was written in {code}", every),
                "top": int(plots.ceiling(max(column.whole for column in every))),
            }
        )
    return made


def _link(path: str, **asked: Any) -> str:
    """A list with its filters; moments as the API writes them."""
    values = {
        name: clock.rfc3339(value) if isinstance(value, datetime) else value
        for name, value in asked.items()
        if value is not None
    }
    return f"{path}?{urlencode(values)}" if values else path


def _span(milliseconds: float | None) -> str:
    """`240 ms`, `3.2 s`, `4 min`."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 90_000:
        return f"{milliseconds / 1000:.1f} s"
    return health.span(milliseconds / 1000)


def _usd(micro: float | None) -> str:
    """Millionths of a US dollar, as far as they say something."""
    if micro is None:
        return "–"
    if micro == 0:
        return "0 USD"
    return f"{micro / 1_000_000:.2f} USD" if micro >= 10_000 else f"{micro / 1_000_000:.6f}".rstrip("0") + " USD"


PAGES = (
    Page("GET", "/today", show),
    Page("GET", "/today/coverage", show_coverage),
    Page("GET", "/today/week", show_week),
    Page("GET", "/today/week.json", keep_week),
)
