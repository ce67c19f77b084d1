"""The driver's Faust app: our transport, without web server, tables and files."""

from typing import Any

import faust
from faust.tables.manager import TableManager

from streams.exactly_once.consumer.owner import Owner
from streams.exactly_once.consumer.transport import BatchTransport
from streams.exactly_once.driver_settings import DriverSettings

STREAM_BUFFER_BATCHES = 2  # Faust's default of 4096 counts messages, which are batches here


class NoTables(TableManager):
    """The table manager of an app without tables: it resumes streams at once after a rebalance."""

    async def on_start(self) -> None:
        """Skip Faust's wait of one second for tables to register."""
        await self._update_channels()
        await self.recovery.start()


class ExactlyOnceApp(faust.App):
    """An app whose partitions are managed outside of Faust."""

    owner: Owner

    def _create_directories(self) -> None:
        """Create none: there are no tables."""

    def _new_transport(self) -> Any:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return BatchTransport(self.conf.broker_producer, self)


def new_app(settings: DriverSettings, owner: Owner) -> ExactlyOnceApp:
    """Build the app; does not connect."""
    app = ExactlyOnceApp(
        settings.group,
        broker=[f"kafka://{server.strip()}" for server in settings.bootstrap.split(",")],
        broker_client_id=settings.client_id,
        autodiscover=False,
        TableManager=NoTables,
        store="memory://",
        web_enabled=False,
        worker_redirect_stdouts=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER_BATCHES,
        stream_recovery_delay=0.0,
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_heartbeat_interval=settings.heartbeat_interval_ms / 1000,
        broker_request_timeout=settings.request_timeout_ms / 1000,
    )
    app.owner = owner
    return app
