"""What follows from the messages: pure, deterministic state on numpy columns; no IO, no clock."""
