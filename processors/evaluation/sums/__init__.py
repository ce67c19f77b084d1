"""Additive sums over records, used by estimators and confidence sequences."""
