"""Replays events through the pipeline in steps of event time, and keeps what is compared."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from schemas.catalogue import CatalogueCard
from schemas.experiments import ExperimentDefinition
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, OutcomesSettled
from schemas.policy_evidence import PagesWeighed, WeighedPage
from streams.backtesting.in_process import Event, InProcess
from streams.configuration_error import ConfigurationError

STEP_MS = 60_000
"""Event time between two conclusions: what is learned is known a minute later."""
EVENTS_MAX = 4_000
"""Events between two conclusions, as the driver fetches them."""

ExposureName = tuple[str, str, int, int]
"""Listener, impression, row and slot."""
PageName = tuple[str, str]


class Forget(NamedTuple):
    """A listener asks to be forgotten."""

    user_id: str


Defined = CatalogueCard | ExperimentDefinition
"""What editors and experimenters define: it has no event time."""

Line = Defined | Event | Forget


class Told:
    """What a run told: every outcome and correction, and the last state of every weighed page."""

    def __init__(self) -> None:
        self.settled: dict[ExposureName, OutcomeSettled] = {}
        self.corrected: list[OutcomeCorrected] = []
        self.played_ms: dict[ExposureName, int] = {}
        self.pages: dict[PageName, WeighedPage] = {}

    def note(self, messages: Iterable[Struct]) -> None:
        """Keep what is compared of these messages."""
        for message in messages:
            if isinstance(message, OutcomesSettled):
                for one in message.outcomes():
                    name = (one.user_id, one.impression_id, one.row, one.slot)
                    self.settled[name], self.played_ms[name] = one, one.played_ms
            elif isinstance(message, OutcomeCorrected):
                self.corrected.append(message)
                name = (message.user_id, message.impression_id, message.row, message.slot)
                self.played_ms[name] = message.played_ms
            elif isinstance(message, PagesWeighed):
                self.pages.update(((page.user_id, page.impression_id), page) for page in message.pages())


def replay(lines: Iterable[Line], pipelines: Sequence[InProcess]) -> list[Told]:
    """Play the same lines, in order of arrival, through each pipeline, until everything has settled.

    Raises `ConfigurationError` if there is no event among them.
    """
    told = [Told() for _ in pipelines]
    newest_ms = -1
    for step in steps(lines):
        for pipeline, own in zip(pipelines, told, strict=True):
            _play(pipeline, step, own)
        newest_ms = max([newest_ms, *(line.event_ms for line in step if not isinstance(line, Defined | Forget))])
    if newest_ms < 0:
        raise ConfigurationError("there is no impression and no stream-end: nothing can be replayed")
    for pipeline, own in zip(pipelines, told, strict=True):
        limits = pipeline.partitions[0].settings.settlement
        own.note(pipeline.close(newest_ms + limits.horizon_ms + 2 * limits.lateness_ms))
    return told


def _play(pipeline: InProcess, step: Sequence[Line], told: Told) -> None:
    events: list[Event] = []
    for line in step:
        if isinstance(line, Defined):
            pipeline.define(line)
        elif isinstance(line, Forget):
            told.note(pipeline.take(events))
            told.note(pipeline.forget(line.user_id))
            events = []
        else:
            events.append(line)
    told.note(pipeline.take(events))


def steps(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Cut lines where event time has advanced by a step, or where there are many.

    >>> from tests.builders import impression
    >>> [len(step) for step in steps([impression(event_ms=at) for at in (0, 5, 59_999, 60_000, 7, 200_000)])]
    [3, 2, 1]
    """
    step: list[Line] = []
    begun_ms: int | None = None
    for line in lines:
        if not isinstance(line, Defined | Forget):
            begun_ms = line.event_ms if begun_ms is None else begun_ms
            if line.event_ms >= begun_ms + STEP_MS or len(step) >= EVENTS_MAX:
                yield step
                step, begun_ms = [], max(line.event_ms, begun_ms)
        step.append(line)
    if step:
        yield step
