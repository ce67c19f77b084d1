"""Benchmarks of the whole pipeline and storms over it: measured, seeded, printed as one JSON object."""
