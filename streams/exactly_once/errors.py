"""Exceptions of the driver; each message says what happened and what to do."""

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


class DriverError(RuntimeError):
    """The driver cannot continue; the message says why."""


class PartitionsDifferError(DriverError):
    """Topics of one task have different numbers of partitions."""


class TopicMissingError(DriverError):
    """A topic that a task needs does not exist."""


class StateFormatError(DriverError):
    """The state topic was written in another format."""


class InputAnewError(DriverError):
    """An input topic ends before the processed position: it was deleted and created again, or lost records."""


class SameInstanceError(DriverError):
    """Another member of the group has the same static id: each evicts the other."""


class GroupRefusedError(DriverError):
    """The group has members of another program."""


class BrokerUnreachableError(DriverError):
    """No broker answered before the deadline."""


class OutputRefusedError(DriverError):
    """The broker refuses the output of a task permanently: a retry cannot help."""


class NotAllowedError(DriverError):
    """This worker is authenticated, but lacks a right that it needs: a retry cannot help."""


NOT_ALLOWED = (
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    ClusterAuthorizationFailedError,
)


def not_allowed(error: KafkaError, what: str) -> NotAllowedError:
    """Describe the missing right.

    >>> str(not_allowed(GroupAuthorizationFailedError("shelfwise"), "join its group"))
    "this user may not join its group (GroupAuthorizationFailedError: 'shelfwise'): grant it the right"
    """
    names = [sorted(map(str, it)) if isinstance(it, set | frozenset) else [str(it)] for it in error.args]
    about = ", ".join(name for group in names for name in group)
    reason = f"{type(error).__name__}: {about!r}" if about else type(error).__name__
    return NotAllowedError(f"this user may not {what} ({reason}): grant it the right")


class TaskFailed(Exception):  # noqa: N818  a wrapper: its cause is the error
    """Wraps an exception of a task's own code, to distinguish it from a broker's."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class ReopenNeeded(Exception):  # noqa: N818  not an error, but the way back to a known state
    """A transaction failed or may have failed: discard the task and reopen it from its log."""

    def __init__(self, reason: str, *, fenced: bool = False) -> None:
        super().__init__(reason)
        self.fenced = fenced
