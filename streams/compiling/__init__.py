"""Compiles ahead of need, in processes of their own, what is needed first before the rest, and tells how far it is."""
