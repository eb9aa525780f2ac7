"""The plots of Today: volume, speed, cost and money, each place of one a link to what it counts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from console.fields import Money
from console.pages import plots, render
from console.queries import health, today
from counterfoil import clock

#: What a column of events shows from the bottom up, and the class that it is drawn with.
PARTS = (("done", "done"), ("set aside", "calm"), ("on its way", "wait"), ("exception", "bad"))
#: Currencies with a plot each: sums of different ones are never one number.
CURRENCIES_MAX = 3


class Plot(NamedTuple):
    """A drawing, and what its upper edge stands for, in words."""

    drawn: Markup
    top: str


def volume(looked: today.Looked) -> Plot:
    """Events by what became of them."""

    def column(at: datetime, count: today.Count) -> plots.Column:
        parts = tuple(plots.Part(drawn, count.ends[kind]) for kind, drawn in PARTS)
        ends = ", ".join(f"{count.ends[kind]:,} {kind}" for kind, _ in PARTS if count.ends[kind])
        words = f"{at:%a %H:%M}: {count.received:,} events" + (f", {ends}" if ends else "")
        return plots.Column(parts, words, _events(looked, at))

    described = f"{looked.whole.received} events in {looked.window.words}"
    return _columns(looked, "Events by what became of them", described, column, lambda top: f"{top:,.0f}")


def speed(looked: today.Looked) -> Plot:
    """The middle one, and the one that 95 of 100 are faster than."""
    middle, slow = ([count.milliseconds(share) for _, count in looked.columns] for share in (0.5, 0.95))
    places = [
        (f"{at:%a %H:%M}: {span(half)} in the middle, 95 of 100 within {span(most)}", _events(looked, at))
        for (at, _), half, most in zip(looked.columns, middle, slow, strict=True)
    ]
    described = "the middle one of all events, and the one that 95 of 100 are faster than"
    drawn = plots.lines("From delivery to the end", described, [("slow", slow), ("middle", middle)], places)
    return Plot(drawn, span(plots.ceiling(max((one or 0 for one in slow), default=0))))


def duplicates(looked: today.Looked) -> Plot:
    """Deliveries that were known already, by when their event was received."""

    def column(at: datetime, count: today.Count) -> plots.Column:
        words = f"{at:%a %H:%M}: {count.duplicates:,} duplicates folded into {count.received:,} events"
        return plots.Column((plots.Part("calm", count.duplicates),), words, _events(looked, at))

    described = f"{looked.whole.duplicates} duplicates in {looked.window.words}"
    return _columns(looked, "Duplicates folded", described, column, lambda top: f"{top:,.0f}")


def cost(looked: today.Looked) -> Plot:
    """What hosted answers cost per run."""

    def column(at: datetime, count: today.Count) -> plots.Column:
        each = count.cost_micro_usd / count.runs if count.runs else 0
        words = f"{at:%a %H:%M}: {usd(each)} per run, {usd(count.cost_micro_usd)} for {count.runs:,} runs"
        return plots.Column((plots.Part("calm", each),), words, _events(looked, at))

    described = f"hosted answers in {looked.window.words}"
    has_any = looked.whole.cost_micro_usd > 0
    return _columns(looked, "Cost per run", described, column, lambda top: usd(top if has_any else 0))


def written(looked: today.Looked) -> list[tuple[Money, Plot]]:
    """What was written, a plot per currency."""
    found = []
    for money in looked.whole.money[:CURRENCIES_MAX]:
        code = money.currency

        def column(at: datetime, count: today.Count, code: str = code) -> plots.Column:
            minor = count.written.get(code, 0)
            words = f"{at:%a %H:%M}: {_amount(minor, code)} written"
            asked = {"status": "confirmed", "since": at, "until": at + looked.window.step}
            return plots.Column((plots.Part("done", max(0, minor)),), words, link("/writes", **asked))

        def worth(top: float, code: str = code) -> str:
            return _amount(int(top), code)

        drawn = _columns(looked, f"Written, {code}", f"what was written in {code}", column, worth)
        found.append((money, drawn))
    return found


def blocked(looked: today.Looked, now: Sequence[Money]) -> list[tuple[Money, Plot]]:
    """What stood blocked at the end of each column, a plot per currency; `now`: what stands blocked at this moment."""
    stands = {one.currency: one for one in now}
    codes = [*stands, *sorted(looked.whole.blocked_more.keys() - stands.keys())]
    return [_blocked(looked, stands.get(code) or Money(amount_minor=0, currency=code)) for code in codes][
        :CURRENCIES_MAX
    ]


def _blocked(looked: today.Looked, now: Money) -> tuple[Money, Plot]:
    code = now.currency
    ends = dict(zip((at for at, _ in looked.columns), looked.blocked_at_ends(now), strict=True))

    def column(at: datetime, _: today.Count) -> plots.Column:
        until = min(at + looked.window.step, looked.until)
        words = f"{until:%a %H:%M}: {_amount(ends[at], code)} blocked"
        asked = {"status": "", "since": at, "until": at + looked.window.step}
        return plots.Column((plots.Part("bad", ends[at]),), words, link("/cases", **asked))

    def worth(top: float) -> str:
        return _amount(int(top), code)

    return now, _columns(looked, f"Blocked, {code}", f"what cases held up in {code}", column, worth)


def _columns(
    looked: today.Looked,
    title: str,
    described: str,
    column: Callable[[datetime, today.Count], plots.Column],
    words: Callable[[float], str],
) -> Plot:
    every = [column(at, count) for at, count in looked.columns]
    top = plots.ceiling(max((one.whole for one in every), default=0))
    return Plot(plots.columns(title, described, every), words(top))


def _events(looked: today.Looked, at: datetime) -> str:
    return link("/events", since=at, until=at + looked.window.step)


def _amount(minor: int, currency: str) -> str:
    return render.amount(Money(amount_minor=minor, currency=currency))


def link(path: str, **asked: Any) -> str:
    """A list with its filters; moments as the API writes them."""
    values = {
        name: clock.rfc3339(value) if isinstance(value, datetime) else value
        for name, value in asked.items()
        if value is not None
    }
    return f"{path}?{urlencode(values)}" if values else path


def span(milliseconds: float | None) -> str:
    """`240 ms`, `3.2 s`, `4 min`."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 90_000:
        return f"{milliseconds / 1000:.1f} s"
    return health.span(milliseconds / 1000)


def usd(micro: float | None) -> str:
    """Millionths of a US dollar, as far as they say something."""
    if micro is None:
        return "–"
    if micro == 0:
        return "0 USD"
    return f"{micro / 1_000_000:.2f} USD" if micro >= 10_000 else f"{micro / 1_000_000:.6f}".rstrip("0") + " USD"
