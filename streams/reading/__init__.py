"""Clients' consumers, below their surface: a record's headers are its sender's, and no reason not to read it."""
