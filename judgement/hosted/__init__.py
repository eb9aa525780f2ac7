"""A hosted model as the last tier: asked rarely, paid for once, within budgets, and never believed about itself.

prompt.py    what it is told, and in which shape it must answer
calling.py   one call: the vendor's SDK, one repair, its failures as ours
prices.py    what a call can cost at most, and what it did
budgets.py   money is reserved before a call and settled after it
paid.py      answers that were paid for; one worker asks, the others wait for it
tier.py      all of it as one tier
"""
