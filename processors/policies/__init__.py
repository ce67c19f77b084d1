"""Policies: each gives the distribution from which one function draws, so the logged propensity is the one used."""
