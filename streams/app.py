"""The composition root: the one place that joins topics, processors and agents."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from processors.learner import Learner
from processors.warm_up.stages import COMPACTION
from schemas.forwarded import FORWARDED
from schemas.topics import STATE_SUFFIX
from streams.compiling.machine_code import MachineCode
from streams.configuration_error import ConfigurationError
from streams.connections import driver_settings, topic_names
from streams.exactly_once.driver import ExactlyOnce, build
from streams.exactly_once.observer import Observer
from streams.exactly_once.task import TaskSpec
from streams.mapping_specs import mapping_specs
from streams.pinned_model import PinnedModel
from streams.settings import Settings
from streams.tasks.cards_task import CardsTask
from streams.tasks.engagement_task import EngagementTask
from streams.tasks.leaderboard_task import LeaderboardTask
from streams.tasks.learner_task import LearnerTask
from streams.tasks.listeners_task import ListenersTask, always
from streams.tasks.metrics_task import MetricsTask
from streams.tasks.pinned_task import pinned_spec
from streams.tasks.renamed_task import renamed_spec

LISTENERS_FORMAT = 2


def task_specs(settings: Settings, machine_code: MachineCode | None = None) -> list[TaskSpec]:
    """The tasks that this worker runs, with their topics; raises `ConfigurationError` if there are none."""
    may_compact = always if machine_code is None else partial(machine_code.is_loaded, COMPACTION)
    every: dict[str, Callable[[], TaskSpec]] = {
        "listeners": lambda: _listeners_spec(settings, may_compact),
        "cards": lambda: TaskSpec(
            name="cards",
            inputs=("outcomes",),
            state_topic="cards" + STATE_SUFFIX,
            broadcasts=("co-clusters", "card-groups"),
            make=lambda _partition: CardsTask(
                *(settings.reward_names, settings.seed, settings.reward_half_life_ms),
                *(settings.cards_max, settings.reward_weight_max),
            ),
            tick_interval_ms=500,
            partition_count=settings.page_partitions,
            commit_interval_ms=settings.learning_interval_ms,
        ),
        "learner": lambda: TaskSpec(
            name="learner",
            inputs=("interactions",),
            state_topic="learner" + STATE_SUFFIX,
            broadcasts=("catalogue", "card-group-names", "drift-incidents"),
            make=lambda _partition: LearnerTask(
                Learner(settings.coclusters, settings.reward_names, settings.seed), settings.publish_interval_ms
            ),
            commit_interval_ms=settings.learning_interval_ms,
            in_thread=True,  # global moves take seconds, compiled and without the interpreter's lock
        ),
        "model": lambda: TaskSpec(  # the engagement task: its transactional ids and state topic keep the name
            name="model",
            inputs=("engagement",),
            state_topic="model" + STATE_SUFFIX,
            broadcasts=("co-clusters",),
            make=lambda _partition: EngagementTask(settings.drift),
            state_format=3,
            commit_interval_ms=settings.learning_interval_ms,
        ),
        "leaderboard": lambda: TaskSpec(
            name="leaderboard",
            inputs=("policy-evidence",),
            state_topic="leaderboard" + STATE_SUFFIX,
            state_format=2,
            make=lambda _partition: LeaderboardTask(settings.leaderboard.publish_interval_ms),
            tick_interval_ms=500,
            commit_interval_ms=settings.learning_interval_ms,
        ),
        "metrics": lambda: _metrics_spec(settings),
    }
    mapping = mapping_specs(settings) if "mapping" in settings.tasks else []
    specs = [*mapping, *(every[name]() for name in settings.tasks if name != "mapping")]
    if not specs:
        raise ConfigurationError("there is nothing to do: tasks is mapping, and [input] names no topic to map")
    return specs


def _listeners_spec(settings: Settings, may_compact: Callable[[], bool]) -> TaskSpec:
    return TaskSpec(
        name="listeners",
        inputs=("impressions", "stream-ends", FORWARDED),
        state_topic="listeners" + STATE_SUFFIX,
        broadcasts=("catalogue", "co-clusters", "card-groups", "card-statistics", "experiments", "drift-incidents"),
        make=lambda partition: ListenersTask(settings.listeners, partition, settings.page_partitions, may_compact),
        state_format=LISTENERS_FORMAT,
        partition_count=settings.page_partitions,
        awaits="shelf-rankings",
        take_turns=True,
        in_thread=True,  # events are processed in compiled code, without the interpreter's lock
    )


def _metrics_spec(settings: Settings) -> TaskSpec:
    return TaskSpec(
        name="metrics",
        inputs=("metric-signals",),
        state_topic="metrics" + STATE_SUFFIX,
        broadcasts=("experiments",),
        make=lambda _partition: MetricsTask(settings.metrics),
        tick_interval_ms=500,
        commit_interval_ms=settings.learning_interval_ms,
        in_thread=True,  # judging all listeners takes a while
    )


def build_app(
    settings: Settings,
    bootstrap: str,
    observer: Observer | None = None,
    pinned: PinnedModel | None = None,
    machine_code: MachineCode | None = None,
) -> ExactlyOnce:
    """Build a worker for these settings; it does not connect before it is run.

    With a pinned model its tasks read no broadcast topics, so that output is a function of the input alone. The
    partitions of a task wait for its `machine_code`.
    """
    specs = task_specs(settings, machine_code)
    if machine_code is not None:
        specs = [
            replace(
                spec,
                until_ready=partial(machine_code.ready_for, spec.name),
                until_restorable=partial(machine_code.restorable, spec.name),
            )
            for spec in specs
        ]
    if pinned is not None:
        specs = [pinned_spec(spec, pinned) for spec in specs]
    names = topic_names(settings)
    if not names.is_plain:
        specs = [renamed_spec(spec, names) for spec in specs]
    return build(driver_settings(settings, bootstrap), specs, observer=observer)
