"""Rewards, one per file: success as a function of streamed seconds and of the co-cluster."""
