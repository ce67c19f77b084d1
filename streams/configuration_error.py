"""What a user gave that cannot be used; in a module of its own, since the command line must not load what reads it."""


class ConfigurationError(Exception):
    """Settings, arguments or files that cannot be: one line that says which, and what to do."""
