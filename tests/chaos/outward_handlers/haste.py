"""No handler: an hour in seconds, for the company whose handlers stand beside it.

A destination that is away is looked at again after tenths of a second here, and its writes come back as soon. The
proportions are the real ones. Imported with the handlers, when their folder is walked.
"""

from counterfoil.ledger import reach
from engine import retry

reach.LOOK_SECONDS, reach.LOOK_SECONDS_MAX = 0.3, 1.2
retry.SCHEDULES = {**retry.SCHEDULES, "destination_unavailable": (0.5,) * 60}
