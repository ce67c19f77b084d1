"""Who connects to the cluster, each with rights of its own."""

from enum import StrEnum


class Program(StrEnum):
    """A kind of program that `topics acls` knows the rights of."""

    WORKER = "worker"
    CLIENT = "client"
    SUBSCRIBER = "subscriber"
    OPERATOR = "operator"
    AUDITOR = "auditor"
