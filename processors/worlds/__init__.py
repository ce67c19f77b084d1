"""Planted worlds: simulated events with known truth, to evaluate what was learned."""
