"""Owns Slack: events, the question that proves our address, and the form-encoded commands and interactions.

A form is recorded as JSON: an interaction's `payload` as it stands, a command's fields as an object, without `token`,
which is a secret of the older scheme.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ingest.providers.base import BodyRefused, Received, Request, Sample, Unreadable
from ingest.providers.declared import Declared, Places, as_text, dig, get_object
from ingest.providers.envelope import check_json
from ingest.providers.schemes import Hmac

FORM = "application/x-www-form-urlencoded"
#: A command has a dozen fields.
FIELDS_MAX = 100


class Slack(Declared):
    """A Slack app's request URLs."""

    content_types = ("application/json", FORM)

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Read a form by its content type, anything else as JSON."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
            payload = _read_form(request.body)
            return [self.identify(get_object(check_json(payload)), payload, request.headers)]
        if self.challenge(request) is not None:
            return []
        return super().split(request)

    def challenge(self, request: Request) -> bytes | None:
        """Answer `url_verification` with what it brings; anything unreadable is left to `split` to refuse."""
        if b'"url_verification"' not in request.body:
            return None
        try:
            event = check_json(request.body)
        except BodyRefused:
            return None
        answer = dig(event, "challenge")
        if dig(event, "type") != "url_verification" or not isinstance(answer, str):
            return None
        return answer.encode("utf-8")


def _read_form(body: bytes) -> bytes:
    """Turn a form into the JSON that is recorded."""
    try:
        pairs = parse_qsl(body.decode("ascii"), True, strict_parsing=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BodyRefused("The body is not a form.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BodyRefused("The form holds two fields of one name.")
    if "payload" in fields:
        return fields["payload"].encode("utf-8")
    fields.pop("token", None)
    return msgspec.json.encode(fields)


def _type(event: dict[str, Any]) -> object:
    """Name what happened: the inner event's type, the command, or the kind of interaction."""
    if "command" in event:
        return "command"
    return dig(event, "event", "type") or event.get("type")


def _identity(event: dict[str, Any]) -> str | None:
    """Find what Slack made for this one happening only."""
    found = as_text(event.get("event_id")) or as_text(event.get("trigger_id"))
    if found:
        return found
    # A closed view, and the notice that we are rate limited, have no id of their own.
    parts = [dig(event, "view", "id"), dig(event, "view", "hash")]
    if event.get("type") == "app_rate_limited":
        parts = ["app_rate_limited", event.get("team_id"), event.get("minute_rate_limited")]
    texts = [as_text(part) for part in parts]
    return ":".join(text for text in texts if text) if all(texts) else None


PROVIDER = Slack(
    "slack",
    scheme=Hmac(
        headers=("x-slack-signature",),
        prefix="v0=",
        time_header="x-slack-request-timestamp",
        before="v0:{t}:",
        age_seconds_max=300,
        ahead_seconds_max=300,
    ),
    places=Places(
        key=((_identity,),),
        type=(_type,),
        subject=("event.channel", "channel_id", "channel.id", "user.id"),
        occurred_at=("event_time",),
        account=("team_id", "team.id"),
    ),
    volatile=("token",),
    samples=(
        Sample(
            type="app_mention",
            body=b'{"token":"unused","team_id":"T061EG9R6","api_app_id":"A0PNCHHK2","type":"event_callback",'
            b'"event":{"type":"app_mention","user":"U061F7AUR","text":"hello","ts":"1767225599.000200",'
            b'"channel":"C0LAN2Q65"},"event_id":"Ev08MFMKH6","event_time":1767225599}',
        ),
        Sample(
            type="command",
            body=b"token=unused&team_id=T061EG9R6&channel_id=C0LAN2Q65&user_id=U061F7AUR&command=%2Fbooks&text=hello+world"
            b"&trigger_id=13345224609.738474920.8088930838d88f008e0",
            headers={"content-type": FORM},
        ),
    ),
)
