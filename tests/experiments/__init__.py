"""Experiments: assignment, exposure, and what variants do."""
