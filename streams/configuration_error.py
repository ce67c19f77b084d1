"""The exception for user errors; a module of its own, so that the command line loads nothing else for it."""


class ConfigurationError(Exception):
    """Invalid settings, arguments or files; the message is one line with the fault and the remedy."""
