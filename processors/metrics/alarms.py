"""Alarms when an optimised metric runs against a KPI.

A variant raises one when its metric differs from the baseline's in one direction and a KPI in the other, both by
intervals that hold at any time, each of level alpha over the number of pairs. If the truth is not so, one of the two
intervals must miss it, so over all looks the probability of any false alarm is alpha at most, as far as intervals hold.
An alarm stays open through looks without cause, until some in a row: it does not flap.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from processors.metrics.listener_ratios import Difference
from processors.metrics.metric_table import METRICS
from schemas.metric_windows import MetricAlarm


class Pair(NamedTuple):
    """A metric and a KPI of one variant of a surface, beside those of its baseline."""

    surface: str
    experiment: str
    variant: str
    baseline: str
    metric: str
    kpi: str

    @property
    def name(self) -> str:
        """Identifies the pair in state and in alarms."""
        return "/".join(self)


class AlarmState(Struct, array_like=True):
    """Whether an alarm is open, the number of its last message, and looks without cause since."""

    is_open: bool = False
    number: int = 0
    quiet: int = 0
    opened_ms: int = 0


class Alarms:
    """The alarms of all pairs.

    >>> def apart(low, high): return Difference(1.0, 1.0, (low + high) / 2, 0.1, low, high, 1.0)
    >>> pair = Pair("home", "", "b", "a", "stream-rate", "returning")
    >>> alarms = Alarms(quiet_looks=2)
    >>> looks = [apart(0.1, 0.2), apart(0.1, 0.2), apart(-0.1, 0.2), apart(0.1, 0.2), apart(-1, 1), apart(-1, 1)]
    >>> [[one.state for one in alarms.look([(pair, look, apart(-0.2, -0.1))], 5)] for look in looks]
    [['open'], [], [], [], [], ['closed']]
    """

    def __init__(self, quiet_looks: int) -> None:
        self._quiet_looks = quiet_looks
        self.states: dict[str, AlarmState] = {}

    @property
    def open_count(self) -> int:
        """Number of open alarms."""
        return sum(state.is_open for state in self.states.values())

    def look(self, looks: Sequence[tuple[Pair, Difference, Difference]], event_ms: int) -> Iterator[MetricAlarm]:
        """Look at pairs: the metric's difference and the KPI's, of level alpha over the number of pairs."""
        for pair, metric, kpi in looks:
            state = self.states.get(pair.name, AlarmState())
            is_cause = _side(metric) * METRICS[pair.metric].is_better * _side(kpi) * METRICS[pair.kpi].is_better < 0
            state.quiet = 0 if is_cause else state.quiet + 1
            if is_cause and not state.is_open:
                state.is_open, state.opened_ms, state.number = True, event_ms, state.number + 1
                self.states[pair.name] = state
                yield _message(pair, state, "open", event_ms, metric, kpi)
            elif state.is_open and state.quiet >= self._quiet_looks:
                state.is_open, state.number = False, state.number + 1
                yield _message(pair, state, "closed", event_ms, metric, kpi)


def _side(found: Difference) -> int:
    return int(found.low > 0.0) - int(found.high < 0.0)


def _message(
    pair: Pair, state: AlarmState, what: Literal["open", "closed"], event_ms: int, metric: Difference, kpi: Difference
) -> MetricAlarm:
    def relative(difference: Difference) -> tuple[float, float, float]:
        unit = abs(difference.control) or 1.0
        return tuple(max(-1e9, min(1e9, one / unit)) for one in (difference.value, difference.low, difference.high))  # type: ignore[return-value]

    (rise, low, high), (kpi_rise, kpi_low, kpi_high) = relative(metric), relative(kpi)
    return MetricAlarm(
        alarm_id=f"{pair.name}/{state.opened_ms}"[:256],
        number=state.number,
        state=what,
        event_ms=event_ms,
        metric_difference=rise,
        metric_low=low,
        metric_high=high,
        kpi_difference=kpi_rise,
        kpi_low=kpi_low,
        kpi_high=kpi_high,
        **pair._asdict(),
    )
