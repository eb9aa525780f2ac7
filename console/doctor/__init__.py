"""The self-check: every promise that a query can prove, and everything that a start would stumble over.

To add a check, write a function that returns a `Finding` and put it into `examine.CHECKS`.
"""

from console.doctor.examine import CHECKS, examine
from console.doctor.finding import Finding, Verdict

__all__ = ["CHECKS", "Finding", "Verdict", "examine"]
