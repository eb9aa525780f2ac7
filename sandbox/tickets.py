"""The demo's chapter on judgement: three tickets, of which the form has told everything but who is to read them.

The first says what support has answered before, so it is sorted by itself. The second is like nothing that anybody has
answered: it waits for a person. The third is like the second. No threshold is typed and none is certified: a judge that
nobody has measured suggests, and what people said of the same words is what code acts on.
"""

import json
from typing import Any, NamedTuple

from sandbox.chapter import Chapter
from sandbox.day import Delivery

INES = "ines"  #: answers for tickets, in `exceptions_queue/owners.toml`
QUESTION = "ticket_route"


class Ticket(NamedTuple):
    """What somebody wrote into the form."""

    subject: str
    text: str

    @property
    def fields(self) -> dict[str, str]:
        """As the question has it."""
        return self._asdict()


#: What support answered last quarter, as it stands in a file.
ANSWERED = (
    (Ticket("Second charge", "We were charged twice for May. Please refund one of the two payments."), "finance"),
    (Ticket("Export fails", "Since the update every export ends with error 500."), "engineering"),
    (Ticket("New phone", "I have a new phone and cannot confirm my login any more."), "support"),
)
KNOWN = Ticket("second charge", "we were charged twice for may - please refund one of the two payments")
ODD = Ticket("The blue one", "Could Bilbao get the blue one this time? Marta has the number.")
LIKE_IT = Ticket("the blue one!", "Could Bilbao get the blue one this time?? Marta has the number")


class Tickets(Chapter):
    """Chapter five."""

    def tell(self) -> None:
        """Known, unknown, and known from then on."""
        self._say(
            "[bold]5  Tickets are sorted.[/] The form has told category and priority; which team reads a ticket first"
            f" is judged ({QUESTION})."
        )
        self._line(f"What support answered last quarter is brought in: {self._bring_in()}.")
        self._show(KNOWN, *self._arrives(KNOWN))
        event, decision = self._arrives(ODD)
        self._show(ODD, event, decision)
        self._settle(decision)
        self.company.settle()
        self._line(f"“{ODD.subject}” at HubSpot: [bold]{self._route(ODD)}[/].")
        self._show(LIKE_IT, *self._arrives(LIKE_IT))
        self.screen.print()

    def _bring_in(self) -> str:
        file = self.company.home / "answered.jsonl"
        rows = [{"fields": ticket.fields, "label": label, "author": INES} for ticket, label in ANSWERED]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        told = self.company.command(
            "judge", "import", QUESTION, "--file", str(file), "--reason", "tickets of last quarter"
        )
        return told.strip()

    def _arrives(self, ticket: Ticket) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its event, and what was decided about it."""
        told = {"hs_pipeline_stage": "1", "hs_ticket_category": "GENERAL_INQUIRY", "hs_ticket_priority": "MEDIUM"}
        properties = {"subject": ticket.subject, "content": ticket.text, **told}
        self.outside.hooks("hubspot")  # what came before is another story
        self.outside.at_hubspot("create", "tickets", properties=properties)
        known = {event["id"] for event in self.company.every("/events", type="ticket.creation")}
        for hook in self.outside.hooks("hubspot"):
            self.company.post(Delivery("hubspot", hook.body, "a ticket was made"))
        self.company.settle()
        (event,) = (one for one in self.company.every("/events", type="ticket.creation") if one["id"] not in known)
        (decision,) = self.company.every("/classifications", event=event["id"])
        return event, self.company.ask("GET", f"/classifications/{decision['id']}")

    def _show(self, ticket: Ticket, event: dict[str, Any], decision: dict[str, Any]) -> None:
        label, sure = decision["label"], decision["confidence"]
        said = f"[bold]{label}[/], {sure:.2f} sure" if label else "no answer"
        self._line(f"“{ticket.subject}”: {said}; {decision['status']}: {decision['why']}")
        if decision["status"] == "committed":
            nearest = decision["precedents"][0]
            self._line(
                f"   as {nearest['author']} answered it ({nearest['likeness']:.0%} alike); event {event['status']};"
                f" at HubSpot: [bold]{self._route(ticket)}[/]"
            )

    def _settle(self, decision: dict[str, Any]) -> None:
        case = next(one for one in self.company.every("/cases", status="open") if one["class"] == "low_confidence")
        answer = {"label": "success", "reason": "Marta is our contact for deliveries; her account manager knows"}
        self.company.ask("POST", f"/classifications/{decision['id']}/correct", who=case["owner"], json=answer)
        self._line(f"   on [bold]{case['owner']}[/]'s desk, nothing written; says: [bold]{answer['label']}[/].")

    def _route(self, ticket: Ticket) -> str:
        rows = self.outside.hubspot.exchange.locked(self.outside.hubspot.standin.state)["tickets"]
        return next(
            str(row["properties"].get("ticket_route", "none"))
            for row in rows
            if row["properties"]["subject"] == ticket.subject
        )
