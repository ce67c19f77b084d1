"""The least rights of each kind of program, derived from the table of topics."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import partial

from msgspec import Struct, structs

from schemas.topics import TOPICS, Role, Topic
from streams.connections import topic_names
from streams.console.console_topics import MEASURED, read_topics
from streams.console.renaming import TOPIC as NAMES
from streams.dead_letter_replay import REPLAY_GROUP
from streams.experiment_plans import TOPIC as EXPERIMENTS
from streams.mapping.own_topics import own_topics, sources
from streams.settings import Settings
from streams.topics.programs import Program

READ, WRITE, DESCRIBE = "Read", "Write", "Describe"
CREATE, ALTER = "Create", "Alter"
DESCRIBE_CONFIGS, ALTER_CONFIGS = "DescribeConfigs", "AlterConfigs"


class Resource(StrEnum):
    """Kafka's resource types."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Grant(Struct, frozen=True, kw_only=True):
    """Rights on one resource, or on all with a prefix. Read and Write imply Describe."""

    resource: Resource
    name: str
    operations: tuple[str, ...]
    is_prefix: bool = False

    def command(self, bootstrap: str, principal: str) -> str:
        """The right as a command of Kafka's ACL tool.

        >>> Grant(resource=Resource.GROUP, name="g", operations=(READ,)).command("kafka:9092", "User:worker")
        'kafka-acls.sh --bootstrap-server kafka:9092 --add --allow-principal User:worker --operation Read --group g'
        """
        operations = " ".join(f"--operation {operation}" for operation in self.operations)
        pattern = " --resource-pattern-type prefixed" if self.is_prefix else ""
        who = f"kafka-acls.sh --bootstrap-server {bootstrap} --add --allow-principal {principal}"
        return f"{who} {operations} --{self.resource.value} {self.name}{pattern}"


def grants(program: Program, settings: Settings) -> list[Grant]:
    """Rights of a program, by the names of topics at the broker; a worker's depend on its tasks.

    >>> [grant.name for grant in grants(Program.SUBSCRIBER, Settings())]  # doctest: +NORMALIZE_WHITESPACE
    ['experiments', 'shelf-rankings', 'experiment-exposures', 'drift-alerts', 'drift-incidents', 'engagement-metrics',
     'policy-values', 'metric-windows', 'metric-alarms', 'experiment-decisions']
    >>> {grant.operations for grant in grants(Program.CLIENT, Settings())}
    {('Write',)}
    """
    names = topic_names(settings)
    return [
        structs.replace(grant, name=names.at_broker(grant.name)) if grant.resource is Resource.TOPIC else grant
        for grant in _grants(program, settings)
    ]


def _grants(program: Program, settings: Settings) -> list[Grant]:
    by: dict[Program, Callable[[Settings], Iterator[Grant]]] = {
        Program.WORKER: _worker,
        Program.OPERATOR: _operator,
        Program.GROWER: _grower,
        Program.CONSOLE: _console,
        Program.CONSOLE_EDITOR: partial(_console, edits=True),
        Program.CONSOLE_HISTORY: partial(_console, listener_history=True),
    }
    if program in by:
        return list(by[program](settings))
    if program in {Program.AUDITOR, Program.SUBSCRIBER}:
        read = (topic for topic in TOPICS.values() if program is Program.AUDITOR or "subscribers" in topic.readers)
        return _each(read, READ)
    if program is Program.EXPERIMENTER:
        own = (topic.name for topic in TOPICS.values() if topic.writer == "experimenters")
        return [Grant(resource=Resource.TOPIC, name=name, operations=(READ, WRITE)) for name in own]
    return _each((topic for topic in TOPICS.values() if topic.writer in {"clients", "editors"}), WRITE)


def topics_of_tasks(tasks: Iterable[str]) -> dict[str, Topic]:
    """The topics that these tasks read or write."""
    running = set(tasks)
    return {name: topic for name, topic in TOPICS.items() if topic.writer in running or running & set(topic.readers)}


def _worker(settings: Settings) -> Iterator[Grant]:
    running = set(settings.tasks) if sources(settings.input) else set(settings.tasks) - {"mapping"}
    for name, topic in topics_of_tasks(running).items():
        reads = (READ,) if running & set(topic.readers) else ()
        writes = (WRITE,) if topic.writer in running else ()
        yield Grant(resource=Resource.TOPIC, name=name, operations=(*reads, *writes, DESCRIBE_CONFIGS))
    if "mapping" in running:
        yield from _mapping(settings)
    yield Grant(resource=Resource.GROUP, name=settings.group, operations=(READ,))
    for task in sorted(running, key=settings.tasks.index):  # one transactional id per partition
        name = f"{settings.group}-{task}-"
        yield Grant(resource=Resource.TRANSACTIONAL_ID, name=name, operations=(WRITE,), is_prefix=True)


def _mapping(settings: Settings) -> Iterator[Grant]:
    """Rights to read foreign topics, and to write what they are mapped to."""
    for topic, source in sources(settings.input).items():
        yield Grant(resource=Resource.TOPIC, name=source, operations=(READ,))
        yield Grant(resource=Resource.TOPIC, name=topic, operations=(WRITE,))
    for name, own in own_topics(settings.input, {}).items():
        reads = (READ,) if own.role is Role.STATE else ()
        yield Grant(resource=Resource.TOPIC, name=name, operations=(*reads, WRITE, DESCRIBE_CONFIGS))


def _operator(settings: Settings) -> Iterator[Grant]:
    """Rights to apply the table of topics, and to replay dead letters to their topics."""
    for source in sources(settings.input).values():
        yield Grant(resource=Resource.TOPIC, name=source, operations=(DESCRIBE,))
    for name, topic in {**TOPICS, **own_topics(settings.input, {})}.items():
        reads = (READ,) if topic.role is Role.DEAD_LETTERS else ()
        writes = (WRITE,) if topic.role is Role.INPUT else ()
        changes = (CREATE, DESCRIBE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS)
        yield Grant(resource=Resource.TOPIC, name=name, operations=(*changes, *reads, *writes))
    yield Grant(resource=Resource.GROUP, name=REPLAY_GROUP, operations=(READ,), is_prefix=True)
    yield Grant(resource=Resource.TRANSACTIONAL_ID, name=REPLAY_GROUP, operations=(WRITE,), is_prefix=True)


def _grower(settings: Settings) -> Iterator[Grant]:
    """Rights of `topics grow`: to add partitions, to move rows and records, and to read outcomes to their end."""
    needed: dict[str, set[str]] = {name: {DESCRIBE, ALTER} for name, topic in TOPICS.items() if topic.is_paged}
    for name, topic in topics_of_tasks(("listeners", "cards")).items():
        is_moved = topic.is_paged and topic.is_compacted
        if is_moved or "cards" in topic.readers or (topic.is_paged and "listeners" in topic.readers):
            needed.setdefault(name, set()).add(READ)  # inputs too: their offsets are committed
        if is_moved or topic.writer == "cards":
            needed.setdefault(name, set()).add(WRITE)
    for name, operations in needed.items():
        yield Grant(resource=Resource.TOPIC, name=name, operations=tuple(sorted(operations)))
    yield Grant(resource=Resource.GROUP, name=settings.group, operations=(READ,))
    for who in ("listeners", "cards", "grow"):
        name = f"{settings.group}-{who}-"
        yield Grant(resource=Resource.TRANSACTIONAL_ID, name=name, operations=(WRITE,), is_prefix=True)


def _console(settings: Settings, *, edits: bool = False, listener_history: bool = False) -> Iterator[Grant]:
    """Rights to read what the console reads, and to look at the ends of other topics and at the workers' positions."""
    read = read_topics(listener_history=listener_history)
    for name in MEASURED:
        looks = (READ if name in read else DESCRIBE,)
        yield Grant(
            resource=Resource.TOPIC,
            name=name,
            operations=(*looks, *((WRITE,) if edits and name in {NAMES, EXPERIMENTS} else ())),
        )
    yield Grant(resource=Resource.GROUP, name=settings.group, operations=(DESCRIBE,))


def _each(topics: Iterable[Topic], operation: str) -> list[Grant]:
    return [Grant(resource=Resource.TOPIC, name=topic.name, operations=(operation,)) for topic in topics]
