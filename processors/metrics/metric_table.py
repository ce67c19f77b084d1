"""The metrics: ratios of what listeners add up to. To add one, add a line."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from processors.arrays import FloatArray, IntArray
from schemas.experiments import ExperimentDefinition
from schemas.metric_signals import SIGNALS

MINUTE_MS = 60_000.0


class ListenerSums(NamedTuple):
    """Sums of n listeners: signals [n, s], days on which they came, and of these, those whose next day has settled.

    `returned` counts days after which they came again on the next one. `visits_followed` counts windows in which they
    came and whose next 24 hours have settled, `came_back` those of them that another visit followed within that time.
    """

    signals: IntArray
    days: IntArray
    days_followed: IntArray
    returned: IntArray
    visits_followed: IntArray
    came_back: IntArray

    def some(self, chosen: IntArray) -> "ListenerSums":
        """The chosen listeners, in order."""
        return ListenerSums(*(column[chosen] for column in self))


class Metric(Struct, frozen=True, kw_only=True):
    """A ratio of weighted sums: of signals by name, or of the counts of days of `ListenerSums`.

    Without a denominator it is per listener and day. `is_better` is the direction in which it improves.
    """

    top: Mapping[str, float]
    bottom: Mapping[str, float] = field(default_factory=lambda: {"days": 1.0})
    is_better: int = 1

    def terms(self, sums: ListenerSums) -> tuple[FloatArray, FloatArray]:
        """Numerator and denominator [n] of each listener."""
        return _weighted(self.top, sums), _weighted(self.bottom, sums)


METRICS: Mapping[str, Metric] = {
    "stream-rate": Metric(top={"streamed": 1.0}, bottom={"exposures": 1.0}),
    "minutes-per-page": Metric(top={"played_ms": 1.0 / MINUTE_MS}, bottom={"pages": 1.0}),
    "skip-share": Metric(top={"played": 1.0, "streamed": -1.0}, bottom={"played": 1.0}, is_better=-1),
    "discovery-share": Metric(top={"discovered": 1.0}, bottom={"exposures": 1.0}),
    "precision@1": Metric(top={"streamed_1": 1.0}, bottom={"exposures_1": 1.0}),
    "precision@3": Metric(top={"streamed_3": 1.0}, bottom={"exposures_3": 1.0}),
    "recall@1": Metric(top={"streamed_1": 1.0}, bottom={"streamed": 1.0}),
    "recall@3": Metric(top={"streamed_3": 1.0}, bottom={"streamed": 1.0}),
    "pages-per-listener": Metric(top={"pages": 1.0}),
    "minutes-per-listener": Metric(top={"played_ms": 1.0 / MINUTE_MS}),
    "returning": Metric(top={"returned": 1.0}, bottom={"days_followed": 1.0}),
    "returning-in-a-day": Metric(top={"came_back": 1.0}, bottom={"visits_followed": 1.0}),
}
"""`skip-share`: of the exposures that were played, those that were left before 30 s. `precision@k`: stream rate of the
first k slots of shelves; `recall@k`: their share of all streams. `minutes-per-listener` and `pages-per-listener` are
per day on which a listener came; `returning` is the share of these days after which she came the next day, and
`returning-in-a-day` that of her visits (windows) which another one follows within 24 hours."""


def refuse_unless_metric(name: str) -> None:
    """Raise `ValueError` for an unknown metric, with those that there are."""
    if name not in METRICS:
        raise ValueError(f"no metric is named {name!r}; there are: {', '.join(METRICS)}")


def check_metrics(definition: ExperimentDefinition) -> None:
    """Raise `ValueError` if an experiment names a metric that nobody measures."""
    for name in (definition.metric, *(guardrail.metric for guardrail in definition.guardrails)):
        refuse_unless_metric(name)


def _weighted(weights: Mapping[str, float], sums: ListenerSums) -> FloatArray:
    found = np.zeros(len(sums.days))
    for name, weight in weights.items():
        column = sums.signals[:, SIGNALS.index(name)] if name in SIGNALS else getattr(sums, name)
        found += weight * column
    return found
