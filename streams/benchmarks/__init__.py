"""Seeded benchmarks and crash storms of the whole pipeline, with results as one JSON object."""
