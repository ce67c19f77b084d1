"""Replays real logs: converts rows of files to our messages."""
