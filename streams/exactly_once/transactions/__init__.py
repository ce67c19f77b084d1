"""Transactions of one task: takeover, state and position, and the writer."""
