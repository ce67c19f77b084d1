"""Files that users hand over: each is read once, by one rule, and what cannot be read is said in one line."""
