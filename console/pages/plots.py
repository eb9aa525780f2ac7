"""Plots as SVG that a server makes: shapes and classes only, because the pages allow no style of their own.

A plot is drawn into a box that is stretched to its place, so it holds no letters: titles, axes and legends are HTML
around it (`templates/plots.html`), and every plot has a table beside it that says the same.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

#: The box that everything is drawn into; the page stretches it.
WIDE, HIGH = 600.0, 160.0
#: Between two columns, as a share of a column.
GAP = 0.18


class Part(NamedTuple):
    """One piece of a column: how much, and what it is (a class of the style sheet: `plot-<name>`)."""

    name: str
    value: float


class Column(NamedTuple):
    """One column: its parts from the bottom up, what it says on demand, and where it leads."""

    parts: tuple[Part, ...]
    words: str
    href: str | None = None

    @property
    def whole(self) -> float:
        """How high it is."""
        return sum(part.value for part in self.parts)


def columns(title: str, described: str, every: Sequence[Column]) -> Markup:
    """Columns of parts, each a link to what it counts."""
    top = ceiling(max((column.whole for column in every), default=0.0))
    step = WIDE / max(1, len(every))
    return _drawn(title, described, (_column(column, number * step, step, top) for number, column in enumerate(every)))


def _column(column: Column, left: float, step: float, top: float) -> Markup:
    shapes, bottom = [], HIGH
    for part in column.parts:
        high = HIGH * part.value / top
        if high <= 0:
            continue
        # What is there at all can be seen.
        high = max(high, 1.5)
        bottom -= high
        shapes.append(_box(left + step * GAP / 2, bottom, step * (1 - GAP), high, part.name))
    # The whole height can be pointed at, not only what is filled.
    shapes.append(_box(left, 0, step, HIGH, "reach"))
    inside = Markup("<title>{}</title>").format(column.words) + Markup("").join(shapes)
    if column.href is None:
        return Markup("<g>{}</g>").format(inside)
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(column.href, column.words, inside)


def lines(
    title: str,
    described: str,
    every: Sequence[tuple[str, Sequence[float | None]]],
    places: Sequence[tuple[str, str]] = (),
) -> Markup:
    """Lines over the same places; where nothing was measured, the line stops. A place has words and leads somewhere."""
    top = ceiling(max((value for _, values in every for value in values if value is not None), default=0.0))
    step = WIDE / max(1, len(places))
    reach = (_column(Column((), *place), number * step, step, top) for number, place in enumerate(places))
    return _drawn(title, described, [*(_line(name, values, top) for name, values in every), *reach])


def _line(name: str, values: Sequence[float | None], top: float) -> Markup:
    step = WIDE / max(1, len(values))
    path, is_down, dots = [], False, []
    for number, value in enumerate(values):
        if value is None:
            is_down = False
            continue
        x, y = (number + 0.5) * step, HIGH * (1 - value / top)
        path.append(f"{'L' if is_down else 'M'}{x:.1f} {y:.1f}")
        # A place without neighbours is a dot: a line of no length, with round ends.
        alone = not is_down and (number + 1 == len(values) or values[number + 1] is None)
        if alone:
            dots.append(f"M{x:.1f} {y:.1f}h0")
        is_down = True
    drawn = Markup('<path class="plot-line plot-{}" d="{}"/>').format(name, " ".join(path))
    return drawn + Markup('<path class="plot-line plot-dot plot-{}" d="{}"/>').format(name, " ".join(dots))


def against_diagonal(title: str, described: str, points: Iterable[tuple[float, float, float]]) -> Markup:
    """Of a share that was said and a share that came true, with a weight each: on the diagonal they are the same."""
    shapes = [Markup('<path class="plot-line plot-ideal" d="M0 {} L{} 0"/>').format(HIGH, WIDE)]
    for said, came, weight in points:
        middle = said * WIDE
        # The doubt is drawn as the way to the diagonal.
        shapes.append(
            Markup('<path class="plot-line plot-gap" d="M{:.1f} {:.1f}V{:.1f}"/>').format(
                middle, HIGH * (1 - came), HIGH * (1 - said)
            )
        )
        high = 5 + 7 * weight
        shapes.append(_box(middle - 8, HIGH * (1 - came) - high / 2, 16, high, "point"))
    return _drawn(title, described, shapes)


def bar(share: float, name: str, words: str) -> Markup:
    """A share of a row, to be compared with those above and below it."""
    width = min(max(share, 0.0), 1.0) * 100
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="plot-track" x="0" y="0" width="100" height="8"/>'
        '<rect class="plot-{}" x="0" y="0" width="{:.1f}" height="8"/></svg>'
    ).format(words, name, width)


def ceiling(value: float) -> float:
    """The next round number: 1, 2 or 5 and noughts."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next(size * times for times in (1, 2, 5, 10) if size * times >= value)


def _box(left: float, top: float, wide: float, high: float, name: str) -> Markup:
    return Markup('<rect class="plot-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        name, left, top, wide, high
    )


def _drawn(title: str, described: str, shapes: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {:.0f} {:.0f}" preserveAspectRatio="none" role="group" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(WIDE, HIGH, title, title, described, Markup("").join(shapes))
