"""Estimators of the value of whole shelves: one record per shelf, its slots in order."""
