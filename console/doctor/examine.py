"""Every check of the self-check, in the order in which they are told; one that cannot be made says so by itself."""

from collections.abc import Callable, Mapping

import psycopg

from console.doctor import judging, people, promised, standing, surroundings
from console.doctor.finding import Finding

CHECKS: Mapping[str, Callable[[], Finding]] = {
    "configuration": surroundings.configuration,
    "postgres": surroundings.postgres,
    "schema": surroundings.schema,
    "clock": surroundings.clocks,
    "broker": surroundings.broker,
    "sources": surroundings.sources,
    "API keys": surroundings.keys,
    "owners": promised.owned,
    "people": people.people,
    "policy": standing.policies,
    "handlers": standing.handlers,
    "nothing lost": promised.lost,
    "no doubles": promised.doubles,
    "approvals": promised.approvals,
    "destinations": standing.destinations,
    "pauses": standing.pauses,
    "questions": judging.questions,
    "local judge": judging.local,
    "hosted model": judging.model,
    "books": promised.books,
    "audit": promised.audited,
    "backlog": standing.backlog,
    "failpoints": surroundings.armed,
}


def examine() -> list[Finding]:
    """Make every check."""
    return [_made(name, check) for name, check in CHECKS.items()]


def _made(name: str, check: Callable[[], Finding]) -> Finding:
    from sqlalchemy import exc

    try:
        return check()
    except (psycopg.Error, exc.SQLAlchemyError) as failure:
        return Finding(name=name, verdict="unknown", detail=f"could not be checked ({type(failure).__name__})")
    except Exception as failure:
        problems = list(getattr(failure, "problems", []))
        # A configuration that is refused lists what is wrong with it; anything else is told in its own words.
        detail = "refused; nothing starts like this" if problems else str(failure) or type(failure).__name__
        return Finding(name=name, verdict="wrong", detail=detail, items=problems)
