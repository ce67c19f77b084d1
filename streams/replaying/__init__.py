"""Real logs as events: what each row of a file says, in our own messages."""
