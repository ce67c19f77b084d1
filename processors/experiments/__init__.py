"""Experiments: who is assigned to what, what a variant does, and the first exposure of each day."""
