"""What every chapter of the demo needs: the company, the outside, and a screen to tell it on."""

from rich.console import Console
from rich.padding import Padding

from sandbox.company import Company
from sandbox.outside import Outside


class Chapter:
    """A part of the story."""

    def __init__(self, company: Company, outside: Outside, screen: Console) -> None:
        self.company = company
        self.outside = outside
        self.screen = screen

    def _say(self, text: str) -> None:
        self.screen.print(text, highlight=False)

    def _line(self, text: str) -> None:
        self.screen.print(Padding(text, (0, 0, 0, 3), expand=False), highlight=False)
