"""Topics that a mapping needs besides the one that it reads: its state and its dead letters."""

from collections.abc import Mapping as Counts

from schemas.topic_row import Cleanup, Role, Topic
from schemas.topics import DEAD_LETTER_SUFFIX, STATE_SUFFIX
from streams.mapping.mapping_settings import InputSettings

PREFIX = "mapping-"
_LETTERS_KEPT_MS = 30 * 24 * 3_600_000


def task_name(topic: str) -> str:
    """The task that fills this topic of ours.

    >>> task_name("stream-ends")
    'mapping-stream-ends'
    """
    return PREFIX + topic


def letters_topic(topic: str) -> str:
    """Dead letters of the task that fills this topic; in a topic of ours, because theirs may have other readers.

    >>> letters_topic("stream-ends")
    'mapping-stream-ends.dlq'
    """
    return task_name(topic) + DEAD_LETTER_SUFFIX


def sources(settings: InputSettings) -> dict[str, str]:
    """The topics that are read, by the topics of ours that they fill; a mapping without topic is for files only."""
    return {topic: mapping.topic for topic, mapping in settings.by_topic().items() if mapping.topic}


def own_topics(settings: InputSettings, counts: Counts[str, int]) -> dict[str, Topic]:
    """The topics of all mappings, given the partition counts of the topics that they read.

    >>> from streams.mapping.mapping_settings import StreamEndMapping
    >>> mapping = StreamEndMapping(topic="plays", user_id="u", card_id="c", played_s="s", event_s="t")
    >>> [(it.name, it.partitions) for it in own_topics(InputSettings(stream_ends=mapping), {"plays": 3}).values()]
    [('mapping-stream-ends.dlq', 1), ('mapping-stream-ends-state', 3)]
    """
    found = []
    for topic, source in sources(settings).items():
        task = task_name(topic)
        found += [
            Topic(
                name=letters_topic(topic),
                about=f"records of {source} that could not be mapped to {topic}, with the reason in their headers",
                role=Role.DEAD_LETTERS,
                message=None,
                key="as it was",
                partitions=1,
                cleanup=Cleanup.DELETE,
                writer=task,
                readers=("operators",),
                retention_ms=_LETTERS_KEPT_MS,
            ),
            Topic(
                name=task + STATE_SUFFIX,
                about=f"state of the {task} task: its position in {source}, and counters",
                role=Role.STATE,
                message=None,
                key="state row",
                partitions=counts.get(source, 1),
                cleanup=Cleanup.COMPACT,
                writer=task,
                readers=(task,),
            ),
        ]
    return {topic.name: topic for topic in found}
