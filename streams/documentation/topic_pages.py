"""Reference of the topics, from the table that wires the workers."""

from typing import Any

from schemas.topics import TOPICS, Role, Topic
from streams.app import task_specs
from streams.console.views.dead_letters_view import REMEDIES
from streams.documentation.markdown_tables import anchor, code, page, table
from streams.settings import load

ABOUT = """\
Every topic that shelfwise uses, from `schemas/topics.py`: wiring, creation, rights and this page are derived from it.
*page* partitions are as many as the setting [`page_partitions`](settings.md#top-level) says; such topics are joined
by partition. `shelfwise topics plan` shows what a cluster has beside what it should have."""
TITLES = {
    Role.INPUT: ("Inputs", "Your clients write these."),
    Role.BROADCAST: ("Broadcasts", "Compacted, and read in full by the tasks that are named."),
    Role.INTERNAL: ("Between tasks", "One task writes them, another reads them."),
    Role.OUTPUT: ("Outputs", "For your services; read them with `isolation.level=read_committed`."),
    Role.DEAD_LETTERS: ("Dead letters", "Records that could not be read, bytes untouched, kept for 30 days."),
    Role.STATE: ("State", "Rows of state and the position of a task, for the worker that takes it over."),
}


def topics_page() -> str:
    """The page of all topics, by role, with the reasons of dead letters and the formats of state."""
    return page("Topics", ABOUT, [*(_group(role) for role in TITLES), _reasons(), _formats()])


def _reasons() -> str:
    rows = [[code(reason), meaning] for reason, meaning in REMEDIES.items()]
    return "## Reasons\n\nThe header `shelfwise.reason` of a dead letter.\n\n" + table(["reason", "meaning"], rows)


def _formats() -> str:
    about = "A worker refuses state of another format, before it changes anything."
    rows = [[spec.name, code(spec.state_topic), str(spec.state_format)] for spec in task_specs(load())]
    return f"## State formats\n\n{about}\n\n" + table(["task", "state topic", "format"], rows)


def _group(role: Role) -> str:
    title, about = TITLES[role]
    chosen = [topic for topic in TOPICS.values() if topic.role is role]
    if role in {Role.DEAD_LETTERS, Role.STATE}:
        rows = [[code(topic.name), _partitions(topic), topic.writer, ", ".join(topic.readers)] for topic in chosen]
        return f"## {title}\n\n{about}\n\n" + table(["topic", "partitions", "written by", "read by"], rows)
    return "\n\n".join([f"## {title}", about, *(_section(topic) for topic in chosen)])


def _section(topic: Topic) -> str:
    members: tuple[Any, ...] = getattr(topic.message, "__args__", (topic.message,))
    names = [one.__name__ for one in members if one is not None]
    rows = [
        ["message", ", ".join(f"[{name}](messages.md#{anchor(name)})" for name in names)],
        ["key", code(topic.key)],
        ["partitions", _partitions(topic)],
        ["kept", _kept(topic)],
        ["written by", topic.writer],
        ["read by", ", ".join(topic.readers)],
    ]
    return f"### {topic.name}\n\n{topic.about[0].upper()}{topic.about[1:]}.\n\n" + table(["", ""], rows)


def _partitions(topic: Topic) -> str:
    return "page" if topic.is_paged else str(topic.partitions)


def _kept(topic: Topic) -> str:
    days = topic.retention_ms // 86_400_000
    return "the newest record of each key (compacted)" if topic.is_compacted else f"{days} days"
