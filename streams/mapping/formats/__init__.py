"""Formats of other teams' records: bytes to plain values."""
