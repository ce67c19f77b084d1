"""Forgetting a listener: requesting it, waiting for workers, and scanning for remains."""
