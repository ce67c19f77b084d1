"""How far a growth has come, by the numbers of partitions on the cluster; and whether it may go on.

The numbers themselves are the plan: topics grow in one order, and each only when what comes before is done. Tasks
refuse topics with unequal numbers, so no worker starts before the last of its inputs has grown.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kafka.errors import GroupAuthorizationFailedError

from schemas.forwarded import FORWARDED
from schemas.topics import STATE_SUFFIX, TOPICS
from streams.configuration_error import ConfigurationError
from streams.growing.growth import Growth
from streams.settings import Settings
from streams.topics.admin import TopicsError

LISTENERS_STATE, CARDS_STATE = "listeners" + STATE_SUFFIX, "cards" + STATE_SUFFIX
INPUTS = ("outcomes", "stream-ends", "impressions")
"""Grown last, in this order, when all state has moved: the first says so, and the last lets workers start."""
PAGED = tuple(topic.name for topic in TOPICS.values() if topic.is_paged)
COMPACTED = tuple(name for name in PAGED if TOPICS[name].is_compacted and not name.endswith(STATE_SUFFIX))
OTHERS = (*(name for name in PAGED if name not in (LISTENERS_STATE, CARDS_STATE, *INPUTS)),)
assert FORWARDED in OTHERS


class Standing(NamedTuple):
    """A growth, and the number of partitions of each topic with page partitions."""

    growth: Growth
    counts: Mapping[str, int]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(self.has_grown(name) for name in PAGED)

    @property
    def has_begun(self) -> bool:
        """Whether an earlier attempt was cut."""
        return any(self.has_grown(name) for name in PAGED)

    @property
    def has_moved(self) -> bool:
        """Whether everything has been moved: then only inputs are left to grow."""
        return self.has_grown(INPUTS[0])

    def has_grown(self, topic: str) -> bool:
        """Whether a topic has its new number of partitions."""
        return self.counts[topic] == self.growth.after


def standing_of(counts: Mapping[str, int], after: int) -> Standing:
    """The standing of a growth to `after` partitions; refuses what cannot be done, with what to do.

    >>> standing_of(dict.fromkeys(PAGED, 4), 12).growth
    Growth(before=4, after=12)
    >>> for wanted in (2, 6):
    ...     try:
    ...         standing_of(dict.fromkeys(PAGED, 4), wanted)
    ...     except ConfigurationError as error:
    ...         print(str(error).split(";")[0])
    there are 4 page partitions, and topics never shrink
    6 is no multiple of the 4 page partitions there are
    >>> try:
    ...     standing_of({**dict.fromkeys(PAGED, 4), LISTENERS_STATE: 8}, 12)
    ... except TopicsError as error:
    ...     print(str(error).split(":")[0])
    listeners-state has 8 partitions
    """
    counts = {name: counts.get(name, 0) for name in PAGED}
    if missing := [name for name, count in counts.items() if not count]:
        raise TopicsError(f"there is no topic {missing[0]}: run `shelfwise topics apply` first")
    before = min(counts.values()) if all(count <= after for count in counts.values()) else counts[INPUTS[-1]]
    _refuse_impossible(before, after)
    for name, count in counts.items():
        if count not in (before, after):
            raise TopicsError(
                f"{name} has {count} partitions: a growth to {count} was cut; finish that one first, with "
                f"--page-partitions {count}"
            )
    return Standing(Growth(before, after), counts)


def _refuse_impossible(before: int, after: int) -> None:
    if after < before:
        raise ConfigurationError(
            f"there are {before} page partitions, and topics never shrink; ask for more, for example {2 * before}"
        )
    if after % before:
        raise ConfigurationError(
            f"{after} is no multiple of the {before} page partitions there are; each is divided by itself: ask for "
            f"{after - after % before or 2 * before} or {after - after % before + before}"
        )


def refuse_while_alive(settings: Settings, client: Any) -> None:
    """Raise `TopicsError` if the group has members: what they write would be in nobody's state.

    Raises kafka-python's error if a broker fails; a new cluster has no coordinator for a moment.
    """
    try:
        described = client.describe_groups([settings.group])[settings.group]
    except GroupAuthorizationFailedError as error:
        raise TopicsError(
            f"the group {settings.group} cannot be looked at ({error!r}): grant what "
            "`shelfwise topics acls --program grower` lists"
        ) from error
    if described["members"]:
        count = len(described["members"])
        raise TopicsError(
            f"the group {settings.group} has {count} members: stop all its workers; one that was killed is evicted "
            f"after {settings.session_timeout_ms / 1_000:g} s"
        )
