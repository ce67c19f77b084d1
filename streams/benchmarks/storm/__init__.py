"""Crash storms over the whole pipeline: a seeded schedule breaks workers and brokers, an audit ends it."""
