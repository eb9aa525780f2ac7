"""Words in an input that are addressed to whoever judges it. Finding them only ever lowers trust: a person looks.

    as it stands ─┬─▶ folded: width, look-alike letters, accents, case; what is invisible taken out
                  ├─▶ base64, hex, percent, entities, escapes taken off, down to `_DEPTH_MAX`
                  ├─▶ rot13, read backwards, digits for letters, l e t t e r s   s p a c e d
                  └─▶ each form: one of the patterns below?

Not a wall: whoever writes long enough gets past any list of words. The wall is that a label cannot raise a limit, that
a hosted answer counts only as its record with people's labels allows, and that the local judge obeys nobody. Patterns
are about the machine (its rules, its labels, its roles), so that an angry customer is none.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
import urllib.parse
from collections.abc import Iterator, Mapping

from judgement.containment_words import ALIKE, PATTERNS

#: Characters of one field that are looked at: several times what the judge reads of it.
_LOOKED_AT_MAX = 20_000
#: Encodings inside encodings: three is a game that no customer plays.
_DEPTH_MAX = 3
#: Pieces of one text that are decoded; a text with more of them says so.
_PIECES_MAX = 40
#: So many invisible characters between letters hide something; one joins an emoji or breaks a long word.
_INVISIBLE_MAX = 3

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?<!\w)(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,]?){10,}")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}){2,}|%[0-9a-fA-F]{2}(?=\w)")
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[nrt\"/]")
_GAP = re.compile(r"[ \t]{2,}|\n+")
_SPACED = re.compile(r"(?<=(?<!\w)\w) (?=\w(?!\w))")
_DOTTED = re.compile(r"(?<=(?<!\w)\w)[._*|-](?=\w(?!\w)|[\s.,:;!?]|$)")
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
#: Letters that can be seen by programs only; one of them is enough.
_TAGS = re.compile(r"[\U000e0020-\U000e007e]")
_SPACES = re.compile(r"\s+")
_LEET = str.maketrans("013457@$", "oieastas")


def instructions_in(fields: Mapping[str, str]) -> str | None:
    """What gives the text away, in words without the text itself; None when nothing was found."""
    for name, value in fields.items():
        if reason := _found_in(value[:_LOOKED_AT_MAX]):
            return f"{reason} in {name}"
    return None


def _found_in(value: str) -> str | None:
    if _TAGS.search(value):
        return "invisible letters"
    for how, form in _forms(value, 0):
        for reason, pattern in PATTERNS:
            if pattern.search(form):
                return f"{reason}{how}"
    # Between Latin letters; scripts that need joiners to be written are left alone.
    hidden = re.findall(rf"(?<=[a-zA-Z]){_INVISIBLE.pattern}+(?=[a-zA-Z])", value)
    return "invisible characters between letters" if len(hidden) > _INVISIBLE_MAX else None


def _forms(value: str, depth: int) -> Iterator[tuple[str, str]]:
    """The text in every reading that somebody could have meant, with words for how it was come by."""
    how = " (encoded)" if depth else ""
    visible = _INVISIBLE.sub("", value)
    plain = _folded(visible)
    yield how, plain
    if not value.isascii():
        # Other scripts keep their own letters.
        yield how, _SPACES.sub(" ", unicodedata.normalize("NFKC", visible).casefold())
    if visible != value:
        # What was invisible may also have stood for a space.
        yield " (broken up by invisible characters)", _folded(_INVISIBLE.sub(" ", value))
    if depth == _DEPTH_MAX:
        return
    for inner in _decoded(visible):
        yield from _forms(inner, depth + 1)
    if depth:
        return
    yield " (rot13)", codecs.decode(plain, "rot13")
    yield " (backwards)", plain[::-1]
    yield " (digits for letters)", plain.translate(_LEET)
    yield " (spaced out)", _folded(_SPACED.sub("", _GAP.sub("\n", visible)))
    yield " (spaced out)", _folded(_DOTTED.sub("", visible))


def _folded(value: str) -> str:
    """Look-alikes, accents, width and case folded away, spaces made one."""
    wide = unicodedata.normalize("NFKD", value)
    bare = "".join(each for each in wide if not unicodedata.combining(each))
    return _SPACES.sub(" ", bare.casefold().translate(ALIKE))


def _decoded(value: str) -> Iterator[str]:
    """What stands in the text in another encoding."""
    if _PERCENT.search(value):
        yield urllib.parse.unquote_plus(value)
    if "&" in value and (said := html.unescape(value)) != value:
        yield said
    if _ESCAPE.search(value):
        yield _ESCAPE.sub(_unescaped, value)
    for piece in list(_BASE64.finditer(value))[:_PIECES_MAX]:
        yield from _as_text(_base64(piece.group()))
    for piece in list(_HEX.finditer(value))[:_PIECES_MAX]:
        yield from _as_text(bytes.fromhex(re.sub(r"0x|\\x|[\s:,]", "", piece.group())))


def _base64(piece: str) -> bytes:
    plain = piece.rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _as_text(data: bytes) -> Iterator[str]:
    """The bytes, if they are text at all; ids and digests are not."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            said = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if said and sum(each.isprintable() or each.isspace() for each in said) == len(said):
            yield said


def _unescaped(match: re.Match[str]) -> str:
    said = match.group()
    return chr(int(said[2:], 16)) if said[1] in "ux" else {"n": "\n", "r": "\n", "t": "\t"}.get(said[1], said[1])
