"""Trials: a challenger beside what answers; started, ended, and what people's answers say of the two."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.judge import Name, judge
from console.commands.shared import As, Json, Reason

if TYPE_CHECKING:
    from console import answers

trial = typer.Typer(no_args_is_help=True, help="A challenger beside what answers; nothing acts on it.")


def register(_: typer.Typer) -> None:
    """The commands stand in the group `judge`."""
    judge.add_typer(trial, name="trial")


@trial.command("start")
def start(
    question: Name,
    challenger: Annotated[str, typer.Option(help="training:N, next (NEXT in the question's module) or hosted")],
    reason: Reason,
    share: Annotated[float, typer.Option(help="of the inputs, always the same ones")] = 0.2,
    as_: As = None,
    json: Json = False,
) -> None:
    """Let a challenger answer beside; what answers now goes on deciding alone."""
    from console import asks, judging

    ask = shared.asked(asks.TrialAsk, challenger=challenger, share=share, reason=reason)
    known = judging.a_question(question)
    shared.do(judging.try_out, as_, known, ask)
    _show(question, json)


@trial.command("stop")
def stop(question: Name, reason: Reason, as_: As = None, json: Json = False) -> None:
    """End the trial that runs; what was said stays."""
    from console import asks, judging

    known, ask = judging.a_question(question), shared.asked(asks.Change, reason=reason)
    shared.do(judging.end_trial, as_, known, ask)
    _show(question, json)


@trial.command("show")
def show(question: Name, json: Json = False) -> None:
    """The trial that runs, else the last one: the two against what people said, and what to make of it."""
    _show(question, json)


def _show(question: str, json: bool) -> None:
    from console.api import judge as looking

    found = looking.trial(question)
    if json:
        return shared.put_json(found)
    standing = "runs" if found.running else "is over"
    shared.put(f"{found.challenger} beside {found.question}, {found.share:.0%} of the inputs: {standing}")
    faults = f", {found.faults} of them without an answer" if found.faults else ""
    shared.put(f"{found.inputs} inputs{faults}")
    shared.put_table(("", "answers now", "challenger"), _rows(found), empty="")
    shared.put(f"\n{found.advice}")


def _rows(found: "answers.Trial") -> list[tuple[str, ...]]:
    both = (found.champion, found.challenged)
    rows: list[tuple[str, ...]] = [("would act on", *(_share(each.coverage) for each in both))]
    for name, told in (("drawn by chance", found.by_chance), ("all that people said", found.all_labels)):
        sides = (told.champion, told.challenger)
        rows.append((f"{name}: right of {told.labels}", *map(_right, sides)))
        rows.append(("  right where the other was wrong", *(str(each.only) for each in sides)))
        rows.append(("  wrong of those it would act on", *(f"{each.acts_wrong} of {each.acts}" for each in sides)))
    rows.append(("cost", *(f"{each.cost_micro_usd / 1_000_000:.4f} USD" for each in both)))
    rows.append(("half of the answers within", *(_time(each.latency_ms_p50) for each in both)))
    return rows


def _right(side: "answers.TrialSide") -> str:
    if side.accuracy is None:
        return "–"
    return f"{side.accuracy:.1%} ({_share(side.accuracy_at_least)} to {_share(side.accuracy_at_most)})"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _time(value: Any) -> str:
    return "–" if value is None else f"{value:.0f} ms"
