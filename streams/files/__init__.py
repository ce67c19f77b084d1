"""Readers of user files: strict, in one pass, with errors of one line."""
