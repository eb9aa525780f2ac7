"""How texts speak to a machine: the patterns of containment.toml, ready to be used, and letters that look alike."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_BETWEEN = r"\W+(?:[\w'’-]+\W+){0,5}?"
#: Letters of other scripts that look like Latin ones, after case folding, accents and width.
_LATIN = (
    ("a", "аαɑ"), ("b", "ьƅ"), ("c", "сϲ"), ("d", "ԁ"), ("e", "еεҽ"), ("g", "ɡ"), ("h", "һ"), ("i", "іιıɩ"),
    ("j", "ј"), ("k", "κ"), ("l", "ӏⅼ"), ("n", "ոη"), ("o", "оοօ"), ("p", "рρ"), ("q", "ԛ"), ("r", "г"),
    ("s", "ѕ"), ("u", "υս"), ("v", "ѵν"), ("w", "ԝω"), ("x", "хχ"), ("y", "уγ"), ("z", "ᴢ"),
)  # fmt: skip
ALIKE = str.maketrans({other: latin for latin, others in _LATIN for other in others})


def _read() -> Iterator[tuple[str, re.Pattern[str]]]:
    told = tomllib.loads(Path(__file__).with_name("containment.toml").read_text("utf-8"))
    for says in told["says"]:
        for parts in says["patterns"]:
            one, *other = [_filled(part, told["words"]) for part in parts]
            yield says["reason"], re.compile(rf"\b(?:{one})\b{_BETWEEN}(?:{other[0]})" if other else one)


def _filled(part: str, words: dict[str, str]) -> str:
    return re.sub("<<(\\w+)>>", lambda match: words[match[1]], part)


#: What a pattern says about a text that it finds something in, and the pattern; in the order they are tried.
PATTERNS = tuple(_read())
