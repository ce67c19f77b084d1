"""Kinds of programs that connect to the cluster, each with its own rights."""

from enum import StrEnum


class Program(StrEnum):
    """A kind of program in `topics acls`."""

    WORKER = "worker"
    CLIENT = "client"
    SUBSCRIBER = "subscriber"
    CONSOLE = "console"
    CONSOLE_EDITOR = "console-editor"
    CONSOLE_HISTORY = "console-history"
    EXPERIMENTER = "experimenter"
    OPERATOR = "operator"
    GROWER = "grower"
    AUDITOR = "auditor"
