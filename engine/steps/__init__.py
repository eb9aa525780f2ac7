"""The six steps of a run, one file each: check, read, classify, plan, gate, commit.

Each of the first five takes the pass and either adds to it or says how the event comes to rest (a `Verdict`).
`commit` takes a whole group, because one transaction may carry many events.
"""
