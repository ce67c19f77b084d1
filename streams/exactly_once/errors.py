"""What the driver raises: each message says what happened and what to do."""

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


class DriverError(RuntimeError):
    """The driver cannot go on and says why."""


class PartitionsDifferError(DriverError):
    """Topics that one task reads and writes together do not have equal partitions."""


class TopicMissingError(DriverError):
    """A topic that a task needs does not exist."""


class StateFormatError(DriverError):
    """The state topic was written by code with another idea of its rows."""


class InputAnewError(DriverError):
    """An input topic ends before what was processed of it: it is not the topic that it was."""


class BrokerUnreachableError(DriverError):
    """No broker answered before the deadline."""


class OutputRefusedError(DriverError):
    """The broker will never accept what a task produced: trying again cannot help."""


class NotAllowedError(DriverError):
    """The broker knows who this worker is, and does not let it do what it has to: trying again cannot help."""


NOT_ALLOWED = (
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    ClusterAuthorizationFailedError,
)


def not_allowed(error: KafkaError, what: str) -> NotAllowedError:
    """Say what this worker may not do.

    >>> str(not_allowed(GroupAuthorizationFailedError("shelfwise"), "join its group"))
    "this user may not join its group (GroupAuthorizationFailedError: 'shelfwise'): grant it the right"
    """
    names = [sorted(map(str, it)) if isinstance(it, set | frozenset) else [str(it)] for it in error.args]
    about = ", ".join(name for group in names for name in group)
    reason = f"{type(error).__name__}: {about!r}" if about else type(error).__name__
    return NotAllowedError(f"this user may not {what} ({reason}): grant it the right")


class TaskFailed(Exception):  # noqa: N818  a carrier: its cause is the error
    """Carries an exception out of a task's code, so that nobody takes it for a broker's."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class ReopenNeeded(Exception):  # noqa: N818  not an error: a way back to a known state
    """A transaction did not commit, or may not have: drop the task and open it anew from its log."""

    def __init__(self, reason: str, *, fenced: bool = False) -> None:
        super().__init__(reason)
        self.fenced = fenced
