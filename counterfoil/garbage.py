"""The collector of cycles in a process that serves: it walks over what requests make, not over what stays."""

import gc

#: New containers between two looks, and so many looks before older ones are walked too. With Python's own numbers a
#: long list on a page made it walk over everything that was ever imported: a tenth of a second (measured).
YOUNG, MIDDLE, OLD = 20_000, 20, 50


def settle() -> None:
    """What is alive now stays alive. Call it when everything is imported and made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
