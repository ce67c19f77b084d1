"""The definitions of experiments, and the variants of a listener: the same assignment as in the worker."""

from collections import Counter

from processors.experiments.assignment import Schedule
from schemas.codec import UnreadableError, decode
from schemas.experiments import ExperimentDefinition, assignments_of
from schemas.rankings import HOME

TOPIC = "experiments"


class ExperimentTable:
    """Keeps the newest definition of each experiment; unreadable ones are counted and change nothing.

    >>> from schemas.codec import encode
    >>> from tests.builders import experiment
    >>> table = ExperimentTable()
    >>> table.put(b"e", encode(experiment("e", buckets={"a": range(500), "b": range(500, 1_000)})))
    True
    >>> table.variants("u1", event_ms=0), table.assignments("u1", event_ms=0), table.put(b"e", None)
    ({'e': 'a'}, 'e/a', True)
    >>> table.variants("u1", event_ms=0)
    {}
    """

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.definitions: dict[str, ExperimentDefinition] = {}
        self._schedule = Schedule({})

    def put(self, key: bytes | None, value: bytes | None) -> bool:
        """Process one record of the topic; False if it changes nothing."""
        name = (key or b"").decode(errors="replace")
        if value is None:
            if self.definitions.pop(name, None) is None:
                return False
        else:
            try:
                self.definitions[name] = decode(TOPIC, value)
            except UnreadableError:
                self.counters["unreadable"] += 1
                return False
        self._schedule = Schedule(self.definitions)
        return True

    def variants(self, user_id: str, *, event_ms: int, surface: str = HOME) -> dict[str, str]:
        """The listener's variant of each experiment that runs on a surface at this time."""
        arms = self._schedule.plan(surface, event_ms).arms_of(user_id)
        return {arm.experiment: arm.variant for arm in arms}

    def assignments(self, user_id: str, *, event_ms: int, surface: str = HOME) -> str:
        """The same as an impression reports it."""
        return assignments_of(self.variants(user_id, event_ms=event_ms, surface=surface))
