"""Shelf rankings: cards in order inside each shelf, shelves in order, each with its explanation and propensity."""
