"""The second half of the demo: writes that go out to Stripe and HubSpot. Five short chapters, each with its proof.

    a deal is won            a person approves exactly what is shown
    an answer is lost        nobody knows what happened, so Stripe is asked; nothing is sent twice
    an old truth comes late  it does not overwrite the newer one
    taken back               what stands as we wrote it is set back, what somebody changed since is kept
    tickets are sorted       by what people said of the same words; what nobody has answered waits (`sandbox.tickets`)

Every number comes from Counterfoil's API or from the stand-ins themselves.
"""

import json
from collections.abc import Iterator
from typing import Any

from contracts.money import Money
from sandbox.chapter import Chapter
from sandbox.day import Delivery
from sandbox.tickets import Tickets

ACORN = "Acorn (example)"
FIONA = "fiona"  #: owns what finance has to decide, in `exceptions_queue/owners.toml`


class Story(Chapter):
    """What happens after the day."""

    def tell(self) -> None:
        """All chapters."""
        self.screen.print()
        self.screen.rule("Writes that leave the house: Stripe and HubSpot", align="left")
        bluebell = self._bluebell()
        acorn = self._deal_won()
        self._late(bluebell)
        self._taken_back(acorn, bluebell)
        Tickets(self.company, self.outside, self.screen).tell()

    def _bluebell(self) -> str:
        """A customer of old, who subscribes for five; the webhook of it gets lost on its way for now."""
        customer = self.outside.at_stripe("POST", "/v1/customers", name="Bluebell (example)")
        company = self._company("Bluebell", stripe_customer_id=customer["id"])
        self._subscribe(customer["id"], 5)
        self._late_hooks = list(self._told_by_stripe())
        return company

    def _deal_won(self) -> str:
        """Chapters one and two."""
        acorn = self._company("Acorn", domain="acorn.example.com")
        self._win_a_deal(acorn)
        request = self.company.wait_until(self._request, "nobody was asked about the won deal")
        approval = self.company.ask("GET", f"/writes/{request['write_id']}/approval")
        case = next(one for one in self.company.every("/cases", status="open") if one["class"] == "approval_needed")
        self._say(
            f"[bold]1  A deal is won.[/] Ada moves it to “closed won” in HubSpot. [bold]{case['owner']}[/] is asked"
            f" about {_money(request['amount'])} (rule {request['rule']}); until then nothing is sent:"
        )
        for line in approval["shown"]["lines"]:
            self._line(line)
        others = ", ".join(f"{one['destination']} {one['operation']}" for one in approval["with_it"])
        self._line(f"with it, in order: {others}; undone by: {approval['shown']['can_be_undone']}")
        self.outside.lose_the_answer("/v1/customers")
        yes = {"digest": approval["digest"], "reason": "agrees with the signed offer"}
        self.company.ask("POST", f"/writes/{request['write_id']}/approve", who=FIONA, json=yes)
        self._line(f"[bold]{FIONA}[/] says yes to exactly this (digest {approval['digest'][:12]}…).")
        self.screen.print()
        self._answer_lost(next(one for one in approval["with_it"] if one["operation"] == "create_customer"))
        return acorn

    def _answer_lost(self, customer: dict[str, Any]) -> None:
        doubt = self.company.wait_until(
            lambda: self._audited(customer["write_id"], "write.in_doubt"), "the lost answer left no doubt"
        )
        self.company.settle()
        certain = self._audited(customer["write_id"], "write.confirmed")
        assert certain is not None
        write = self.company.ask("GET", f"/writes/{customer['write_id']}/stub")["write"]
        self._say(
            "[bold]2  An answer is lost.[/] Stripe made the customer, and the connection broke before it could say so."
        )
        self._line(f"in doubt: {doubt['detail']['detail']}")
        self._line(f"asked, not sent again; {write['status']}: {certain['detail']['detail']}")
        customers, drafts = self.outside.count("customer", name=ACORN), self.outside.count("invoice", status="draft")
        self._line(
            f"attempts: [bold]{write['attempts']}[/]; at Stripe stand [bold]{customers}[/] customer {ACORN} and"
            f" [bold]{drafts}[/] draft for it. Nobody had to do anything."
        )
        self.screen.print()

    def _late(self, bluebell: str) -> None:
        """Chapter three."""
        customer = self.outside.company(bluebell)["stripe_customer_id"]
        (subscription,) = self.outside.at_stripe("GET", "/v1/subscriptions", customer=customer)["data"]
        item = subscription["items"]["data"][0]["id"]
        self.outside.at_stripe("POST", f"/v1/subscriptions/{subscription['id']}", items=[{"id": item, "quantity": 25}])
        newer = self._deliver(self._told_by_stripe())
        older = self._deliver(self._late_hooks)
        shown = self.outside.company(bluebell)
        self._say(
            "[bold]3  An old truth comes late.[/] Bluebell went from 5 to 25 seats; Stripe's newer event comes first."
        )
        for name, events in (("newer", newer), ("older", older)):
            for event in events:
                self._line(f"{name}: {event['type']}, {event['status']} ({event['outcome']})")
        self._line(f"HubSpot shows {shown['mrr']} {shown['mrr_currency']} a month for Bluebell.")
        self.screen.print()

    def _taken_back(self, acorn: str, bluebell: str) -> None:
        """Chapter four."""
        self._subscribe(self.outside.company(acorn)["stripe_customer_id"], 20)
        self._deliver(self._told_by_stripe())
        self.outside.at_hubspot("edit", "companies", id=bluebell, properties={"plan": "Team plan, special terms"})
        wish = {"filter": {"handler": "subscription_changed"}, "reason": "MRR was to be shown without discounts"}
        job = self.company.ask("POST", "/reversals", who="rhea", json=wish)
        job = self.company.wait_until(lambda: self._ended(job["id"]), "the reversal did not end")
        report, kept = job["report"], job["kept"]
        self._say(
            f"[bold]4  Taken back.[/] rhea takes back what subscription_changed wrote ({job['plan']['writes']} writes);"
            " Ada changed Bluebell by hand in between."
        )
        self._line(
            f"reversed [bold]{report['reversed']}[/] · kept [bold]{report['kept']}[/] · could not"
            f" [bold]{report['could_not']}[/]"
        )
        for item in kept:
            self._line(f"{item['detail']} ({item['key'].partition(':subscriptions')[0]})")
        self._line(
            f"HubSpot shows for Acorn: plan {self.outside.company(acorn).get('plan') or 'none'}, as before; for"
            f" Bluebell: {self.outside.company(bluebell)['plan']}."
        )
        self.screen.print()

    def _company(self, name: str, **properties: str) -> str:
        given = {"name": f"{name} (example)", **properties}
        id: str = self.outside.at_hubspot("create", "companies", properties=given)["id"]
        self.outside.hooks("hubspot")  # nobody here wants to hear of it
        return id

    def _win_a_deal(self, company: str) -> None:
        offer = {"dealname": "Acorn: 20 seats", "dealstage": "contractsent", "deal_currency_code": "EUR"}
        deal = self.outside.at_hubspot("create", "deals", properties=offer)["id"]
        for name, quantity, price in (("Team plan, one year", "20", "348.00"), ("Onboarding workshop", "1", "1200.00")):
            sold = {"name": name, "quantity": quantity, "price": price}
            line = self.outside.at_hubspot("create", "line_items", properties=sold)["id"]
            self.outside.at_hubspot("associate", "deals", id=deal, to_kind="line_items", to=line)
        self.outside.at_hubspot("associate", "deals", id=deal, to_kind="companies", to=company)
        self.outside.hooks("hubspot")
        self.outside.at_hubspot("edit", "deals", id=deal, properties={"dealstage": "closedwon"})
        for hook in self.outside.hooks("hubspot"):
            self.company.post(Delivery("hubspot", hook.body, "a deal was won"))

    def _subscribe(self, customer: str, seats: int) -> None:
        price = self.outside.at_stripe(
            "POST", "/v1/prices", currency="eur", unit_amount=29_00, nickname="Team plan",
            recurring={"interval": "month"}, product_data={"name": "Team plan"},
        )  # fmt: skip
        items = [{"price": price["id"], "quantity": seats}]
        self.outside.at_stripe("POST", "/v1/subscriptions", customer=customer, items=items)

    def _told_by_stripe(self) -> Iterator[Delivery]:
        """What Stripe has to say of subscriptions; of the rest of its news the day was full."""
        for hook in self.outside.hooks("stripe"):
            if hook.kind.startswith("customer.subscription."):
                yield Delivery("stripe", hook.body, hook.kind)

    def _deliver(self, deliveries: "Iterator[Delivery] | list[Delivery]") -> list[dict[str, Any]]:
        """Post them, let everything settle, and show what became of each."""
        keys = []
        for delivery in deliveries:
            self.company.post(delivery)
            keys.append(json.loads(delivery.body)["id"])
        events = self.company.settle()
        found = [event["id"] for event in events if event["key"] in keys]
        return [self.company.ask("GET", f"/events/{id}") for id in found]

    def _request(self) -> dict[str, Any] | None:
        return next(iter(self.company.every("/approvals")), None)

    def _audited(self, write_id: str, action: str) -> dict[str, Any] | None:
        """The last entry of this kind about a write."""
        entries = self.company.ask("GET", f"/writes/{write_id}/stub")["audit"]
        return next((entry for entry in reversed(entries) if entry["action"] == action), None)

    def _ended(self, id: str) -> dict[str, Any] | None:
        job = self.company.ask("GET", f"/reversals/{id}")
        return job if job["status"] in ("finished", "cancelled") else None


def _money(amount: dict[str, Any] | None) -> str:
    return str(Money(amount["amount_minor"], amount["currency"])) if amount else "an amount that is not told"
