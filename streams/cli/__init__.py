"""The command line: thin, typed, and honest about how it ended."""
