"""Rules: the functions behind them, and their routes."""

from uuid import UUID

from console import answers, asks, fixing, problems
from console.api import act
from console.api.route import NOT_THERE_OR_NOT_NOW, Asking, Reply, Route
from console.queries import fixes


def list_fixes(asking: Asking) -> answers.Page[answers.Fix]:
    return fixes.find_page(asking.query)


def show_fix(asking: Asking) -> answers.Fix:
    return fix(asking.one)


def propose(asking: Asking) -> Reply:
    ask: asks.FixAsk = asking.body
    if ask.dry_run:
        return fixing.preview(ask)

    return act.made(asking, "propose_fix", lambda conn: fixing.propose(conn, asking.actor.name, ask), fix)


def approve(asking: Asking) -> Reply:
    return act.changed(asking, "approve_fix", fixing.approve, fix)


def withdraw(asking: Asking) -> Reply:
    return act.changed(asking, "withdraw_fix", fixing.withdraw, fix)


def fix(fix_id: UUID) -> answers.Fix:
    """One rule. Raises: NotFound."""
    found = fixes.find(fix_id)
    if found is None:
        raise problems.NotFound(f"there is no rule {fix_id}")
    return found


ROUTES: tuple[Route, ...] = (
    Route("GET", "/fixes", list_fixes, "Rules", answers.Page[answers.Fix], query=asks.FixesAsk, right="look"),
    Route("GET", "/fixes/{id}", show_fix, "One rule", answers.Fix, right="look"),
    Route(
        "POST",
        "/fixes",
        propose,
        "Propose a rule that fills in what payloads lack, or show what it would do",
        answers.Fix | answers.FixPreview,
        body=asks.FixAsk,
        refusals=(409,),
        right="act",
    ),
    Route(
        "POST",
        "/fixes/{id}/approve",
        approve,
        "Yes to somebody else's rule: it is applied from now on",
        answers.Fix,
        body=asks.FixApproveAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="approve",
    ),
    Route(
        "POST",
        "/fixes/{id}/withdraw",
        withdraw,
        "Take a rule back, or drop a proposal",
        answers.Fix,
        body=asks.Change,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="act",
    ),
)
