"""Reads what is known of the groups: from the topics of a broker."""

from typing import TYPE_CHECKING

from streams.cli.compacted_topics import newest_of
from streams.cli.options import NoAnswerError

if TYPE_CHECKING:
    from streams.pictures.known_groups import KnownGroups
    from streams.settings import Settings

TOPICS = ("co-clusters", "card-groups", "catalogue")


def groups_of_broker(settings: "Settings") -> "KnownGroups":
    """The newest co-clusters with their cards; raises `NoAnswerError` until there are any."""
    from schemas.codec import decode
    from streams.pictures.known_groups import KnownGroups

    models, groups, cards = (
        {key: decode(topic, value) for key, value in newest_of(settings, topic).items()} for topic in TOPICS
    )
    if not models:
        raise NoAnswerError("there are no co-clusters yet: a worker publishes them once it has seen enough streams")
    return KnownGroups(model=[*models.values()][-1], cards=cards, placed=groups)
