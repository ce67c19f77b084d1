"""Fitting co-clusters to interactions: message passing, global moves, shapes."""
