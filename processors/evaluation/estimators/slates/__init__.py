"""Estimators of what whole shelves are worth: one record a shelf, its slots in order."""
