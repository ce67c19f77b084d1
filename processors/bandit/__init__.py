"""Bandit statistics: what cards earned with whom, and what that says about the next exposure."""
