"""Shelf rankings: shelves in order, cards in order inside each shelf, with explanations and propensities."""
