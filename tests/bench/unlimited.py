"""`counterfoil worker`, but no destination is spared: what an account allows would be all that the bench measures."""

import destinations
from console.commands.shared import config
from console.processes import run_worker

#: Far more than any machine sends.
PER_SECOND = 1e6

if __name__ == "__main__":
    for destination in destinations.find().values():
        if hasattr(destination, "rate_per_second"):
            destination.rate_per_second = PER_SECOND
    run_worker(config())
