"""Runs the pipeline in one process: replays events under other settings, and compares."""
