"""What the driver raises: each message says what happened and what to do."""


class DriverError(RuntimeError):
    """The driver cannot go on and says why."""


class PartitionsDifferError(DriverError):
    """Topics that one task reads and writes together do not have equal partitions."""


class TopicMissingError(DriverError):
    """A topic that a task needs does not exist."""


class StateFormatError(DriverError):
    """The state topic was written by code with another idea of its rows."""


class BrokerUnreachableError(DriverError):
    """No broker answered before the deadline."""


class OutputRefusedError(DriverError):
    """The broker will never accept what a task produced: trying again cannot help."""


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
