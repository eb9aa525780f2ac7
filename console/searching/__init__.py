"""What people type into the search box, understood: fields, amounts, times, free words. Pure; imports no table.

    class:contract_violation source:stripe amount>1000 customer:cus_1 since:yesterday "free words"

grammar  a text as terms and words, or where exactly it cannot be understood
moments  `yesterday`, `3h`, `2026-11-20T15:00` as spans of time
amounts  `1000`, `42.00EUR` as money in minor units
"""

from console.searching.amounts import Amount
from console.searching.grammar import FIELDS, NotUnderstood, Term, Wanted, parse
from console.searching.moments import Span

__all__ = ["FIELDS", "Amount", "NotUnderstood", "Span", "Term", "Wanted", "parse"]
