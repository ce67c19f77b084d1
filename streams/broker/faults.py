"""Planned misbehaviour of a broker: wrong answers, late answers, lost answers, cut connections; seeded."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from streams.broker.protocol_errors import ErrorCode
from streams.broker.refusals import REFUSALS
from streams.broker.wire import VERSIONS


class FaultKind(StrEnum):
    """What goes wrong with one request."""

    ERROR = "error"  # not handled, answered with an error code
    LATENCY = "latency"  # handled and answered late
    DISCONNECT_BEFORE = "disconnect_before"  # not handled, connection cut
    DISCONNECT_AFTER = "disconnect_after"  # handled, connection cut instead of an answer
    DROP_ACK = "drop_ack"  # handled, never answered; the connection stays open and silent


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule of the plan; `remaining` counts down when the rule is limited."""

    api: str
    kind: FaultKind
    probability: float
    remaining: int | None
    code: ErrorCode
    latency_ms: float


class FaultPlan:
    """The rules that the broker consults for every request; the first that fires wins.

    Draws come from a generator of the plan's own, so that the same seed and the same requests fail alike.

    >>> plan = FaultPlan(seed=7)
    >>> plan.inject(api="Produce", kind="drop_ack", count=1)
    >>> plan.draw("Fetch"), plan.draw("Produce").kind.value, plan.draw("Produce"), plan.fired
    (None, 'drop_ack', None, {'Produce/drop_ack': 1})
    """

    def __init__(self, *, seed: int) -> None:
        self.fired: dict[str, int] = {}  # how often each "Api/kind" went wrong
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
        """Let requests of one API ("*": of all) fail, at most `count` times; raises `ValueError`.

        `code` is the answer of "error", `latency_ms` the delay of "latency".
        """
        if api != "*" and api not in VERSIONS:
            raise ValueError(f"{api} is no API of this broker")
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
        """Be unreachable: connections stay open, and what clients send arrives once `reconnect` is called."""
        self.is_cut_off = True

    def reconnect(self) -> None:
        """Be reachable again."""
        self.is_cut_off = False

    def hold_offsets(self) -> None:
        """Answer with a group's old offsets after a transaction has committed newer ones, until `clear`.

        Apache Kafka does so for a moment: a transaction's offsets are in a partition of their own, whose marker is
        written apart from the others. Whoever asks for stable offsets (KIP-447) is told that they are not.
        """
        self.holds_offsets = True

    def clear(self) -> None:
        """Behave again."""
        self.holds_offsets = False
        with self._lock:
            self._rules.clear()

    def draw(self, api: str) -> Fault | None:
        """Decide over one request."""
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
