"""Confidence sequences: intervals that hold at all times simultaneously, and comparisons of several candidates."""
