"""Drift: whether the streaming time of a co-cluster has changed."""
