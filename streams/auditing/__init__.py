"""The auditor: reads committed inputs and outputs, recomputes all sums, and reports differences.

It trusts nothing of ours: it imports neither processors nor message types; `own_messages` has its own definitions.
"""
