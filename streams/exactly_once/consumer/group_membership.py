"""Detects why a worker cannot become or remain a member of its group, from the state of aiokafka's coordinator.

aiokafka itself retries for ever, whatever the reason, and logs little of it.
"""

import logging
import time
from collections import deque
from typing import Any

from aiokafka.errors import InconsistentGroupProtocolError, KafkaError

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.errors import GroupRefusedError, SameInstanceError

EVICTIONS_MAX, OF_INCUMBENTS_MAX = 3, 9
WITHIN_S = 30.0
INCUMBENT_HEARTBEATS = 10
_log = logging.getLogger(__name__)


class Membership:
    """Observes the coordinator's states and errors, and raises when a retry cannot help.

    A static member whose member id changes was evicted by another member with the same instance id; the two would evict
    each other for ever. The later one gives up first, so that one of them stays.

    >>> membership = Membership(DriverSettings(bootstrap="b:9092", group="g", group_instance_id="w1"))
    >>> try:
    ...     for number in range(9):
    ...         membership.look(f"w1-{number}", now_s=float(number))
    ... except SameInstanceError as error:
    ...     print(number, str(error).split(",")[0])
    3 another worker of group 'g' has the same group_instance_id 'w1'
    """

    def __init__(self, settings: DriverSettings) -> None:
        self._settings = settings
        self._member_id = ""
        self._joined_s: float | None = None
        self._first_held_s = 0.0
        self._evicted_s: deque[float] = deque()
        self._refused_s: float | None = None

    def look(self, member_id: str, now_s: float | None = None) -> None:
        """Observe the present member id, empty if there is none; raises SameInstanceError."""
        now_s = time.monotonic() if now_s is None else now_s
        if not member_id or member_id == self._member_id or self._settings.group_instance_id is None:
            return
        if self._joined_s is None:
            self._joined_s = now_s
        else:
            self._evicted_s.append(now_s)
            self._first_held_s = self._first_held_s or now_s - self._joined_s
        self._member_id = member_id
        while self._evicted_s and self._evicted_s[0] < now_s - WITHIN_S:
            self._evicted_s.popleft()
        # the first one is evicted at some time, the later one at the other's next heartbeat
        is_incumbent = self._first_held_s > INCUMBENT_HEARTBEATS * self._settings.heartbeat_interval_ms / 1_000
        if len(self._evicted_s) >= (OF_INCUMBENTS_MAX if is_incumbent else EVICTIONS_MAX):
            raise SameInstanceError(
                f"another worker of group '{self._settings.group}' has the same group_instance_id "
                f"'{self._settings.group_instance_id}', and each takes the other's place: give every worker its own"
            )

    def hear(self, error: KafkaError | None, now_s: float | None = None) -> None:
        """Observe an error of the coordinator, or None; raises GroupRefusedError after the start deadline."""
        now_s = time.monotonic() if now_s is None else now_s
        if not isinstance(error, InconsistentGroupProtocolError):
            return
        reason = (
            f"group '{self._settings.group}' has a member that is no worker of this program (a consumer of another "
            "program, or console tool, under the same group name): stop it, or give the workers another group"
        )
        if self._refused_s is None:
            self._refused_s = now_s
            _log.warning("cannot join yet: %s", reason)
        patience_ms = self._settings.start_deadline_ms
        if patience_ms is not None and now_s - self._refused_s >= patience_ms / 1_000:
            raise GroupRefusedError(reason)

    def joined(self) -> None:
        """Note that the worker has joined the group."""
        self._refused_s = None


def check(membership: Membership, coordinator: Any) -> None:
    """Observe aiokafka's coordinator, and let it continue: it waits until its errors have been retrieved.

    Raises the coordinator's error, if any, and what ``Membership`` raises.
    """
    membership.look(coordinator.member_id)
    try:
        coordinator.check_errors()
    except KafkaError as error:
        membership.hear(error)
        raise
    if coordinator.generation > 0:
        membership.joined()
