"""Labelling: a session at the terminal, one decision by id, and labels as files."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.judge import Name, judge
from console.commands.shared import As, Json, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from contracts.answers import Question

#: Faults that are listed; whoever has more has the wrong file.
FAULTS_MAX = 20


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(correct)


def correct(
    classification: Annotated[str, typer.Argument(metavar="DECISION", help="id of the decision")],
    reason: Reason,
    label: Annotated[str | None, typer.Argument(help="one of the question's labels")] = None,
    none: Annotated[bool, typer.Option("--none", help="none of the labels")] = False,
    as_: As = None,
    json: Json = False,
) -> None:
    """Say what an item of an event is; the event goes on once nothing of it is open."""
    from console import answers
    from console.api import judge as looking

    if (label is None) != none:
        raise typer.BadParameter("name a label, or say --none")
    decision = shared.uuid(classification, "decision")
    due = _settle(decision, label, reason, shared.actor(as_))
    found = looking.classification(decision)
    if json:
        return shared.put_json(answers.Corrected(classification=found, event_due=due))
    shared.put(
        f"{found.question} of {found.item} is {label or 'none of these'}" + ("; its event goes on" if due else "")
    )


@judge.command("label")
def label(
    question: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="at most so many")] = 50,
    reason: Annotated[str, typer.Option("--reason", "-r", help="kept with every label")] = "labelling session",
    as_: As = None,
) -> None:
    """Label at the terminal: what teaches most, and a share that chance chose."""
    from console import judging, problems
    from counterfoil import database
    from judgement import choosing

    known, who = judging.a_question(question), shared.actor(as_)
    with database.transaction() as conn:
        waiting = choosing.queue(conn, known, limit)
    if not waiting:
        return shared.put("Nothing is open.")
    done = 0
    for place, row in enumerate(waiting, start=1):
        _show(known, row, f"{place} of {len(waiting)}")
        said = _choice(known)
        if said is _QUIT:
            break
        if said is _SKIP:
            continue
        try:
            _settle(row["id"], said, reason, who)
        except problems.Conflict as taken:  # somebody was faster
            shared.put(f"  {taken.detail}")
            continue
        done += 1
    shared.put(f"{done} labelled.")


_SKIP, _QUIT = "\0skip", "\0quit"


def _show(question: "Question", row: "Mapping[str, Any]", place: str) -> None:
    shared.put(f"\n{place}  {row['item']}")
    for name, value in row["fields"].items():
        shared.put(f"  {name}: {value}")
    if row["label"] and row["confidence"] is not None:
        other = f", or {row['runner_up']} ({row['runner_up_confidence']:.2f})" if row["runner_up"] else ""
        shared.put(f"  suggestion: {row['label']} ({row['confidence']:.2f}){other}; {row['why']}")
    else:
        shared.put(f"  {row['why']}")
    choices = "  ".join(f"{number} {name}" for number, name in enumerate(question.label_names, start=1))
    shared.put(f"  {choices}  n none of these  s skip  q quit")


def _choice(question: "Question") -> str | None:
    """A label, None for none of these, or to skip or quit; asked until it is one of them."""
    names = question.label_names
    while True:
        sys.stdout.write("> ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        word = line.strip()
        if not line or word == "q":
            return _QUIT
        if word == "n":
            return None
        if word == "s":
            return _SKIP
        if word in names:
            return word
        if word.isascii() and word.isdecimal() and 1 <= int(word) <= len(names):
            return names[int(word) - 1]
        shared.put("  a number, a label, n, s or q")


def _settle(decision: "UUID", said: str | None, reason: str, who: str) -> bool:
    from console import actions, asks, judging

    ask = asks.CorrectAsk(label=said, reason=reason)
    with actions.doing() as conn:
        return judging.correct(conn, who, decision, ask)


@judge.command("export")
def export(
    question: Name,
    file: Annotated[typer.FileTextWrite, typer.Option(help="where to (the terminal)")] = "-",  # type: ignore[assignment]
) -> None:
    """All that people said about a question, one JSON object a line."""
    import json as as_json

    from console import judging
    from counterfoil import database
    from judgement import carrying

    known = judging.a_question(question)
    with database.transaction() as conn:
        for row in carrying.every(conn, known.name):
            file.write(as_json.dumps(row, ensure_ascii=False) + "\n")


@judge.command("import")
def import_(
    question: Name,
    file: Annotated[
        typer.FileText, typer.Option(help="one JSON object a line: fields, label, author, uniform (- reads it)")
    ],
    reason: Reason,
    as_: As = None,
    json: Json = False,
) -> None:
    """Take labels from a file: all of them, or none when one line is wrong."""
    from console import actions, judging
    from judgement import carrying

    known = judging.a_question(question)
    rows = _rows(known, file)
    with actions.doing() as conn:
        taken = carrying.take(conn, known, rows, who=shared.actor(as_), reason=reason)
    if json:
        return shared.put_json({"question": known.name, "lines": len(rows), "taken": taken})
    shared.put(f"{taken} labels taken, {len(rows) - taken} were known")


def _rows(question: "Question", file: Any) -> list[Any]:
    """Every line, checked. Raises: NotAcceptable with the lines at fault."""
    from pydantic import ValidationError

    from console import asks, problems
    from judgement import carrying

    rows, found = [], []
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            read = asks.LabelLine.model_validate_json(line)
        except ValidationError as failure:
            found += [problems.Fault(field=f"line {number}", detail=f"{each.field}: {each.detail}")
                      for each in problems.faults(failure)]  # fmt: skip
            continue
        row = carrying.Row(read.fields, read.label, read.author, read.uniform)
        if fault := carrying.faults(question, row):
            found.append(problems.Fault(field=f"line {number}", detail=fault))
        rows.append(row)
    if found:
        raise problems.NotAcceptable(f"{len(found)} faults; nothing was taken", found[:FAULTS_MAX])
    return rows
