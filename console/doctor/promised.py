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
    whole = f"P9: {len(failures.CATALOGUE)} classes, each with a living owner"
    return _found("owners", absent, whole, "P9 is broken")


def lost() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.LOST_EVENTS, promises.LOST_WRITES, promises.SILENT_CASES)
    return _found(
        "nothing lost", items, "P4: all is settled, moves by itself, or has an owner", f"P4 is broken by {count}"
    )


def doubles() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.KEY_CONSTRAINTS, promises.DOUBLE_WRITES)
    return _found(
        "no doubles", items, "P2, P3: every identity and every write key once", f"P2 or P3 is broken by {count}"
    )


def approvals() -> Finding:
    """P8: nothing that needs people was sent without them; what waits for them is asked; the database holds it."""
    from console.queries import promises

    count, items = promises.violators(promises.APPROVAL_TRIGGERS, promises.UNAPPROVED_WRITES, promises.UNASKED_WRITES)
    return _found("approvals", items, "P8: what needs people has enough of them, or waits", f"P8 is broken by {count}")


def books() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.UNBALANCED_ENTRIES, promises.UNBOOKED_WRITES)
    return _found("books", items, "every entry balances, every confirmed write is booked", f"{count} entries are wrong")


def audited() -> Finding:
    from console import chain
    from console.queries import audit

    found = chain.verified(heads=audit.heads(), rows=audit.chain(newest=SPOT_ENTRIES), inside=True)
    if found.altered is not None:
        return Finding(name="audit", verdict="wrong", detail=f"P11: the chain is broken at {found.altered}")
    detail = f"P11: the newest {sum(found.lanes.values())} entries follow from each other"
    return Finding(name="audit", verdict="ok", detail=detail)


def _found(name: str, items: list[str], whole: str, broken: str) -> Finding:
    """What a promise came to: it is kept when nothing breaks it."""
    return Finding(name=name, verdict="wrong" if items else "ok", detail=broken if items else whole, items=items)
