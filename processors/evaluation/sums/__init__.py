"""Sums over records that estimators and confidence sequences are made of: they add up."""
