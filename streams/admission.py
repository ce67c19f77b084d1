"""Checks credentials with a broker before clients are created, because these retry without an error."""

import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from streams.connections import aiokafka_options
from streams.settings import ConfigurationError, Settings

ANSWER_TIMEOUT_MS = 5_000


async def refuse_unless_admitted(settings: Settings, host: str, port: int) -> None:
    """Connect once with the configured security; do nothing without any.

    Raises `ConfigurationError` with the remedy, never with a secret.
    """
    if settings.security_protocol == "PLAINTEXT":
        return
    options: dict[str, Any] = aiokafka_options(settings, f"{host}:{port}")
    for name in ("bootstrap_servers", "metadata_max_age_ms", "request_timeout_ms", "topic_names"):
        options.pop(name, None)
    try:
        connection = await create_conn(host, port, request_timeout_ms=ANSWER_TIMEOUT_MS, **options)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"no TLS connection to {host}:{port} ({error.reason or error}): check ssl_ca_file and the host's name"
        ) from error
    except UnsupportedSaslMechanismError as error:
        raise ConfigurationError(
            f"{host}:{port} does not know sasl_mechanism {settings.sasl_mechanism}: choose another"
        ) from error
    except (AuthenticationFailedError, SaslAuthenticationFailed) as error:
        raise ConfigurationError(
            f"{host}:{port} refuses {settings.sasl_username!r}: check sasl_username and sasl_password"
        ) from error
    except (KafkaError, OSError) as error:
        raise ConfigurationError(
            f"{host}:{port} does not speak {settings.security_protocol} ({type(error).__name__}): "
            "check the port and security_protocol"
        ) from error
    connection.close()
