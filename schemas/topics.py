"""The data flow as one table: each topic with its message, retention, writer and readers."""

from schemas.catalogue import CatalogueCard
from schemas.experiments import ExperimentDefinition, ExperimentExposure
from schemas.forwarded import FORWARDED
from schemas.impressions import Impression
from schemas.interactions import Learned
from schemas.learning import CardGroup, CardGroupName, CardStatistics, CoClusters
from schemas.metric_topics import METRIC_TOPICS
from schemas.monitoring import DriftAlert, DriftIncident, EngagementMetrics, EngagementSums
from schemas.outcomes import Outcome
from schemas.policy_evidence import PagesWeighed
from schemas.policy_values import PolicyValue
from schemas.rankings import ShelfRanking
from schemas.stream_ends import StreamEvent
from schemas.topic_row import STAMP_AHEAD_MAX, STATE_BYTES_MAX, Cleanup, Role, Topic

__all__ = [
    "DEAD_LETTER_SUFFIX",
    "STAMP_AHEAD_MAX",
    "STATE_BYTES_MAX",
    "STATE_SUFFIX",
    "TOPICS",
    "Cleanup",
    "Role",
    "Topic",
]

DEAD_LETTER_SUFFIX = ".dlq"
STATE_SUFFIX = "-state"

_FLOW = (
    Topic(
        name="impressions",
        about="pages and viewports that were shown",
        role=Role.INPUT,
        message=Impression,
        key="user_id",
        partitions=0,
        cleanup=Cleanup.DELETE,
        writer="clients",
        readers=("listeners",),
    ),
    Topic(
        name="stream-ends",
        about="what was played, and for how long; what is still playing",
        role=Role.INPUT,
        message=StreamEvent,
        key="user_id",
        partitions=0,
        cleanup=Cleanup.DELETE,
        writer="clients",
        readers=("listeners",),
    ),
    Topic(
        name=FORWARDED,
        about="records of the two inputs whose key has moved to another partition since the topics grew",
        role=Role.INTERNAL,
        message=None,
        key="user_id",
        partitions=0,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("listeners",),
    ),
    Topic(
        name="catalogue",
        about="cards and the shelves in which each is valid",
        role=Role.BROADCAST,
        message=CatalogueCard,
        key="card_id",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="editors",
        readers=("listeners", "learner"),
    ),
    Topic(
        name="card-group-names",
        about="what editors call the card groups",
        role=Role.BROADCAST,
        message=CardGroupName,
        key="key",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="editors",
        readers=("learner",),
    ),
    Topic(
        name="experiments",
        about="definitions of experiments, with their earlier revisions",
        role=Role.BROADCAST,
        message=ExperimentDefinition,
        key="name",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="experimenters",
        readers=("listeners", "metrics", "subscribers"),
    ),
    Topic(
        name="outcomes",
        about="exposures, settled exactly once, and their corrections",
        role=Role.INTERNAL,
        message=Outcome,
        key="card_id",
        partitions=0,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("cards",),
    ),
    Topic(
        name="interactions",
        about="who streamed which card for how long, sampled by user; listeners to forget",
        role=Role.INTERNAL,
        message=Learned,
        key="source",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("learner",),
    ),
    Topic(
        name="engagement",
        about="sums by bucket of event time, variant and co-cluster",
        role=Role.INTERNAL,
        message=EngagementSums,
        key="source",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("model",),
    ),
    Topic(
        name="policy-evidence",
        about="settled pages of a share of the listeners, as the candidates of the leaderboard weigh them",
        role=Role.INTERNAL,
        message=PagesWeighed,
        key="source",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("leaderboard",),
    ),
    Topic(
        name="card-statistics",
        about="bandit statistics of every card, by user group and reward",
        role=Role.BROADCAST,
        message=CardStatistics,
        key="card_id",
        partitions=0,
        cleanup=Cleanup.COMPACT,
        writer="cards",
        readers=("listeners",),
    ),
    Topic(
        name="card-groups",
        about="the soft card group of every card",
        role=Role.BROADCAST,
        message=CardGroup,
        key="card_id",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="learner",
        readers=("listeners", "cards"),
    ),
    Topic(
        name="co-clusters",
        about="block distributions, thresholds and labels of the co-clusters",
        role=Role.BROADCAST,
        message=CoClusters,
        key="model",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="learner",
        readers=("listeners", "cards", "model"),
    ),
    Topic(
        name="shelf-rankings",
        about="the next page of each listener",
        role=Role.OUTPUT,
        message=ShelfRanking,
        key="user_id",
        partitions=0,
        cleanup=Cleanup.COMPACT,
        writer="listeners",
        readers=("subscribers",),
    ),
    Topic(
        name="experiment-exposures",
        about="the first page of each experiment that a listener saw on a day",
        role=Role.OUTPUT,
        message=ExperimentExposure,
        key="user_id",
        partitions=0,
        cleanup=Cleanup.DELETE,
        writer="listeners",
        readers=("subscribers",),
    ),
    Topic(
        name="drift-alerts",
        about="co-clusters whose streaming time has changed",
        role=Role.OUTPUT,
        message=DriftAlert,
        key="co-cluster",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="model",
        readers=("subscribers",),
    ),
    Topic(
        name="drift-incidents",
        about="changes that are watched, opened, grown and closed",
        role=Role.OUTPUT,
        message=DriftIncident,
        key="incident_id",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="model",
        readers=("listeners", "learner", "subscribers"),
    ),
    Topic(
        name="engagement-metrics",
        about="engagement of every variant by bucket of event time",
        role=Role.OUTPUT,
        message=EngagementMetrics,
        key="variant",
        partitions=1,
        cleanup=Cleanup.DELETE,
        writer="model",
        readers=("subscribers",),
    ),
    Topic(
        name="policy-values",
        about="counterfactual values of policies and rewards on the live log",
        role=Role.OUTPUT,
        message=PolicyValue,
        key="candidate and yardstick",
        partitions=1,
        cleanup=Cleanup.COMPACT,
        writer="leaderboard",
        readers=("subscribers",),
    ),
    *METRIC_TOPICS,
)


def dead_letters_of(topic: Topic) -> Topic:
    """The dead-letter topic of `topic`: unreadable records, bytes untouched."""
    return Topic(
        name=topic.name + DEAD_LETTER_SUFFIX,
        about=f"records of {topic.name} that could not be read, with the reason in their headers",
        role=Role.DEAD_LETTERS,
        message=None,
        key="as it was",
        partitions=topic.partitions,
        cleanup=Cleanup.DELETE,
        writer=topic.readers[0],
        readers=("operators",),
        retention_ms=30 * 24 * 3_600_000,
    )


def state_of(task: str, partitions: int) -> Topic:
    """The compacted topic that holds the state of `task`, one partition for each of its input partitions."""
    return Topic(
        name=task + STATE_SUFFIX,
        about=f"state of the {task} task",
        role=Role.STATE,
        message=None,
        key="state row",
        partitions=partitions,
        cleanup=Cleanup.COMPACT,
        writer=task,
        readers=(task,),
    )


def _table() -> dict[str, Topic]:
    dead = [dead_letters_of(topic) for topic in _FLOW if topic.role in {Role.INPUT, Role.BROADCAST, Role.INTERNAL}]
    tasks = {"listeners": 0, "cards": 0, "learner": 1, "model": 1, "leaderboard": 1, "metrics": 1}
    state = [state_of(task, partitions) for task, partitions in tasks.items()]
    return {topic.name: topic for topic in (*_FLOW, *dead, *state)}


TOPICS: dict[str, Topic] = _table()
"""All topics by name, in the order of the data flow.

>>> TOPICS["impressions"].readers, TOPICS["listeners-state"].is_compacted
(('listeners',), True)
"""
