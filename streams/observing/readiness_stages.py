"""The stages of readiness as metrics."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from streams.readiness import Readiness


class Stages(Collector):
    """Collects the stages on each scrape.

    >>> readiness = Readiness("machine code"); readiness.note("machine code", done=3, total=54)
    >>> [(family.name, [sample.value for sample in family.samples]) for family in Stages(readiness).collect()]
    [('shelfwise_ready', [0]), ('shelfwise_stage_finished', [0]), ('shelfwise_stage_done', [3]), \
('shelfwise_stage_total', [54])]
    """

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Readiness, and progress of each stage."""
        stages = self._readiness.stages
        is_ready = all(stage.is_finished for stage in stages)
        yield GaugeMetricFamily("shelfwise_ready", "Whether the worker is ready, as in /readyz", value=int(is_ready))
        for name, documentation, values in (
            ("finished", "Whether a readiness stage is finished", [int(it.is_finished) for it in stages]),
            ("done", "Completed units of a stage", [it.done for it in stages]),
            ("total", "Total units of a stage; 0 if there was nothing to do", [it.total for it in stages]),
        ):
            family = GaugeMetricFamily(f"shelfwise_stage_{name}", documentation, labels=("stage",))
            for stage, value in zip(stages, values, strict=True):
                family.add_metric((stage.name,), value)
            yield family
