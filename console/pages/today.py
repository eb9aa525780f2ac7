"""Today: what a window of time came to, at a glance, each number a link to what it counts."""

from console.pages import day_plots, plots
from console.pages.page import File, Page, Shown, Visit
from console.queries import coverage, health, today, weekly
from counterfoil import database


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
            "volume": day_plots.volume(looked),
            "speed": day_plots.speed(looked),
            "cost": day_plots.cost(looked),
            "duplicates": day_plots.duplicates(looked),
            "written": day_plots.written(looked),
            "blocked": day_plots.blocked(looked, stands_open.blocked),
            "link": day_plots.link,
            "bar": plots.bar,
            "span": day_plots.span,
            "usd": day_plots.usd,
        },
    )


def show_coverage(visit: Visit) -> Shown:
    """The gap statement."""
    return Shown("today/coverage.html", "What is not covered", {"covered": coverage.read(visit.now)})


def show_week(visit: Visit) -> Shown:
    """The review pack of a week."""
    return Shown(
        "today/weekly.html", "The week", {"week": weekly.read(visit.now), "usd": day_plots.usd, "span": day_plots.span}
    )


def keep_week(visit: Visit) -> File:
    """The same, to keep."""
    week = weekly.read(visit.now)
    return File(f"week-{week.until:%Y-%m-%d}.json", "application/json", week.model_dump_json(by_alias=True, indent=2))


PAGES = (
    Page("GET", "/today", show),
    Page("GET", "/today/coverage", show_coverage),
    Page("GET", "/today/week", show_week),
    Page("GET", "/today/week.json", keep_week),
)
