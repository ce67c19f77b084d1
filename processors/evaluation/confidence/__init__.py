"""Intervals that hold at any time, however often one looks, and what follows from them for several candidates."""
