"""Runs all compiled functions once, before the first event needs them."""
