"""The ground floor: settings, time, lifecycles, tables, ledger, queue, audit and telemetry.

Everything else stands on this package; it imports none of its neighbours.
"""
