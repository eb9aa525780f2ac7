"""Reading what was sent, whatever it is: what it says it is, and no more bytes than are taken."""

from starlette.requests import ClientDisconnect, Request

from console import problems
from counterfoil.settings import settings


def kind_of(request: Request) -> str:
    """The media type that a request names, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read(request: Request, noun: str) -> bytes:
    """All of it; `noun` is what it is called to whoever sent it. Raises: TooLarge, NotAsked."""
    most, parts, size = settings().max_body_bytes, [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise problems.TooLarge(f"the {noun} may have at most {most} bytes", headers={"Connection": "close"})
            parts.append(part)
    except ClientDisconnect:
        raise problems.NotAsked(f"the {noun} ended early") from None
    return b"".join(parts)
