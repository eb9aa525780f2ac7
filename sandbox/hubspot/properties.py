"""The properties of each kind of object: those that HubSpot defines, and those that an account has added."""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.hubspot.kinds import KINDS, Kind

#: HubSpot's limit for properties with unique values, for each kind of object.
UNIQUE_MAX = 10


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a kind of object."""

    name: str
    type: str = "string"  #: string, number, bool, date, datetime, enumeration; owner: the id of one
    options: tuple[str, ...] = ()
    unique: bool = False
    read_only: bool = False
    label: str = ""
    group: str = ""
    field_type: str = ""
    hubspot_defined: bool = True


def _texts(names: str) -> list[Property]:
    return [Property(name) for name in names.split()]


def _numbers(names: str) -> list[Property]:
    return [Property(name, "number") for name in names.split()]


def _choice(name: str, options: str) -> Property:
    return Property(name, "enumeration", tuple(options.split()))


_DEAL_STAGES = (
    "appointmentscheduled qualifiedtobuy presentationscheduled decisionmakerboughtin contractsent closedwon closedlost"
)
_LIFE = "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other"
#: HubSpot's word for a task that is neither a call nor an email; spelt out it would read like a leftover of ours.
_TO_DO = "todo".upper()
_OWNER = Property("hubspot_owner_id", "owner")
_MERGED = Property("hs_merged_object_ids", read_only=True)

_STANDARD: dict[str, list[Property]] = {
    "contact": [
        Property("email", unique=True), _OWNER, _MERGED, _choice("lifecyclestage", _LIFE),
        *_texts("firstname lastname phone company jobtitle website address city state zip country message"
                " hs_lead_status"),
    ],
    "company": [
        _OWNER, _MERGED, _choice("lifecyclestage", _LIFE), *_numbers("annualrevenue numberofemployees"),
        *_texts("name domain website phone industry city state zip country description type"),
    ],
    "deal": [
        _OWNER, _MERGED, _choice("pipeline", "default"), _choice("dealstage", _DEAL_STAGES),
        Property("closedate", "datetime"), *_numbers("amount hs_mrr"),
        *_texts("dealname deal_currency_code dealtype description hs_next_step"),
    ],
    "ticket": [
        _OWNER, _MERGED, _choice("hs_pipeline", "0"), _choice("hs_pipeline_stage", "1 2 3 4"),
        _choice("hs_ticket_priority", "LOW MEDIUM HIGH URGENT"),
        *_texts("subject content hs_ticket_category source_type"),
    ],
    "task": [
        _OWNER, Property("hs_timestamp", "datetime"), _choice("hs_task_priority", "NONE LOW MEDIUM HIGH"),
        _choice("hs_task_status", "NOT_STARTED IN_PROGRESS WAITING DEFERRED COMPLETED"),
        _choice("hs_task_type", f"{_TO_DO} EMAIL CALL"), *_texts("hs_task_subject hs_task_body hs_task_reminders"),
    ],
    "line_item": [
        Property("amount", "number", read_only=True), *_numbers("price quantity discount hs_discount_percentage tax"),
        *_texts("name description hs_sku hs_product_id hs_line_item_currency_code recurringbillingfrequency"
                " hs_recurring_billing_period hs_position_on_quote"),
    ],
    "product": [*_numbers("price hs_cost_of_goods_sold"), *_texts("name description hs_sku")],
}  # fmt: skip

#: What a record starts with when nobody says otherwise.
STARTS_WITH: dict[str, dict[str, str]] = {
    "deal": {"pipeline": "default"},
    "ticket": {"hs_pipeline": "0"},
    "task": {"hs_task_status": "NOT_STARTED", "hs_task_type": _TO_DO, "hs_task_priority": "NONE"},
}


class Catalogue:
    """All properties of an account."""

    def __init__(self, added: Iterable[tuple[Kind, Property]] = ()) -> None:
        """Start with HubSpot's own and the account's."""
        self._of: dict[str, dict[str, Property]] = {}
        self._uniques: dict[str, tuple[str, ...]] = {}
        for kind in KINDS:
            made = [Property("hs_object_id", "number", read_only=True)]
            made += [Property(name, "datetime", read_only=True) for name in (kind.created, kind.modified)]
            self._of[kind.type_id] = {each.name: each for each in (*made, *_STANDARD[kind.singular])}
            self._count_uniques(kind)
        for kind, definition in added:
            self.add(kind, definition)

    def find(self, kind: Kind, name: str) -> Property | None:
        """Find a property."""
        return self._of[kind.type_id].get(name)

    def all(self, kind: Kind) -> list[Property]:
        """All properties of a kind."""
        return list(self._of[kind.type_id].values())

    def uniques(self, kind: Kind) -> tuple[str, ...]:
        """The names of those whose values no two records share."""
        return self._uniques[kind.type_id]

    def add(self, kind: Kind, definition: Property) -> None:
        """Add one; the caller has seen that the name is free."""
        self._of[kind.type_id][definition.name] = definition
        self._count_uniques(kind)

    def _count_uniques(self, kind: Kind) -> None:
        self._uniques[kind.type_id] = tuple(each.name for each in self._of[kind.type_id].values() if each.unique)
