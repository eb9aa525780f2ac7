"""Rules: their routes, and the functions behind them."""

from uuid import UUID

from console import answers, asks, fix_asks, fixing, problems
from console.api import act
from console.api.route import Asking, Reply, Route
from console.queries import fixes
from counterfoil.database import Connection

_CHANGE = (404, 409)


def list_fixes(asking: Asking) -> answers.Page[answers.Fix]:
    return fixes.find_page(asking.query)


def show_fix(asking: Asking) -> answers.Fix:
    return fix(asking.one)


def propose(asking: Asking) -> Reply:
    ask: fix_asks.FixAsk = asking.body
    if ask.dry_run:
        return fixing.preview(ask)

    def keep(conn: Connection) -> act.Done:
        return {"id": str(fixing.propose(conn, asking.actor.name, ask))}

    return act.once(asking, "propose_fix", keep, _answer)


def approve(asking: Asking) -> Reply:
    def agree(conn: Connection) -> act.Done:
        fixing.approve(conn, asking.actor.name, asking.one, asking.body)
        return {"id": str(asking.one)}

    return act.once(asking, "approve_fix", agree, _answer)


def withdraw(asking: Asking) -> Reply:
    def drop(conn: Connection) -> act.Done:
        fixing.withdraw(conn, asking.actor.name, asking.one, asking.body)
        return {"id": str(asking.one)}

    return act.once(asking, "withdraw_fix", drop, _answer)


def _answer(done: act.Done) -> answers.Fix:
    return fix(UUID(done["id"]))


def fix(fix_id: UUID) -> answers.Fix:
    """One rule. Raises: NotFound."""
    found = fixes.find(fix_id)
    if found is None:
        raise problems.NotFound(f"there is no rule {fix_id}")
    return found


ROUTES: tuple[Route, ...] = (
    Route("GET", "/fixes", list_fixes, "Rules", answers.Page[answers.Fix], query=fix_asks.FixesAsk, right="look"),
    Route("GET", "/fixes/{id}", show_fix, "One rule", answers.Fix, right="look"),
    Route(
        "POST",
        "/fixes",
        propose,
        "Propose a rule that fills in what payloads lack, or show what it would do",
        answers.Fix | answers.FixPreview,
        body=fix_asks.FixAsk,
        refusals=(409,),
        right="act",
    ),
    Route(
        "POST",
        "/fixes/{id}/approve",
        approve,
        "Yes to somebody else's rule: it is applied from now on",
        answers.Fix,
        body=fix_asks.FixApproveAsk,
        refusals=_CHANGE,
        right="approve",
    ),
    Route(
        "POST",
        "/fixes/{id}/withdraw",
        withdraw,
        "Take a rule back, or drop a proposal",
        answers.Fix,
        body=asks.Change,
        refusals=_CHANGE,
        right="act",
    ),
)
