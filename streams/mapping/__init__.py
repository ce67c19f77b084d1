"""Other teams' events: their topics, formats and field names, mapped to our messages by settings."""
