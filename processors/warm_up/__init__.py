"""Lets everything that is compiled run once, before the first event needs it."""
