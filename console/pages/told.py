"""What a link in a message leads to: one case's title, and one button by which its person takes the case.

Nobody has to be signed in, and nobody is afterwards. Looking changes nothing: programs that look into mail follow
every link. Guesses are slowed down as those at sign-in are.
"""

from typing import Final

from console import problems
from console.access import throttle
from console.pages.page import Answer, Page, Shown, Visit
from counterfoil import database
from exceptions_queue import told_links
from exceptions_queue.cases import AlreadyAcknowledged, CaseClosed
from exceptions_queue.told_links import Told

#: Longer than any token of ours; what is longer is not worth a look.
TOKEN_CHARACTERS_MAX: Final = 100

#: What to say of a link that does nothing any more: the heading, the sentence, the answer's status.
OVER: Final[dict[str, tuple[str, str, int]]] = {
    "used": ("This link has done its work", "It was used before, and works once. The case was taken then.", 410),
    "closed": ("This case is closed", "There is nothing left to take.", 410),
    "taken": ("Somebody has this case already", "Nothing is left to do here.", 409),
    "over": (
        "This link is too old",
        f"It worked for {told_links.VALID_DAYS} days. A newer message about the case has a newer one.",
        410,
    ),
    "gone": ("This link does not work any more", "The person it was sent to does not look after cases now.", 410),
}
UNKNOWN: Final = ("We do not know this link", "Perhaps it was cut in two: copy the whole of it from the message.", 404)


def look(visit: Visit) -> Answer:
    """The title and the button."""
    token = _counted(visit)
    with database.transaction() as conn:
        told = told_links.find(conn, token)
    return _answer(visit, told, "told/case.html", {"token": token})


def take(visit: Visit) -> Answer:
    """The button was pressed."""
    token = _counted(visit)
    try:
        with database.transaction() as conn:
            told = told_links.use(conn, token)
    except (AlreadyAcknowledged, CaseClosed):
        # Somebody was faster by a moment: what is true now is what this page says.
        return look(visit)
    return _answer(visit, told, "told/taken.html", {})


def _counted(visit: Visit) -> str:
    """The token, after it was counted as a guess. Raises: TooMany."""
    token = visit.path["token"]
    throttle.count(throttle.of_stranger(f"told link {token}", visit.address))
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise problems.NotFound("no link of ours is so long")
    return token


def _answer(visit: Visit, told: Told | None, template: str, data: dict[str, str]) -> Shown:
    if told is None:
        heading, sentence, status = UNKNOWN
        return Shown("told/over.html", heading, {"heading": heading, "sentence": sentence, "told": None}, status)
    throttle.forgive(throttle.of_stranger(f"told link {visit.path['token']}", visit.address))
    if told.state != "open":
        heading, sentence, status = OVER[told.state]
        return Shown("told/over.html", heading, {"heading": heading, "sentence": sentence, "told": told}, status)
    return Shown(template, told.title, {**data, "told": told})


PAGES = (
    Page("GET", "/told/{token}", look, None),
    Page("POST", "/told/{token}", take, None, on="/told/{token}"),
)
