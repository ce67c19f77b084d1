"""Planted worlds: seeded generators of events, with the truth that learning is held against."""
