"""Judgement: closed questions about items of an event, their tiers, and what people's labels say of both.

    asking ─▶ serving: rules, local, hosted ─▶ verdict ─▶ decisions ─▶ (settling, by people) ─▶ labels ─▶ training

It advises: what an answer means for a write is decided on the floors above.
"""

import os

# Before numpy is loaded. Its matrices here are small: a second thread saves nothing and waits in a loop, which takes a
# core from whoever works (measured: five times the time on a busy machine).
for _setting in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_setting, "1")
