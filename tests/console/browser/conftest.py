"""Pages as people see them: a real Chromium at the console's own listener."""

from browsing import chromium, served, sit_down

__all__ = ["chromium", "served", "sit_down"]
