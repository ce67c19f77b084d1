"""Benchmark of drift detection: false incidents, and what of planted changes is found."""
