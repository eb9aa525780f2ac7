"""One page of any list, and how to come to the next."""

from typing import Generic, TypeVar

from console.fields import Shown

Item = TypeVar("Item")


class Page(Shown, Generic[Item]):
    """One page of a list, newest first; `next_cursor` leads to the next page, null ends it."""

    items: list[Item]
    next_cursor: str | None
