"""Files of foreign records as our messages, with an account of all rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.catalogue import CatalogueCard
from schemas.codec import UnreadableError
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd
from streams.configuration_error import ConfigurationError
from streams.files.durations import Durations, Play
from streams.files.tables import reasons
from streams.files.units import DurationUnit, refuse_unless_of_this_world
from streams.mapping.foreign_files import rows_of
from streams.mapping.mapper import Mapper, mapper_of
from streams.mapping.mapping_settings import PLAYED_UNITS_MS, InputSettings, StreamEndMapping, given, section_of
from streams.mapping.unmappable import ZoneMissingError, counted_as

PASSED_OVER, DUPLICATE = "passed over by where", "duplicate"
_UNITS = dict(
    zip(
        PLAYED_UNITS_MS,
        (DurationUnit.MS, DurationUnit.SECONDS, DurationUnit.MINUTES, DurationUnit.HOURS),
        strict=True,
    )
)


@dataclass(slots=True)
class MappedRows:
    """Messages in order of event time, each once, and the number of other rows by reason."""

    events: list[Impression | StreamEnd] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def row_count(self) -> int:
        """Number of all rows."""
        return len(self.events) + sum(self.rejected.values())

    def cards(self) -> list[CatalogueCard]:
        """A catalogue of the cards that occur: in the shelves that showed them, else in one shelf for all."""
        shelves: dict[str, set[str]] = {}
        for event in self.events:
            if isinstance(event, Impression):
                for shelf in event.shelves:
                    for card in shelf.cards:
                        shelves.setdefault(card, set()).add(shelf.shelf_id)
            else:
                shelves.setdefault(event.card_id, set())
        return [
            CatalogueCard(card_id=card, title=card, shelves=tuple(sorted(names)) or ("all",))
            for card, names in sorted(shelves.items())
        ]


def mapped_rows(files: Iterable[tuple[str, Path | None]], settings: InputSettings) -> MappedRows:
    """The messages of these files, each named with the topic of ours that it fills; None for no file.

    Raises `ConfigurationError` if a mapping is missing or cannot be right for the file.
    """
    found = MappedRows()
    for topic, path in files:
        if path is not None:
            _add(found, path, mapper_for(topic, settings))
    found.events.sort(key=lambda event: event.event_ms)
    return found


def mapper_for(topic: str, settings: InputSettings) -> Mapper:
    """The mapper to this topic of ours; raises `ConfigurationError` if the settings have none."""
    mapping = settings.by_topic().get(topic)
    if mapping is None:
        section = f"[input.{topic.replace('-', '_')}]"
        raise ConfigurationError(
            f"the settings have no section {section}: name the fields of the file there (--config)"
        )
    return mapper_of(mapping)


def zone_missing(path: Path, number: int, mapper: Mapper, error: ZoneMissingError) -> ConfigurationError:
    """The error of a local time without a zone, with its row."""
    return ConfigurationError(f"{path}, row {number}: {section_of(mapper.mapping)}.{error.detail}")


def _add(found: MappedRows, path: Path, mapper: Mapper) -> None:
    rejected, events, known = Counter[str](), list[Impression | StreamEnd](), set[tuple[str, str]]()
    for row in rows_of(path, mapper):
        try:
            if row.error is not None:
                raise row.error
            message = mapper.message(row.event)
        except ZoneMissingError as error:
            raise zone_missing(path, row.number, mapper, error) from error
        except UnreadableError as error:
            rejected[counted_as(error)] += 1
            continue
        if message is None:
            rejected[PASSED_OVER] += 1
        elif (message.user_id, message.event_id) in known:
            rejected[DUPLICATE] += 1
        else:
            known.add((message.user_id, message.event_id))
            events.append(message)
    if not events:
        raise ConfigurationError(
            f"{path}: no row can be mapped ({reasons(rejected)}); see `shelfwise map --try {path}`"
        )
    _refuse_unless_plausible(path, mapper, events)
    found.events += events
    found.rejected += rejected


def _refuse_unless_plausible(path: Path, mapper: Mapper, events: Sequence[Impression | StreamEnd]) -> None:
    """Refuse a median play that no unit but another one explains."""
    mapping = mapper.mapping
    if isinstance(mapping, StreamEndMapping):
        [setting] = given(mapping, PLAYED_UNITS_MS)
        seconds = [event.played_ms / 1_000 for event in events if isinstance(event, StreamEnd)]
        ask = f"name the unit in {section_of(mapping)}, by one of {', '.join(PLAYED_UNITS_MS)}"
        refuse_unless_of_this_world(str(path), _UNITS[setting], seconds, ask)


def mapped_durations(path: Path, settings: InputSettings) -> Durations:
    """The plays of a file of foreign records, in order of time."""
    found = mapped_rows([("stream-ends", path)], settings)
    plays = [
        Play(row=row, user=event.user_id, item=event.card_id, seconds=event.played_ms / 1_000)
        for row, event in enumerate(found.events)
        if isinstance(event, StreamEnd)
    ]
    return Durations(
        plays=plays,
        refused=found.rejected,
        unit=DurationUnit.MS,
        unit_from="as [input.stream_ends] says",
        has_header=True,
        digest="",
    )
