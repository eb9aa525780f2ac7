"""`counterfoil send`: a signed event to a running door, with all that may happen to it on the way."""

import random
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import Json

if TYPE_CHECKING:
    import httpx

    from console.deliveries import Delivery, Unsigned
    from ingest.sources import Source

#: Longer than the door takes at worst.
TIMEOUT_SECONDS = 15.0


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(send)


def send(
    source: Annotated[str, typer.Argument(help="e.g. stripe, hubspot")],
    type: Annotated[str, typer.Argument(help="e.g. invoice.paid; a wrong one lists those that there are")],
    file: Annotated[Path | None, typer.Option(help="this body instead of the sample")] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="so many different events")] = 1,
    duplicate: Annotated[int, typer.Option(min=0, max=1000, help="each so many times more")] = 0,
    tamper: Annotated[
        bool, typer.Option("--tamper", help="change one byte after signing; the door must refuse")
    ] = False,
    reorder: Annotated[bool, typer.Option("--reorder", help="a story about one object, newest first")] = False,
    keep_ids: Annotated[bool, typer.Option("--keep-ids", help="ids and times as in the sample")] = False,
    url: Annotated[str | None, typer.Option(help="where the door listens (this machine, COUNTERFOIL_PORT)")] = None,
    json: Json = False,
) -> None:
    """Post a signed event to a running door. Nothing but the door is called."""
    from console import deliveries
    from console.commands.shared import config
    from counterfoil import clock

    settings = config()
    sender = _source(source)
    sample = _sample(sender, type) if file is None else _from_file(sender, type, file)
    if reorder and file is not None:
        raise typer.BadParameter("tells a story of samples; leave out --file", param_hint="--reorder")
    wanted = deliveries.planned(
        sender.provider,
        sample,
        now=clock.now(),
        chance=random.Random(),  # noqa: S311 - names for samples, not secrets
        count=count,
        duplicate=duplicate,
        reorder=reorder,
        keep_ids=keep_ids,
    )
    door = (url or f"http://127.0.0.1:{settings.port}").rstrip("/")
    # The door verifies over the address that providers call; signed is what it will believe.
    public = f"{settings.public_url or door}/webhooks/{source}"
    answers = _post_all(f"{door}/webhooks/{source}", sender, wanted, public, tamper=tamper)
    if json:
        shared.put_json({"items": answers, "next_cursor": None})
    else:
        for answer in answers:
            shared.put(_line(answer))
    if not all(answer["expected"] for answer in answers):
        raise typer.Exit(1)


def _source(name: str) -> "Source":
    from console import problems
    from console.commands.shared import config
    from ingest.providers import find
    from ingest.sources import find_sources

    known = find_sources(config())
    if name in known:
        return known[name]
    provider = find().get(name)
    if provider is not None:
        raise problems.NotAcceptable(f"source {name} has no secret to sign with: set {provider.secret_env}")
    raise typer.BadParameter(f"no source {name!r}; there are {', '.join(sorted({*find(), *known}))}")


def _sample(sender: "Source", kind: str) -> "Unsigned":
    from console import deliveries

    try:
        return deliveries.get_sample(sender.provider, kind)
    except deliveries.SampleUnknown as unknown:
        raise typer.BadParameter(str(unknown)) from None


def _from_file(sender: "Source", kind: str, file: Path) -> "Unsigned":
    from console import deliveries, problems

    try:
        body = file.read_bytes()
    except OSError as failure:
        raise problems.NotAcceptable(f"{file} cannot be read: {failure.strerror}") from None
    # A body that is no JSON may be sent too: the door has to refuse it.
    with suppress(ValueError):
        body = deliveries.whole(sender.provider, body)
    return deliveries.Unsigned(kind, body)


def _post_all(
    door: str, sender: "Source", wanted: "list[Unsigned] | Any", public: str, *, tamper: bool
) -> list[dict[str, Any]]:
    import httpx

    from console import deliveries, problems
    from counterfoil import clock

    answers = []
    # No proxy of the environment: the door is addressed as it was named.
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        for unsigned in wanted:
            delivery = deliveries.signed(
                sender.provider,
                unsigned,
                secret=sender.secrets[0],
                now=clock.unix_seconds(),
                url=public,
                tamper=tamper,
            )
            try:
                response = client.post(door, content=delivery.body, headers=dict(delivery.headers))
            except httpx.HTTPError as failure:
                raise problems.Unavailable(f"no door answers at {door} ({type(failure).__name__})") from None
            answers.append(_answer(delivery, response))
    return answers


def _answer(delivery: "Delivery", response: "httpx.Response") -> dict[str, Any]:
    try:
        content = response.json() if response.content else None
    except ValueError:
        content = response.text
    # A byte that no signature covers cannot be missed; but where one does, only 401 (or 400, before it) will do.
    expected = response.is_success if delivery.acceptable else response.status_code in (400, 401)
    return {"type": delivery.type, "status": response.status_code, "expected": expected, "answer": content}


def _line(answer: dict[str, Any]) -> str:
    content = answer["answer"]
    said = ""
    if isinstance(content, dict) and "events" in content:
        events = ", ".join(
            f"{event['id']}{' (duplicate)' if event['duplicate'] else ''}" for event in content["events"]
        )
        said = f"accepted {content['accepted']}, duplicates {content['duplicates']}: {events}"
    elif isinstance(content, dict):
        said = str(content.get("detail", content))
    mark = "" if answer["expected"] else "  ← not as it should be"
    return f"{answer['status']} {answer['type']}  {said}{mark}"
