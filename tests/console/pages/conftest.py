"""Pages are tested by somebody who visits them."""

from pages import visitor

__all__ = ["visitor"]
