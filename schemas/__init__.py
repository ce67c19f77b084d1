"""Frozen, versioned messages, and the table of topics."""
