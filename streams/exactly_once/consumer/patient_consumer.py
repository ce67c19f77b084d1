"""A consumer that waits while a broker restarts, instead of failing at its start."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError
from typing_extensions import override

PATIENCE_S, BACKOFF_S = 30.0, 0.2


def patient(kind: type[AIOKafkaConsumer]) -> type[AIOKafkaConsumer]:
    """Derive a consumer class whose ``start`` raises KafkaConnectionError only after ``PATIENCE_S``."""

    class PatientConsumer(kind):  # type: ignore[misc]  # aiokafka has no types
        @override
        async def start(self) -> None:
            deadline_s = time.monotonic() + PATIENCE_S
            while True:
                try:
                    await super().start()
                except KafkaConnectionError:
                    if time.monotonic() > deadline_s:
                        raise
                    await asyncio.sleep(BACKOFF_S)
                else:
                    return

    return PatientConsumer
