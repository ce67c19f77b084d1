"""Crash storms of the whole pipeline: faults of workers and brokers on a seeded schedule, then an audit."""
