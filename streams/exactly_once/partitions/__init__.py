"""Partitions that a worker owns: opening, feeding, committing and closing their tasks."""
