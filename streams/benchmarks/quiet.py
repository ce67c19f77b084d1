"""Waits until workers have read all input, and until nothing is written any more."""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition

LOOK_S, TELL_S = 1.0, 15.0


class Quiet:
    """Looks at a group and at ends of topics; `say` is told how much is left."""

    def __init__(self, bootstrap: str, group: str, say: Callable[[str], None], deadline_s: float) -> None:
        self._bootstrap, self._group, self._say, self._deadline_s = bootstrap, group, say, deadline_s

    def unread(self, topics: Collection[str]) -> int:
        """Number of records of these topics that the group has not read; exact where no transactions write."""
        with closing(KafkaConsumer(bootstrap_servers=self._bootstrap, group_id=self._group)) as consumer:
            ends = self._ends(consumer, topics)
            return sum(max(0, end - (consumer.committed(tp) or 0)) for tp, end in ends.items())

    async def read(self, topics: Collection[str]) -> None:
        """Return when the group has read these topics to their ends; raises TimeoutError at the deadline."""
        told_s = 0.0
        async with asyncio.timeout(self._deadline_s):
            while left := await asyncio.to_thread(self.unread, topics):
                if time.monotonic() > told_s + TELL_S:
                    self._say(f"{left:,} records of {' and '.join(topics)} are unread")
                    told_s = time.monotonic()
                await asyncio.sleep(LOOK_S)

    async def written(self, topics: Collection[str], quiet_s: float) -> None:
        """Return when nothing has been written to these topics for a while; raises TimeoutError at the deadline."""
        known, since_s, told_s = -1, time.monotonic(), 0.0
        async with asyncio.timeout(self._deadline_s):
            while time.monotonic() < since_s + quiet_s:
                count = await asyncio.to_thread(self._written, topics)
                if count != known:
                    known, since_s = count, time.monotonic()
                if time.monotonic() > told_s + TELL_S:
                    self._say(f"{count:,} records written")
                    told_s = time.monotonic()
                await asyncio.sleep(LOOK_S)

    def _written(self, topics: Collection[str]) -> int:
        with closing(KafkaConsumer(bootstrap_servers=self._bootstrap)) as consumer:
            return int(sum(self._ends(consumer, topics).values()))

    def _ends(self, consumer: KafkaConsumer, topics: Collection[str]) -> dict[TopicPartition, int]:
        places = [TopicPartition(it, number) for it in topics for number in consumer.partitions_for_topic(it) or ()]
        return dict(consumer.end_offsets(places))
