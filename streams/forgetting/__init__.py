"""Forgetting, seen from outside: a request, whether workers have done it, and what still names the listener."""
