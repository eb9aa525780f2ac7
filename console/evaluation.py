"""A question's measure as one page: pictures as SVG inside, no script, nothing fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from console import answers
from judgement.evaluating import Evaluated

#: The square that a picture is drawn in, in pixels.
_SIZE = 320
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1b1f }
figure { display: inline-block; margin: 0 2rem 1rem 0; vertical-align: top }
table { border-collapse: collapse; margin: 0 0 1.5rem } td, th { padding: .2rem .7rem; text-align: right }
th { border-bottom: 1px solid #999 } td:first-child, th:first-child { text-align: left }
.hit { background: #d7efdd } .miss { background: #f7dcd5 } svg { overflow: visible }
"""


def page(question: answers.QuestionDetail, found: Evaluated) -> str:
    """The whole page."""
    told = f"{found.labels} labels that were never taught; {found.answered} answered, {found.right} of them right"
    ece = "–" if found.ece is None else f"{found.ece:.3f}"
    seen = question.figures
    parts = [
        f"<h1>{escape(question.name)}</h1>",
        f"<p>Version {question.version}, training {question.model or '–'}, {question.mode}: ",
        f"{escape(question.mode_reason)}. {told}. Calibration error {ece}.</p>",
        _figure("Risk against coverage", "share answered, surest first", "wrong", _curve(found), _wrong_max(found)),
        _figure("Calibration", "how sure", "how often right", _reliability(found), 1.0),
        "<h2>Thresholds</h2>",
        _table(
            ("answers", "wrong at most", "score from", "coverage", "why"),
            [(t.answers, f"{t.error_max:.1%}", "–" if t.cut is None else f"{t.cut:.4f}", f"{t.coverage:.0%}", t.reason)
             for t in question.thresholds],
        ),
        "<h2>Confusion</h2>",
        _confusion(question, found),
        "<h2>Cost</h2>",
        f"<p>{seen.cost_micro_usd / 1_000_000:.4f} USD for {seen.decided} decisions in 28 days.</p>",
    ]  # fmt: skip
    title = f"<title>{escape(question.name)}</title>"
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8">{title}<style>{_STYLE}</style></head>'
    return f"{head}<body>{''.join(parts)}</body></html>\n"


def _wrong_max(found: Evaluated) -> float:
    """The top of the picture: errors are small, and a curve along the floor shows nothing."""
    return max(0.05, *(point.error for point in found.curve)) if found.curve else 1.0


def _curve(found: Evaluated) -> str:
    top = _wrong_max(found)
    places = " ".join(f"{p.coverage * _SIZE:.1f},{(1 - p.error / top) * _SIZE:.1f}" for p in found.curve)
    return f'<polyline points="{places}" fill="none" stroke="#2458a6" stroke-width="2"/>'


def _reliability(found: Evaluated) -> str:
    diagonal = f'<line x1="0" y1="{_SIZE}" x2="{_SIZE}" y2="0" stroke="#bbb" stroke-dasharray="4"/>'
    most = max((each.count for each in found.reliability), default=1)
    dots = (
        f'<circle cx="{each.confidence * _SIZE:.1f}" cy="{(1 - each.accuracy) * _SIZE:.1f}"'
        f' r="{3 + 9 * (each.count / most) ** 0.5:.1f}" fill="#2458a6" fill-opacity=".7">'
        f"<title>{each.count} answers: sure {each.confidence:.1%}, right {each.accuracy:.1%}</title></circle>"
        for each in found.reliability
    )
    return diagonal + "".join(dots)


def _figure(title: str, across: str, up: str, drawing: str, top: float) -> str:
    frame = f'<rect width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#999"/>'
    marks = (
        f'<text x="0" y="{_SIZE + 18}">0</text><text x="{_SIZE}" y="{_SIZE + 18}" text-anchor="end">100 %</text>'
        f'<text x="{_SIZE / 2}" y="{_SIZE + 18}" text-anchor="middle">{escape(across)}</text>'
        f'<text x="6" y="16">{escape(up)}, to {top:.0%}</text>'
    )
    svg = f'<svg width="{_SIZE}" height="{_SIZE + 28}" font-size="13" role="img">{frame}{drawing}{marks}</svg>'
    return f"<figure><figcaption><b>{escape(title)}</b></figcaption>{svg}</figure>"


def _confusion(question: answers.QuestionDetail, found: Evaluated) -> str:
    """Rows: what people said; columns: what was answered."""
    names: list[str | None] = [*question.labels, None]
    head = ("is", *question.labels, "no answer")
    rows = []
    for said in names:
        cells = [f"<td>{escape(said or 'none of these')}</td>"]
        for told in names:
            count = found.confusion.get((said, told), 0)
            kind = "" if not count else ' class="hit"' if said == told else ' class="miss"'
            cells.append(f"<td{kind}>{count or ''}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{_head(head)}{''.join(rows)}</table>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{_head(head)}{body}</table>"


def _head(names: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in names)}</tr>"
