"""How a question's judge does where it was not taught: as a table, and as a page of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.judge import Name, judge
from console.commands.shared import Json

if TYPE_CHECKING:
    from console import answers
    from judgement.evaluating import Evaluated


def register(_: typer.Typer) -> None:
    """The command stands in the group `judge`."""


@judge.command("evaluate")
def evaluate(
    question: Name,
    html: Annotated[
        Path | None, typer.Option(help="writes the pictures into this file, which needs nothing else")
    ] = None,
    json: Json = False,
) -> None:
    """Risk against coverage, calibration, confusion and cost, on labels that were never taught."""
    from console import evaluation, judging
    from console.api import judge as looking
    from counterfoil import database
    from judgement import asking, evaluating, serving

    known = judging.a_question(question)
    with database.connect(autocommit=True) as conn:
        taught = asking.taught_of(conn, known)
        found = evaluating.evaluate(taught.judge, serving.all_labels(conn, known))
    shown = looking.question(known.name)
    if html is not None:
        html.write_text(evaluation.page(shown, found), "utf-8")
    if json:
        return shared.put_json(as_json(shown, found))
    _put(shown, found)


def as_json(question: "answers.QuestionDetail", found: "Evaluated") -> dict[str, Any]:
    """The measure for programs."""
    from dataclasses import asdict

    from judgement.evaluating import STEPS

    return {
        "question": question.name,
        "version": question.version,
        "training": question.model,
        "labels": found.labels,
        "answered": found.answered,
        "right": found.right,
        "ece": found.ece,
        "curve": [asdict(point) for step in STEPS if (point := found.at(step))],
        "reliability": [asdict(each) for each in found.reliability],
        "confusion": [
            {"said": said, "answered": answered, "count": count}
            for (said, answered), count in sorted(found.confusion.items(), key=str)
        ],
        "thresholds": [each.model_dump() for each in question.thresholds],
        "figures": question.figures.model_dump(),
    }


def _put(question: "answers.QuestionDetail", found: "Evaluated") -> None:
    from judgement.evaluating import STEPS

    ece = "–" if found.ece is None else f"{found.ece:.3f}"
    shared.put(f"{question.name}, training {question.model or '–'}: {found.labels} labels that were never taught")
    shared.put(f"{found.answered} answered, {found.right} right; calibration error {ece}")
    shared.put("\nRisk against coverage: when only the surest are answered")
    points = [(step, found.at(step)) for step in STEPS]
    shared.put_table(
        ("answered", "wrong", "score from"),
        [(f"{step:.0%}", f"{point.error:.1%}", f"{point.score:.3f}") for step, point in points if point],
        empty="Nothing was answered.",
    )
    shared.put("\nThresholds, derived")
    shared.put_table(
        ("answers", "wrong at most", "from", "why"),
        [(t.answers, f"{t.error_max:.1%}", t.cut and f"{t.cut:.4f}", t.reason) for t in question.thresholds],
        empty="",
    )
    shared.put("\nCalibration")
    shared.put_table(
        ("count", "sure", "right"),
        [(each.count, f"{each.confidence:.1%}", f"{each.accuracy:.1%}") for each in found.reliability],
        empty="Nothing was answered.",
    )
    shared.put("\nConfusion: what was taken for what")
    wrong = sorted(((n, said, told) for (said, told), n in found.confusion.items() if said != told), key=str)
    rows = [(n, said or "none of these", told or "no answer") for n, said, told in sorted(wrong, key=_most)]
    shared.put_table(("count", "is", "was answered"), rows, empty="Nothing.")
    seen = question.figures
    shared.put(f"\nCost: {seen.cost_micro_usd / 1_000_000:.4f} USD for {seen.decided} decisions in 28 days")


def _most(row: tuple[int, str | None, str | None]) -> int:
    return -row[0]
