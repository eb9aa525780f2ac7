"""Judgement: closed questions about items of an event, their tiers, and what people's labels say of both.

    asking ─▶ serving: rules, local, hosted ─▶ verdict ─▶ decisions ─▶ (settling, by people) ─▶ labels ─▶ training

It advises: what an answer means for a write is decided on the floors above.
"""
