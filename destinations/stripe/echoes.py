"""Which of Stripe's events our writes caused: the event repeats the idempotency key of the request behind it.

The key is conclusive, however many events one request causes and whatever became of its answer. Deleting in v1 takes
no key; but a thing is deleted once, so the event of it belongs to the write that did it.
https://docs.stripe.com/api/events/object#event_object-request
"""

import re
from collections.abc import Mapping

import msgspec

from destinations.echoes import Clue, SentWrite
from destinations.stripe.check import SUB_KEY

#: Cheaper than reading the whole event, and most have no key.
_HAS_KEY = re.compile(r'"idempotency_key"\s*:\s*"')
#: After a refusal a write is sent under its key with its number behind it.
_REVISION = re.compile(r"~[0-9]{1,9}\Z", re.ASCII)
_DELETED = {"customer.deleted": "delete_customer", "invoice.deleted": "withdraw_invoice"}


class _Request(msgspec.Struct, gc=False):
    id: str | None = None
    idempotency_key: str | None = None


class _Reason(msgspec.Struct, gc=False):
    request: _Request | None = None


class _About(msgspec.Struct, gc=False):
    id: str | None = None


class _Data(msgspec.Struct, gc=False):
    object: _About | None = None


class _Event(msgspec.Struct, gc=False):
    """Either form: a snapshot has `request`, a thin notification has it in `reason`."""

    id: str
    snapshot_event: str | None = None
    request: _Request | str | None = None
    reason: _Reason | None = None
    data: _Data | None = None
    related_object: _About | None = None


_read = msgspec.json.Decoder(_Event).decode


class StripeEchoes:
    """By key."""

    def clue(self, type: str, body: str) -> Clue | None:
        deletes = _DELETED.get(type.removeprefix("v1."))
        if deletes is None and _HAS_KEY.search(body) is None:
            return None
        try:
            event = _read(body)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None
        request = event.reason.request if event.reason else event.request
        if not isinstance(request, _Request):
            return None
        # Any number of events may repeat one key: each is a part of its own.
        part = event.snapshot_event or event.id
        if request.idempotency_key:
            return Clue(part, keys=_of_writes(request.idempotency_key))
        about = event.related_object or (event.data.object if event.data else None)
        if deletes is None or request.id is None or about is None or about.id is None:
            return None
        return Clue(type, record=about.id, says={"operation": deletes, "id": about.id})

    def caused(self, clue: Clue, write: SentWrite) -> float | None:
        if clue.keys:
            return 0.0
        return 0.0 if write.is_written and self._deletes(clue.says, write) and _did_it(write) else None

    def may_have_caused(self, clue: Clue, write: SentWrite) -> bool:
        return write.is_unsettled and not clue.keys and self._deletes(clue.says, write)

    def _deletes(self, says: Mapping[str, str], write: SentWrite) -> bool:
        body = write.action.get("body") or {}
        return write.operation == says["operation"] and says["id"] in (body.get("customer"), body.get("invoice"))


def _of_writes(sent: str) -> tuple[str, ...]:
    """The keys of writes that may have gone out under this one: as it is, of a second request, of a later plan."""
    found = {sent, sent.removesuffix(SUB_KEY)}
    return tuple(sorted(found | {_REVISION.sub("", key) for key in found}))


def _did_it(write: SentWrite) -> bool:
    """Whether it changed anything: what stood so already was somebody else's doing."""
    return write.attempts > 1 or (write.receipt or {}).get("status") != "already"
