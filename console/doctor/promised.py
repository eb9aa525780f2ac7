"""The promises that a query can prove: nothing lost, nothing twice, nobody passed over, and a chain that holds."""

from console.doctor.finding import Finding
from counterfoil import clock

#: Entries of each lane that are followed; the whole chain is verified by `counterfoil audit verify`.
SPOT_ENTRIES = 1000


def owned() -> Finding:
    """P9: every class has a living owner, and so has every case that is open now."""
    from console.queries import promises
    from exceptions_queue import failures, leaving, owners

    roster, now = owners.load(), clock.now()
    absent = leaving.problems(roster)
    for kind in promises.live_kinds():
        person = roster.owner_of(
            kind["failure_class"], source=kind["source"], handler=kind["handler"], assigned=kind["owner"], at=now
        )
        if person not in roster.people or not roster.people[person].is_present(now):
            absent.append(f"{kind['cases']} cases of {kind['failure_class']}: {person} is not there")
    detail = f"P9: {len(failures.CATALOGUE)} classes, each with a living owner" if not absent else "P9 is broken"
    return Finding(name="owners", verdict="wrong" if absent else "ok", detail=detail, items=absent)


def lost() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.LOST_EVENTS, promises.LOST_WRITES, promises.SILENT_CASES)
    detail = "P4: all is settled, moves by itself, or has an owner" if not count else f"P4 is broken by {count}"
    return Finding(name="nothing lost", verdict="wrong" if count else "ok", detail=detail, items=items)


def doubles() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.KEY_CONSTRAINTS, promises.DOUBLE_WRITES)
    detail = "P2, P3: every identity and every write key once" if not count else f"P2 or P3 is broken by {count}"
    return Finding(name="no doubles", verdict="wrong" if count else "ok", detail=detail, items=items)


def approvals() -> Finding:
    """P8: nothing that needs people was sent without them; what waits for them is asked; the database holds it."""
    from console.queries import promises

    count, items = promises.violators(promises.APPROVAL_TRIGGERS, promises.UNAPPROVED_WRITES, promises.UNASKED_WRITES)
    detail = "P8: what needs people has enough of them, or waits" if not count else f"P8 is broken by {count}"
    return Finding(name="approvals", verdict="wrong" if count else "ok", detail=detail, items=items)


def books() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.UNBALANCED_ENTRIES, promises.UNBOOKED_WRITES)
    detail = "every entry balances, every confirmed write is booked" if not count else f"{count} entries are wrong"
    return Finding(name="books", verdict="wrong" if count else "ok", detail=detail, items=items)


def audited() -> Finding:
    from console import chain
    from console.queries import audit

    found = chain.verified(heads=audit.heads(), rows=audit.chain(newest=SPOT_ENTRIES), inside=True)
    if found.altered is not None:
        return Finding(name="audit", verdict="wrong", detail=f"P11: the chain is broken at {found.altered}")
    detail = f"P11: the newest {sum(found.lanes.values())} entries follow from each other"
    return Finding(name="audit", verdict="ok", detail=detail)
