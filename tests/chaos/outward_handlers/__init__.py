"""Handlers that write behind a network, for companies of real processes; imports what a team's handlers may import.

A destination that is away is looked at again after tenths of a second here, and its writes come back as soon: what
takes an hour in life takes seconds in a test. The proportions are the real ones.
"""

from counterfoil.ledger import reach
from engine import retry

reach.LOOK_SECONDS, reach.LOOK_SECONDS_MAX = 0.3, 1.2
retry.SCHEDULES = {**retry.SCHEDULES, "destination_unavailable": (0.5,) * 60}
