"""The definitions of a worker: broadcast state, from which the schedule follows."""

from collections import Counter
from collections.abc import Sequence

from processors.experiments.assignment import Schedule
from processors.experiments.overriding import refuse_unless_rankable
from processors.ranking.ranking_settings import RankingSettings
from schemas.experiments import ExperimentDefinition


class Definitions:
    """The newest definition of each experiment; they change between batches only.

    An experiment that these settings cannot rank is left out altogether and counted: some of its listeners would be
    shown one thing and counted as another.

    >>> from tests.builders import experiment
    >>> known = Definitions(RankingSettings(), ("static", "mean"))
    >>> known.put("e", experiment("e", buckets={"a": range(9), "b": (9,)}))
    >>> known.put("f", experiment("f", buckets={"a": (10,), "b": (11,)}, surfaces=("tv",)))
    >>> list(known.schedule.plan("home", 1).running), dict(known.counters)
    (['e'], {'experiments_unrankable': 1})
    """

    def __init__(self, ranking: RankingSettings, rewards: Sequence[str]) -> None:
        self.schedule = Schedule({})
        self.counters: Counter[str] = Counter()
        self._ranking, self._rewards = ranking, rewards
        self._known: dict[str, ExperimentDefinition] = {}

    def put(self, name: str, definition: ExperimentDefinition | None) -> None:
        """Add or change a definition, or remove it (None)."""
        known = self._known.get(name)
        if definition is not None and known is not None and definition.revision < known.revision:
            return
        if definition is not None:
            try:
                refuse_unless_rankable(definition, self._ranking, self._rewards)
            except ValueError:
                self.counters["experiments_unrankable"] += 1
                definition = None
        if definition is None:
            self._known.pop(name, None)
        else:
            self._known[name] = definition
        self.schedule = Schedule(self._known)

    def __bool__(self) -> bool:
        return bool(self._known)
