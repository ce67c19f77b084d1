"""Compiles machine code in separate processes ahead of time, most urgent first, with progress."""
