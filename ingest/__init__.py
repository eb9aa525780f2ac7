"""The door: verify, admit in groups, answer. Imports `counterfoil` and nothing above it.

    server ─▶ guard ─▶ direct ─────┬─▶ endpoint ─▶ admit ─▶ groups ─▶ counterfoil.ledger.record ─▶ the answer
                  └──▶ app ─▶ reading ─┘  │
                                          └─▶ providers/  one pure file per sender

sources: which senders exist · limits: every bound · heads: what a head must be · rejections, diary: what is told
"""
