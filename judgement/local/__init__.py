"""The local tier: answers one closed question offline, says how sure it is, and learns from every correction.

Imports numpy, `contracts` and `counterfoil.settings`; knows no database, queue, network or clock.
"""

import numpy as _  # noqa: F401 - what is limited has to be there
from threadpoolctl import threadpool_limits

# The matrices here are small: a second thread saves nothing and waits in a loop, which takes a core from whoever works
# (measured: five times the time on a busy machine).
threadpool_limits(limits=1, user_api="blas")
