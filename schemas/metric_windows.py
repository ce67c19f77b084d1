"""Metrics by window of event time, the metric that is optimised against the KPI, and decisions on experiments."""

from typing import Literal

from msgspec import Struct

from schemas.composite_keys import WORD_SEPARATOR, joined
from schemas.fields import Count, EventMs, Identifier, Probability

WindowKind = Literal["window", "day"]


class MetricValue(Struct, frozen=True, kw_only=True):
    """A metric: a ratio of sums over listeners, with its standard error over listeners and an interval of 95%.

    Without listeners, or without anything to divide by, value and interval are none.
    """

    metric: Identifier
    value: float | None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


class MetricWindow(Struct, frozen=True, kw_only=True, tag="metric-window.v1", tag_field="type"):
    """Sums and metrics of one surface, arm and window of event time, revised as outcomes settle and are corrected.

    Keyed by surface, experiment, variant, user group, kind and beginning; a null value withdraws a window that is past
    its history. `experiment` is empty for the clients' own variants, of which `all` is the total (a client's of that
    name is written `~all`). `user_group` is -1 for all groups, else a group of `generation`. `sums` has the signals
    `schemas.metric_signals.SIGNALS`, `plays_by_group` first streams by card group, `diversity` the effective number of
    card groups played (the exponential of the entropy), `listeners` how many differ. The KPIs `returning` and
    `minutes-per-listener` are metrics of days. `signal_count` rows of signals and
    requests to forget had been read.
    """

    surface: Identifier
    experiment: str = ""
    variant: Identifier
    generation: Count
    user_group: int = -1
    kind: WindowKind
    window_ms: EventMs
    window_length_ms: Count
    is_settled: bool
    listeners: Count
    sums: tuple[int, ...]
    plays_by_group: dict[int, int] = {}
    diversity: float | None = None
    success: Identifier
    metrics: tuple[MetricValue, ...]
    signal_count: Count

    @property
    def key(self) -> str:
        """Key of the record."""
        group = f"{self.generation}.{self.user_group}" if self.user_group >= 0 else "all"
        names = (self.surface, self.experiment, self.variant, group, self.kind, str(self.window_ms))
        return joined(names, WORD_SEPARATOR)


class MetricAlarm(Struct, frozen=True, kw_only=True, tag="metric-alarm.v1", tag_field="type"):
    """The optimised metric of a surface runs against a KPI: with one variant, the one rises and the other falls.

    Keyed by `alarm_id`. It is `open` when the intervals of both differences from `baseline`, valid at any time, exclude
    zero on opposite sides; `closed` when either has not done so for some looks in a row. Differences are relative to
    the baseline's values.
    """

    alarm_id: Identifier
    number: Count
    state: Literal["open", "closed"]
    surface: Identifier
    experiment: str
    variant: Identifier
    baseline: Identifier
    metric: Identifier
    kpi: Identifier
    event_ms: EventMs
    metric_difference: float
    metric_low: float
    metric_high: float
    kpi_difference: float
    kpi_low: float
    kpi_high: float


class MetricDifference(Struct, frozen=True, kw_only=True):
    """How a variant differs from the control by a metric: per listener, adjusted by what they did before.

    `difference` is in the metric's unit, `relative` to the control's value; `low` to `high` holds at any time.
    `variance_left` is the share of the variance that the adjustment leaves. None: not yet.
    """

    variant: Identifier
    metric: Identifier
    control_value: float | None
    value: float | None
    difference: float | None
    relative: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    variance_left: Probability | None
    role: Literal["goal", "guardrail", "kpi", "other"]


class ExperimentDecision(Struct, frozen=True, kw_only=True, tag="experiment-decision.v1", tag_field="type"):
    """What the data say about an experiment by now. Keyed by its name; a null value withdraws it.

    `split-broken`: the numbers of listeners do not follow from the shares, so no figure is to be believed. `ship`: a
    variant is better by the goal, and every guardrail is known to hold. `stop`: every variant is worse, or violates a
    guardrail, or runs against a KPI; or the time is over without a winner. `continue`: neither is known yet.
    `ratio_p` is the sequential p-value of the split. `crossed` listeners saw two variants at once, and are left out.
    """

    experiment: Identifier
    revision: Count
    decision: Literal["ship", "stop", "continue", "split-broken"]
    winner: str
    reasons: tuple[str, ...]
    goal: Identifier
    event_ms: EventMs
    listeners: dict[str, int]
    expected_shares: dict[str, float]
    ratio_p: Probability
    crossed: Count
    differences: tuple[MetricDifference, ...]
    signal_count: Count
