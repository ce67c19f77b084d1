"""The part of the table of topics that is about metrics, KPIs and decisions on experiments."""

from schemas.metric_signals import Signalled
from schemas.metric_windows import ExperimentDecision, MetricAlarm, MetricWindow
from schemas.topic_row import Cleanup, Role, Topic

METRIC_TOPICS = (
    Topic(
        name="metric-signals",
        about="what settled exposures add to the sums of listeners by window; listeners to forget",
        role=Role.INTERNAL,
        message=Signalled,
        key="source",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("metrics",),
    ),
    Topic(
        name="metric-windows",
        about="sums and metrics by surface, arm, user group and window of event time, revised",
        role=Role.OUTPUT,
        message=MetricWindow,
        key="surface, experiment, variant, group, kind and window",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="metrics",
        readers=("subscribers",),
    ),
    Topic(
        name="metric-alarms",
        about="optimised metrics that run against a KPI",
        role=Role.OUTPUT,
        message=MetricAlarm,
        key="alarm_id",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="metrics",
        readers=("subscribers",),
    ),
    Topic(
        name="experiment-decisions",
        about="what the data say about each experiment by now",
        role=Role.OUTPUT,
        message=ExperimentDecision,
        key="experiment",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="metrics",
        readers=("subscribers",),
    ),
)
