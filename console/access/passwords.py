"""Passwords: what is refused as one, how it is kept (argon2id), how it is compared.

Length counts and nothing else (OWASP ASVS 5, 6.2): no rules about capitals and digits, no expiry.
"""

import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from console.problems import Fault, NotAcceptable, Unavailable

#: Length is what makes a password strong; three words have that many.
CHARACTERS_MIN = 12
#: Longer than anybody types; a bound for the work that a stranger can ask for.
CHARACTERS_MAX = 200

#: Above OWASP's least for argon2id (46 MiB, one pass); about 60 ms of one core.
_hasher = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
#: Two at a time: strangers must not fill the memory.
_work = threading.Semaphore(2)
#: Six wait or work; whoever comes beyond is asked to come back, and the console's other threads stay free.
_room = threading.Semaphore(6)

#: What people choose who have to reach twelve characters; also doubled, with digits, and with a mark at the end.
_WORDS = """
    password passwort motdepasse contrasena welcome willkommen letmein iloveyou qwerty qwertyuiop qwertz azerty
    asdfghjkl zxcvbnm admin administrator changeme default secret dragon monkey football baseball sunshine
    princess superman trustno counterfoil console stripe hubspot invoice finance company test testing demo
""".split()  # noqa: SIM905 - words are read as a text
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "01234567890123456789",
)
_LEET = str.maketrans("013457@$!", "oieastasi")


def accepted(password: str, *, name: str = "", email: str = "") -> str:
    """A password in the form in which it is kept. Raises: NotAcceptable, in words for the person."""
    text = _one_form(password)
    if len(text) < CHARACTERS_MIN:
        raise _refused(f"it has {len(text)} characters; at least {CHARACTERS_MIN} are needed")
    if len(text) > CHARACTERS_MAX:
        raise _refused(f"it has {len(text)} characters; {CHARACTERS_MAX} are enough")
    plain = text.casefold()
    own = [word for word in (name, email.partition("@")[0], email) if len(word) >= 3]
    if _is_run(plain) or any(_is_only(plain, word.casefold()) for word in own) or _is_common(plain):
        raise _refused("it is among the first that others would try; take several words that do not belong together")
    return text


def hash_of(password: str) -> str:
    """What is kept of an accepted password."""
    with _a_place():
        return _hasher.hash(_one_form(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether the password is the one; without one the answer is no, and takes as long."""
    if len(password) > CHARACTERS_MAX:
        password = ""
    with _a_place():
        try:
            right = _hasher.verify(kept or _nobodys(), _one_form(password))
        except (VerificationError, InvalidHashError):
            return False
    return right and kept is not None


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """A hash that belongs to nobody, made as all are."""
    import secrets

    return _hasher.hash(secrets.token_urlsafe(32))


class _a_place:  # noqa: N801 - reads as a verb at its only places
    """Room for one piece of slow work. Raises: Unavailable when too many wait."""

    def __enter__(self) -> None:
        if not _room.acquire(blocking=False):
            raise Unavailable("too many people sign in at once; try again", headers={"Retry-After": "2"})
        _work.acquire()

    def __exit__(self, *_: object) -> None:
        _work.release()
        _room.release()


def _one_form(password: str) -> str:
    """The same characters however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)


def _refused(why: str) -> NotAcceptable:
    return NotAcceptable(f"this password cannot be taken: {why}", [Fault(field="password", detail=why)])


def _is_run(text: str) -> bool:
    """One unit again and again, or the keyboard from one side to the other."""
    if any(text == (text[:size] * len(text))[: len(text)] for size in range(1, 5)):
        return True
    return any(text in run + run or text[::-1] in run + run for run in _RUNS)


def _is_only(text: str, word: str) -> bool:
    """The word, and beside it less than a password's worth of other things."""
    return word in text and len(text.replace(word, "")) < 6


def _is_common(text: str) -> bool:
    """Nothing but a common word or two, digits, and marks."""
    for spelled in (text, text.translate(_LEET)):
        letters = "".join(one for one in spelled if one.isalpha())
        rest = letters
        for word in sorted(_WORDS, key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < 5 and len(letters) >= len(text) / 3:
            return True
    return text.isdigit() and len(set(text)) < 6
