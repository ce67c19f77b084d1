"""The auditor's own definitions of the messages of metrics."""

from msgspec import Struct, field


class LoggedRead(Struct, frozen=True):
    """What was logged with pages."""

    surface: str = "home"
    variant: str = "default"
    assignments: str = ""


class MetricSignalsRead(Struct, frozen=True, tag="metric-signals.v1", tag_field="type"):
    """What a transaction adds to sums of listeners, in columns; signals by name's place."""

    logged: list[LoggedRead]
    user_id: list[str]
    window_ms: list[int]
    page: list[int]
    user_group: list[int]
    signals: list[list[int]]
    generation: int


class SignalsForgottenRead(Struct, frozen=True, tag="signals-forgotten.v1", tag_field="type"):
    """A listener whose sums lose her name."""

    user_id: str


SignalledRead = MetricSignalsRead | SignalsForgottenRead


class MetricValueRead(Struct, frozen=True):
    """A metric of a window."""

    metric: str
    value: float | None = None
    standard_error: float | None = None


class MetricWindowRead(Struct, frozen=True):
    """Sums and metrics of a window."""

    surface: str
    variant: str
    generation: int
    kind: str
    window_ms: int
    window_length_ms: int
    listeners: int
    sums: list[int]
    metrics: list[MetricValueRead]
    signal_count: int
    experiment: str = ""
    user_group: int = -1


class DifferenceRead(Struct, frozen=True):
    """A variant's difference from the control."""

    variant: str
    metric: str
    role: str
    low: float | None = None
    high: float | None = None


class DecisionRead(Struct, frozen=True):
    """A decision on an experiment."""

    experiment: str
    decision: str
    winner: str
    listeners: dict[str, int]
    signal_count: int
    differences: list[DifferenceRead] = field(default_factory=list)
