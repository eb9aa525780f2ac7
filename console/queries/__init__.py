"""Everything that looks: SQLModel selects that change nothing, one module per thing.

Every list is read newest first by the id, which carries its time, so a page costs the same at the millionth
row as at the first; no list asks once per row.
"""
