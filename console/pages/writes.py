"""Writes: the list, and one with its proof; taking it back, asking about it, settling a doubt."""

import json
from typing import Any

from console import asks, controlling, masking, problems
from console.access import reveals
from console.answers import Probed, Stub, Undoing, Write
from console.api import act
from console.pages import forms, jobs, reversals
from console.pages.page import File, Go, Page, Shown, Visit
from console.queries import stub, writes
from counterfoil.lifecycle import WriteState

HISTORY_SHOWN = 60
#: Characters of one of the four documents; the stub has all of it.
DOCUMENT_MAX = 5_000
_ON = "/writes/{id}"


def list_writes(visit: Visit) -> Shown:
    """Writes by state, destination and whatever the grammar says, newest first."""
    ask = forms.said(asks.WritesAsk, visit.query)
    query = jobs.narrowing(visit.query, reversals.LIST)
    data = {"found": writes.find_page(ask), "ask": ask, "states": list(WriteState), "query": query}
    data["destinations"] = sorted(controlling.known("destination"))
    return Shown("writes/list.html", "Writes", data)


def show_write(visit: Visit) -> Shown:
    """One write with everything that proves it; `undo` shows what taking it back would do."""
    found = _stub(visit)
    undoing = _preview(visit) if visit.query.get("undo") and _may_undo(visit, found) else None
    return _shown(visit, found, undoing=undoing)


def _stub(visit: Visit) -> Stub:
    found = stub.find(visit.one)
    if found is None:
        raise problems.NotFound(f"there is no write {visit.one}")
    return found


def _shown(visit: Visit, found: Stub, **more: Any) -> Shown:
    write = found.write
    masked = masking.masked(found.model_dump(mode="json"))
    proof, left_out = masking.as_text(masked)
    body = (masked["request"].get("action") or {}).get("body")
    documents = [
        ("What was sent", body),
        ("What stood there before", (masked["before"] or {}).get("fields", masked["before"])),
        ("What the destination answered", masked["answer"]),
        ("What stood there afterwards", masked["read_back"]),
    ]
    data: dict[str, Any] = {
        "write": write,
        "stub": found,
        "event": found.event,
        "body": body,
        "stood": (masked["before"] or {}).get("fields"),
        "documents": [(title, *masking.as_text(one, DOCUMENT_MAX)) for title, one in documents if one],
        "proof": proof,
        "left_out": left_out,
        "history": found.audit[-HISTORY_SHOWN:],
        "may": {
            right: visit.person.may(right, found.event.get("source"), write.handler) for right in ("act", "reveal")
        },
        "can_undo": _may_undo(visit, found),
        "undoing": None,
        "probed": None,
    }
    return Shown("writes/one.html", _title(write), data | more)


def _title(write: Write) -> str:
    return f"{write.operation.replace('_', ' ').capitalize()} in {write.destination}"


def _may_undo(visit: Visit, found: Stub) -> bool:
    stands = found.write.status == WriteState.CONFIRMED and found.write.reverses is None
    return stands and visit.person.may("act", found.event.get("source"), found.write.handler)


def _preview(visit: Visit) -> dict[str, Any]:
    asked = act.reverse(visit.asking(body=asks.ReverseAsk.model_validate({"dry_run": True})))
    assert isinstance(asked, Undoing), "Bug: a preview is never remembered"
    shown = masking.masked(asked.model_dump(mode="json"))
    return {**shown, "text": masking.as_text(shown["shown"].get("body"))[0]}


def take_back(visit: Visit) -> Go:
    """Plan the inverse; it goes the way of every write, approvals included."""
    done = act.reverse(visit.asking(body=forms.said(asks.ReverseAsk, visit.form)))
    return Go(f"/writes/{forms.member(done, 'id')}", "It is being taken back by this write.")


def probe(visit: Visit) -> Shown | Go:
    """Ask the destination: what became of a doubt, or whether a confirmed write still stands."""
    done = act.probe(visit.asking(body=forms.said(asks.Change, visit.form)))
    if isinstance(done, Probed) and done.outcome != "asked":
        differences = [masking.text(one) for one in done.differences]
        return _shown(visit, _stub(visit), probed=done.model_copy(update={"differences": differences}))
    return Go(f"/writes/{visit.one}", "The destination is being asked; look again in a moment.")


def settle(visit: Visit) -> Go:
    """What somebody found out about a doubt."""
    happened = visit.form.get("happened")
    if happened not in ("yes", "no"):
        raise problems.NotAsked("say whether it stands there", [problems.Fault(field="happened", detail="not chosen")])
    ask = forms.checked(
        asks.SettleAsk,
        {
            "happened": happened == "yes",
            "reference": visit.form.get("reference") or None,
            "reason": visit.form.get("reason", ""),
        },
    )
    act.settle(visit.asking(body=ask))
    return Go(f"/writes/{visit.one}", "Settled." if happened == "yes" else "Settled: it is sent again.")


def keep(visit: Visit) -> File:
    """The stub as a file, with everything in it; who took it and why is kept."""
    why = forms.said(asks.Change, visit.form).reason
    found = _stub(visit)
    reveals.record(visit.person.name, f"writes:{visit.one}", why)
    text = json.dumps(found.model_dump(mode="json"), indent=2, ensure_ascii=False)
    return File(f"stub-{visit.one}.json", "application/json", text + "\n")


PAGES = (
    Page("GET", "/writes", list_writes),
    Page("GET", _ON, show_write),
    Page("POST", f"{_ON}/reverse", take_back, right="act", on=_ON),
    Page("POST", f"{_ON}/probe", probe, right="act", on=_ON),
    Page("POST", f"{_ON}/settle", settle, right="act", on=_ON),
    Page("POST", f"{_ON}/stub", keep, right="reveal", on=_ON),
)
