"""Experiments as the auditor sees them: which exposures the pages make, and which assignments belong on outcomes."""

from collections import defaultdict

from streams.auditing.own_experiments import (
    DAY_MS,
    ExperimentRead,
    ExposureRead,
    assignment,
    pairs_of,
    running,
)
from streams.auditing.own_messages import ImpressionRead, RankingRead
from streams.auditing.own_outcomes import CorrectionRead, OutcomesRead

Told = tuple[str, str, str, int]
"""Listener, experiment, variant, day."""
OPEN_DAYS = 2


class ExperimentBook:
    """Definitions are read first, then pages in the order of the log, then what was written about them.

    What is said of an experiment without a definition is not judged: it was removed, or never was.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, ExperimentRead] = {}
        self.expected: dict[Told, str] = {}  # the page of each exposure
        self.reported: set[Told] = set()
        self.found: dict[Told, list[ExposureRead]] = defaultdict(list)
        self.faults: dict[str, list[str]] = defaultdict(list)
        self._shown: dict[tuple[str, str], dict[str, str]] = {}
        self._newest_day: dict[int, int] = {}

    def take(self, key: str, message: ExperimentRead | ExposureRead | None) -> None:
        """Enter a definition, an exposure, or the removal of a definition."""
        if message is None:
            self.definitions.pop(key, None)
        elif isinstance(message, ExperimentRead):
            self.definitions[key] = message
        else:
            self.found[message.user_id, message.experiment, message.variant, message.day].append(message)

    def note(self, page: ImpressionRead, partition: int) -> None:
        """Enter a page, the first of its name."""
        now = running(self.definitions, page.surface, page.event_ms)
        reported = dict(pairs_of(page.assignments))
        shown = {**assignment(page.user_id, now), **reported} if now else reported
        if now:  # a page of which nothing was seen moves the day on all the same
            newest = self._newest_day.get(partition, 0)
            self._newest_day[partition] = max(page.event_ms // DAY_MS, newest)
        if not page.seen():
            return
        if shown:
            self._shown[page.user_id, page.event_id] = shown
        day = page.event_ms // DAY_MS
        for experiment, variant in shown.items():
            if experiment in now and any(one.name == variant for one in now[experiment][1].variants):
                told = (page.user_id, experiment, variant, day)
                if day >= self._newest_day[partition] - OPEN_DAYS and told not in self.expected:
                    self.expected[told] = page.event_id
                    if experiment in reported:
                        self.reported.add(told)

    def take_outcomes(self, message: CorrectionRead | OutcomesRead) -> None:
        """Compare the assignments of outcomes with those of their pages."""
        if isinstance(message, CorrectionRead):
            if message.assignments is not None:
                said, expected = (
                    dict(pairs_of(message.assignments)),
                    self._shown_with(message.user_id, message.impression_id),
                )
                self._compare(f"the correction of {message.user_id} {message.impression_id}", said, expected)
            return
        for user_id, impression_id, page in zip(message.user_id, message.impression_id, message.page, strict=False):
            said = dict(pairs_of(message.logged[page].assignments))
            expected = self._shown_with(user_id, impression_id)
            self._compare(f"the outcome of {user_id} {impression_id}", said, expected)

    def take_ranking(self, ranking: RankingRead) -> None:
        """Compare the assignments of a ranking with those in force at its time."""
        now = running(self.definitions, ranking.surface, ranking.event_ms)
        expected = assignment(ranking.user_id, now) if now else {}
        where = f"ranking #{ranking.ranking_number} of {ranking.user_id}"
        self._compare(where, dict(pairs_of(ranking.assignments)), expected)

    def _shown_with(self, user_id: str, impression_id: str) -> dict[str, str]:
        return self._shown.get((user_id, impression_id), {})

    def _compare(self, where: str, said: dict[str, str], expected: dict[str, str]) -> None:
        names = (said.keys() | expected.keys()) & self.definitions.keys()
        for name in sorted(name for name in names if said.get(name) != expected.get(name)):
            case = f"{where}: {name} is {said.get(name, 'nothing')}, not {expected.get(name, 'nothing')}"
            self.faults["assignments_wrong"].append(case)
