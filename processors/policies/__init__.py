"""Policies: each returns a distribution from which one function draws, so that logged propensities are true."""
