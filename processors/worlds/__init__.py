"""Planted worlds: events whose truth is known, so that what was learned can be held against it."""
