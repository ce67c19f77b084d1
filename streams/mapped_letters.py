"""Dead letters of a mapping, mapped again with the settings as they are now."""

from collections.abc import Callable, Sequence

from streams.dead_letter_replay import Letter
from streams.exactly_once.records.produced import Produced
from streams.exactly_once.records.read_records import ReadRecord
from streams.exactly_once.wall_clock import wall_clock_ms
from streams.mapping.own_topics import letters_topic
from streams.mapping_specs import mapping_task
from streams.settings import Settings


def mapped_again(settings: Settings, letters: str) -> Callable[[Sequence[Letter]], list[Produced]] | None:
    """What to send for letters of this topic: our messages, and new letters for what still cannot be mapped.

    None if it is not the dead-letter topic of a mapping in the settings.
    """
    found = [topic for topic in settings.input.by_topic() if letters_topic(topic) == letters]
    if not found:
        return None
    task = mapping_task(settings, found[0])

    def again(some: Sequence[Letter]) -> list[Produced]:
        now_ms = wall_clock_ms()
        mapped = (task.one(_record(letter), now_ms, now_ms) for letter in some)
        return [it.produced for it in mapped if it.produced is not None]

    return again


def _record(letter: Letter) -> ReadRecord:
    """The record as it was read from the foreign topic."""
    why = letter.why
    place = (why.topic, why.partition, why.offset, why.timestamp_ms)
    return ReadRecord(*place, letter.key, letter.value, letter.headers)
