"""The home page: topics and tasks as a picture with live rates, lag and dead letters, and what is wrong."""

from msgspec import Struct

from schemas.topics import DEAD_LETTER_SUFFIX, TOPICS, Role, Topic
from streams.console.console_state import ConsoleState
from streams.console.views.troubles import Trouble, troubles
from streams.pictures import words
from streams.pictures.figures import Figure, Link, Spec, Table, spec_of
from streams.settings import TASKS

RECENT_BUCKETS = 10
ROW_PX = 62
WIDTH_PX = 960


class VariantNow(Struct, frozen=True, kw_only=True):
    """Stream rate of a variant over the newest buckets of event time."""

    variant: str
    exposures: float
    stream_rate: float | None


class FlowPage(Struct, frozen=True, kw_only=True):
    """Everything on the home page."""

    troubles: list[Trouble]
    figure: Figure
    variants: list[VariantNow]
    letters: int
    open_incidents: int
    settled_behind_ms: int | None
    """Event time between the newest event and the newest exposure that has settled."""
    settled_is_bound: bool
    """Whether it is at most so much: where listeners' events are not read, only the newest closed bucket is known."""


class _Node(Struct, frozen=True, kw_only=True):
    name: str
    column: int
    row: float
    is_task: bool


def flow_page(state: ConsoleState, now_ms: int) -> FlowPage:
    """The page."""
    history = state.listener_history
    return FlowPage(
        troubles=troubles(state, now_ms),
        figure=_figure(state),
        variants=_variants(state),
        letters=sum(state.letters.counts.values()),
        open_incidents=len(state.incidents.open()),
        settled_behind_ms=state.listeners.settled_behind_ms if history else _closed_behind_ms(state),
        settled_is_bound=not history,
    )


def _closed_behind_ms(state: ConsoleState) -> int | None:
    """Event time between the newest ranking and the end of the newest bucket of engagement that has closed."""
    ends = [buckets[-1].bucket_ms + buckets[-1].bucket_length_ms for buckets in state.metrics.values()]
    newest_ms = max(table.newest_ms for table in state.rankings.values())
    return max(0, newest_ms - max(ends)) if ends and newest_ms else None


def _variants(state: ConsoleState) -> list[VariantNow]:
    found = []
    newest = max((buckets[-1] for buckets in state.metrics.values()), key=lambda one: one.bucket_ms, default=None)
    since_ms = newest.bucket_ms - (RECENT_BUCKETS - 1) * newest.bucket_length_ms if newest is not None else 0
    for variant, buckets in sorted(state.metrics.items()):
        recent = [bucket for bucket in buckets if bucket.bucket_ms >= since_ms]
        exposures = sum(bucket.exposures for bucket in recent)
        streamed = sum(bucket.streamed for bucket in recent)
        rate = streamed / exposures if exposures else None
        found.append(VariantNow(variant=variant, exposures=exposures, stream_rate=rate))
    return found


def flowing() -> list[Topic]:
    """Topics of the picture: all but state and dead letters."""
    return [topic for topic in TOPICS.values() if topic.role not in {Role.STATE, Role.DEAD_LETTERS}]


def nodes() -> dict[str, tuple[int, float]]:
    """Column and row of each topic and task: inputs, the tasks that read them, what these write, and so on.

    >>> [nodes()[name][0] for name in ("impressions", "listeners", "outcomes", "cards", "card-statistics")]
    [0, 1, 2, 3, 4]
    """
    readers = {task: [topic for topic in flowing() if task in topic.readers] for task in TASKS}
    columns: dict[str, int] = {
        task: 1 if any(topic.role is Role.INPUT for topic in read) else 3 for task, read in readers.items()
    }
    for topic in flowing():
        columns[topic.name] = columns.get(topic.writer, -1) + 1  # people write the first column
    highest = max(list(columns.values()).count(column) for column in set(columns.values()))
    placed: dict[str, tuple[int, float]] = {}
    for column in sorted(set(columns.values())):
        members = [name for name, at in columns.items() if at == column]
        step = highest / len(members)
        placed |= {name: (column, (row + 0.5) * step - 0.5) for row, name in enumerate(members)}
    return placed


def _figure(state: ConsoleState) -> Figure:
    placed = nodes()
    rows = max(row for _, row in placed.values()) + 1
    height_px = round(ROW_PX * rows + 20)
    shown = [_shown(state, name, *at) for name, at in placed.items()]
    edges = [
        {"x": placed[a][0] + 0.42, "y": placed[a][1], "x2": placed[b][0] - 0.42, "y2": placed[b][1]}
        for a, b in _edges()
        if placed[b][0] == placed[a][0] + 1  # a longer one would cross what lies between
    ]
    return Figure(
        name="flow",
        title="Topics and tasks",
        summary="Flow from the clients' topics through the tasks to the outputs; the table has the same numbers, "
        "and who else reads a topic.",
        spec={**spec_of([], height_px, layer=_layers(shown, edges, rows))},
        height_px=height_px,
        width_px_min=WIDTH_PX,
        table=_table(state),
    )


def _edges() -> list[tuple[str, str]]:
    edges: list[tuple[str, str]] = []
    for topic in flowing():
        if topic.writer in TASKS:
            edges.append((topic.writer, topic.name))
        edges.extend((topic.name, reader) for reader in topic.readers if reader in TASKS)
    return edges


def _shown(state: ConsoleState, name: str, column: int, row: float) -> Spec:
    if name in TASKS:
        lags = [
            lag for topic in flowing() if name in topic.readers and (lag := state.meter.lag(topic.name)) is not None
        ]
        said = f"{words.count(sum(lags))} waiting" if lags else "not seen yet"
        kind = "task"
    else:
        is_missing = state.meter.newest_ms is not None and not state.meter.exists(name)
        said = "missing" if is_missing else words.rate(state.meter.rate(name))
        kind = "missing" if is_missing else "topic"
        letters = sum(count for (topic, _), count in state.letters.counts.items() if topic == name)
        if letters:
            said += f" · {words.count(letters)} dead"
            kind = "dead letters"
    return {"name": name, "said": said, "kind": kind, "x": column - 0.42, "x2": column + 0.42, "middle": column,
            "y": row - 0.38, "y2": row + 0.38, "upper": row - 0.14, "lower": row + 0.18}  # fmt: skip


def _layers(shown: list[Spec], edges: list[Spec], rows: float) -> list[Spec]:
    x = {"type": "quantitative", "axis": None, "scale": {"domain": [-0.5, 4.5], "nice": False, "zero": False}}
    y = {"type": "quantitative", "axis": None,
         "scale": {"domain": [-0.5, rows - 0.5], "reverse": True, "nice": False, "zero": False}}  # fmt: skip
    kinds = ["topic", "task", "dead letters", "missing"]
    fill = {"field": "kind", "type": "nominal", "legend": {"title": None, "orient": "bottom"},
            "scale": {"domain": kinds, "range": ["#0072b233", "#009e7355", "#e69f0066", "#d55e0088"]}}  # fmt: skip
    box = {"x": {"field": "x", **x}, "y": {"field": "y", **y}, "x2": {"field": "x2"}, "y2": {"field": "y2"}}
    tip = [{"field": "name"}, {"field": "said", "title": "now"}]
    return [
        {"data": {"values": edges}, "mark": {"type": "rule", "opacity": 0.4},
         "encoding": box},
        {"data": {"values": shown}, "mark": {"type": "rect", "cornerRadius": 6, "stroke": "#888"},
         "encoding": {**box, "fill": fill, "tooltip": tip}},
        {"data": {"values": shown}, "mark": {"type": "text", "fontSize": 13, "fontWeight": 600},
         "encoding": {"x": {"field": "middle", **x}, "y": {"field": "upper", **y}, "text": {"field": "name"}}},
        {"data": {"values": shown}, "mark": {"type": "text", "fontSize": 12},
         "encoding": {"x": {"field": "middle", **x}, "y": {"field": "lower", **y}, "text": {"field": "said"}}},
    ]  # fmt: skip


def _table(state: ConsoleState) -> Table:
    rows = []
    for topic in flowing():
        lag = state.meter.lag(topic.name)
        letters = sum(count for (name, _), count in state.letters.counts.items() if name == topic.name)
        dead = Link(words.count(letters), "/dead-letters") if letters else "0"
        has_letters = topic.name + DEAD_LETTER_SUFFIX in TOPICS
        rows.append((
            topic.name, topic.about, str(state.meter.partitions(topic.name)),
            words.rate(state.meter.rate(topic.name)), words.count(lag), dead if has_letters else words.NOTHING,
            topic.writer, ", ".join(topic.readers),
        ))  # fmt: skip
    return Table(
        caption="Topics: records per second include the markers of transactions",
        columns=("topic", "what", "partitions", "records", "waiting", "dead letters", "written by", "read by"),
        rows=tuple(rows),
        numeric=False,
    )
