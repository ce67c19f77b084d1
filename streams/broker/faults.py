"""Seeded fault injection: error responses, delays, lost responses, closed connections."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from streams.broker.protocol_errors import ErrorCode
from streams.broker.refusals import REFUSALS
from streams.broker.wire import VERSIONS


class FaultKind(StrEnum):
    """A fault of one request."""

    ERROR = "error"  # not handled, error response
    LATENCY = "latency"  # handled, delayed response
    DISCONNECT_BEFORE = "disconnect_before"  # not handled, connection cut
    DISCONNECT_AFTER = "disconnect_after"  # handled, connection closed instead of a response
    DROP_ACK = "drop_ack"  # handled, no response; the connection stays open


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule of the plan; `remaining` counts down if the rule is limited."""

    api: str
    kind: FaultKind
    probability: float
    remaining: int | None
    code: ErrorCode
    latency_ms: float


class FaultPlan:
    """The rules that the broker consults for every request; the first match wins.

    The plan has its own random generator, so that equal seeds and requests give equal faults.

    >>> plan = FaultPlan(seed=7)
    >>> plan.inject(api="Produce", kind="drop_ack", count=1)
    >>> plan.draw("Fetch"), plan.draw("Produce").kind.value, plan.draw("Produce"), plan.fired
    (None, 'drop_ack', None, {'Produce/drop_ack': 1})
    """

    def __init__(self, *, seed: int) -> None:
        self.fired: dict[str, int] = {}  # number of faults by "Api/kind"
        self.is_cut_off = False
        self.holds_offsets = False
        self._random = Random(seed)  # noqa: S311  reproducible faults, no secret
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def inject(
        self,
        *,
        api: str,
        kind: str,
        probability: float = 1.0,
        count: int | None = None,
        code: int = ErrorCode.NOT_LEADER_OR_FOLLOWER,
        latency_ms: float = 0.0,
    ) -> None:
        """Add a rule for requests of one API ("*" for all), at most `count` times; raises `ValueError`.

        `code` is the response of "error", `latency_ms` the delay of "latency".
        """
        if api != "*" and api not in VERSIONS:
            raise ValueError(f"{api} is not an API of this broker")
        if kind == FaultKind.ERROR and api not in REFUSALS:
            raise ValueError(f"{api} cannot be answered with an injected error")
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"probability {probability} is not within 0 and 1")
        rule = Fault(
            api=api,
            kind=FaultKind(kind),
            probability=probability,
            remaining=count,
            code=ErrorCode(code),
            latency_ms=latency_ms,
        )
        with self._lock:
            self._rules.append(rule)

    def cut_off(self) -> None:
        """Become unreachable: connections stay open, and requests are processed after `reconnect`."""
        self.is_cut_off = True

    def reconnect(self) -> None:
        """Become reachable again."""
        self.is_cut_off = False

    def hold_offsets(self) -> None:
        """Return a group's old offsets after a transaction has committed newer ones, until `clear`.

        Apache Kafka does so for a moment, because a transaction's offsets are in a separate partition with its own
        marker. A request for stable offsets (KIP-447) gets an error instead.
        """
        self.holds_offsets = True

    def clear(self) -> None:
        """Remove all rules."""
        self.holds_offsets = False
        with self._lock:
            self._rules.clear()

    def draw(self, api: str) -> Fault | None:
        """The fault of one request, if any."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.api not in (api, "*") or rule.remaining == 0:
                    continue
                if self._random.random() >= rule.probability:
                    continue
                if rule.remaining is not None:
                    rule.remaining -= 1
                name = f"{api}/{rule.kind.value}"
                self.fired[name] = self.fired.get(name, 0) + 1
                return rule
        return None
