"""The kinds of objects that this HubSpot knows: what each is called, answers with, and insists on.

Names come in three forms: the number of the API (`0-1`), the plural of its paths (`contacts`) and the singular of its
webhooks (`contact`). All three are accepted wherever a path names a kind, as the real API does.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object."""

    type_id: str
    singular: str
    plural: str
    defaults: tuple[str, ...]  #: properties that an answer holds when nobody asked for others
    modified: str = "hs_lastmodifieddate"  #: contacts have their own name for it
    created: str = "createdate"
    required: tuple[str, ...] = ()
    scope: str = ""  #: the scopes' name for it, where that is another one
    #: Whether subscriptions name it (`deal.creation`); the others come as `object.*` with their number.
    has_own_events: bool = True

    @property
    def scope_name(self) -> str:
        """What scopes call it."""
        return self.scope or self.plural


CONTACT = Kind(
    "0-1", "contact", "contacts", ("email", "firstname", "lastname"), modified="lastmodifieddate"
)  # fmt: skip
COMPANY = Kind("0-2", "company", "companies", ("domain", "name"))
DEAL = Kind("0-3", "deal", "deals", ("amount", "closedate", "dealname", "dealstage", "pipeline"))
TICKET = Kind(
    "0-5", "ticket", "tickets",
    ("content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_priority", "subject"),
    required=("hs_pipeline_stage",),
)  # fmt: skip
TASK = Kind(
    "0-27", "task", "tasks", (), created="hs_createdate", required=("hs_timestamp",), scope="contacts",
    has_own_events=False,
)  # fmt: skip
LINE_ITEM = Kind("0-8", "line_item", "line_items", ("amount", "hs_product_id", "quantity"))
PRODUCT = Kind("0-7", "product", "products", ("description", "name", "price"))

KINDS = (CONTACT, COMPANY, DEAL, TICKET, TASK, LINE_ITEM, PRODUCT)
_BY_NAME = {name: kind for kind in KINDS for name in (kind.type_id, kind.singular, kind.plural)}

#: (from, to) -> the number of the unlabelled association between them.
#: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
UNLABELLED: dict[tuple[str, str], int] = {
    ("contact", "company"): 279, ("company", "contact"): 280,
    ("deal", "contact"): 3, ("contact", "deal"): 4,
    ("deal", "company"): 341, ("company", "deal"): 342,
    ("contact", "ticket"): 15, ("ticket", "contact"): 16,
    ("ticket", "company"): 339, ("company", "ticket"): 340,
    ("deal", "ticket"): 27, ("ticket", "deal"): 28,
    ("deal", "line_item"): 19, ("line_item", "deal"): 20,
    ("contact", "task"): 203, ("task", "contact"): 204,
    ("company", "task"): 191, ("task", "company"): 192,
    ("deal", "task"): 215, ("task", "deal"): 216,
    ("ticket", "task"): 229, ("task", "ticket"): 230,
    ("contact", "contact"): 449, ("company", "company"): 450, ("deal", "deal"): 451,
}  # fmt: skip

#: The first company of a record becomes its primary one, by an association of its own beside the unlabelled.
PRIMARY: dict[tuple[str, str], int] = {
    ("contact", "company"): 1, ("company", "contact"): 2,
    ("deal", "company"): 5, ("company", "deal"): 6,
    ("company", "ticket"): 25, ("ticket", "company"): 26,
}  # fmt: skip

_BY_TYPE_ID = {number: pair for table in (UNLABELLED, PRIMARY) for pair, number in table.items()}


def find_kind(name: str) -> Kind | None:
    """Find a kind by any of its names."""
    return _BY_NAME.get(name.lower())


def find_pair(association_type_id: object) -> tuple[str, str] | None:
    """Find between which kinds an association of this number runs."""
    return _BY_TYPE_ID.get(association_type_id) if isinstance(association_type_id, int) else None
