"""The mapping tasks of a worker, from its settings."""

from collections.abc import Callable

from schemas.topics import STATE_SUFFIX
from streams.connections import registry_access
from streams.exactly_once.task import Task, TaskSpec
from streams.mapping.formats.format_catalogue import decoder_of
from streams.mapping.mapper import mapper_of
from streams.mapping.own_topics import task_name
from streams.settings import Settings
from streams.tasks.mapping_task import MappingTask

STEP_SHARE = 2
"""Mapped partitions may be apart by half of the allowed lateness; the rest is left to their own clients."""


def mapping_specs(settings: Settings) -> list[TaskSpec]:
    """One task for each topic that is mapped; a mapping without topic is for files."""
    return [
        TaskSpec(
            name=task_name(topic),
            inputs=(mapping.topic,),
            state_topic=task_name(topic) + STATE_SUFFIX,
            make=_maker(settings, topic),
            tick_interval_ms=100,
            in_thread=True,  # the main loop answers meanwhile
            step_slack_ms=settings.settlement.lateness_ms // STEP_SHARE,
        )
        for topic, mapping in settings.input.by_topic().items()
        if mapping.topic
    ]


def mapping_task(settings: Settings, topic: str) -> MappingTask:
    """The task of one partition that fills this topic of ours."""
    mapping = settings.input.by_topic()[topic]
    return MappingTask(mapper_of(mapping), decoder_of(mapping, registry_access(settings)), topic)


def _maker(settings: Settings, topic: str) -> Callable[[int], Task]:
    mapping_task(settings, topic)  # what is wrong with the settings is said before anything starts
    return lambda _partition: mapping_task(settings, topic)
