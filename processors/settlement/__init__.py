"""Joins exposures with streams and settles them in event time."""
