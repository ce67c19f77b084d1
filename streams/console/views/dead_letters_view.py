"""Dead letters by topic and reason, with examples and the command that replays them."""

import shlex

from msgspec import Struct

from streams.console.console_state import ConsoleState
from streams.console.letter_box import LetterExample

REMEDIES = {
    "empty": "the sender wrote no value where a message is needed",
    "not_json": "the value is no JSON: the sender writes another format, or cuts it off",
    "invalid": "the message breaks a rule of its type: compare it with `shelfwise schemas export`",
    "unknown_version": "the sender is newer than this release: upgrade the workers, then replay",
    "key_mismatch": "the record's key is not the field that the table of topics names",
    "too_large": "the record is larger than a message may be",
    "event_time_ahead": "the sender's clock is ahead",
    "wrong_partition": "the sender does not use Kafka's own partitioner (murmur2): its setting is in the documentation",
    "undecodable": "the value is not in the format that the mapping in the settings names",
    "missing_field": "the mapping in the settings finds no value for a field of ours",
    "wrong_field": "what the mapping in the settings finds is no value of the field",
}


class ShownLetters(Struct, frozen=True, kw_only=True):
    """The letters of one topic with one reason."""

    topic: str
    reason: str
    count: int
    newest_ms: int
    meaning: str
    command: str
    examples: list[LetterExample]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"{self.topic}-{self.reason}"


class DeadLettersPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of dead letters."""

    kinds: list[ShownLetters]
    not_ours_count: int


def dead_letters_page(state: ConsoleState, *, broker: str) -> DeadLettersPage:
    """The page, the most frequent first."""
    box = state.letters
    return DeadLettersPage(
        kinds=[
            ShownLetters(
                topic=topic,
                reason=reason,
                count=count,
                newest_ms=box.newest_ms[topic, reason],
                meaning=REMEDIES.get(reason, ""),
                command=shlex.join(["shelfwise", "dlq", "replay", topic, "--reason", reason, "--broker", broker]),
                examples=box.examples(topic, reason),
            )
            for (topic, reason), count in sorted(box.counts.items(), key=lambda item: (-item[1], item[0]))
        ],
        not_ours_count=box.not_ours_count,
    )
